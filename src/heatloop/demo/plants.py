"""The heat plants, isolation stations and booster stations of a city, sized for its load."""

from __future__ import annotations

from heatloop.demo.districts import Map
from heatloop.demo.plans import (
    APPROACH_K,
    BoosterPlan,
    IsolationPlan,
    SourcePlan,
    SubstationPlan,
    UnitPlan,
)

_STEP_KW = 700.0
"""Boilers are sold in whole steps of 0.7 MW."""
_CHP_SHARE, _CHP_BOILER_SHARE, _PEAK_BOILER_SHARE = 0.55, 0.15, 0.22
_TANK_HOURS = 3.0
"""Hours of the unit's full heat that its tank holds."""
_SPREAD_K = 45.0

Plants = tuple[tuple[SourcePlan, ...], tuple[IsolationPlan, ...], tuple[BoosterPlan, ...]]


def _steps(kw: float) -> float:
    return _STEP_KW * -(-kw // _STEP_KW)


def draw_plants(
    substations: list[SubstationPlan], units: list[UnitPlan], town: Map | None
) -> Plants:
    """Return the sources, isolation and booster stations that serve these substations.

    Args:
        substations: In code order.
        units: In code order.
        town: Their map; None: a tree with one plant of two boilers.
    """
    load = [0.0] * len(substations)
    for unit in units:
        load[unit.substation] += unit.load_kw
    if town is None:
        # Two equal boilers with a tenth in reserve.
        boiler_kw = 700.0 * -(-sum(unit.load_kw for unit in units) * 1.1 // 2 // 700.0)
        only = SourcePlan(
            zh="东城热源厂",
            en="East heat plant",
            branch=0,
            east_m=0.0,
            north_m=0.0,
            boiler_kw=(boiler_kw, boiler_kw),
        )
        return (only,), (), ()
    cells = len(town.isolations)
    size = len(substations) // cells
    sources: list[SourcePlan] = []
    isolations: list[IsolationPlan] = []
    boosters: list[BoosterPlan] = []
    for cell in range(cells):
        own = sum(load[cell * size : (cell + 1) * size])
        sources += _cell_sources(town, cell, own, _mark(cell, cells))
        code = f"IS{cell + 1:04d}"
        behind = [k for k, plan in enumerate(substations) if plan.fed_by == code]
        isolations.append(_isolation(town, cell, behind, load, units, _mark(cell, cells)))
        zh, en = _mark(cell, cells)
        east, north = town.boosters[cell]
        boosters.append(
            BoosterPlan(
                zh=f"南山{zh}中继泵站",
                en=f"Nanshan{en} booster station",
                branch=1,
                east_m=east,
                north_m=north,
            )
        )
    return tuple(sources), tuple(isolations), tuple(boosters)


def _mark(cell: int, cells: int) -> tuple[str, str]:
    return (f"{cell + 1}区", f" {cell + 1}") if cells > 1 else ("", "")


def _cell_sources(
    town: Map, cell: int, load_kw: float, mark: tuple[str, str]
) -> tuple[SourcePlan, SourcePlan]:
    """Return the plant with a CHP unit, two boilers and a tank, and the peak boiler house."""
    (east, north), (peak_east, peak_north) = town.sources[2 * cell : 2 * cell + 2]
    chp_kw = _steps(_CHP_SHARE * load_kw)
    zh, en = mark
    plant = SourcePlan(
        zh=f"东城{zh}热电厂",
        en=f"East{en} CHP plant",
        branch=0,
        east_m=east,
        north_m=north,
        boiler_kw=(_steps(_CHP_BOILER_SHARE * load_kw),) * 2,
        chp_kw=chp_kw,
        tank_m3=round(chp_kw * 3600.0 * _TANK_HOURS / (4.187 * _SPREAD_K) / 975.0, -2),
    )
    peak = SourcePlan(
        zh=f"西城{zh}调峰锅炉房",
        en=f"West{en} peak boiler house",
        branch=1,
        east_m=peak_east,
        north_m=peak_north,
        boiler_kw=(_steps(_PEAK_BOILER_SHARE * load_kw),) * 2,
    )
    return plant, peak


def _isolation(
    town: Map,
    cell: int,
    behind: list[int],
    load_kw: list[float],
    units: list[UnitPlan],
    mark: tuple[str, str],
) -> IsolationPlan:
    """Return the isolation station before these substations."""
    served = [unit for unit in units if unit.substation in set(behind)]
    total = sum(unit.load_kw for unit in served)
    back = sum(unit.load_kw * (unit.return_c + APPROACH_K) for unit in served) / total
    east, north = town.isolations[cell]
    return IsolationPlan(
        zh=f"北苑{mark[0]}隔压站",
        en=f"Beiyuan{mark[1]} isolation station",
        branch=0,
        east_m=east,
        north_m=north,
        load_kw=sum(load_kw[k] for k in behind),
        back_c=round(back, 1),
    )
