"""Codecs for field protocols: bytes or register words in, values out, and back."""
