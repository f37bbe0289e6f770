"""Builds station control by model and puts its job into the schedule."""

from __future__ import annotations

from collections.abc import Iterable

from heatloop.app.platform import Platform
from heatloop.app.schedule import Job
from heatloop.control.arbiter import Proposal

_REST = 3.0
"""When plant time races, planning takes at most a quarter of a worker."""


def add_strategy(platform: Platform) -> None:
    """Let strategies be made and reach the arbiter, beside whatever else proposes already."""
    strategy = platform.strategy
    before = platform.curve.others

    def others() -> Iterable[Proposal]:
        return (*before(), *strategy.proposals())

    platform.curve.others = others
    platform.schedule.add(
        Job(
            name="strategy",
            period_s=strategy.settings.interval_s,
            run=strategy.run,
            least_pause_s=1.0,
            rest=_REST,
        )
    )
