"""Heating cost: planned and actual by source and day, and by station for a time (4.2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.app.dispatch import Dispatch
from heatloop.app.dispatch_figures import Figures
from heatloop.app.dispatch_networks import DispatchNetwork
from heatloop.app.dispatch_spent import Spending, Spent
from heatloop.app.dispatch_views import named
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.refusals import Refused
from heatloop.app.station_uses import station_uses
from heatloop.app.views.heating_cost import CostRow, CostSource, CostSplit, CostStation, CostView
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.kpi.heating_cost import StationUse, cents, per_gj, per_m2, station_costs
from heatloop.store.historian.port import HOUR_S
from heatloop.store.historian.windows import day_of, day_range
from heatloop.store.records import Records

MOST_DAYS = 31


class DispatchCost:
    """Tells costs.

    Args:
        world: The ledger in force.
        records: Figures and plans.
        historian: What was measured.
        dispatch: Networks and how problems are made.
        zone: Time zone of days and tariffs.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        dispatch: Dispatch,
        zone: ZoneInfo,
    ) -> None:
        self._world, self._records = world, records
        self._spending = Spending(world, records, historian, dispatch)
        self._dispatch, self._zone = dispatch, zone

    async def view(self, scope: Scope, first: date | None, last: date | None) -> CostView:
        """Return the costs of some days; those that are not over count as far as they went.

        Args:
            scope: Stations outside are added up, but not listed.
            first: First local day; None: the last one.
            last: Last local day; None: yesterday.

        Raises:
            Refused: The days are turned round, too many, or not begun.
        """
        now_s = self._world.now_s()
        last = last or day_of(int(now_s), self._zone) - timedelta(days=1)
        first = first or last
        if last < first or (last - first).days >= MOST_DAYS:
            raise Refused("range_invalid", detail=f"1 - {MOST_DAYS} d")
        if day_range(first, self._zone)[0] >= now_s:
            raise Refused("range_invalid", detail="not begun")
        rows: list[CostRow] = []
        spent: dict[str, float] = {}
        stations: dict[str, StationUse] = {}
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            start, end = day_range(day, self._zone)
            end = min(end, int(now_s) // HOUR_S * HOUR_S)
            if end <= start:
                continue
            figures = Figures(
                self._world.ledger, await in_thread(self._records.dispatch.figures_at, float(start))
            )
            for network in self._dispatch.networks():
                found = await self._day(network, figures, day, start, end)
                rows += found
                spent[network.code] = spent.get(network.code, 0.0) + sum(
                    row.actual.total_yuan for row in found
                )
            for use in await station_uses(
                self._world, self._dispatch, self._spending, figures, self._zone, start, end
            ):
                stations[use.code] = _sum(stations.get(use.code), use)
        return self._view(scope, first, last, rows, spent, list(stations.values()))

    async def _day(
        self, network: DispatchNetwork, figures: Figures, day: date, start: int, end: int
    ) -> list[CostRow]:
        actual = await self._spending.actual(network, figures, start, end)
        planned = await self._spending.planned(network, figures, start, end)
        return [
            CostRow(
                day=day,
                source=source,
                **named(self._world, source),
                planned=None if planned is None else _split(planned[source]),
                actual=_split(actual[source]),
                deviation_yuan=None
                if planned is None
                else round(
                    _split(actual[source]).total_yuan
                    - _split(actual[source]).water_yuan
                    - _split(planned[source]).total_yuan,
                    2,
                ),
            )
            for source in network.sources
        ]

    def _sources(self, rows: Sequence[CostRow]) -> list[CostSource]:
        areas = {s: n.area_m2 for n in self._dispatch.networks() for s in n.sources}
        found = []
        for source, area in areas.items():
            mine = [row for row in rows if row.source == source]
            whole: dict[str, Any] = _whole(mine, area)
            starts = sum(row.actual.starts for row in mine)
            found.append(
                CostSource(source=source, **named(self._world, source), **whole, starts=starts)
            )
        return found

    def _view(
        self,
        scope: Scope,
        first: date,
        last: date,
        rows: list[CostRow],
        spent: dict[str, float],
        uses: list[StationUse],
    ) -> CostView:
        costs, rest = station_costs(spent, uses)
        total = sum(each.total_cents for each in costs) + rest
        heat = sum(row.actual.heat_kwh for row in rows)
        area = sum(each.area_m2 for each in uses)
        stations = [
            CostStation(
                station=use.code,
                **named(self._world, use.code),
                heat_kwh=round(use.heat_kwh, 1),
                heat_yuan=cost.heat_cents / 100.0,
                power_yuan=cost.power_cents / 100.0,
                water_yuan=cost.water_cents / 100.0,
                total_yuan=cost.total_cents / 100.0,
                yuan_gj=_rounded(per_gj(cost.total_cents / 100.0, use.heat_kwh)),
                yuan_m2=_rounded(per_m2(cost.total_cents / 100.0, use.area_m2)),
            )
            for use, cost in zip(uses, costs, strict=True)
            if self._world.sees(scope, use.code)
        ]
        return CostView(
            first=first,
            last=last,
            total_yuan=total / 100.0,
            unallocated_yuan=rest / 100.0,
            heat_kwh=round(heat, 1),
            yuan_gj=_rounded(per_gj(total / 100.0, heat)),
            yuan_m2=_rounded(per_m2(total / 100.0, area)),
            rows=rows,
            sources=self._sources(rows),
            stations=sorted(stations, key=lambda each: -each.total_yuan),
        )


def _whole(rows: Sequence[CostRow], area_m2: float) -> dict[str, float | None]:
    """Return a source's cost over all its days."""
    actual = round(sum(row.actual.total_yuan for row in rows), 2)
    heat = sum(row.actual.heat_kwh for row in rows)
    planned = [row.planned.total_yuan for row in rows if row.planned is not None]
    return {
        "heat_kwh": round(heat, 1),
        "planned_yuan": round(sum(planned), 2) if planned else None,
        "actual_yuan": actual,
        "yuan_gj": _rounded(per_gj(actual, heat)),
        "yuan_m2": _rounded(per_m2(actual, area_m2)),
    }


def _sum(before: StationUse | None, use: StationUse) -> StationUse:
    if before is None:
        return use
    return StationUse(
        code=use.code,
        network=use.network,
        area_m2=use.area_m2,
        heat_kwh=before.heat_kwh + use.heat_kwh,
        power_yuan=before.power_yuan + use.power_yuan,
        water_yuan=before.water_yuan + use.water_yuan,
    )


def _split(spent: Spent) -> CostSplit:
    parts = {
        name: cents(getattr(spent.costs, f"{name}_yuan")) / 100.0
        for name in ("fuel", "co2", "power", "start", "other")
    }
    water = cents(spent.water_yuan) / 100.0
    total = round(sum(parts.values()) + water, 2)
    return CostSplit(
        heat_kwh=round(spent.heat_kwh, 1),
        fuel_yuan=parts["fuel"],
        co2_yuan=parts["co2"],
        power_yuan=parts["power"],
        start_yuan=parts["start"],
        other_yuan=parts["other"],
        water_yuan=water,
        total_yuan=total,
        starts=spent.starts,
        yuan_gj=_rounded(per_gj(total, spent.heat_kwh)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
