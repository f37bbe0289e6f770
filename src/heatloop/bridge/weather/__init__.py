"""Weather from providers, files and the own station, in one shape."""
