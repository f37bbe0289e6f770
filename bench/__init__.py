"""Benchmarks: each file prints one JSON object a line and ends with 0 only if every bar is met."""
