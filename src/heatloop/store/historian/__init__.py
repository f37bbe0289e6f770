"""Time series: one port, its engines, and the process that owns the embedded engine."""
