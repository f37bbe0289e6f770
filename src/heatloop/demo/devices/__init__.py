"""The city's devices: servers and clients that speak real field protocols."""
