"""Watches samples against their limits: dead-band, on-delay, one alarm per crossing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from heatloop.alarms.lifecycle import AlarmChange, Change, is_active, raise_
from heatloop.alarms.limits import HIGH, LOW, AlarmLimits
from heatloop.ingest.rounds import rounds
from heatloop.ingest.rules import KeyIndex
from heatloop.kernel.messages import Alarm
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns

_RULES = ("low", "high")


class LimitMonitor:
    """Finds limit alarms in batches of samples, many points at once.

    Only GOOD and UNCERTAIN samples count, and only those newer than the newest seen of their
    point: a back-fill tells what was, not what is. The alarm's onset is the slot that crossed
    first, not the one that outlasted the delay.
    """

    def __init__(self, limits: AlarmLimits) -> None:
        n = limits.keys.size
        self.limits = limits
        self._index = KeyIndex(limits.keys)
        self._position = {code: i for i, code in enumerate(limits.codes)}
        self._slot = np.zeros(n, "i8")
        self._since = np.zeros((2, n), "i8")
        self._active = np.zeros((2, n), bool)
        self._open: dict[tuple[int, int], Alarm] = {}

    def restore(self, open_alarms: Iterable[Alarm]) -> None:
        """Take up alarms that were active before a restart, so that they clear and do not repeat.

        Alarms of other rules, of points without limits, or no longer active are left alone.
        """
        for alarm in open_alarms:
            at = self._position.get(alarm.subject)
            if at is None or alarm.rule not in _RULES or not is_active(alarm):
                continue
            side = _RULES.index(alarm.rule)
            self._active[side, at] = True
            self._since[side, at] = int(alarm.onset)
            self._open[side, at] = alarm

    def open_alarms(self) -> list[Alarm]:
        """Return the alarms whose limit is crossed now, as they began."""
        return list(self._open.values())

    def check(self, columns: Columns) -> list[AlarmChange]:
        """Return which alarms began and which went away with these samples."""
        at = self._index.find(columns.keys)
        usable = (at >= 0) & (columns.quality <= Quality.UNCERTAIN)
        at, slots, values = at[usable], columns.slots[usable].astype("i8"), columns.values[usable]
        changes: list[AlarmChange] = []
        for chosen in rounds(at, slots):
            self._check_round(at[chosen], slots[chosen], values[chosen], changes)
        return changes

    def _check_round(
        self,
        at: NDArray[np.intp],
        slots: NDArray[np.int64],
        values: NDArray[np.float64],
        changes: list[AlarmChange],
    ) -> None:
        newer = slots > self._slot[at]
        if not newer.all():
            at, slots, values = at[newer], slots[newer], values[newer]
        self._slot[at] = slots
        limits = self.limits
        for side in (LOW, HIGH):
            limit, band = limits.limit[side, at], limits.deadband[at]
            crossed = values < limit if side == LOW else values > limit
            back = values >= limit + band if side == LOW else values <= limit - band
            active, since = self._active[side, at], self._since[side, at]
            begun = crossed & ~active
            self._since[side, at] = np.where(
                active, since, np.where(crossed, np.where(since == 0, slots, since), 0)
            )
            since = self._since[side, at]
            lasting = begun & (slots - since >= limits.on_delay_s[at])
            changes.extend(
                self._raise(side, int(at[row]), int(slots[row]), float(values[row]))
                for row in np.flatnonzero(lasting).tolist()
            )
            changes.extend(
                self._clear(side, int(at[row]), int(slots[row]), float(values[row]))
                for row in np.flatnonzero(active & back).tolist()
            )

    def _raise(self, side: int, at: int, slot: int, value: float) -> AlarmChange:
        limits = self.limits
        alarm = raise_(
            limits.codes[at],
            _RULES[side],
            float(self._since[side, at]),
            priority=int(limits.priority[at]),
            value=value,
            limit=float(limits.limit[side, at]),
        )
        self._active[side, at] = True
        self._open[side, at] = alarm
        return AlarmChange(change=Change.RAISE, alarm=alarm, at=float(slot), value=value)

    def _clear(self, side: int, at: int, slot: int, value: float) -> AlarmChange:
        alarm = self._open.pop((side, at))
        self._active[side, at] = False
        self._since[side, at] = 0
        return AlarmChange(change=Change.CLEAR, alarm=alarm, at=float(slot), value=value)
