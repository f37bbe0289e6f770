"""Which rows of each gateway's spool were taken in: nothing twice, nothing silently left out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from heatloop.kernel.envelope import Envelope


class Verdict(Enum):
    """What to do with an envelope."""

    TAKE = "take"
    """All or the tail of it is new."""
    REPEAT = "repeat"
    """All of it was taken before: only acknowledge again."""
    HOLE = "hole"
    """Rows before it are missing: refuse it, they must be sent first."""
    LOST = "lost"
    """Rows before it are gone at the sender for good: take it and write the loss down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How an envelope fits to what was taken before."""

    verdict: Verdict
    """What to do."""
    skip: int = 0
    """Rows at its start that were taken before."""
    missing: int = 0
    """Rows missing before it."""


@dataclass(slots=True)
class _Run:
    taken: int
    """Last sequence taken in, stored or on its way to the store."""
    seen: bool = False
    """Whether this link has sent an envelope of the epoch."""


class Sequences:
    """The spool epochs of one gateway on one link.

    A hole inside a link's run means that something went wrong on the way, so the envelope is
    refused. A hole at the very start of a run, after the gateway was told where to go on, means
    that it does not have those rows any more.
    """

    def __init__(self) -> None:
        self._runs: dict[int, _Run] = {}

    def know(self, epoch: int, through: int) -> None:
        """Begin a run: the gateway was told `through`."""
        self._runs[epoch] = _Run(taken=through)

    def place(self, envelope: Envelope) -> Position:
        """Return how an envelope fits, and count it as taken if it is to be."""
        run = self._runs.setdefault(envelope.epoch, _Run(taken=0))
        first_of_link, run.seen = not run.seen, True
        if envelope.last <= run.taken:
            return Position(verdict=Verdict.REPEAT)
        missing = envelope.first - run.taken - 1
        if missing > 0 and not first_of_link:
            return Position(verdict=Verdict.HOLE, missing=missing)
        run.taken = envelope.last
        if missing > 0:
            return Position(verdict=Verdict.LOST, missing=missing)
        return Position(verdict=Verdict.TAKE, skip=-missing)

    def taken(self, epoch: int) -> int:
        """Return the last sequence taken of an epoch."""
        run = self._runs.get(epoch)
        return run.taken if run is not None else 0
