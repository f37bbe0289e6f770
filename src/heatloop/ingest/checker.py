"""The one check every sample passes on its way into the store (clause 6.1.2 b and g).

Refused rows (unknown key, not finite, from the future) go to quarantine with a reason; all
others are stored with their raw value and a quality code: out of range is BAD, an impossible
rate, a spike, a mistaken unit, a frozen value, a backward counter, heat out of balance or a
return warmer than its supply is UNCERTAIN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.ingest.balance import BalanceCheck
from heatloop.ingest.flag_book import FlagBook
from heatloop.ingest.lane import Lane
from heatloop.ingest.reasons import Flag, Refusal
from heatloop.ingest.rounds import rounds
from heatloop.ingest.rules import CheckRules, Index, KeyIndex, rules_of
from heatloop.kernel.clock import Clock
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.ledger import Ledger

FUTURE_S = 60.0
STALE_PERIODS = 3.0
_REFUSALS = (
    Refusal.NOT_FINITE,
    Refusal.FUTURE_SLOT,
    Refusal.UNKNOWN_QUALITY,
    Refusal.UNKNOWN_KEY,
)


class Checked(NamedTuple):
    """What became of the rows of one call."""

    accepted: Columns
    """To be stored, values as sent, in the order sent."""
    rejected: Columns
    """Not to be stored."""
    reasons: list[str]
    """`Refusal` of each rejected row."""


class QualityChecker:
    """Checks samples point by point, remembering each point; not to be shared between threads.

    Rows older than a point's newest sample are a back-fill and are checked among themselves; a
    row sent again keeps the quality it had. Cost is per distinct slot of a call, so many points
    of few slots are fast (millions of rows a second) and one point over many slots is not.

    Args:
        rules: What is plausible per point.
        clock: Plant clock; without one, no slot is in the future.
        balance: Heat balances to check, or None.
        watch_from_s: Plant time from which a point never heard counts as silent; None: never.
    """

    def __init__(
        self,
        rules: CheckRules,
        clock: Clock | None = None,
        *,
        balance: BalanceCheck | None = None,
        watch_from_s: float | None = None,
    ) -> None:
        self.rules = rules
        self._index = KeyIndex(rules.keys)
        self._clock = clock
        self._balance = balance
        self._watch_from_s = watch_from_s
        self._live = Lane(rules)
        self._backfill = Lane(rules)
        self.book = FlagBook()
        """What the checks said, as spans."""

    @classmethod
    def of_ledger(
        cls, ledger: Ledger, clock: Clock | None = None, *, watch_from_s: float | None = None
    ) -> QualityChecker:
        """Return the checker of all points and heat balances of a ledger."""
        return cls(
            rules_of(ledger),
            clock,
            balance=BalanceCheck.of_ledger(ledger),
            watch_from_s=watch_from_s,
        )

    def check(self, columns: Columns) -> Checked:
        """Return the accepted rows with their quality, the refused rows, and why."""
        return self.check_flags(columns)[0]

    def check_flags(self, columns: Columns) -> tuple[Checked, NDArray[np.uint8]]:
        """Return what `check` returns and the `Flag` of every accepted row."""
        at = self._index.find(columns.keys)
        refused = self._refusals(columns, at)
        if refused is None:
            reasons: list[str] = []
            accepted, rejected = columns, Columns.empty()
        else:
            keep = refused == 0
            accepted, rejected, at = columns.take(keep), columns.take(~keep), at[keep]
            reasons = [_REFUSALS[code - 1].value for code in refused[~keep].tolist()]
        quality, flags = self._judge(accepted, at)
        self.book.add(accepted.keys, accepted.slots, accepted.values, flags)
        return Checked(accepted._replace(quality=quality), rejected, reasons), flags

    def stale_keys(self, now_s: float) -> NDArray[np.uint32]:
        """Return the keys of points silent for three periods, ascending."""
        heard = self._live.slot.astype("f8")
        never = heard == 0
        if self._watch_from_s is not None:
            heard[never] = self._watch_from_s
            never[:] = False
        silent = now_s - heard > STALE_PERIODS * self.rules.period_s
        stale: NDArray[np.uint32] = self.rules.keys[silent & ~never]
        return stale

    def _refusals(self, columns: Columns, at: Index) -> NDArray[np.uint8] | None:
        bad_value = ~np.isfinite(columns.values)
        unknown = at < 0
        bad_quality = columns.quality > Quality.ESTIMATED
        future = np.zeros(at.size, bool)
        if self._clock is not None:
            future = columns.slots > self._clock.now_s() + FUTURE_S
        if not (bad_value.any() or unknown.any() or bad_quality.any() or future.any()):
            return None
        code = np.zeros(at.size, "u1")
        for number, mask in enumerate((bad_value, future, bad_quality, unknown), start=1):
            code[mask] = number
        return code

    def _judge(self, rows: Columns, at: Index) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        quality = rows.quality.copy()
        flags = np.zeros(at.size, "u1")
        slots = rows.slots.astype("i8")
        for chosen in rounds(at, slots):
            self._judge_round(rows, at, slots, chosen, quality, flags)
        return quality, flags

    def _judge_round(
        self,
        rows: Columns,
        at: Index,
        slots: NDArray[np.int64],
        chosen: Index | slice,
        quality: NDArray[np.uint8],
        flags: NDArray[np.uint8],
    ) -> None:
        """Check rows that hold each point at most once, into `quality` and `flags`."""
        point, slot, value = at[chosen], slots[chosen], rows.values[chosen]
        sent = rows.quality[chosen]
        newer = slot > self._live.slot[point]
        if newer.all():
            found, flag = self._live.judge(point, slot, value, sent)
        else:
            found, flag = sent.copy(), np.zeros(point.size, "u1")
            again = self._live.slot[point] == slot
            again &= self._live.value[point] == value
            found[again] = self._live.quality[point[again]]
            late = ~newer & ~again & (slot > self._backfill.slot[point])
            for lane, mask in ((self._live, newer), (self._backfill, late)):
                if mask.any():
                    found[mask], flag[mask] = lane.judge(
                        point[mask], slot[mask], value[mask], sent[mask]
                    )
            # Older still: only the range can be judged.
            rest = np.flatnonzero(~newer & ~again & ~late)
            self._judge_range(rest, point, value, found, flag)
        if self._balance is not None:
            self._balance.judge(point, slot, value, found, flag)
        quality[chosen], flags[chosen] = found, flag

    def _judge_range(
        self,
        rest: Index,
        point: Index,
        value: NDArray[np.float64],
        found: NDArray[np.uint8],
        flag: NDArray[np.uint8],
    ) -> None:
        points = point[rest]
        out = (value[rest] < self.rules.low[points]) | (value[rest] > self.rules.high[points])
        found[rest[out]] = np.maximum(found[rest[out]], np.uint8(Quality.BAD))
        flag[rest[out]] = Flag.RANGE
