"""Reports people keep and sign: PDF from plain values."""
