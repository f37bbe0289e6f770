"""DL/T 645-2007: electricity meters of the Chinese standard."""
