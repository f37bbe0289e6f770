"""Questions about the network of the ledger: what feeds what, who is cut off, which way (6.2 g).

Building the network of a large ledger takes some tens of milliseconds the first time, so callers
on an event loop ask from a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from heatloop.app.layout import number
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.network.topology.from_ledger import LedgerNetwork, network_of
from heatloop.network.topology.outage import affected, closable_valves, isolate
from heatloop.network.topology.paths import supply_path
from heatloop.network.topology.roles import roles
from heatloop.network.topology.trace import laid_direction, trace
from heatloop.plant.ledger import Ledger

UPSTREAM, DOWNSTREAM = "upstream", "downstream"


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """Assets upstream or downstream of one."""

    asset: str
    """Asset asked about."""
    way: str
    """`upstream` or `downstream`."""
    nodes: list[str]
    """Pipe nodes, in code order."""
    pipes: list[str]
    """Pipe segments, in code order."""
    stations: list[str]
    """Substations, isolation and booster stations, in code order."""
    sources: list[str]
    """Heat sources, in code order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What closing something, or a burst, means."""

    closed: list[str]
    """Assets closed: those asked for, or the valves around a burst."""
    possible: bool
    """Of a burst: whether valves can isolate it."""
    stop: list[str]
    """Of a burst that no valve isolates: sources and pressure holding to stop."""
    lost: list[str]
    """Units (or isolation stations) without supply."""
    rerouted: list[str]
    """Units only fed another way."""
    stations: list[str]
    """Substations of the units without supply."""
    area_m2: float
    """Heated area without supply."""
    flats: int
    """Flats without supply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """The shortest way of the water to a unit."""

    source: str
    """Heat source or isolation station it begins at."""
    pipes: list[str]
    """Pipe segments in the order of the water."""
    length_m: float
    """Their length."""


@lru_cache(maxsize=1)
def ledger_network(ledger: Ledger) -> LedgerNetwork:
    """Return the network of a ledger; kept for the ledger in force.

    Raises:
        InputError: The ledger has no network.
    """
    return network_of(ledger)


def _network(world: World) -> LedgerNetwork:
    try:
        return ledger_network(world.ledger)
    except InputError as error:
        raise Refused("not_found", thing="network", detail=error.message) from error


def network_trace(world: World, scope: Scope, code: str, way: str = DOWNSTREAM) -> Traced:
    """Return what an asset feeds, or what feeds it, along the supply pipes as they are laid.

    Through an isolation station the trace goes on in the network behind it.

    Raises:
        Refused: There is no such asset of the network inside the scope, or no such way.
    """
    if way not in (UPSTREAM, DOWNSTREAM):
        raise Refused("invalid", thing=way, detail=f"{UPSTREAM} | {DOWNSTREAM}")
    asset = world.asset(scope, code)
    made = _network(world)
    network, operation = made.network, made.operation
    found = roles(network, operation)
    direction = laid_direction(network, operation)
    start = (
        made.links[code][0] if asset.kind in ("pipe_segment", "unit") and code in made.links else ""
    )
    start = start or made.supply_node.get(code, "")
    if not start:
        raise Refused("not_found", thing=code)
    codes: set[str] = set()
    waiting, done = [start], set()
    pairs = list(zip(network.hot_link.tolist(), network.cold_link.tolist(), strict=True))
    while waiting:
        at = waiting.pop()
        done.add(at)
        one = trace(network, direction, at, upstream=way == UPSTREAM, stop=found.crossing)
        codes.update(made.asset_of[name] for name in (*one.nodes, *one.links))
        links = set(one.links)
        for hot, cold in pairs:
            sides = (hot, cold) if way == DOWNSTREAM else (cold, hot)
            here, there = (network.link_names[side] for side in sides)
            if here in links and there not in done:
                ends = network.to_node if way == DOWNSTREAM else network.from_node
                waiting.append(network.node_names[int(ends[sides[1]])])
                done.add(there)
    codes.discard(code)
    kinds: dict[str, list[str]] = {}
    for each in sorted(codes):
        if world.sees(scope, each):
            kinds.setdefault(world.ledger.assets[each].kind, []).append(each)
    stations = ("substation", "isolation_station", "booster_station")
    return Traced(
        asset=code,
        way=way,
        nodes=kinds.get("pipe_node", []),
        pipes=kinds.get("pipe_segment", []),
        stations=sorted(each for kind in stations for each in kinds.get(kind, [])),
        sources=kinds.get("heat_source", []),
    )


