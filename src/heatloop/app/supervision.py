"""Supervision as people read it: plan bands now, automatic ratio, smart devices."""

from __future__ import annotations

from heatloop.app.automatic_ratio import automatic_ratio
from heatloop.app.dispatch_periods import DispatchPeriods
from heatloop.app.forecast_read import plain
from heatloop.app.history import AsyncHistorian
from heatloop.app.plan_deviation import ABOVE, BELOW, INSIDE, UNKNOWN, PlanDeviation
from heatloop.app.smart_devices import smart_devices
from heatloop.app.supervision_periods import PastPeriods
from heatloop.app.views.supervision import (
    AutomaticReport,
    AutomaticRow,
    PlanStanding,
    SmartClass,
    SmartReport,
    SupervisionNow,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.store.historian.port import DAY_S, HOUR_S
from heatloop.store.records import Records

_ORDER = {ABOVE: 0, BELOW: 0, UNKNOWN: 1, INSIDE: 2}


class Supervision:
    """Reads; what it reads is kept by others.

    Args:
        world: The present.
        records: Plans, forecasts, alarms, stages.
        historian: What came.
        periods: Plans in force.
        deviation: The last comparison.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        periods: DispatchPeriods,
        deviation: PlanDeviation,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._deviation = deviation
        self.past = PastPeriods(world, records, historian, periods)
        """Dispatch periods to look back at."""

    def now(
        self, scope: Scope, *, quantity: str, state: str, find: str, page: int, size: int
    ) -> SupervisionNow:
        """Return a page of what is planned beside what is, those outside their band first."""
        world, needle = self._world, find.strip().lower()
        assets = world.ledger.assets
        mine = [
            each
            for each in self._deviation.now.values()
            if world.sees(scope, each.subject)
            and (not quantity or each.quantity == quantity)
            and (not needle or needle in _named(assets[each.subject]))
        ]
        counts = dict.fromkeys((INSIDE, ABOVE, BELOW, UNKNOWN), 0)
        for each in mine:
            counts[each.state] += 1
        outside = (ABOVE, BELOW)
        kept = [
            each
            for each in mine
            if not state or each.state == state or (state == "outside" and each.state in outside)
        ]
        kept.sort(key=lambda each: (_ORDER[each.state], each.subject, each.quantity))
        units = world.layout.units
        rows = []
        for each in kept[(page - 1) * size : page * size]:
            asset, unit = assets[each.subject], units.get(each.subject)
            rows.append(
                PlanStanding(
                    code=each.subject,
                    zh=asset.zh,
                    en=asset.en,
                    station=each.subject if unit is None else unit[1].node.asset.code,
                    quantity=each.quantity,
                    actual=plain(each.actual, 2),
                    low=round(each.low, 2),
                    plan=round(each.plan, 2),
                    high=round(each.high, 2),
                    state=each.state,
                    since=utc(each.since_s),
                )
            )
        at_s = self._deviation.at_s
        return SupervisionNow(
            at=utc(at_s) if at_s else None, counts=counts, total=len(kept), rows=rows
        )

    async def automatic(self, scope: Scope, *, days: int, page: int, size: int) -> AutomaticReport:
        """Return the automatic-operation ratio of the last days, the lowest station first."""
        end = int(self._world.now_s() // HOUR_S * HOUR_S)
        start = end - days * DAY_S
        units = await automatic_ratio(
            self._world, self._historian, self._records, scope, start, end
        )
        by_station: dict[str, list[float]] = {}
        for unit in units:
            sums = by_station.setdefault(unit.station, [0.0, 0.0, 0.0, 0.0])
            figures = (unit.heating_h, unit.automatic_h, unit.platform_h, unit.unknown_h)
            by_station[unit.station] = [a + b for a, b in zip(sums, figures, strict=True)]
        rows = [self._automatic_row(code, *sums) for code, sums in by_station.items()]
        rows.sort(key=lambda row: (row.automatic_pct is None, row.automatic_pct, row.code))
        whole = [sum(row) for row in zip(*by_station.values(), strict=True)] or [0.0] * 4
        return AutomaticReport(
            start=utc(start),
            end=utc(end),
            heating_h=round(whole[0], 1),
            automatic_pct=_pct(whole[1], whole[0]),
            platform_pct=_pct(whole[2], whole[0]),
            total=len(rows),
            rows=rows[(page - 1) * size : page * size],
        )

    def _automatic_row(
        self, code: str, heating: float, automatic: float, platform: float, unknown: float
    ) -> AutomaticRow:
        asset = self._world.ledger.assets[code]
        return AutomaticRow(
            code=code,
            zh=asset.zh,
            en=asset.en,
            heating_h=round(heating, 2),
            automatic_h=round(automatic, 2),
            platform_h=round(platform, 2),
            unknown_h=round(unknown, 2),
            automatic_pct=_pct(automatic, heating),
            platform_pct=_pct(platform, heating),
        )

    def smart(self, scope: Scope) -> SmartReport:
        """Return the share of smart devices by class."""
        shares = smart_devices(self._world, scope)
        main = [each for each in shares if each.about.main]
        total, smart = sum(each.total for each in main), sum(each.smart for each in main)
        return SmartReport(
            main_total=total,
            main_smart=smart,
            main_pct=_pct(smart, total),
            classes=[
                SmartClass(
                    name=each.about.name,
                    zh=each.about.zh,
                    en=each.about.en,
                    group=each.about.group,
                    main=each.about.main,
                    total=each.total,
                    digital=each.digital,
                    status=each.status,
                    remote=each.remote,
                    smart=each.smart,
                    share_pct=_pct(each.smart, each.total) or 0.0,
                    lacking=each.lacking[:50],
                )
                for each in shares
            ],
        )


def _pct(part: float, whole: float) -> float | None:
    return round(100.0 * part / whole, 2) if whole else None


def _named(asset: object) -> str:
    words = (getattr(asset, name, "") for name in ("code", "zh", "en"))
    return " ".join(str(word) for word in words).lower()
