"""Which jobs run, and how often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heatloop.app.historian_ledger import HistorianLedger
from heatloop.app.history import in_thread
from heatloop.app.personal_erase import Erasure
from heatloop.app.platform import Platform
from heatloop.app.quality_watch import add_quality_jobs
from heatloop.app.schedule import Job
from heatloop.app.storage import Storage
from heatloop.app.verification import add_verification_jobs
from heatloop.app.watch_components import LOOK_PAUSE_S, LOOK_S, ComponentWatch
from heatloop.ingest.checker import STALE_PERIODS
from heatloop.kernel.clock import machine_s

_SILENCE_S = 60.0
_EXPIRY_S = 30.0
_LEAK_S = 60.0
_LINKS_S = 600.0
_HOUSEKEEPING_S = 6 * 3600.0
_RETENTION_S = 86400.0
_KEPT_RUNS_S = 30 * 86400.0
AWAY_MACHINE_S = 30.0
"""Machine time after the first run of jobs in which nobody is called silent."""
# When plant time races, roll-ups must leave the historian to those who wait for a commit.
_ROLLUP_REST = 10.0
# The same for the twin: at most a fifth of a core, however fast plant time runs.
_TWIN_REST, _TWIN_PAUSE_S = 4.0, 1.0


def add_jobs(platform: Platform) -> None:
    """Put the platform's jobs into its schedule."""
    started_s: float | None = None

    async def silence(_: float) -> None:
        nonlocal started_s
        # From when jobs run: an instance that stood by for days takes over at this moment.
        started_s = machine_s() if started_s is None else started_s
        if machine_s() - started_s < AWAY_MACHINE_S:
            return  # Gateways need a moment to come back after a restart of the platform.
        connected = set(platform.links.connected())
        away = set(platform.world.ledger.gateways) - connected
        stale = _silent(platform)
        platform.world.latest.mark_stale(stale)
        platform.hub.values_changed()
        await platform.alarming.silence(stale, away)

    async def expire(_: float) -> None:
        await platform.commands.expire()
        await platform.door.expire()

    historian_ledger = HistorianLedger(platform)

    async def rollups(_: float) -> None:
        await historian_ledger.tell()
        await platform.historian.refresh_rollups()

    async def housekeeping(_: float) -> None:
        await platform.curve.keep()
        await in_thread(platform.records.sessions.purge, at=machine_s())
        month_ago = platform.world.now_s() - _KEPT_RUNS_S
        await in_thread(platform.records.jobs.forget, before=month_ago)
        await platform.link_watch.fold()

    settings = platform.settings
    for job in (
        Job(name="silence", period_s=_SILENCE_S, run=silence, least_pause_s=0.5),
        Job(name="command_expiry", period_s=_EXPIRY_S, run=expire, least_pause_s=0.2),
        Job(
            name="curve",
            period_s=settings.control.curve_interval_s,
            run=platform.curve.run,
        ),
        Job(name="links", period_s=_LINKS_S, run=platform.link_watch.run, least_pause_s=0.5),
        Job(name="leak_watch", period_s=_LEAK_S, run=platform.leaks.run, least_pause_s=0.2),
        Job(
            name="twin",
            period_s=settings.twin.interval_s,
            run=platform.twin.run,
            least_pause_s=_TWIN_PAUSE_S,
            rest=_TWIN_REST,
        ),
        Job(
            name="rollups",
            period_s=settings.storage.rollup_interval_s,
            run=rollups,
            least_pause_s=1.0,
            rest=_ROLLUP_REST,
        ),
        Job(name="housekeeping", period_s=_HOUSEKEEPING_S, run=housekeeping, kept=True),
        Job(name="retention", period_s=_RETENTION_S, run=Storage.of(platform).run, kept=True),
        Job(
            name="personal_retention",
            period_s=_RETENTION_S,
            run=Erasure(platform).retention_job,
            kept=True,
        ),
    ):
        platform.schedule.add(job)
    platform.schedule.add(platform.identity.stale.job())
    run_dir = settings.historian_socket.parent
    components = ComponentWatch(run_dir, platform.health, platform.security_events)
    watch = Job(name="components", period_s=LOOK_S, run=components.run, least_pause_s=LOOK_PAUSE_S)
    platform.schedule.add(watch)
    add_quality_jobs(platform)
    add_verification_jobs(platform)


def _silent(platform: Platform) -> NDArray[np.uint32]:
    """Return the keys of points that are silent; computed ones by when they were last kept.

    The checker sees only what comes from outside, so it takes computed points for silent.
    """
    world, checker = platform.world, platform.loop.checker
    now_s = world.settled_s()
    silent = checker.stale_keys(now_s)
    latest = world.latest
    at = latest.index.find(silent)
    known = at >= 0
    slots = np.zeros(len(silent))
    slots[known] = latest.slots[at[known]]
    period = checker.rules.period_s[np.searchsorted(checker.rules.keys, silent)]
    kept: NDArray[np.uint32] = silent[now_s - slots > STALE_PERIODS * period]
    return kept
