"""Read models by topic; every query takes a scope and shows nothing outside it."""
