"""Numbered SQL a historian engine runs once each, in order."""
