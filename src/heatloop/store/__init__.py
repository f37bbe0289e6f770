"""Keeps and gives back: the historian, the records, and tables in files."""
