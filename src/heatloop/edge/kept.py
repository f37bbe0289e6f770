"""What outlives a profile: the spool, and the small documents that keep its notes true.

A document is written before the notes it leads to and settled after them: whatever a crash
leaves undone is then said twice, never forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from heatloop.edge.gaps import SPOOL_FULL, SPOOL_UNWRITABLE, GapBook
from heatloop.edge.memory import CommandMemory
from heatloop.edge.raised import Note, RaisedAlarms
from heatloop.edge.spool import Spool, SpoolFullError
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import LinkError

_MOST_NOTES = 10_000


class Kept:
    """A gateway's spool with its gap book, alarms and command memory.

    Args:
        gateway: Gateway code.
        folder: Data folder of the gateway.
        spool: The gateway's spool.
        on_spooled: Called when something new stands in the spool.
    """

    def __init__(
        self, gateway: str, folder: Path, spool: Spool, on_spooled: Callable[[], None]
    ) -> None:
        self.spool = spool
        self.gaps = GapBook(folder / "gaps.json")
        self.alarms = RaisedAlarms(folder / "alarms.json")
        self.memory = CommandMemory(folder / "commands.json")
        self._gateway, self._on_spooled = gateway, on_spooled
        self._turn = asyncio.Lock()
        self._unspooled: list[Note] = []

    @property
    def full(self) -> bool:
        """Whether the spool took no samples the last time."""
        return (self._gateway, "spool_full") in self.alarms

    async def notes(self, notes: Sequence[Note], at_s: float) -> None:
        """Spool notes; while the disk takes nothing they wait in memory."""
        if not notes and not self._unspooled:
            return
        async with self._turn:
            waiting = [*self._unspooled, *notes][-_MOST_NOTES:]
            self._unspooled = []
            try:
                self.gaps.save()
                self.alarms.save()
                if waiting:
                    await asyncio.to_thread(self.spool.append_notes, waiting, int(at_s))
                self.gaps.settled()
                self.alarms.settled()
            except (LinkError, OSError):
                self._unspooled = waiting
        self._on_spooled()

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
            await asyncio.to_thread(self.spool.append, batch, late=late)
            notes = self.alarms.clear(self._gateway, "spool_full", slot)
            if notes:
                for device, period_s in devices.items():
                    notes += self.gaps.answered(device, slot, period_s)
        except LinkError as error:
            cause = SPOOL_FULL if isinstance(error, SpoolFullError) else SPOOL_UNWRITABLE
            notes = self.alarms.raise_(
                self._gateway, "spool_full", slot, 2, detail=f"cause={cause}"
            )
            for device in devices:
                notes += self.gaps.missed(device, slot, cause)
        if notes:
            await self.notes(notes, slot)
        self._on_spooled()
