"""A city that heats itself: streets, devices on the wire, a winter, faults and a hidden truth."""
