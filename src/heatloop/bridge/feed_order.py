"""Whether a genuine batch is the next one: replayed, reordered, cut out or stale ones are not."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from heatloop.bridge.feed_frame import GENESIS, Batch
from heatloop.bridge.feed_schema import FeedRefused

_MOST_KNOWN = 4096
_MOST_GAPS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """How far a stream was taken."""

    epoch: str = ""
    """Epoch of the last batch; empty: none yet."""
    seq: int = 0
    """Its number."""
    hash: str = GENESIS
    """Its hash."""
    issued_s: float = 0.0
    """When it was issued, machine time of the sender."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Batches that never came."""

    epoch: str
    """Their epoch."""
    first: int
    """First number."""
    last: int
    """Last number."""


class Order:
    """Follows one stream.

    Args:
        max_age_s: Batches issued longer ago are refused.
        skew_s: How far ahead the sender's clock may be.
        cursor: Where the stream stood before a restart.
    """

    def __init__(self, max_age_s: float, skew_s: float, cursor: Cursor | None = None) -> None:
        self._max_age_s, self._skew_s = max_age_s, skew_s
        self.cursor = cursor or Cursor()
        self.gaps: list[Gap] = []
        """Gaps that no snapshot has healed yet."""
        self._known: OrderedDict[str, set[str]] = OrderedDict()

    def take(self, batch: Batch, now_s: float, carrier: str) -> Gap | None:
        """Move on to a batch and return the gap before it, if there is one.

        Args:
            batch: A genuine batch.
            now_s: Machine time.
            carrier: What brought it; the same batch by another carrier is no replay.

        Raises:
            FeedRefused: It is not the next one; `replay` with an empty detail: the other carrier
                was faster.
        """
        head = batch.head
        seen = self._known.get(batch.hash)
        if seen is not None:
            again = carrier in seen
            seen.add(carrier)
            raise FeedRefused("replay", "came before" if again else "")
        if head.issued_s > now_s + self._skew_s:
            raise FeedRefused("future", f"issued {head.issued_s - now_s:.0f} s from now")
        if head.issued_s < now_s - self._max_age_s:
            raise FeedRefused("stale", f"issued {now_s - head.issued_s:.0f} s ago")
        gap = self._next(batch)
        self.cursor = Cursor(
            epoch=head.epoch, seq=head.seq, hash=batch.hash, issued_s=head.issued_s
        )
        self._known[batch.hash] = {carrier}
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        if gap is not None:
            self.gaps = [*self.gaps, gap][-_MOST_GAPS:]
        return gap

    def _next(self, batch: Batch) -> Gap | None:
        head, cursor = batch.head, self.cursor
        if head.epoch != cursor.epoch:
            if head.issued_s <= cursor.issued_s:
                raise FeedRefused("replay", "of an epoch that is over")
            if head.seq == 1 and head.previous != GENESIS:
                raise FeedRefused("chain", "the first of an epoch names another before it")
            first = 1
        else:
            if head.seq <= cursor.seq:
                missed = any(
                    gap.epoch == head.epoch and gap.first <= head.seq <= gap.last
                    for gap in self.gaps
                )
                raise FeedRefused("order" if missed else "replay", f"number {head.seq}")
            if head.seq == cursor.seq + 1 and head.previous != cursor.hash:
                raise FeedRefused("chain", f"number {head.seq} does not follow")
            if head.issued_s < cursor.issued_s:
                raise FeedRefused("order", f"number {head.seq} is older than the one before")
            first = cursor.seq + 1
        if head.seq == first:
            return None
        return Gap(epoch=head.epoch, first=first, last=head.seq - 1)

    def healed(self) -> None:
        """Forget the gaps: a snapshot has told what they held."""
        self.gaps = []
