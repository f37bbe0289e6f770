"""How much heat will be needed: forecasts of load and room temperature, and their skill."""
