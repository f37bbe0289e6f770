"""Talks to systems that are no field devices: other platforms, brokers, receivers."""
