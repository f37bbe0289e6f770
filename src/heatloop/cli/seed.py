"""The demo's past: written into the historian before anything else runs."""
