"""Which slots of which device are missing and why, remembered across restarts.

A device's outage is one gap: a note when it opens (`slots_to` None) and one when it closes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json

RESTART = "edge_restart"
SPOOL_FULL = "spool_full"
SPOOL_UNWRITABLE = "spool_unwritable"
OVERRUN = "poll_overrun"


def slots_between(after: int, before: int, period_s: int) -> tuple[int, int] | None:
    """Return the first and last slot strictly between two times, or None if there is none."""
    first = (after // period_s + 1) * period_s
    last = (before - 1) // period_s * period_s
    return (first, last) if first <= last else None


def gap_note(device: str, first: int, last: int | None, cause: str) -> dict[str, Any]:
    """Return the note of a gap; `last` None while it lasts."""
    return {
        "type": "gap",
        "device": device,
        "slots_from": first,
        "slots_to": last,
        "cause": cause,
    }


class GapBook:
    """The open gaps of a gateway's devices.

    Args:
        path: JSON file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        stored = load_json(path) or {}
        self._open: dict[str, tuple[int, int, str]] = {
            device: (int(first), int(last), str(cause))
            for device, (first, last, cause) in stored.items()
        }
        self._closing: dict[str, tuple[int, int, str]] = {}
        self._dirty = False

    def __contains__(self, device: str) -> bool:
        return device in self._open

    def missed(self, device: str, slot: int, cause: str) -> list[dict[str, Any]]:
        """Count a missing slot; return the notes this makes."""
        found = self._open.get(device)
        if found is not None:
            first, last, old = found
            self._open[device] = (first, max(last, slot), old)
            return []
        self._open[device] = (slot, slot, cause)
        self._dirty = True
        return [gap_note(device, slot, None, cause)]

    def answered(self, device: str, slot: int, period_s: int) -> list[dict[str, Any]]:
        """Count an answered slot; return the notes this makes.

        The gap ends at the last slot before this one, whether or not the gateway itself was
        running in between.
        """
        found = self._open.pop(device, None)
        if found is None:
            return []
        self._closing[device] = found
        self._dirty = True
        first, last, cause = found
        before = slots_between(first, slot, period_s)
        return [gap_note(device, first, max(last, before[1]) if before else last, cause)]

    def save(self) -> None:
        """Write the gaps to disk, before their notes: those being closed still count as open.

        A crash between here and `settled` closes them again, which says the same twice.
        """
        if self._dirty:
            self._write({**self._closing, **self._open})

    def settled(self) -> None:
        """Write the gaps to disk, after their notes are safe."""
        if self._dirty:
            if self._closing:
                self._closing.clear()
                self._write(self._open)
            self._dirty = False

    def _write(self, gaps: dict[str, tuple[int, int, str]]) -> None:
        save_json(self._path, {device: list(gap) for device, gap in gaps.items()})
