"""One driver a field protocol: a device's registers or reports become samples, and back."""
