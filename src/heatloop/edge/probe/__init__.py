"""Asking a device what it offers: the connection test and point browser, one file a protocol."""
