"""Who may do what, and proof of what was done: keys, passwords, rights and the audit chain."""
