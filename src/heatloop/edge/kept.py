"""What outlives a profile: the spool, and the small documents that keep its notes true.

A document is written before the notes it leads to and settled after them: whatever a crash
leaves undone is then said twice, never forgotten. The same holds where the oldest samples make
room for new ones: the gap and the alarm stand in the spool before the samples are deleted, and
notes that stood beside them are written again first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heatloop.edge.door import DoorKeeper
from heatloop.edge.gaps import CLOCK_STEP, SPOOL_FULL, SPOOL_UNWRITABLE, DropBook, GapBook, gaps_of
from heatloop.edge.latches import LatchBook
from heatloop.edge.memory import CommandMemory
from heatloop.edge.raised import Note, RaisedAlarms, event_note
from heatloop.edge.rule_keeper import RuleKeeper
from heatloop.edge.segment import SpoolRecord
from heatloop.edge.spool import SAMPLE_BYTES, Spool, SpoolFullError
from heatloop.edge.stop_book import StopBook
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.errors import LinkError
from heatloop.plant.model import Binding

DROP_OLDEST, REFUSE_NEW = "drop_oldest", "refuse_new"
_MOST_NOTES = 10_000
_FULL, _DROPPING = "spool_full", "spool_dropping"


class Kept:
    """A gateway's spool with its gap book, alarms and command memory.

    Args:
        gateway: Gateway code.
        folder: Data folder of the gateway.
        spool: The gateway's spool.
        on_spooled: Called when something new stands in the spool.
        when_full: `drop_oldest` or `refuse_new`: what a full spool does without.
    """

    def __init__(
        self,
        gateway: str,
        folder: Path,
        spool: Spool,
        on_spooled: Callable[[], None],
        *,
        when_full: str = DROP_OLDEST,
    ) -> None:
        self.spool = spool
        self.gaps = GapBook(folder / "gaps.json")
        self._drops = DropBook(folder / "dropped.json")
        self.alarms = RaisedAlarms(folder / "alarms.json")
        self.memory = CommandMemory(folder / "commands.json")
        self.latches = LatchBook(folder / "latches.json")
        self.rules = RuleKeeper(folder / "rules.json", gateway)
        self.door = DoorKeeper(folder / "door.json", gateway)
        self.stops = StopBook(folder / "stops.json")
        self._gateway, self._on_spooled, self._when_full = gateway, on_spooled, when_full
        self._owners: dict[int, tuple[str, int]] = {}
        self._periods: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._room_turn = asyncio.Lock()
        self._unspooled: list[Note] = []
        self.polled_slot = 0
        """Slot polled last by this process, whether or not its samples could be kept."""
        self._skip_cause: str | None = None

    @property
    def full(self) -> bool:
        """Whether the spool took no samples the last time."""
        return (self._gateway, _FULL) in self.alarms

    def know(self, bindings: Sequence[Binding]) -> None:
        """Know whose the samples in the spool are, also after a point left the profile."""
        self._owners.update((b.key, (b.device, b.period_s)) for b in bindings)
        for device, period_s in self._owners.values():
            self._periods[device] = min(period_s, self._periods.get(device, period_s))

    def clock_stepped(self) -> None:
        """Say that slots skipped next were skipped by the clock, by nobody's fault."""
        self._skip_cause = CLOCK_STEP

    def skip_cause(self, otherwise: str) -> str:
        """Return why slots were skipped since the last one, and forget it."""
        cause, self._skip_cause = self._skip_cause, None
        return cause or otherwise

    async def event(self, text: str, at_s: float) -> None:
        """Spool an event of the gateway itself."""
        await self.notes([event_note(self._gateway, at_s, text)], at_s)

    async def notes(self, notes: Sequence[Note], at_s: float) -> None:
        """Spool notes; while the disk takes nothing they wait in memory."""
        if notes or self._unspooled:
            if notes and self._when_full == DROP_OLDEST and not self.spool.relieved:
                size = sum(len(json.dumps(note)) for note in notes)
                await self._room_for(size // SAMPLE_BYTES + 1, at_s)
            await self._spool_notes(notes, at_s)
            self._on_spooled()

    async def _spool_notes(
        self, notes: Sequence[Note], at_s: float, *, beyond: bool = False
    ) -> bool:
        """Spool notes and those that waited; return whether they are on the medium."""
        async with self._turn:
            waiting = [*self._unspooled, *notes][-_MOST_NOTES:]
            self._unspooled = []
            try:
                self.gaps.save()
                self.alarms.save()
                if waiting:
                    await asyncio.to_thread(
                        self.spool.append_notes, waiting, int(at_s), beyond=beyond
                    )
                self.gaps.settled()
                self.alarms.settled()
            except (LinkError, OSError):
                self._unspooled = waiting
                return False
        return True

    async def samples(
        self, batch: SampleBatch, slot: int, devices: Mapping[str, int], *, late: bool = False
    ) -> None:
        """Spool a slot's samples; what cannot be kept becomes a gap of its devices.

        Args:
            batch: The samples.
            slot: Their slot.
            devices: Devices they are of -> poll period, plant seconds.
            late: See `Spool.append`.
        """
        if not len(batch):
            return
        try:
            if self._unspooled and not await self._spool_notes((), slot):
                # What is missing would be forgotten if the gateway died after a newer slot was
                # kept: nothing overtakes a note.
                raise LinkError("notes wait for the disk", thing=self._gateway)
            await self.reports(batch, slot, late=late)
            notes = self.alarms.clear(self._gateway, _FULL, slot)
            if notes:
                for device, period_s in devices.items():
                    notes += self.gaps.answered(device, slot, period_s)
            if self.spool.relieved:
                notes += self.alarms.clear(self._gateway, _DROPPING, slot)
        except LinkError as error:
            cause = SPOOL_FULL if isinstance(error, SpoolFullError) else SPOOL_UNWRITABLE
            notes = self.alarms.raise_(self._gateway, _FULL, slot, 2, detail=f"cause={cause}")
            for device in devices:
                notes += self.gaps.missed(device, slot, cause)
        if notes:
            await self.notes(notes, slot)
        self._on_spooled()

    async def reports(self, batch: SampleBatch, at_s: float, *, late: bool = True) -> None:
        """Spool samples that somebody else still holds; returns when they are fsynced.

        Args:
            batch: The samples.
            at_s: Plant time.
            late: See `Spool.append`.

        Raises:
            LinkError: The spool is full or cannot be written; nothing was kept.
        """
        if self._when_full == DROP_OLDEST:
            await self._room_for(len(batch), at_s)
        await asyncio.to_thread(self.spool.append, batch, late=late)
        self._on_spooled()

    async def _room_for(self, rows: int, at_s: float) -> None:
        if not self.spool.fits(rows):
            async with self._room_turn:
                await self._make_room(rows, at_s)

    async def _make_room(self, rows: int, at_s: float) -> None:
        """Drop the oldest samples until so many new ones fit, or nothing more can go."""
        # Once round: then every sample is gone, and what is left are notes.
        for _ in range(self.spool.segments + 1):
            if self.spool.fits(rows):
                return
            oldest = await asyncio.to_thread(self.spool.oldest)
            if oldest is None:
                return
            if oldest.records:
                lost = await asyncio.to_thread(gaps_of, oldest.records, self._owners, SPOOL_FULL)
                detail = f"cause={DROP_OLDEST}"
                notes = self.alarms.raise_(self._gateway, _DROPPING, at_s, 2, detail=detail)
                try:
                    notes += self._drops.tell(lost, _notes_in(oldest.records), self._periods)
                except OSError:
                    return  # What cannot be written down is not deleted.
                if not await self._spool_notes(notes, at_s, beyond=True):
                    return
            await asyncio.to_thread(self.spool.drop, oldest)


def _notes_in(records: Sequence[SpoolRecord]) -> list[dict[str, Any]]:
    """Return the notes that stand among these records."""
    return [
        note
        for record in records
        if record.kind is EnvelopeKind.NOTES
        for note in json.loads(record.body)
    ]
