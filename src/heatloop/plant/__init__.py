"""What exists: assets, measuring points, devices, and the tables that describe them."""
