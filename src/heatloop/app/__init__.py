"""Closes the loop: intake, live view, alarms, commands, jobs, and the read models for people."""
