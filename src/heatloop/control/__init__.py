"""Decides set-points, never an unsafe one: proposals, one arbiter, and when a value is written."""
