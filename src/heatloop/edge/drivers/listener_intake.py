"""Where all reports of devices come together: judged, counted and spooled.

A report is answered only when it stands fsynced in the spool; reports that wait are spooled
together, so thousands of devices share an fsync. Repeats are answered and not kept again;
what is damaged, unknown, replayed or cannot be true is refused, counted and never stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.drivers.listener_expected import Expected
from heatloop.edge.index import ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.report_book import ReportBook, Stamp, Verdict
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.quality import Quality
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
_MOST_WAITING = 20_000
_TICK_S = 1.0
_GOOD = (Verdict.NEW, Verdict.KEPT)
Keep = Callable[[SampleBatch], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One report, read but not yet judged."""

    stamp: Stamp
    """Whose, when, which."""
    values: Sequence[tuple[Binding, float]]
    """Raw numbers; factor and offset are applied when it is kept."""
    quality: Quality = Quality.GOOD
    """What the device itself says of its values."""
    size: int = 0
    """Bytes on the wire."""
    rssi_dbm: float | None = None
    """Signal strength at the receiver."""
    snr_db: float | None = None
    """Signal to noise at the receiver."""


def report_slot(at_s: int, period_s: int) -> int:
    """Return the slot a value belongs to: its time, floored to the point's period."""
    return at_s - at_s % period_s


class Intake:
    """Judges reports and spools them group by group.

    Args:
        book: Which reports are new.
        keep: Spools a batch; returns when it is fsynced.
        now_s: Plant time.
        stats: Counts what was due, came and was refused.
    """

    def __init__(
        self, book: ReportBook, keep: Keep, now_s: Callable[[], float], stats: LinkStats
    ) -> None:
        self.now_s, self.stats, self.keep = now_s, stats, keep
        self.refusals: Counter[tuple[str, str]] = Counter()
        """(listener or device, reason) -> refused so far."""
        self._book = book
        self._expected = Expected(stats)
        self._named: dict[tuple[str, str], Device | None] = {}
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._waiting: list[tuple[Report, asyncio.Future[Verdict]]] = []
        self._wake = asyncio.Event()

    def use(self, index: ProfileIndex) -> None:
        """Know the reporting devices of this profile from now on."""
        devices = index.reporting()
        self._bindings = {d.code: index.by_device[d.code] for d in devices}
        self._book.devices = self._bindings.keys()
        self._named = {}
        for device in devices:
            for name in {device.code.casefold(), device.address.casefold()} - {""}:
                if (device.protocol, name) in self._named:
                    # Whose values these are cannot be told: neither gets them.
                    _LOG.warning("two devices report under one name", name=name)
                    self._named[device.protocol, name] = None
                else:
                    self._named[device.protocol, name] = device
        self._expected.use(index)

    def device(self, protocol: str, name: str) -> Device | None:
        """Return the device known by this address or code, whatever the case of its letters."""
        return self._named.get((protocol, name.casefold()))

    def bindings(self, device: str) -> tuple[Binding, ...]:
        """Return the points of a device."""
        return self._bindings[device]

    def refuse(self, who: str, kind: str, reason: str) -> None:
        """Count what was thrown away, and say so at the 1st, 10th, 100th... time.

        Args:
            who: Device code, or the listener's name where no device is known.
            kind: One of `protocols.link_counts.FAILURES`.
            reason: For the log.
        """
        self.stats.failed(who, kind)
        self.refusals[who, kind] += 1
        count = self.refusals[who, kind]
        if str(count).strip("0") == "1":
            _LOG.warning("report refused", of=who, kind=kind, reason=reason, count=count)

    def came(self, device: str, at_s: int, size: int) -> None:
        """Count a good message that was kept without a verdict: a file.

        Args:
            device: Device code.
            at_s: When its newest value was measured, plant time.
            size: Its bytes.
        """
        self._expected.came(device, at_s, size)

    async def take(self, report: Report) -> Verdict:
        """Return what became of a report, once it stands in the spool."""
        if len(self._waiting) >= _MOST_WAITING:
            return Verdict.FULL
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((report, answer))
        self._wake.set()
        return await answer

    async def run(self) -> None:
        """Spool reports group by group and count those that are due, for ever."""
        while True:
            self._expected.pass_to(self.now_s())
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
            group, self._waiting = self._waiting, []
            await self._commit(group)

    async def _commit(self, group: Sequence[tuple[Report, asyncio.Future[Verdict]]]) -> None:
        now_s = self.now_s()
        self._expected.pass_to(now_s)
        batch = SampleBatch()
        verdicts = [self._judge(report, now_s, batch) for report, _ in group]
        if any(verdict in _GOOD for verdict in verdicts):
            try:
                if len(batch):
                    await self.keep(batch)
                await asyncio.to_thread(self._book.save)
            except (HeatloopError, OSError) as error:
                _LOG.warning("reports cannot be kept", reason=str(error), count=len(group))
                self._book.undo()
                verdicts = [Verdict.FULL if v in _GOOD else v for v in verdicts]
        for (report, answer), verdict in zip(group, verdicts, strict=True):
            self._count(report, verdict)
            if not answer.done():
                answer.set_result(verdict)

    def _judge(self, report: Report, now_s: float, batch: SampleBatch) -> Verdict:
        stamp = report.stamp
        verdict = self._book.verdict(stamp, now_s)
        if verdict is not Verdict.NEW:
            return verdict
        rows = self._rows(report)
        if report.values and not rows:
            return Verdict.RANGE
        for binding, value in rows:
            slot = report_slot(stamp.at_s, binding.period_s)
            batch.append(binding.key, slot, value, report.quality)
        self._book.accept(stamp)
        return verdict

    def _rows(self, report: Report) -> list[tuple[Binding, float]]:
        """Return the values in house units, without those no such point can have."""
        rows: list[tuple[Binding, float]] = []
        kinds = point_kinds()
        for binding, raw in report.values:
            value = raw * binding.factor + binding.offset
            kind = kinds[binding.kind]
            # Written so that a value that is no number fails, too.
            if kind.low <= value <= kind.high:
                rows.append((binding, value))
            else:
                self.refuse(report.stamp.device, "malformed", f"{binding.point} = {value}")
        return rows

    def _count(self, report: Report, verdict: Verdict) -> None:
        device = report.stamp.device
        match verdict:
            case Verdict.NEW:
                self._expected.came(device, report.stamp.at_s, report.size)
                if report.rssi_dbm is not None or report.snr_db is not None:
                    self.stats.signal(device, rssi_dbm=report.rssi_dbm, snr_db=report.snr_db)
            case Verdict.TIME | Verdict.REPLAYED:
                self.refuse(device, "refused", verdict.value)
            case Verdict.KEPT | Verdict.RANGE | Verdict.FULL | Verdict.UNKNOWN:
                pass  # a repeat; counted value by value; not lost; counted by the listener
