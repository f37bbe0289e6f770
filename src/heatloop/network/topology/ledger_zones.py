"""The primary network of a ledger as a graph of assets: pipe ends, pressure zones, distances."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from heatloop.network.topology.ledger_design import Design
from heatloop.plant.model import Asset

IN, OUT = "", ".out"
"""An isolation or booster station has an end that is fed and one that feeds on."""
_PASSING = ("isolation_station", "booster_station")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trench:
    """A pair of pipes between two places."""

    pipe: Asset
    """The pipe segment."""
    start: str
    """Place it leads from."""
    end: str
    """Place it leads to."""
    length_m: float
    """Length."""


@dataclass(kw_only=True, slots=True)
class Zone:
    """Places with one pressure regime: behind heat sources or behind one isolation station."""

    places: set[str] = field(default_factory=set)
    """Places."""
    sources: list[str] = field(default_factory=list)
    """Heat sources in it."""
    isolation: str = ""
    """Isolation station that feeds it; empty with heat sources or when nothing does."""
    supply_c: float = 0.0
    """Design supply temperature."""
    farthest_m: float = 0.0
    """Longest way from a feed to a place."""


@dataclass(kw_only=True, slots=True)
class Plan:
    """Everything the builder needs to know."""

    trenches: list[Trench]
    """Pairs of pipes."""
    zones: list[Zone]
    """Zones that are fed; those nothing feeds are a finding."""
    zone_of: dict[str, Zone]
    """By place."""
    valves: dict[str, tuple[str, str]]
    """Valve nodes that stand in one line: the two segments they separate."""


def place_of(code: str, *, feeding: bool, kind: str) -> str:
    """Return the place at which a pipe meets an asset."""
    return f"{code}{OUT}" if feeding and kind in _PASSING else code


def make_plan(design: Design, network: str = "primary") -> Plan:
    """Return the plan of a ledger's network; what is wrong goes to the findings."""
    trenches = _trenches(design, network)
    near: dict[str, list[tuple[str, float]]] = {}
    for trench in trenches:
        near.setdefault(trench.start, []).append((trench.end, trench.length_m))
        near.setdefault(trench.end, []).append((trench.start, trench.length_m))
    for station in design.ledger.of_kind("booster_station"):
        a, b = station.code, station.code + OUT
        if a in near and b in near:
            near[a].append((b, 0.0))
            near[b].append((a, 0.0))
    zones, zone_of = _zones(design, near)
    return Plan(
        trenches=trenches, zones=zones, zone_of=zone_of, valves=_line_valves(design, trenches)
    )


def _trenches(design: Design, network: str) -> list[Trench]:
    ledger, found = design.ledger, []
    for pipe in ledger.of_kind("pipe_segment"):
        if pipe.attributes.get("network", "primary") != network:
            continue
        ends = [str(pipe.attributes.get(side, "")) for side in ("from_node", "to_node")]
        strange = [end for end in ends if end not in ledger.assets]
        if strange or ends[0] == ends[1]:
            zh = "起止点不存在或相同，未建模"
            en = "its ends do not exist or are the same; left out"
            design.find("impossible", pipe.code, "from_node", zh, en)
            continue
        # A unit stands in its substation: pipes lead to the station.
        assets = [_station(design, ledger.asset(end)) for end in ends]
        found.append(
            Trench(
                pipe=pipe,
                start=place_of(assets[0].code, feeding=True, kind=assets[0].kind),
                end=place_of(assets[1].code, feeding=False, kind=assets[1].kind),
                length_m=design.number(pipe, "length_m", 1.0, "m"),
            )
        )
    return found


def _station(design: Design, asset: Asset) -> Asset:
    if asset.kind == "unit" and asset.parent in design.ledger.assets:
        return design.ledger.asset(asset.parent)
    return asset


