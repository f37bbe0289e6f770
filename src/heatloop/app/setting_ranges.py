"""Figures of a settings section must lie in their ranges."""

from __future__ import annotations

from collections.abc import Iterable

from heatloop.kernel.errors import ConfigError


def check_ranges(section: str, bounds: Iterable[tuple[str, float, float, float]]) -> None:
    """Return if every (name, value, least, most) of a section lies between its ends.

    Raises:
        ConfigError: A figure is out of range.
    """
    for name, value, low, high in bounds:
        if not low <= value <= high:
            raise ConfigError(
                f"{section}.{name} must lie between {low:g} and {high:g}",
                thing=f"{section}.{name} = {value:g}",
                fix="correct it",
            )
