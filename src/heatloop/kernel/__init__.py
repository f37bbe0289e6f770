"""The words, numbers and clock everybody shares; standard library only, except `series`."""
