"""Ledger rows of pipes and nodes from a network file: what a GIS knows, ready to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Ints
from heatloop.network.topology.roles import RETURN, SUPPLY, roles
from heatloop.network.topology.steel import bore_m
from heatloop.plant.coding import make_code
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.store.networks.mirror import SUFFIX
from heatloop.store.networks.network_file import NetworkFile

_NOMINAL_MM = (15, 20, 25, 32, 40, 50, 65, 80, 100, 125, 150, 200, 250, 300, 350, 400, 450, 500,
               600, 700, 800, 900, 1000, 1200, 1400, 1600)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What a network file becomes in the ledger."""

    assets: list[Asset]
    """New pipe nodes and pipe segments."""
    placed: Mapping[str, str]
    """Asset codes by the names of nodes they stand at."""
    unknown: list[str]
    """Consumers and plants that no asset is named after: pipe nodes stand in their place."""


def draw_up(file: NetworkFile, ledger: Ledger, parent: str, network: str) -> Drawn:
    """Return pipe nodes and pipe segments of the supply side of a network.

    A consumer or plant named like an asset (code or name) is that asset; the return side lies in
    the same trench, so the ledger has a pair of pipes as one segment.

    Args:
        file: The network.
        ledger: What exists already.
        parent: Asset the pipes are filed under.
        network: `primary` or `secondary`.

    Raises:
        InputError: There is no such parent, or the file has no pipes.
    """
    ledger.asset(parent)
    net = file.network
    side = roles(net, file.operation).side
    pipes = [
        link
        for link in np.flatnonzero(net.kind == LinkKind.PIPE).tolist()
        if _is_supply(net.node_names, side, int(net.from_node[link]), int(net.to_node[link]))
    ]
    if not pipes:
        raise InputError("没有供水管道 no supply pipes", thing=file.name, fix="check the file")
    placed, unknown = _placed(file, ledger, side)
    nodes = {n for link in pipes for n in (int(net.from_node[link]), int(net.to_node[link]))}
    number = _after(ledger, "pipe_node")
    assets = []
    for node in sorted(nodes):
        name = net.node_names[node]
        if name in placed:
            continue
        number += 1
        code = make_code("pipe_node", number)
        placed[name] = code
        assets.append(
            Asset(code=code, kind="pipe_node", zh=name[:120], en=name[:120], parent=parent,
                  attributes=_node(file, node, network))
        )  # fmt: skip
    number = _after(ledger, "pipe_segment")
    for link in pipes:
        number += 1
        name = net.link_names[link]
        ends = (net.node_names[int(net.from_node[link])], net.node_names[int(net.to_node[link])])
        inner_mm = float(net.diameter_m[link]) * 1000.0
        attributes: dict[str, str | float | bool] = {
            "network": network,
            "from_node": placed[ends[0]],
            "to_node": placed[ends[1]],
            "length_m": round(float(net.length_m[link]), 2),
            "dn_mm": min(_NOMINAL_MM, key=partial(_off, inner_mm)),
            "inner_diameter_mm": round(inner_mm, 1),
            "roughness_mm": round(float(net.roughness_mm[link]), 3),
        }
        assets.append(
            Asset(code=make_code("pipe_segment", number), kind="pipe_segment", zh=name[:120],
                  en=name[:120], parent=parent, attributes=attributes)
        )  # fmt: skip
    return Drawn(assets=assets, placed=placed, unknown=unknown)


def _off(inner_mm: float, nominal_mm: float) -> float:
    """Return how far a nominal size is from an inner diameter, mm."""
    return abs(bore_m(nominal_mm) * 1000.0 - inner_mm)


def _is_supply(names: tuple[str, ...], side: Ints, start: int, end: int) -> bool:
    if RETURN in (side[start], side[end]):
        return False
    if SUPPLY in (side[start], side[end]):
        return True
    # No plant says which side is warm: made return nodes tell by their names.
    return not names[start].endswith(SUFFIX) and not names[end].endswith(SUFFIX)


def _placed(file: NetworkFile, ledger: Ledger, side: Ints) -> tuple[dict[str, str], list[str]]:
    """Return which supply nodes are assets of the ledger, by the consumers and plants there."""
    by_name: dict[str, str] = {}
    for asset in ledger.assets.values():
        for name in (asset.code, asset.zh, asset.en):
            by_name.setdefault(name.strip().casefold(), asset.code)
    net = file.network
    found: dict[str, str] = {}
    unknown = []
    role = roles(net, file.operation)
    for link in np.flatnonzero(role.plant | role.consumer).tolist():
        name = net.link_names[link]
        code = by_name.get(name.strip().casefold())
        for end in (int(net.from_node[link]), int(net.to_node[link])):
            if side[end] == SUPPLY and code is not None:
                found[net.node_names[end]] = code
        if code is None:
            unknown.append(name)
    return found, unknown


def _node(file: NetworkFile, node: int, network: str) -> dict[str, str | float | bool]:
    net = file.network
    out: dict[str, str | float | bool] = {"network": network, "node_kind": "junction"}
    if file.degrees and np.isfinite(net.x_m[node]) and np.isfinite(net.y_m[node]):
        out |= {"lon": round(float(net.x_m[node]), 7), "lat": round(float(net.y_m[node]), 7)}
    if np.isfinite(net.height_m[node]):
        out["elevation_m"] = round(float(net.height_m[node]), 2)
    return out


def _after(ledger: Ledger, kind: str) -> int:
    return max((int(asset.code[2:]) for asset in ledger.of_kind(kind)), default=0)
