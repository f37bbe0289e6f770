"""The physics of water and heat, forwards: pure numpy, for control, diagnosis and the demo."""
