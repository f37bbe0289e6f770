"""What closing a pipe means, and what a change would do to the network as it is now (6.2 g)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from heatloop.app.queries.network_shape import Cut, affected_users, burst_valves
from heatloop.app.twin_job import Twin
from heatloop.app.twin_state import WhatIf, WhatIfAnswer
from heatloop.app.views.network import (
    CutView,
    NamedThing,
    OutageView,
    WhatIfSource,
    WhatIfUnit,
    WhatIfView,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.network.arrays import Floats
from heatloop.network.water import density_kg_m3

_NOTABLE = 0.05
_USUAL_RETURN_C = 50.0
_LEAST_M3H = 0.05


def _named(world: World, codes: Iterable[str]) -> list[NamedThing]:
    assets = (world.ledger.assets[code] for code in codes)
    return [NamedThing(code=each.code, zh=each.zh, en=each.en) for each in assets]


def _cut(world: World, cut: Cut) -> CutView:
    return CutView(
        possible=cut.possible,
        closed=_named(world, cut.closed),
        stop=_named(world, cut.stop),
        stations=_named(world, cut.stations),
        units=len(cut.lost),
        rerouted=len(cut.rerouted),
        area_m2=cut.area_m2,
        flats=cut.flats,
    )


def outage(world: World, scope: Scope, segment: str) -> OutageView:
    """Return who is without supply when a pipe is shut, and when it bursts.

    Raises:
        Refused: There is no such pipe of the network inside the scope.
    """
    burst = burst_valves(world, scope, segment)
    return OutageView(
        segment=_named(world, [segment])[0],
        shut=_cut(world, affected_users(world, scope, [segment])),
        burst=_cut(world, burst),
    )


async def what_if(world: World, scope: Scope, twin: Twin, what: WhatIf, most: int) -> WhatIfView:
    """Return what a change would do to the units inside a scope, the worst first.

    Args:
        world: The present.
        scope: What the reader may see; the change must lie inside it.
        twin: Who answers.
        what: The change.
        most: Units listed at most.

    Raises:
        Refused: There is no fresh estimate, or something cannot be changed so.
    """
    for code in (
        *what.close,
        *what.opening,
        *what.pump_speed,
        *what.source_dp_kpa,
        *what.source_supply_c,
    ):
        world.asset(scope, code)
    known, answer = await twin.think(what)
    units = [
        _unit(world, answer, n) for n, code in enumerate(answer.units) if world.sees(scope, code)
    ]
    units.sort(key=_badness)
    shares = np.array([1.0 if u.flow_pct is None else u.flow_pct / 100.0 for u in units])
    return WhatIfView(
        at=utc(known.run.t_s),
        took_ms=1000.0 * answer.took_s,
        cut_off=sum(unit.cut_off for unit in units),
        less=int((shares <= 1.0 - _NOTABLE).sum()),
        more=int((shares >= 1.0 + _NOTABLE).sum()),
        listed=len(units),
        units=units[:most],
        sources=_sources(world, scope, answer),
    )


def _m3h(flow_kgs: Floats, at: int) -> float:
    # As the meters say it: they stand in the return.
    return float(flow_kgs[at]) * 3600.0 / float(density_kg_m3(_USUAL_RETURN_C))


def _maybe(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _unit(world: World, answer: WhatIfAnswer, n: int) -> WhatIfUnit:
    asset = world.ledger.assets[answer.units[n]]
    now, then = _m3h(answer.flow_kgs, n), _m3h(answer.flow_after_kgs, n)
    after_kpa = _maybe(answer.dp_after_kpa[n])
    return WhatIfUnit(
        code=asset.code,
        zh=asset.zh,
        en=asset.en,
        station=asset.parent if asset.kind == "unit" else asset.code,
        cut_off=after_kpa is None,
        flow_m3h=now,
        flow_after_m3h=then,
        flow_pct=100.0 * then / now if now > _LEAST_M3H else None,
        dp_kpa=float(answer.dp_kpa[n]),
        dp_after_kpa=after_kpa,
        supply_kpa=float(answer.supply_kpa[n]),
        supply_after_kpa=_maybe(answer.supply_after_kpa[n]),
        supply_c=float(answer.supply_c[n]),
        supply_after_c=None if after_kpa is None else float(answer.supply_after_c[n]),
    )


def _badness(unit: WhatIfUnit) -> tuple[bool, float, float]:
    """Return what sorts the worst first: cut off, then least water, then least warmth."""
    share = 100.0 if unit.flow_pct is None else unit.flow_pct
    after_c = unit.supply_c if unit.supply_after_c is None else unit.supply_after_c
    return not unit.cut_off, round(share, 1), after_c - unit.supply_c


def _sources(world: World, scope: Scope, answer: WhatIfAnswer) -> list[WhatIfSource]:
    return [
        WhatIfSource(
            code=code,
            zh=world.ledger.assets[code].zh,
            en=world.ledger.assets[code].en,
            flow_m3h=_m3h(answer.source_kgs, n),
            flow_after_m3h=_m3h(answer.source_after_kgs, n),
        )
        for n, code in enumerate(answer.sources)
        if world.sees(scope, code)
    ]
