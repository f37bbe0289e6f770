"""Temperatures: the steady sweep, and water segments travelling over pipe walls."""
