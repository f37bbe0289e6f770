"""A network as flat arrays: what it is made of, what is set now, what state it is in."""
