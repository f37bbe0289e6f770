"""The gateway beside the devices: reads, keeps, sends, guards writes, and can work alone."""
