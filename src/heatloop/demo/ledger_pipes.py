"""The demo city's primary mains as its ledger has them."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.demo.mains import ROUGHNESS_MM, lay_mains
from heatloop.demo.plans import Streets
from heatloop.plant.model import Asset

_LAID = 2006.0


def pipes_of(streets: Streets) -> Iterator[Asset]:
    """Yield a junction before every station, then the pipe pairs between them."""
    mains = lay_mains(streets)
    for index, plan in enumerate(streets.substations):
        yield Asset(
            code=f"PN{index + 1:05d}",
            kind="pipe_node",
            zh=f"{plan.zh}分支点",
            en=f"{plan.en} junction",
            parent="HS0001",
            organisation=f"BR{plan.branch + 1:02d}",
            attributes={"network": "primary", "node_kind": "junction"},
        )
    for node, above in enumerate(mains.parent):
        station = node // 2
        plan = streets.substations[station]
        service = node % 2 == 1
        start = "HS0001" if above < 0 else f"PN{above // 2 + 1:05d}"
        end = f"SS{station + 1:04d}" if service else f"PN{station + 1:05d}"
        zh, en = ("支线", "service pipes") if service else ("干线", "trunk pipes")
        yield Asset(
            code=f"PS{node + 1:05d}",
            kind="pipe_segment",
            zh=f"{plan.zh}{zh}",
            en=f"{plan.en} {en}",
            parent="HS0001",
            organisation=f"BR{plan.branch + 1:02d}",
            attributes={
                "network": "primary",
                "from_node": start,
                "to_node": end,
                "length_m": round(float(mains.length_m[node]), 1),
                "dn_mm": float(mains.nominal_mm[node]),
                "inner_diameter_mm": round(float(mains.inner_m[node]) * 1000.0, 1),
                "roughness_mm": ROUGHNESS_MM,
                "laying": "buried",
                "year": _LAID,
            },
        )
