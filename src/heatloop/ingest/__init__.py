"""Raw values become trusted samples: every value kept as read, with a quality code."""
