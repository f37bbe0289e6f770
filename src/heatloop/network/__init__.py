"""The physics of water and heat, forwards: pure numpy, shared by control, diagnosis and the demo."""
