"""The error tree, divided by what the caller is to do about it."""

from __future__ import annotations


class HeatloopError(Exception):
    """Something went wrong that heatloop can name.

    Args:
        message: What is wrong, in one sentence.
        thing: The name of the thing at fault (a point code, a file, a config key).
        place: Where it was found (a sheet and row, a line, a register).
        fix: What the reader can do about it.
    """

    def __init__(self, message: str, *, thing: str = "", place: str = "", fix: str = "") -> None:
        self.message = message
        self.thing = thing
        self.place = place
        self.fix = fix
        super().__init__(message)

    def __str__(self) -> str:
        parts = [self.message]
        if self.thing:
            parts.append(f"thing: {self.thing}")
        if self.place:
            parts.append(f"place: {self.place}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return "; ".join(parts)


class InputError(HeatloopError):
    """The input is wrong: fix it and try again."""


class LinkError(HeatloopError):
    """A link is broken: retry with back-off, log once when it breaks and once when it heals."""


class UnsafeError(HeatloopError):
    """The action would be unsafe or is not allowed: refuse it and raise an alarm."""


class StaleError(HeatloopError):
    """The information is too old to act on."""


class ConfigError(HeatloopError):
    """The configuration is wrong: stop at start, naming the line."""
