"""Key figures computed from what was measured: pure, without clock, files or network."""