def _cut(
    world: World,
    scope: Scope,
    made: LedgerNetwork,
    outcome: tuple[Iterable[str], Iterable[str]],
    closed: list[str],
    stop: Iterable[str] = (),
    possible: bool = True,
) -> Cut:
    def codes(names: Iterable[str]) -> list[str]:
        found = dict.fromkeys(made.asset_of[name] for name in names)
        return [code for code in found if world.sees(scope, code)]

    lost = codes(outcome[0])
    units = [world.ledger.assets[code] for code in lost]
    stations = [unit.parent if unit.kind == "unit" else unit.code for unit in units]
    flats = sum(each.kind == "flat" for unit in units for each in world.ledger.below(unit.code))
    return Cut(
        closed=closed,
        possible=possible,
        stop=list(dict.fromkeys(made.asset_of[name] for name in stop)),
        lost=lost,
        rerouted=codes(outcome[1]),
        stations=list(dict.fromkeys(stations)),
        area_m2=sum(number(unit, "heated_area_m2") or 0.0 for unit in units),
        flats=flats,
    )


def affected_users(world: World, scope: Scope, codes: Sequence[str]) -> Cut:
    """Return who loses supply when pipes, valves or stations are shut.

    Raises:
        Refused: One of them is not in the network, or outside the scope.
    """
    made = _network(world)
    names: list[str] = []
    for code in codes:
        if world.asset(scope, code).code not in made.links:
            raise Refused("not_found", thing=code)
        names += made.links[code]
    if not names:
        raise Refused("invalid", thing="codes", detail="empty")
    outage = affected(made.network, made.operation, names)
    return _cut(world, scope, made, (outage.lost, outage.rerouted), list(codes))


def burst_valves(world: World, scope: Scope, pipe: str) -> Cut:
    """Return the valves that isolate a burst pipe segment and who is without supply then.

    Valves in the line come first; stations' control valves, which seldom shut tight, are counted
    on only where those do not suffice.

    Raises:
        Refused: There is no such pipe segment of the network inside the scope.
    """
    made = _network(world)
    asset = world.asset(scope, pipe)
    if asset.kind != "pipe_segment" or pipe not in made.links:
        raise Refused("not_found", thing=pipe)
    burst = made.links[pipe][0]
    in_line = closable_valves(made.network)
    for link, name in enumerate(made.network.link_names):
        in_line[link] &= world.ledger.assets[made.asset_of[name]].kind != "unit"
    found = isolate(made.network, made.operation, burst, closable=in_line)
    if not found.possible:
        found = isolate(made.network, made.operation, burst)
    valves = list(dict.fromkeys(made.asset_of[name] for name in found.valves))
    outcome = (found.outage.lost, found.outage.rerouted)
    return _cut(world, scope, made, outcome, valves, found.plants, found.possible)


def way_to(world: World, scope: Scope, code: str) -> Way:
    """Return the shortest way of the supply water to a unit or station.

    Raises:
        Refused: There is no such one inside the scope, or no way leads there.
    """
    made = _network(world)
    asset = world.asset(scope, code)
    name = made.links[code][0] if asset.kind == "unit" and code in made.links else ""
    name = name or made.supply_node.get(asset.code, "")
    if not name:
        raise Refused("not_found", thing=code)
    try:
        path = supply_path(made.network, made.operation, name)
    except InputError as error:
        raise Refused("not_found", thing=code, detail=error.message) from error
    pipes = [made.asset_of[link] for link in path.links]
    kinds = world.ledger.assets
    return Way(
        source=made.asset_of[path.plant],
        pipes=[pipe for pipe in pipes if kinds[pipe].kind == "pipe_segment"],
        length_m=path.length_m,
    )
