"""The gateway's memory: nothing counts as read until it stands here, fsynced.

The folder holds lanes, one a spool epoch: `<ordinal>-<epoch>/<first sequence>.seg`. New rows go
to the newest lane. After a long outage the uplink rolls to a new lane, so that what happens now
can be sent ahead of what is caught up: each epoch keeps its own numbers without a hole.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.edge.lane import Lane
from heatloop.edge.segment import SpoolRecord
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.canonical import canonical
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.errors import InputError, LinkError

_NOTES_RESERVE = 1.05
_RECORD_BYTES = 64


SAMPLE_BYTES = 17
"""Of a row at most; with one slot for all rows it is 13."""


class SpoolFullError(LinkError):
    """The spool has reached its size; what is read now is lost and becomes a gap."""


@dataclass(frozen=True, slots=True)
class Oldest:
    """The segment that goes first when room is needed."""

    epoch: int
    """Its spool epoch."""
    first: int
    """Sequence it begins with."""
    records: tuple[SpoolRecord, ...]
    """What of it is not yet acknowledged; empty: it can go without loss."""


class Spool:
    """Samples and notes on disk until the platform has them. Thread-safe.

    Args:
        folder: Made if missing.
        max_bytes: Size at which samples are refused; notes (alarms, gaps, command reports)
            may go 5 % beyond, so that a full spool can still say that it is full.
        cache_bytes: Bodies kept in memory a lane.
        segment_bytes: Size of a segment file; no more than an eighth of the spool.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int = 2 << 30,
        *,
        cache_bytes: int = 8 << 20,
        segment_bytes: int = 4 << 20,
    ) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._sizes = {
            "cache_bytes": cache_bytes,
            "segment_bytes": min(segment_bytes, max(max_bytes // 8, 1024)),
        }
        self._writing = threading.Lock()  # one append at a time
        self._lock = threading.Lock()  # the index; never held during an fsync
        folder.mkdir(parents=True, exist_ok=True)
        self._lanes: list[Lane] = []
        self._ordinal = 0
        self._open()

    def _open(self) -> None:
        rescued: list[SpoolRecord] = []
        for path in sorted(p for p in self._folder.iterdir() if p.is_dir()):
            ordinal, _, epoch = path.name.partition("-")
            lane = Lane(path, int(epoch, 16), self._lock, **self._sizes)
            self._ordinal = int(ordinal)
            if not lane.load():
                lane.remove()
                continue
            self._lanes.append(lane)
            rescued += lane.rescued
        if rescued or not self._lanes:
            self._roll()
        for record in rescued:
            self._lanes[-1].append(
                record.kind,
                record.count,
                record.slot_min,
                record.slot_max,
                record.body,
                late=record.late,
            )
        for lane in self._lanes:
            if lane.rescued:
                lane.cut_damage()
        self.rescued_rows = sum(record.count for record in rescued)
        with self._lock:
            self._drop_lanes()

    @property
    def epoch(self) -> int:
        """Epoch of the lane new rows go to: random, u63."""
        return self._lanes[-1].epoch

    @property
    def epochs(self) -> tuple[int, ...]:
        """All epochs with something to send, oldest first, and the current one last."""
        return tuple(lane.epoch for lane in self._lanes)

    @property
    def last_slot(self) -> int:
        """Latest polled slot ever spooled; 0 if none."""
        return max(lane.last_slot for lane in self._lanes)

    @property
    def last_seq(self) -> int:
        """Last sequence given in the current epoch; 0 if none."""
        return self._lanes[-1].next_seq - 1

    @property
    def rows(self) -> int:
        """Rows not yet acknowledged, in all epochs."""
        return sum(lane.rows for lane in self._lanes)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(lane.size for lane in self._lanes)

    def append(self, batch: SampleBatch, *, late: bool = False) -> int:
        """Keep samples; return the last sequence once they are on the medium.

        Args:
            batch: What was read.
            late: Whether it came by itself, and so leaves `last_slot` as it is.

        Raises:
            SpoolFullError: The spool is full; nothing was kept.
            LinkError: The disk cannot be written; nothing was kept.
        """
        if not len(batch):
            raise InputError("an empty batch has no sequence", thing="batch")
        low, high = min(batch.slots), max(batch.slots)
        body = batch.to_bytes()
        return self._append(EnvelopeKind.SAMPLES, len(batch), low, high, body, late=late)

    def append_notes(
        self, notes: list[dict[str, Any]], at_s: int = 0, *, beyond: bool = False
    ) -> int:
        """Keep notes; return the last sequence once they are on the medium.

        Args:
            notes: Plain values, each with a `type`.
            at_s: Plant time, for the envelope's range.
            beyond: Whether the size does not matter, because older rows are about to go.

        Raises:
            SpoolFullError: The spool is full, reserve and all; nothing was kept.
            LinkError: The disk cannot be written; nothing was kept.
        """
        if not notes:
            raise InputError("no notes have no sequence", thing="notes")
        body = canonical(notes)
        return self._append(EnvelopeKind.NOTES, len(notes), at_s, at_s, body, beyond=beyond)

    def _append(
        self,
        kind: EnvelopeKind,
        count: int,
        low: int,
        high: int,
        body: bytes,
        *,
        late: bool = False,
        beyond: bool = False,
    ) -> int:
        with self._writing:
            limit = self._max_bytes * (_NOTES_RESERVE if kind is EnvelopeKind.NOTES else 1)
            if self.size + len(body) > limit and not beyond:
                raise SpoolFullError(
                    f"spool holds {self.size} bytes",
                    thing=str(self._folder),
                    fix="restore the uplink or give it more room",
                )
            return self._lanes[-1].append(kind, count, low, high, body, late=late)

    @property
    def segments(self) -> int:
        """Files on disk."""
        return sum(lane.segments for lane in self._lanes)

    def fits(self, rows: int) -> bool:
        """Return whether so many samples would be taken now."""
        return self.size + SAMPLE_BYTES * rows + _RECORD_BYTES <= self._max_bytes

    @property
    def relieved(self) -> bool:
        """Whether a fifth of the spool is free again."""
        return self.size <= 0.8 * self._max_bytes

    def oldest(self) -> Oldest | None:
        """Return what `drop` would lose next; None when nothing can be dropped.

        What is written from now on stands in another segment, and so outlives the drop.

        Raises:
            LinkError: The disk cannot be written.
        """
        with self._writing:
            lane = next((lane for lane in self._lanes if lane.renewable), None)
            if lane is None:
                return None
            lane.renew()
            with self._lock:
                return Oldest(lane.epoch, lane.first_segment, tuple(lane.oldest()))

    def drop(self, oldest: Oldest) -> None:
        """Delete a segment, acknowledged or not, unless it is gone already.

        Whoever calls this has written down before what goes.
        """
        with self._writing, self._lock:
            lane = self._lane(oldest.epoch)
            if lane is not None and lane.first_segment == oldest.first:
                lane.drop_oldest()
                self._drop_lanes()

    def pending(
        self, after_seq: int, max_rows: int, *, epoch: int | None = None
    ) -> list[SpoolRecord]:
        """Return whole records after a sequence of an epoch (default: the current one).

        At least one record if there is any, and at most about `max_rows` rows.
        """
        with self._lock:
            lane = self._lane(epoch)
            return lane.pending(after_seq, max_rows) if lane else []

    def ack(self, through: int, *, epoch: int | None = None) -> None:
        """Forget everything of an epoch (default: the current one) up to this sequence."""
        with self._lock:
            lane = self._lane(epoch)
            if lane is not None:
                lane.ack(through)
                self._drop_lanes()

    def rows_of(self, epoch: int) -> int:
        """Return how many rows of an epoch are not yet acknowledged."""
        with self._lock:
            lane = self._lane(epoch)
            return lane.rows if lane else 0

    def roll(self) -> None:
        """Start a new epoch for new rows; the old ones stay until they are acknowledged."""
        with self._writing:
            self._roll()

    def _roll(self) -> None:
        self._ordinal += 1
        epoch = secrets.randbits(62) + 1
        folder = self._folder / f"{self._ordinal:08d}-{epoch:016x}"
        lane = Lane(folder, epoch, self._lock, **self._sizes)
        lane.create(self.last_slot if self._lanes else 0)
        with self._lock:
            self._lanes.append(lane)

    def _lane(self, epoch: int | None) -> Lane | None:
        if epoch is None:
            return self._lanes[-1]
        return next((lane for lane in self._lanes if lane.epoch == epoch), None)

    def _drop_lanes(self) -> None:
        for lane in [lane for lane in self._lanes[:-1] if not lane.rows]:
            self._lanes.remove(lane)
            lane.remove()

    def close(self) -> None:
        """Close the files; nothing is pending, every append was durable."""
        for lane in self._lanes:
            lane.close()
