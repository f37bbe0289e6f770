"""Abnormal data found by itself: at the entrance every minute, in retrospect every six hours."""

from __future__ import annotations

import asyncio

import numpy as np
import structlog

from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.quality_tables import points_around, table_of, tops
from heatloop.app.quality_twin import twin_findings
from heatloop.app.schedule import Job
from heatloop.ingest.batch.judge import judge
from heatloop.ingest.batch.model import Finding, Rule, Severity, Table
from heatloop.ingest.batch.neighbours import SHARED
from heatloop.ingest.batch.texts import SEVERITIES, explain
from heatloop.ingest.flag_book import FlagSpan
from heatloop.ingest.reasons import Flag
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.ids import derived_id
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.store.historian.port import TEN_MINUTES_S, RollupColumns
from heatloop.store.records.quality import CaseRow

_log = structlog.get_logger("heatloop.quality")
FLAGS_S = 60.0
RETROSPECT_S = 6 * 3600.0
WINDOW_S = 5 * 86400
"""How far back the retrospect looks."""
_NEW_S = 86400.0
_WORK_S = 120.0
_REST = 4.0
_KINDS = ("unit", "heat_source", "substation", "isolation_station", "booster_station",
          "weather_station")  # fmt: skip
_PEERS = 4
RULE_OF: dict[Flag, Rule] = {
    Flag.RANGE: Rule.RANGE,
    Flag.RATE: Rule.RATE,
    Flag.SPIKE: Rule.SPIKE,
    Flag.UNIT: Rule.UNIT,
    Flag.FROZEN: Rule.FROZEN,
    Flag.COUNTER: Rule.COUNTER,
    Flag.BALANCE: Rule.BALANCE,
    Flag.ORDER: Rule.ORDER,
}
"""What each check at the entrance is called among the rules."""


class QualityWatch:
    """Brings what the checks say into the queue."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def take_flags(self, due: float) -> None:
        """Bring what was flagged at the entrance since the last time into the queue."""
        spans = self._platform.loop.checker.book.drain()
        await self._put([row for span in spans if (row := self._case_of(span, due)) is not None])

    async def look_back(self, due: float) -> None:
        """Judge the last days of every asset as a whole, as many at a time as there are workers."""
        world = self._platform.world
        peers = await self._weather(int(due))
        waiting = iter([asset.code for kind in _KINDS for asset in world.ledger.of_kind(kind)])

        async def line() -> None:
            for code in waiting:
                try:
                    await self._look_back_at(code, int(due), peers)
                except HeatloopError as error:
                    # One asset that cannot be judged must not keep the others from it.
                    _log.warning("asset not judged", asset=code, error=str(error))

        async with asyncio.TaskGroup() as lines:
            # One more than there are workers: its table is read while theirs are judged.
            for _ in range(self._platform.settings.twin.workers + 1):
                lines.create_task(line())

    async def _look_back_at(self, asset: str, due: int, peers: list[Table]) -> None:
        platform = self._platform
        table = await self._table(asset, due)
        if table is None:
            return
        others = [peer for peer in peers if peer.place != asset][:_PEERS]
        verdict = await platform.workers.call(judge, _WORK_S, table, others)
        own = {point.code for point in platform.world.ledger.points_of(asset)}
        # Gaps have a list of their own; what is only beside it is judged in its own turn.
        findings = [
            each
            for each in verdict.findings
            if each.rule is not Rule.MISSING and (not each.point or each.point in own)
        ]
        findings += await twin_findings(platform.world, platform.historian, table)
        # What is older was found the last time, and may have been handled since.
        fresh = [each for each in findings if each.end_s >= due - _NEW_S]
        await self._put([_case(each, asset, due) for each in fresh])

    async def _table(self, asset: str, due: int) -> Table | None:
        """Return the last reading of each ten minutes of an asset, None with too few of them."""
        platform = self._platform
        ledger = platform.world.ledger
        points = points_around(ledger, asset)
        if not any(point.asset == asset for point in points):
            return None
        keys = np.array([point.key for point in points], "u4")
        found = await platform.historian.rollup(keys, due - WINDOW_S, due, TEN_MINUTES_S)
        columns = _last_values(found)
        if np.unique(columns.slots).size < 100:
            return None
        return table_of(asset, points, columns, tops(ledger, points))

    async def _weather(self, due: int) -> list[Table]:
        """Return the weather that different places measured, to compare each with the others."""
        ledger = self._platform.world.ledger
        places = sorted({point.asset for point in ledger.points.values() if point.kind in SHARED})[
            : _PEERS + 1
        ]
        tables = [await self._table(place, due) for place in places]
        return [table for table in tables if table is not None]

    def _case_of(self, span: FlagSpan, due: float) -> CaseRow | None:
        point = self._platform.world.ledger.by_key.get(span.key)
        if point is None:
            return None
        rule = RULE_OF[span.flag]
        kind = point_kinds()[point.kind]
        zh, en = explain(rule, span.value, None, kind.unit)
        return CaseRow(
            id=derived_id("quality", point.code, rule.name, span.start),
            asset=point.asset,
            point=point.code,
            rule=rule.name.lower(),
            severity=SEVERITIES.get(rule, Severity.MEDIUM),
            start_s=float(span.start),
            end_s=float(span.end),
            samples=span.samples,
            value=span.value,
            expected=None,
            text_zh=zh,
            text_en=en,
            found_at=due,
        )

    async def _put(self, rows: list[CaseRow]) -> None:
        if rows:
            await in_thread(self._platform.records.quality.put, rows)


def _last_values(found: RollupColumns) -> Columns:
    # A window without one good sample was doubted at the entrance, or is an estimate already.
    known = found.take(np.isfinite(found.last) & (found.good_count > 0))
    quality = np.full(len(known), Quality.GOOD, "u1")
    return Columns(known.keys, known.slots, known.last, quality)


def _case(finding: Finding, asset: str, due: float) -> CaseRow:
    return CaseRow(
        id=derived_id("quality", finding.point or asset, finding.rule.name, int(finding.start_s)),
        asset=asset,
        point=finding.point,
        rule=finding.rule.name.lower(),
        severity=int(finding.severity),
        start_s=finding.start_s,
        end_s=finding.end_s,
        samples=finding.samples,
        value=finding.value,
        expected=finding.expected,
        text_zh=finding.zh,
        text_en=finding.en,
        found_at=float(due),
    )


def add_quality_jobs(platform: Platform) -> None:
    """Put the watch over data quality into a platform's schedule."""
    watch = QualityWatch(platform)
    platform.schedule.add(
        Job(name="quality_flags", period_s=FLAGS_S, run=watch.take_flags, least_pause_s=1.0)
    )
    platform.schedule.add(
        Job(name="quality", period_s=RETROSPECT_S, run=watch.look_back, rest=_REST)
    )
