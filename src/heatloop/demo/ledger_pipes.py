"""The demo city's primary mains as its ledger has them."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.demo.mains import ROUGHNESS_MM, lay_mains
from heatloop.demo.places import lat_lon
from heatloop.demo.plans import Streets, TrenchPlan
from heatloop.plant.model import Asset

_LAID = 2006.0


def pipes_of(streets: Streets) -> Iterator[Asset]:
    """Yield a junction before every station, then the pipe pairs between them."""
    mains = lay_mains(streets)
    tree = len(streets.sources) == 1
    for index, plan in enumerate(streets.substations):
        # Along the streets of a tree the junction lies on the street itself.
        lat, lon = lat_lon(plan.east_m, 0.0 if tree else plan.north_m - 80.0)
        yield Asset(
            code=f"PN{index + 1:05d}",
            kind="pipe_node",
            zh=f"{plan.zh}分支点",
            en=f"{plan.en} junction",
            parent=plan.fed_by,
            organisation=f"BR{plan.branch + 1:02d}",
            attributes={"network": "primary", "node_kind": "junction", "lat": lat, "lon": lon},
        )
    for number, trench in enumerate(streets.trenches):
        zh, en, branch, parent = _about(streets, number, trench)
        yield Asset(
            code=f"PS{number + 1:05d}",
            kind="pipe_segment",
            zh=zh,
            en=en,
            parent=parent,
            organisation=f"BR{branch + 1:02d}",
            attributes={
                "network": "primary",
                "from_node": trench.start,
                "to_node": trench.end,
                "length_m": round(float(mains.length_m[number]), 1),
                "dn_mm": float(mains.nominal_mm[number]),
                "inner_diameter_mm": round(float(mains.inner_m[number]) * 1000.0, 1),
                "roughness_mm": ROUGHNESS_MM,
                "laying": "buried",
                "year": _LAID,
            },
        )


def _about(streets: Streets, number: int, trench: TrenchPlan) -> tuple[str, str, int, str]:
    """Return the names of a trench, its branch, and what feeds it."""
    at = int(trench.end[2:]) - 1
    if trench.end.startswith("IS"):
        zone = streets.isolations[at]
        return f"{zone.zh}输送干线", f"{zone.en} transmission main", zone.branch, trench.start
    if trench.end.startswith("BS"):
        booster = streets.boosters[at]
        above = streets.substations[int(trench.start[2:]) - 1].fed_by
        return f"{booster.zh}干线", f"{booster.en} trunk pipes", booster.branch, above
    plan = streets.substations[at]
    if trench.end.startswith("SS"):
        return f"{plan.zh}支线", f"{plan.en} service pipes", plan.branch, plan.fed_by
    closing = number >= 2 * len(streets.substations)
    zh, en = ("联络线", "link pipes") if closing else ("干线", "trunk pipes")
    return f"{plan.zh}{zh}", f"{plan.en} {en}", plan.branch, plan.fed_by