def _zones(
    design: Design, near: dict[str, list[tuple[str, float]]]
) -> tuple[list[Zone], dict[str, Zone]]:
    sources = [asset.code for asset in design.ledger.of_kind("heat_source") if asset.code in near]
    isolations = [a.code for a in design.ledger.of_kind("isolation_station")]
    zones: list[Zone] = []
    zone_of: dict[str, Zone] = {}
    for feed in [*sources, *(f"{code}{OUT}" for code in isolations if f"{code}{OUT}" in near)]:
        if feed not in zone_of:
            zone = Zone(places=_reach(near, feed))
            zones.append(zone)
            zone_of.update(dict.fromkeys(zone.places, zone))
    for zone in zones:
        zone.sources = [code for code in sources if code in zone.places]
        fed_by = [code for code in isolations if f"{code}{OUT}" in zone.places]
        zone.isolation = "" if zone.sources or not fed_by else fed_by[0]
        for code in fed_by if zone.sources else fed_by[1:]:
            zh = "隔压站二次侧与其他热源连通，未建模"
            en = "feeds a zone that something else feeds already; left out"
            design.find("impossible", code, "", zh, en)
        feeds = zone.sources or [f"{zone.isolation}{OUT}"]
        zone.farthest_m = max(_far(near, feeds).values())
    _temperatures(design, zones, zone_of)
    lost = [place for place in near if place not in zone_of]
    for place in lost:
        zh, en = "不与任何热源连通，未建模", "joined to no heat source; left out"
        design.find("unconnected", place.removesuffix(OUT), "", zh, en)
    return zones, zone_of


def _reach(near: dict[str, list[tuple[str, float]]], start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for place, _ in near[waiting.pop()]:
            if place not in seen:
                seen.add(place)
                waiting.append(place)
    return seen


def _far(near: dict[str, list[tuple[str, float]]], starts: list[str]) -> dict[str, float]:
    far = dict.fromkeys(starts, 0.0)
    heap = [(0.0, start) for start in starts]
    while heap:
        so_far, at = heapq.heappop(heap)
        if so_far > far[at]:
            continue
        for place, length in near[at]:
            if so_far + length < far.get(place, float("inf")):
                far[place] = so_far + length
                heapq.heappush(heap, (far[place], place))
    return far


def _temperatures(design: Design, zones: list[Zone], zone_of: dict[str, Zone]) -> None:
    """Set design supply temperatures: from the sources, then down through isolation stations."""
    for zone in zones:
        if zone.sources:
            sources = [design.ledger.asset(code) for code in zone.sources]
            usual = design.defaults.supply_c
            zone.supply_c = max(design.number(s, "design_supply_c", usual, "degC") for s in sources)
    for _ in zones:  # A chain of isolation stations is at most as long as there are zones.
        for zone in zones:
            above = zone_of.get(zone.isolation) if zone.isolation else None
            if above is not None and above.supply_c and above is not zone:
                zone.supply_c = above.supply_c - design.defaults.isolation_drop_k
    for zone in [zone for zone in zones if not zone.supply_c]:
        zh, en = "隔压站一次侧未接热源，其二次网未建模", "nothing feeds it, so its zone is left out"
        design.find("unconnected", zone.isolation, "", zh, en)
        zones.remove(zone)
        for place in zone.places:
            zone_of.pop(place)


def _line_valves(design: Design, trenches: list[Trench]) -> dict[str, tuple[str, str]]:
    """Return the valve nodes that separate two segments; others are noted."""
    meeting: dict[str, list[str]] = {}
    for trench in trenches:
        for place in (trench.start, trench.end):
            meeting.setdefault(place, []).append(trench.pipe.code)
    found = {}
    for node in design.ledger.of_kind("pipe_node"):
        pipes = meeting.get(node.code, [])
        if node.attributes.get("node_kind") != "valve" or not pipes:
            continue
        if len(pipes) == 2:
            found[node.code] = (pipes[0], pipes[1])
        else:
            zh = f"阀门节点连接 {len(pipes)} 段管道，按普通节点计"
            en = f"a valve node with {len(pipes)} pipes; taken as a plain node"
            design.find("impossible", node.code, "node_kind", zh, en)
    return found
