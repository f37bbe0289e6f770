"""Stored or foreign series judged as a whole, looking back and ahead: rules, findings, repair."""
