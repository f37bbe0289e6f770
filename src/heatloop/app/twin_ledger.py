"""How the twin sees a ledger: stations as one consumer, booster pumps where they are."""

from __future__ import annotations

import math
from dataclasses import replace

from heatloop.network.arrays import Floats
from heatloop.network.topology.from_ledger import LedgerNetwork
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

_APART_KPA = 10.0


def with_return_pumps(made: LedgerNetwork, stations: frozenset[str]) -> LedgerNetwork:
    """Return the network with these booster stations' pumps in the return pipe.

    A ledger does not say on which side a booster station pumps, its pressures do.
    """
    if not stations:
        return made
    network = made.network
    nodes, links = network.node_index(), network.link_index()
    start, end = network.from_node.copy(), network.to_node.copy()
    for code in stations:
        for name in (code, f"{code}.bypass"):
            start[links[name]], end[links[name]] = nodes[f"{code}.out.r"], nodes[f"{code}.r"]
        back = links[f"{code}.back"]
        start[back], end[back] = nodes[f"{code}.s"], nodes[f"{code}.out.s"]
    return replace(made, network=replace(network, from_node=start, to_node=end))


def stations_as_one(ledger: Ledger) -> Ledger:
    """Return the ledger with each substation's units taken as one, as its meters see it."""
    station_of = {unit.code: unit.parent for unit in ledger.of_kind("unit")}
    load_kw: dict[str, float] = {}
    for unit in ledger.of_kind("unit"):
        own = unit.attributes.get("design_load_kw")
        if isinstance(own, int | float) and own > 0.0:
            load_kw[unit.parent] = load_kw.get(unit.parent, 0.0) + float(own)
    changed: list[Asset] = []
    for asset in ledger.assets.values():
        own_words = dict(asset.attributes)
        if asset.kind == "pipe_segment":
            for side in ("from_node", "to_node"):
                own_words[side] = station_of.get(str(own_words.get(side)), own_words.get(side, ""))
        elif asset.code in load_kw:
            own_words["design_load_kw"] = load_kw[asset.code]
        if asset.kind != "unit":
            changed.append(replace(asset, attributes=own_words))
    return Ledger(
        version=ledger.version,
        assets=changed,
        devices=(),
        gateways=(),
        points=(),
        bindings=(),
        keys={},
    )


def pump_sides(
    boosters: list[str], number: dict[tuple[str, str], int], values: Floats
) -> dict[str, bool | None]:
    """Return for each booster station whether it pumps in the return pipe; None: not told now.

    A pump's inlet or outlet shows the pressure of the pipe it stands in.
    """
    found: dict[str, bool | None] = {}
    for code in boosters:

        def reading(kind: str, code: str = code) -> float:
            at = number.get((code, kind))
            return math.nan if at is None else float(values[at])

        ends = reading("booster_inlet_pressure"), reading("booster_outlet_pressure")
        back = min(abs(end - reading("primary_return_pressure")) for end in ends)
        supply = min(abs(end - reading("primary_supply_pressure")) for end in ends)
        apart = abs(back - supply)
        found[code] = back < supply if apart > _APART_KPA else None
    return found
