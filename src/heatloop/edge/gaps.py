"""Which slots of which device are missing and why, remembered across restarts.

A device's outage is one gap: a note when it opens (`slots_to` None) and one when it closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json
from heatloop.edge.segment import SpoolRecord
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import EnvelopeKind

RESTART = "edge_restart"
SPOOL_FULL = "spool_full"
SPOOL_UNWRITABLE = "spool_unwritable"
OVERRUN = "poll_overrun"
CLOCK_STEP = "clock_step"


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


def gaps_of(
    records: Sequence[SpoolRecord], owners: Mapping[int, tuple[str, int]], cause: str
) -> list[dict[str, Any]]:
    """Return the notes that say what would be lost with these records.

    Args:
        records: Samples and notes; notes are skipped.
        owners: Point key -> device code and poll period; unknown keys are nobody's any more.
        cause: Why they are lost.
    """
    slots: dict[str, set[int]] = {}
    periods: dict[str, int] = {}
    for record in records:
        if record.kind is not EnvelopeKind.SAMPLES:
            continue
        batch = SampleBatch.from_bytes(record.body)
        for key, slot in set(zip(batch.keys, batch.slots, strict=True)):
            owner = owners.get(key)
            if owner is not None:
                device, period_s = owner
                slots.setdefault(device, set()).add(slot)
                periods[device] = min(period_s, periods.get(device, period_s))
    return [
        gap_note(device, first, last, cause)
        for device, found in sorted(slots.items())
        for first, last in _runs(sorted(found), periods[device])
    ]


def _runs(slots: Sequence[int], period_s: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of slots that follow each other a period apart."""
    first = last = slots[0]
    for slot in slots[1:]:
        if slot - last > period_s:
            yield first, last
            first = slot
        last = slot
    yield first, last


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
            if slot < first:
                # A late answer that could not be kept, of before the gap: one of its own.
                return [gap_note(device, slot, slot, cause)]
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
        waiting = self._closing.get(device, found)
        self._closing[device] = (min(found[0], waiting[0]), *found[1:])
        self._dirty = True
        first, last, cause = found
        before = slots_between(first, slot, period_s)
        return [gap_note(device, first, max(last, before[1]) if before else last, cause)]

    def save(self) -> None:
        """Write the gaps to disk, before their notes: those being closed still count as open.

        A crash between here and `settled` closes them again, which says the same twice.
        """
        if self._dirty:
            kept = dict(self._closing)
            for device, (first, last, cause) in self._open.items():
                # A gap that opens while the note of the one before waits: on disk they are one.
                before = kept.get(device)
                kept[device] = (min(first, before[0]) if before else first, last, cause)
            self._write(kept)

    def settled(self) -> None:
        """Write the gaps to disk, after their notes are safe."""
        if self._dirty:
            if self._closing:
                self._closing.clear()
                self._write(self._open)
            self._dirty = False

    def _write(self, gaps: dict[str, tuple[int, int, str]]) -> None:
        save_json(self._path, {device: list(gap) for device, gap in gaps.items()})


class DropBook:
    """What was dropped from a full spool, told as gaps that grow.

    Dropping goes on for as long as the spool is full. A new note for every step would in the end
    fill the spool in the place of samples, so the gap of a device keeps its first slot, and its
    newest note takes the place of all before it.

    Args:
        path: JSON file the growing gaps are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._growing: dict[str, tuple[int, int]] = {
            str(device): (int(first), int(last))
            for device, (first, last) in (load_json(path) or {}).items()
        }

    def tell(
        self,
        lost: Sequence[dict[str, Any]],
        told: Sequence[dict[str, Any]],
        periods: Mapping[str, int],
    ) -> list[dict[str, Any]]:
        """Return the notes to write before samples are dropped.

        Args:
            lost: Closed gaps that the drop makes.
            told: Notes that stand among what is dropped; all but outdated ones are kept.
            periods: Device -> poll period.
        """
        notes: list[dict[str, Any]] = []
        newer: set[tuple[str, int]] = set()
        for gap in lost:
            device, first, last = gap["device"], gap["slots_from"], gap["slots_to"]
            before = self._growing.get(device)
            if before is not None and before[0] <= first <= before[1] + periods.get(device, 0):
                first, last = before[0], max(last, before[1])
            self._growing[device] = (first, last)
            newer.add((device, first))
            notes.append(gap_note(device, first, last, gap["cause"]))
        save_json(self._path, self._growing)
        return [*(self._newest(note) for note in told if not _outdated(note, newer)), *notes]

    def _newest(self, note: dict[str, Any]) -> dict[str, Any]:
        """Return a note that is written again, as it reads by now."""
        if not _tells_of_a_drop(note):
            return note
        first, last = self._growing.get(note["device"], (-1, -1))
        return {**note, "slots_to": last} if first == note["slots_from"] else note


def _tells_of_a_drop(note: Mapping[str, Any]) -> bool:
    closed = note.get("slots_to") is not None
    return note.get("type") == "gap" and note.get("cause") == SPOOL_FULL and closed


def _outdated(note: Mapping[str, Any], newer: set[tuple[str, int]]) -> bool:
    return _tells_of_a_drop(note) and (note["device"], note["slots_from"]) in newer
