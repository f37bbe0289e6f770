"""How many reports were due, so that a link that falls silent is seen in its success rate.

A report is due once a period of its device (`period=` of its parameters, else the shortest of
its points). Reports beyond that count as asked for when they come.
"""

from __future__ import annotations

from heatloop.edge.index import ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Device

_MOST_PERIODS = 8
"""A clock that jumps further was set; nothing was due meanwhile."""


def report_period_s(device: Device, index: ProfileIndex) -> int:
    """Return how often a device reports, plant seconds; 0: nobody knows."""
    try:
        given = field_parameters(device.parameters).get("period", "")
    except InputError:
        given = ""
    if given.isdigit() and int(given) > 0:
        return int(given)
    return min((binding.period_s for binding in index.by_device[device.code]), default=0)


class Expected:
    """Counts reports that are due, and those that came.

    Args:
        stats: Where they are counted.
    """

    def __init__(self, stats: LinkStats) -> None:
        self._stats = stats
        self._groups: dict[int, list[str]] = {}
        self._period: dict[str, int] = {}
        self._turn: dict[int, int] = {}
        self._first: dict[int, int] = {}
        self._seen: dict[str, int] = {}

    def use(self, index: ProfileIndex) -> None:
        """Expect the reporting devices of this profile from now on."""
        self._period = {d.code: report_period_s(d, index) for d in index.reporting()}
        self._groups = {}
        for code, period_s in self._period.items():
            if period_s:
                self._groups.setdefault(period_s, []).append(code)

    def pass_to(self, now_s: float) -> None:
        """Count what became due up to this plant time."""
        for period_s, devices in self._groups.items():
            turn = int(now_s // period_s)
            before = self._turn.get(period_s)
            self._turn[period_s] = turn
            if before is None or not 0 <= turn - before <= _MOST_PERIODS:
                self._first[period_s] = turn + 1  # the period under way is not a whole one
                continue
            for code in devices * (turn - before):
                self._stats.asked(code)

    def came(self, device: str, at_s: int, size: int) -> None:
        """Count a report that came and was new.

        Args:
            device: Device code.
            at_s: When it was measured, plant time.
            size: Its bytes.
        """
        period_s = self._period.get(device, 0)
        turn = at_s // period_s if period_s else 0
        if not period_s or turn < self._first.get(period_s, turn + 1) or turn <= self._last(device):
            self._stats.asked(device)
        self._seen[device] = max(turn, self._last(device))
        self._stats.answered(device, bytes_up=size)

    def _last(self, device: str) -> int:
        return self._seen.get(device, -1)
