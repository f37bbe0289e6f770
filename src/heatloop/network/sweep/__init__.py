"""Steady temperatures: one sweep downstream, exchangers and closed loops included."""
