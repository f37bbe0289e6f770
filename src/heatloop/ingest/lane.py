"""What is remembered of each point between samples, and the checks that need it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heatloop.ingest.reasons import Flag
from heatloop.ingest.rules import CheckRules, Floats, Index
from heatloop.kernel.quality import Quality

_JUMP_STEPS = 8.0
_AGREE = 3
_AGREE_UNIT = 120
_GAP_PERIODS = 10.0
_LATEST = 3.0
_FROZEN_RUNS = 15.0
_FROZEN_S = 300.0
_LEARN = 0.05
_LEARN_ODD = 0.01
_UNIT_TOLERANCE = 0.03


class Lane:
    """State per point of one stream of samples in rising time (live, or back-fill).

    A point's usual step and usual run of equal values are learnt as moving means, so the same
    checks fit a noisy flow meter and a quiet thermometer. A jump is compared with the last value
    that was trusted; a new level is trusted when three values in a row agree on it.
    """

    def __init__(self, rules: CheckRules) -> None:
        n = rules.keys.size
        self._rules = rules
        self.slot = np.zeros(n, "i8")
        self.value = np.zeros(n)
        self.quality = np.zeros(n, "u1")
        self._trusted = np.zeros(n)
        self._trusted_slot = np.zeros(n, "i8")
        self._step = np.zeros(n)
        self._odd = np.zeros(n)
        self._agreeing = np.zeros(n, "i4")
        self._suspect = np.zeros(n, bool)
        self._equal = np.zeros(n, "i4")
        self._run = np.full(n, 10.0)

    def judge(
        self, at: Index, slots: NDArray[np.int64], values: Floats, quality: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return (quality, flag) per row and remember the rows.

        Args:
            at: Position of each row's point, each at most once, shape (n_row,).
            slots: Later than the remembered slot of the point, shape (n_row,).
            values: Finite, shape (n_row,).
            quality: As sent by the edge; only GOOD rows are checked, shape (n_row,).
        """
        rules = self._rules
        known = self.slot[at]
        gap_s = slots - known
        first = (known == 0) | (gap_s > _GAP_PERIODS * rules.period_s[at])
        since_s = slots - self._trusted_slot[at]
        change = values - self._trusted[at]
        size = np.abs(change)
        usual = self._step[at]
        allowed = np.maximum(_JUMP_STEPS * usual, rules.jump_floor[at])
        late = since_s > 1.5 * rules.period_s[at]
        if late.any():
            lateness = np.sqrt(since_s[late] / rules.period_s[at[late]])
            allowed[late] *= np.minimum(lateness, _LATEST)
        flag = np.zeros(at.size, "u1")
        flag[size > allowed] = Flag.SPIKE
        flag[size > rules.rate_per_s[at] * since_s] = Flag.RATE
        counts = rules.counter[at]
        if counts.any():
            self._judge_counters(at, change, values, counts, flag)
        flag[first] = Flag.NONE
        odd = np.flatnonzero(flag)
        if odd.size:
            self._judge_odd(at, odd, values, allowed, flag)
        frozen = self._judge_frozen(at, values, first)
        flag[frozen & (flag == Flag.NONE)] = Flag.FROZEN
        out = (values < rules.low[at]) | (values > rules.high[at])
        flag[out] = Flag.RANGE
        return self._keep(at, slots, values, quality, flag, np.minimum(size, 2.0 * allowed), first)

    def _judge_counters(
        self,
        at: Index,
        change: Floats,
        values: Floats,
        counts: NDArray[np.bool_],
        flag: NDArray[np.uint8],
    ) -> None:
        backwards = np.flatnonzero(counts & (change < 0))
        if not backwards.size:
            return
        top = self._rules.high[at[backwards]]
        rolled = (self._trusted[at[backwards]] > 0.99 * top) & (values[backwards] < 0.01 * top)
        flag[backwards] = np.where(rolled, Flag.NONE, Flag.COUNTER)

    def _judge_odd(
        self, at: Index, odd: Index, values: Floats, allowed: Floats, flag: NDArray[np.uint8]
    ) -> None:
        """Tell a mistaken unit, and trust a new level once several values agree on it."""
        points, value = at[odd], values[odd]
        trusted = self._trusted[points]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            decades = np.log10(np.abs(value / trusted))
            near = np.round(decades)
            slipped = (np.abs(decades - near) < _UNIT_TOLERANCE) & (np.abs(near) >= 1)
            slipped &= np.abs(near) <= 3
        flag[odd[slipped & (flag[odd] != Flag.COUNTER)]] = Flag.UNIT
        agrees = (self._agreeing[points] > 0) & (
            np.abs(value - self._odd[points]) <= np.minimum(allowed[odd], np.abs(value) + 1.0)
        )
        count = np.where(agrees, self._agreeing[points] + 1, 1)
        # A level that once looked like a mistaken unit stays suspect until it moves away.
        suspect = (flag[odd] == Flag.UNIT) | (agrees & self._suspect[points])
        self._suspect[points] = suspect
        needed = np.where(suspect, _AGREE_UNIT, _AGREE)
        believed = count >= needed
        flag[odd[believed]] = Flag.NONE
        self._odd[points] = value
        self._agreeing[points] = np.where(believed, 0, count)

    def _judge_frozen(
        self, at: Index, values: Floats, first: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        run = self._run[at]
        before = self._equal[at]
        equal = (values == self.value[at]) & ~first
        now = np.where(equal, before + 1, 0)
        moved = ~equal & ~first
        self._run[at] = np.where(moved, np.minimum(run + _LEARN * (before + 1 - run), 200.0), run)
        self._equal[at] = now
        long = np.maximum(_FROZEN_RUNS * run, _FROZEN_S / self._rules.period_s[at])
        # Zero is what a stopped pump reads, not a stuck sensor.
        frozen: NDArray[np.bool_] = self._rules.may_freeze[at] & (now >= long) & (values != 0.0)
        return frozen

    def _keep(
        self,
        at: Index,
        slots: NDArray[np.int64],
        values: Floats,
        quality: NDArray[np.uint8],
        flag: NDArray[np.uint8],
        step: Floats,
        first: NDArray[np.bool_],
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        found = np.where(
            flag == Flag.NONE,
            np.uint8(Quality.GOOD),
            np.where(flag == Flag.RANGE, np.uint8(Quality.BAD), np.uint8(Quality.UNCERTAIN)),
        )
        sent_good = quality == Quality.GOOD
        # The edge knows better what it marked itself; the platform only adds doubt.
        found = np.where(sent_good, found, np.maximum(quality, found))
        flag[~sent_good & (quality >= found)] = Flag.NONE
        self.slot[at] = slots
        self.value[at] = values
        self.quality[at] = found
        trust = (found == Quality.GOOD) | (found == Quality.ESTIMATED)
        # Odd values teach too, but little: else a noisy point would stay odd for ever. Odd ones
        # that agree with each other are a level, not noise, and teach nothing.
        learn = np.where(trust, _LEARN, np.where(self._agreeing[at] < 2, _LEARN_ODD, 0.0))
        learn[first | (flag == Flag.RANGE)] = 0.0
        usual = self._step[at]
        self._step[at] = usual + learn * (step - usual)
        good = at[trust]
        self._trusted[good] = values[trust]
        self._trusted_slot[good] = slots[trust]
        self._agreeing[good] = 0
        return found, flag
