"""The platform's own modules of clause 4.2.3: what each is made of, and how it is switched off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from heatloop import __version__
from heatloop.app.extensions_api import Manifest
from heatloop.app.schedule import Job, Schedule
from heatloop.kernel.clock import Clock
from heatloop.store.records import Records

ANALYSIS, CONTROL = "analysis", "control"
FAULTS, SCREENS = "fault_analysis", "visualisation"
JOBS_OF: Mapping[str, frozenset[str]] = {
    ANALYSIS: frozenset(("twin", "quality", "quality_flags")),
    CONTROL: frozenset(("curve",)),
    FAULTS: frozenset(("leak_watch", "links")),
}
"""Module -> jobs that do not run while it is off."""


def _own(name: str, zh: str, en: str, inputs: tuple[str, ...], *outputs: str) -> Manifest:
    return Manifest(
        name=name,
        zh=zh,
        en=en,
        kind="application",
        version=__version__,
        author="heatloop",
        inputs=inputs,
        outputs=outputs,
    )


OWN = (
    _own(
        ANALYSIS,
        "数据分析",
        "data analysis",
        ("latest values", "historian", "ledger"),
        "network state (twin.*)",
        "abnormal-data cases",
        "repaired values",
    ),
    _own(
        CONTROL,
        "智能调控",
        "intelligent control",
        ("outdoor temperature", "room temperatures", "unit states", "proposals of strategies"),
        "plans",
        "commands through the arbiter",
    ),
    _own(
        FAULTS,
        "故障分析",
        "fault analysis",
        ("water zones", "link reports"),
        "leak alarms and balances",
        "link alarms",
    ),
    _own(
        SCREENS,
        "数据可视化",
        "visualisation",
        ("read models of the interface",),
        "screens",
        "live stream",
    ),
)
"""Manifests of clause 4.2.3 -1."""


class GatedSchedule(Schedule):
    """A schedule whose jobs rest while the module they belong to is off.

    Args:
        clock: Plant time.
        records: Where kept runs are written down.
        runs: Whether a module runs.
    """

    def __init__(self, clock: Clock, records: Records, runs: Callable[[str], bool]) -> None:
        super().__init__(clock, records)
        self._runs = runs

    def add(self, job: Job) -> None:
        """Take a job in."""
        module = next((m for m, jobs in JOBS_OF.items() if job.name in jobs), "")
        if not module:
            super().add(job)
            return

        async def gated(due: float) -> None:
            if self._runs(module):
                await job.run(due)

        super().add(replace(job, run=gated))
