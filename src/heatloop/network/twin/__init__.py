"""The physics backwards: estimating the state, calibrating, locating leaks, trying what-if."""
