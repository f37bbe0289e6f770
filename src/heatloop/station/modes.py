"""Station modes, and which command a station in which mode accepts."""

from __future__ import annotations

from enum import IntEnum


class StationMode(IntEnum):
    """Value of the `station_mode` register: who decides at a unit."""

    LOCAL = 0
    """The people at the cabinet: the station follows its own curve, remote writes are refused."""
    REMOTE_MANUAL = 1
    """The dispatcher sets valve and pump; the temperature loop is open."""
    AUTOMATIC = 2
    """The station regulates to the set-point it is given, or to its own curve without one."""


PEOPLE_KINDS = frozenset(("protection_reset",))
"""Point kinds only a person may write: a reset says that somebody has looked."""


def mode_of(value: float | None) -> StationMode:
    """Return the mode a register value means; anything else is `LOCAL`, the safest."""
    if value in (1, 2):
        return StationMode(int(value))
    return StationMode.LOCAL


def refusal(station: StationMode, kind: str, command_mode: str) -> str | None:
    """Return why a station in this mode refuses a command, or None when it accepts.

    Args:
        station: Mode of the station now.
        kind: Point kind to be written.
        command_mode: `automatic`, `manual` or `emergency`: who decided.
    """
    if command_mode == "emergency":
        return None
    if command_mode not in ("automatic", "manual"):
        return "unknown_command_mode"
    if kind == "station_mode":
        # Only a person may change who decides.
        return None if command_mode == "manual" else "mode_is_for_people"
    if kind in PEOPLE_KINDS and command_mode == "automatic":
        return "reset_is_for_people"
    if station is StationMode.LOCAL:
        return "station_is_local"
    if command_mode == "automatic" and station is not StationMode.AUTOMATIC:
        return "station_is_not_automatic"
    return None
