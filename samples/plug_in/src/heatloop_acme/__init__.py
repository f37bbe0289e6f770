"""A sample plug-in: what Acme Instruments adds to heatloop."""

AUTHOR, VERSION = "Acme Instruments", "1.0.0"
KIND = "x_acme_bearing_temperature"
