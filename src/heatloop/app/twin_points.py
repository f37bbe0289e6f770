"""The twin's results as points: which of a run's numbers are kept as samples of which point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.app.layout import number
from heatloop.app.twin_state import Names, TwinRun
from heatloop.app.world import World
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.network.arrays import Floats, Index
from heatloop.network.water import density_kg_m3
from heatloop.store.historian.port import Keys

_M3H = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Where each kept number stands in a run."""

    nodes: dict[str, tuple[Keys, Index]]
    """Keys and supply nodes by point kind (return nodes: of `twin_return_pressure`)."""
    partner: Index
    """Return node of each supply node in `twin_pressure_sigma`."""
    flow: tuple[Keys, Index]
    """Keys of `twin_flow` and the supply pipe of each."""
    flow_sigma: tuple[Keys, Index]
    """Keys of `twin_flow_sigma` and the supply pipe of each."""
    left_out: int
    """Points that are not kept because there are too many."""


def kept_points(world: World, names: Names, most: int) -> Kept:
    """Return which results are kept: everything, or the mains first when that is too much.

    Pipes come by falling diameter, each followed by the nodes at its ends, until `most` points
    are together; screens show the rest from memory, it only has no history.

    Args:
        world: The present.
        names: What the runs are about.
        most: Points kept at most.
    """
    nodes = {name: at for at, name in enumerate(names.nodes)}
    links = {name: at for at, name in enumerate(names.links)}
    ledger = world.ledger
    pipes = [p for p in ledger.of_kind("pipe_segment") if f"{p.code}.s" in links]
    pipes.sort(key=lambda pipe: -(number(pipe, "dn_mm") or 0.0))
    order: dict[str, int] = {}
    for pipe in pipes:
        order[pipe.code] = links[f"{pipe.code}.s"]
        for end in ("from_node", "to_node"):
            code = str(pipe.attributes.get(end, ""))
            asset = ledger.assets.get(code)
            if asset is not None and asset.kind == "pipe_node" and f"{code}.s" in nodes:
                order.setdefault(code, nodes[f"{code}.s"])
    rows: dict[str, list[tuple[int, int]]] = {}
    count = left_out = 0
    for code, at in order.items():
        mine = [p for p in ledger.points_of(code) if p.kind.startswith("twin_")]
        if count + len(mine) > most:
            left_out += len(mine)
            continue
        count += len(mine)
        for point in mine:
            rows.setdefault(point.kind, []).append((point.key, at))

    def arrays(kind: str) -> tuple[Keys, Index]:
        pairs = rows.pop(kind, [])
        return (
            np.array([key for key, _ in pairs], np.uint32),
            np.array([at for _, at in pairs], np.intp),
        )

    flow, flow_sigma = arrays("twin_flow"), arrays("twin_flow_sigma")
    by_kind = {kind: arrays(kind) for kind in list(rows)}
    back = _partners(names, nodes)
    if "twin_return_pressure" in by_kind:
        keys, supply = by_kind["twin_return_pressure"]
        by_kind["twin_return_pressure"] = (keys, back[supply])
    sigma = by_kind.get("twin_pressure_sigma")
    partner = back[sigma[1]] if sigma is not None else np.empty(0, np.intp)
    return Kept(nodes=by_kind, partner=partner, flow=flow, flow_sigma=flow_sigma, left_out=left_out)


def _partners(names: Names, nodes: dict[str, int]) -> Index:
    """Return the return node beside each supply node, itself where there is none."""
    return np.array(
        [
            nodes.get(f"{name[:-2]}.r", at) if name.endswith(".s") else at
            for at, name in enumerate(names.nodes)
        ],
        np.intp,
    )


def m3h_over_kgs(run: TwinRun, links: Index) -> Floats:
    """Return the volume flow over the mass flow of links, at their water's temperature, (n,)."""
    return np.asarray(_M3H / density_kg_m3(run.link_c[links]))


def columns_of(run: TwinRun, kept: Kept, slot: int) -> Columns:
    """Return a run's results as samples.

    Args:
        run: The estimate.
        kept: What is kept of it.
        slot: Time they get.
    """
    keys: list[Keys] = []
    values: list[Floats] = []
    pressure, sigma = run.pressure_kpa, run.pressure_sigma_kpa
    for kind, (mine, at) in kept.nodes.items():
        keys.append(mine)
        if kind == "twin_supply_temperature":
            values.append(run.node_c[at])
        elif kind == "twin_pressure_sigma":
            # One figure a node: that of the side that is known less well.
            values.append(np.maximum(sigma[at], sigma[kept.partner]))
        else:
            values.append(pressure[at])
    for (mine, at), what in ((kept.flow, run.flow_kgs), (kept.flow_sigma, run.flow_sigma_kgs)):
        keys.append(mine)
        values.append(what[at] * m3h_over_kgs(run, at))
    all_keys, all_values = np.concatenate(keys), np.concatenate(values)
    known = np.isfinite(all_values)
    return Columns(
        all_keys[known].astype("u4"),
        np.full(int(known.sum()), slot, "u4"),
        all_values[known],
        np.full(int(known.sum()), Quality.ESTIMATED, "u1"),
    )
