"""A limit is crossed, a word gets a bit, a point falls silent: said once, and cleared once."""
