"""heatloop: an open platform that runs a district-heating company's heat."""

__version__ = "0.1.0"
