"""Secondary balance as people read it: units ranked, buildings with present and proposed openings.

It looks at the whole hours of the last day in the historian; bad samples never count. Nothing is
written to any valve: it is a list for the people who balance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.app.forecast_history import FIELDS, table_of
from heatloop.app.history import AsyncHistorian
from heatloop.app.layout import number
from heatloop.app.refusals import Refused
from heatloop.app.secondary_balance_inlets import HOURS, Inlets, batches, hours_of, inlets_of
from heatloop.app.views.balance import BalanceBuilding, BalanceCard, BalancePage, BalanceView
from heatloop.app.world import World
from heatloop.control.unit_balance import (
    AT_STOP,
    OPEN_MORE,
    THROTTLE,
    UnitBalance,
    balance_unit,
)
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger
from heatloop.store.historian.port import HOUR_S

_FRESH_S = 600
"""What was worked out is kept that long, plant time."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Found:
    inlets: Inlets
    result: UnitBalance


class SecondaryBalance:
    """Works out how the buildings of each unit share its water.

    Args:
        world: The present.
        historian: Where readings are.
    """

    def __init__(self, world: World, historian: AsyncHistorian) -> None:
        self._world, self._historian = world, historian
        self._found: dict[str, _Found] = {}
        self._of: tuple[Ledger | None, int] = (None, -1)
        self._one_at_a_time = asyncio.Lock()

    async def page(self, scope: Scope, page: int, size: int) -> BalancePage:
        """Return a page of the units inside a scope, the worst first."""
        ranked = await self._ranked(scope)
        start_s, end_s = self._range()
        return BalancePage(
            total=len(ranked),
            data_from=utc(start_s),
            data_until=utc(end_s),
            items=[card for card, _ in ranked[(page - 1) * size : page * size]],
        )

    async def one(self, scope: Scope, code: str) -> BalanceView:
        """Return a unit's buildings and what is proposed for each.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        self._world.asset(scope, code)
        if code not in self._world.layout.units:
            raise Refused("not_found", thing=code)
        return self._view(scope, (await self._results([code]))[code])

    async def all(self, scope: Scope) -> list[BalanceView]:
        """Return every unit inside a scope, the worst first."""
        return [self._view(scope, found) for _, found in await self._ranked(scope)]

    async def _ranked(self, scope: Scope) -> list[tuple[BalanceCard, _Found]]:
        codes = [c for c in sorted(self._world.layout.units) if self._world.sees(scope, c)]
        results = await self._results(codes)
        cards = [(self._card(scope, results[code]), results[code]) for code in codes]

        def rank(row: tuple[BalanceCard, _Found]) -> tuple[bool, float, bool, str]:
            card = row[0]
            spread = card.spread_pct
            return spread is None, -(spread or 0.0), card.reason == "no_buildings", card.unit

        return sorted(cards, key=rank)

    def _range(self) -> tuple[int, int]:
        end_s = int(self._world.now_s()) // HOUR_S * HOUR_S
        return end_s - HOURS * HOUR_S, end_s

    async def _results(self, codes: Sequence[str]) -> dict[str, _Found]:
        """Return what was worked out of units, kept for a while: a page asks for all of them."""
        async with self._one_at_a_time:
            of = (self._world.ledger, int(self._world.now_s()) // _FRESH_S)
            if self._of[0] is not of[0] or self._of[1] != of[1]:
                self._found, self._of = {}, of
            missing = [code for code in codes if code not in self._found]
            start_s, end_s = self._range()
            for batch in batches([inlets_of(self._world, code) for code in missing]):
                await self._read(batch, start_s, end_s)
            return {code: self._found[code] for code in codes}

    async def _read(self, batch: Sequence[Inlets], start_s: int, end_s: int) -> None:
        keys = sorted(set().union(*(each.keys() for each in batch)))
        table = np.full((HOURS, 0), np.nan)
        if keys:
            rows = await self._historian.rollup(
                np.asarray(keys, "u4"), start_s, end_s, HOUR_S, fields=FIELDS
            )
            table = await asyncio.to_thread(table_of, rows, keys, start_s, HOURS, HOUR_S)
        place = {key: at for at, key in enumerate(keys)}
        results = await asyncio.to_thread(
            lambda: [balance_unit(hours_of(each, table, place)) for each in batch]
        )
        for inlets, result in zip(batch, results, strict=True):
            self._found[inlets.unit.asset.code] = _Found(inlets=inlets, result=result)

    def _card(self, scope: Scope, found: _Found) -> BalanceCard:
        result, unit = found.result, found.inlets.unit.asset
        station = self._world.layout.units[unit.code][1].node.asset
        seen = [self._world.sees(scope, node.asset.code) for node in found.inlets.buildings]
        states = [state for state, mine in zip(result.states, seen, strict=True) if mine]
        known = np.isfinite(result.factor) & np.asarray(seen, dtype=bool)
        return BalanceCard(
            unit=unit.code,
            zh=unit.zh,
            en=unit.en,
            station=station.code,
            station_zh=station.zh,
            station_en=station.en,
            reason=result.reason,
            method=result.method,
            hours=result.hours,
            spread_pct=None if result.reason else round(100.0 * result.spread, 2),
            buildings=len(states),
            known=int(known.sum()),
            to_move=sum(state in (OPEN_MORE, THROTTLE) for state in states),
            at_stop=states.count(AT_STOP),
        )

    def _view(self, scope: Scope, found: _Found) -> BalanceView:
        inlets, result = found.inlets, found.result
        start_s, end_s = self._range()
        total = float(inlets.share.sum())
        items = [
            BalanceBuilding(
                building=node.asset.code,
                zh=node.asset.zh,
                en=node.asset.en,
                area_m2=number(node.asset, "area_m2"),
                share_pct=round(100.0 * float(inlets.share[at]) / total, 2),
                opening_pct=_told(result.opening_pct[at], 0),
                flow_m3h=_told(result.flow_m3h[at], 2),
                supply_c=_told(result.supply_c[at], 1),
                return_c=_told(result.return_c[at], 1),
                room_c=_told(result.room_c[at], 1),
                factor=_told(result.factor[at], 3),
                proposed_pct=_told(result.proposed_pct[at], 0),
                state=result.states[at],
            )
            for at, node in enumerate(inlets.buildings)
            if self._world.sees(scope, node.asset.code)
        ]
        return BalanceView(
            card=self._card(scope, found),
            data_from=utc(start_s),
            data_until=utc(end_s),
            share_by=inlets.share_by,
            items=items,
        )


def _told(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
