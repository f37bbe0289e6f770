"""How much of the way from source to user is seen live: five stages (clause 6.1.2 h)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heatloop.app.views.coverage import Coverage, CoverageFinding, StageCoverage
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds

STAGES: Mapping[str, tuple[str, str]] = {
    "source": ("热源", "heat source"),
    "primary": ("一级网", "primary network"),
    "station": ("热力站", "substation"),
    "secondary": ("二级网", "secondary network"),
    "user": ("热用户", "heat user"),
}
"""Stages in order, with Chinese and English names."""
# Pipes and their nodes have no meters of their own: the primary network is seen where stations
# tap it, and between them by the twin.
_STAGE_OF: Mapping[str, str] = {
    "heat_source": "source",
    "isolation_station": "primary",
    "booster_station": "primary",
    "substation": "station",
    "unit": "secondary",
    "building": "user",
    "flat": "user",
}
_PRIMARY_KINDS = ("primary_supply_pressure", "primary_return_pressure", "primary_flow",
                  "primary_supply_temperature", "primary_return_temperature")  # fmt: skip
_USER_HOMES = "building"
_THIN_PCT = 80.0
_MOST_NAMED = 100
_LATE_PERIODS = 3


def coverage(world: World, scope: Scope) -> Coverage:
    """Return how many assets of each stage inside a scope have live data."""
    live, bound = _live(world), {binding.point for binding in world.ledger.bindings}
    assets: dict[str, set[str]] = {stage: set() for stage in STAGES}
    measured: dict[str, set[str]] = {stage: set() for stage in STAGES}
    alive: dict[str, set[str]] = {stage: set() for stage in STAGES}
    for kind, stage in _STAGE_OF.items():
        for asset in world.ledger.of_kind(kind):
            if world.sees(scope, asset.code):
                assets[stage].add(asset.code)
    for station in world.ledger.of_kind("substation"):
        if world.sees(scope, station.code):
            assets["primary"].add(station.code)
    for point in world.ledger.points.values():
        for stage, code in _stands_for(world, point.asset, point.kind):
            if code in assets[stage]:
                if point.code in bound:
                    measured[stage].add(code)
                if point.key in live:
                    alive[stage].add(code)
    stages = [
        StageCoverage(
            stage=stage,
            zh=zh,
            en=en,
            assets=len(assets[stage]),
            measured=len(measured[stage]),
            live=len(alive[stage]),
            share_pct=100.0 * len(alive[stage]) / len(assets[stage]) if assets[stage] else None,
            missing=sorted(assets[stage] - alive[stage])[:_MOST_NAMED],
        )
        for stage, (zh, en) in STAGES.items()
    ]
    return Coverage(at=utc(world.now_s()), stages=stages, findings=_findings(stages))


def _stands_for(world: World, code: str, kind: str) -> list[tuple[str, str]]:
    """Return the stages and assets a point's value speaks for."""
    asset = world.ledger.assets[code]
    found = []
    stage = _STAGE_OF.get(asset.kind)
    if stage is not None:
        found.append((stage, code))
    if asset.kind == "substation" and kind in _PRIMARY_KINDS:
        found.append(("primary", code))
    if asset.kind == "room_collector":
        # A room's sensor speaks for the flat it hangs in and for the building around it.
        at = asset
        while at.parent in world.ledger.assets:
            at = world.ledger.assets[at.parent]
            if at.kind in ("flat", _USER_HOMES):
                found.append(("user", at.code))
    elif asset.kind == "flat":
        at = asset
        while at.parent in world.ledger.assets:
            at = world.ledger.assets[at.parent]
            if at.kind == _USER_HOMES:
                found.append(("user", at.code))
    return found


def _live(world: World) -> set[int]:
    """Return the keys of points whose newest value is fresh and usable."""
    latest = world.latest
    kinds = point_kinds()
    ledger = world.ledger
    period = np.fromiter(
        (kinds[ledger.by_key[key].kind].period_s for key in latest.index.keys.tolist()),
        np.float64,
        len(latest.index),
    )
    fresh = world.settled_s() - latest.slots <= _LATE_PERIODS * period
    usable = ~np.isin(latest.quality, (Quality.BAD, Quality.STALE)) & np.isfinite(latest.values)
    # What the twin estimates is no measurement.
    usable &= latest.quality != Quality.ESTIMATED
    return set(latest.index.keys[fresh & usable & (latest.slots > 0)].tolist())


def _findings(stages: list[StageCoverage]) -> list[CoverageFinding]:
    found = []
    for each in stages:
        if not each.assets:
            zh, en = f"台账中没有{each.zh}资产", f"the ledger has no asset at the stage {each.en}"
        elif not each.live:
            zh, en = f"{each.zh}没有任何实时数据", f"no live data at the stage {each.en}"
        elif each.share_pct is not None and each.share_pct < _THIN_PCT:
            share = f"{each.share_pct:.0f} %"
            zh = f"{each.zh}仅 {share} 的资产有实时数据"
            en = f"only {share} of the assets at the stage {each.en} have live data"
        else:
            continue
        found.append(CoverageFinding(stage=each.stage, zh=zh, en=en))
    return found
