"""What `/metrics` says: rates of the intake, lag, alarms, links, stores, disk and the process."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from heatloop import __version__
from heatloop.bridge.metrics import Metric, by, counter, exposition, gauge
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.kernel.quality import Quality

if TYPE_CHECKING:
    from heatloop.app.platform import Platform

_PATIENCE_S = 1.0
_KEPT_S = 1.0
_MOST_GATEWAYS = 1_000


class Metrics:
    """Gathers figures; two that ask within a second get the same ones."""

    def __init__(self, token_file: str) -> None:
        """Read the token.

        Raises:
            ConfigError: The token cannot be read, or is too short to be one.
        """
        self.token = _token(token_file)
        """Bearer token; empty: none."""
        self._platform: Platform | None = None
        self._text = ""
        self._made_s = -_KEPT_S
        self._started_s = machine_s()
        self._turn = asyncio.Lock()
        self.reads = 0
        """Times it was asked."""

    def of(self, platform: Platform) -> None:
        """Say whose figures these are; called once everything is built."""
        self._platform = platform

    async def text(self) -> str:
        """Return all figures in the text format."""
        platform = self._platform
        assert platform is not None
        self.reads += 1
        async with self._turn:
            if machine_s() - self._made_s >= _KEPT_S:
                stats: dict[str, float] = {}
                up = True
                try:
                    async with asyncio.timeout(_PATIENCE_S):
                        raw = await platform.historian.stats()
                    stats = {k: v for k, v in dict(raw).items() if isinstance(v, int | float)}
                except (HeatloopError, OSError, TimeoutError):
                    up = False
                disk = await asyncio.to_thread(_disk, platform.settings.data)
                self._text = exposition(
                    [*_intake(platform), *_plant(platform), *_stores(stats, up, disk),
                     *_ways_out(platform), *self._process(platform)]
                )  # fmt: skip
                self._made_s = machine_s()
            return self._text

    def _process(self, platform: Platform) -> Iterator[Metric]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        lag = platform.lag
        yield Metric("heatloop_info", "gauge", "Version.", (({"version": __version__}, 1.0),))
        yield gauge("heatloop_event_loop_lag_seconds", "Recent lag.", lag.recent_ms / 1e3)
        yield gauge("heatloop_event_loop_lag_worst_seconds", "Worst lag.", lag.worst_ms / 1e3)
        yield counter("process_cpu_seconds_total", "CPU time.", used.ru_utime + used.ru_stime)
        unit = 1 if sys.platform == "darwin" else 1024
        yield gauge("heatloop_process_peak_memory_bytes", "Peak memory.", used.ru_maxrss * unit)
        yield gauge("process_resident_memory_bytes", "Memory.", _resident())
        yield gauge("process_start_time_seconds", "Start, machine time.", self._started_s)
        took = platform.schedule.took_s
        yield by("gauge", "heatloop_job_seconds", "Last run of each job.", "job", took)
        failed = {name: float(name in platform.schedule.failures) for name in took}
        yield by("gauge", "heatloop_job_failed", "Whether its last run failed.", "job", failed)


def _token(file: str) -> str:
    if not file:
        return ""
    try:
        token = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"token cannot be read: {error}", thing="metrics.token_file") from error
    if len(token) < 16 or not token.isascii():
        fix = "give at least 16 letters and digits"
        raise ConfigError("token is too short", thing="metrics.token_file", fix=fix)
    return token


def _intake(platform: Platform) -> Iterator[Metric]:
    figures = platform.intake.figures
    yield counter("heatloop_ingest_envelopes_total", "Envelopes taken.", figures.envelopes)
    yield counter("heatloop_ingest_samples_total", "Samples stored.", figures.rows)
    yield counter("heatloop_ingest_notes_total", "Notes taken.", figures.notes)
    yield counter("heatloop_ingest_repeated_total", "Envelopes sent twice.", figures.repeated)
    yield counter("heatloop_ingest_refused_total", "Envelopes refused.", figures.refused)
    name = "heatloop_ingest_rejected_samples_total"
    yield counter(name, "Samples set aside.", figures.rejected_rows)
    world = platform.world
    state = world.clock.state
    newest = int(world.latest.slots.max()) if len(world.latest.slots) else 0
    behind = max(world.now_s() - newest, 0.0) if newest else float("nan")
    yield gauge("heatloop_newest_sample_age_seconds", "Plant time since the newest.", behind)
    yield gauge("heatloop_plant_time_seconds", "Plant time.", world.now_s())
    yield gauge("heatloop_plant_speed", "Plant seconds a second.", state.speed)


def _plant(platform: Platform) -> Iterator[Metric]:
    world, ledger = platform.world, platform.world.ledger
    yield gauge("heatloop_points", "Points of the ledger.", len(ledger.points))
    counts = {
        quality.name.lower(): float((world.latest.quality == quality.value).sum())
        for quality in Quality
    }
    yield by("gauge", "heatloop_points_by_quality", "Latest values.", "quality", counts)
    worst = Counter(str(each.worst) for each in world.open_alarms.values())
    yield gauge(
        "heatloop_alarms_open",
        "Open alarms.",
        sum(each.count for each in world.open_alarms.values()),
    )
    yield gauge(
        "heatloop_alarms_unacknowledged", "Nobody has seen.", sum(world.unacknowledged.values())
    )
    assets = {priority: float(worst[priority]) for priority in "1234"}
    name, text = "heatloop_assets_by_worst_alarm", "Assets by the priority of their worst alarm."
    yield by("gauge", name, text, "priority", assets)
    stations = list(world.layout.stations.values())
    online = sum(world.is_online(station) for station in stations)
    yield gauge("heatloop_substations", "Substations.", len(stations))
    yield gauge("heatloop_substations_online", "Those that report.", online)
    connected = set(platform.links.connected())
    yield gauge("heatloop_gateways", "Gateways.", len(ledger.gateways))
    yield gauge("heatloop_gateways_connected", "Gateways on a link.", len(connected))
    if len(ledger.gateways) <= _MOST_GATEWAYS:
        up = {code: float(code in connected) for code in ledger.gateways}
        yield by("gauge", "heatloop_gateway_up", "Whether it is on a link.", "gateway", up)


def _stores(
    stats: dict[str, float], up: bool, disk: tuple[float, float, float]
) -> Iterator[Metric]:
    yield gauge("heatloop_historian_up", "Whether it answers.", float(up))
    for name, value in stats.items():
        clean = "".join(letter if letter.isalnum() else "_" for letter in name.lower())
        yield gauge(f"heatloop_historian_{clean}", "Figure of the historian.", value)
    free, total, records = disk
    yield gauge("heatloop_disk_free_bytes", "Free below the data folder.", free)
    yield gauge("heatloop_disk_size_bytes", "Size of that disk.", total)
    yield gauge("heatloop_records_bytes", "Records, if they are a file.", records)


def _ways_out(platform: Platform) -> Iterator[Metric]:
    yield gauge("heatloop_streams_open", "Open screens.", len(platform.hub))
    yield gauge("heatloop_subscribers", "Subscribed programs.", len(platform.outside.subscribers))
    sent = platform.outside.subscribers.total_sent()
    yield counter("heatloop_subscribe_values_total", "Values sent to them.", sent)
    states = platform.outside.interfaces.quick()
    for name, kind, text in (
        ("connected", "gauge", "Whether it works."),
        ("sent", "counter", "Sent since the start."),
        ("dropped", "counter", "Given up since the start."),
        ("waiting", "gauge", "Waiting to be sent."),
    ):
        values = {state.name: float(getattr(state, name)) for state in states if state.enabled}
        tail = "_total" if kind == "counter" else ""
        yield by(kind, f"heatloop_interface_{name}{tail}", text, "interface", values)


def _disk(folder: Path) -> tuple[float, float, float]:
    usage = shutil.disk_usage(folder)
    records = folder / "records.sqlite"
    size = records.stat().st_size if records.is_file() else 0
    return float(usage.free), float(usage.total), float(size)


def _resident() -> float:
    """Return resident memory, bytes; not a number where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
        return float(int(pages) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, IndexError, ValueError):
        return float("nan")
