"""What screens and jobs ask of the ledger again and again, worked out once per ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heatloop.app.latest import KeyIndex, Positions, positions_of
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device

_NO_ROOMS: Positions = np.empty(0, np.intp)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """An asset with its points, ready for reading values."""

    asset: Asset
    """The asset."""
    paths: tuple[str, str]
    """Organisation path and heat path."""
    keys: Mapping[str, int]
    """Key of the first point of each kind."""
    at: Mapping[str, int]
    """Position of the first point of each kind in the table of latest values."""
    positions: Positions
    """Positions of its own points in the table of latest values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildingNode:
    """A building and where its rooms are measured."""

    node: Node
    """The building."""
    unit: str
    """Unit that feeds it."""
    rooms: Positions
    """Positions of its room temperatures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationNode:
    """A substation with its units."""

    node: Node
    """The station."""
    branch: str
    """Branch that runs it."""
    units: tuple[Node, ...]
    """Its units."""
    device: Device | None
    """Its controller."""
    watched: Positions
    """Positions of all points of the station and its units."""
    area_m2: float
    """Heated area."""


class Layout:
    """Stations, sources, rooms and weather of one ledger."""

    def __init__(self, ledger: Ledger, index: KeyIndex) -> None:
        self.ledger = ledger
        self._index = index
        self.stations = {asset.code: self._station(asset) for asset in ledger.of_kind("substation")}
        self.sources = {asset.code: self.node(asset) for asset in ledger.of_kind("heat_source")}
        self.units = {
            unit.asset.code: (unit, station)
            for station in self.stations.values()
            for unit in station.units
        }
        self.weather = [self.node(asset) for asset in ledger.of_kind("weather_station")]
        rooms = [p for p in ledger.points.values() if p.kind == "room_temperature"]
        self.rooms = positions_of(index, (p.key for p in rooms))
        """Positions of all room temperatures, in ledger order."""
        self.rooms_of: dict[str, Positions] = self._rooms_by_place(
            [(p.asset, p.key) for p in rooms]
        )
        """Positions of the room temperatures in each unit and each building."""

    def _rooms_by_place(self, rooms: list[tuple[str, int]]) -> dict[str, Positions]:
        """Return the rooms below every unit and building, read off their heat paths."""
        kinds = {"unit", "building"}
        found: dict[str, list[int]] = {}
        for asset, key in rooms:
            for code in self.ledger.heat_path(asset).split("/"):
                if code and self.ledger.assets[code].kind in kinds:
                    found.setdefault(code, []).append(key)
        return {code: positions_of(self._index, keys) for code, keys in found.items()}

    def node(self, asset: Asset) -> Node:
        """Return an asset made ready for reading."""
        points = self.ledger.points_of(asset.code)
        keys: dict[str, int] = {}
        for point in points:
            keys.setdefault(point.kind, point.key)
        return Node(
            asset=asset,
            paths=self.ledger.paths(asset.code),
            keys=keys,
            at={kind: self._index.position(key) for kind, key in keys.items()},
            positions=positions_of(self._index, (p.key for p in points)),
        )

    def _station(self, asset: Asset) -> StationNode:
        node = self.node(asset)
        units = tuple(
            self.node(child) for child in self.ledger.children(asset.code) if child.kind == "unit"
        )
        devices = self.ledger.devices_of(asset.code)
        controllers = [d for d in devices if d.profile == "substation_controller"] or list(devices)
        own = number(asset, "heated_area_m2")
        below = sum(number(unit.asset, "heated_area_m2") or 0.0 for unit in units)
        return StationNode(
            node=node,
            branch=self.branch_of(node.paths[0]),
            units=units,
            device=controllers[0] if controllers else None,
            watched=np.concatenate([node.positions, *(unit.positions for unit in units)]),
            area_m2=own if own is not None else below,
        )

    def branch_of(self, org_path: str) -> str:
        """Return the code of the branch on an organisation path, else its last code."""
        codes = [code for code in org_path.split("/") if code]
        branches = [c for c in codes if self.ledger.assets[c].kind == "branch"]
        return branches[-1] if branches else (codes[-1] if codes else "")

    def buildings(self, station: StationNode) -> list[BuildingNode]:
        """Return the buildings a station heats, with the rooms measured in them."""
        return [
            BuildingNode(
                node=self.node(asset),
                unit=unit.asset.code,
                rooms=self.rooms_of.get(asset.code, _NO_ROOMS),
            )
            for unit in station.units
            for asset in self.ledger.below(unit.asset.code)
            if asset.kind == "building"
        ]


def number(asset: Asset, name: str) -> float | None:
    """Return a numeric attribute, None when the asset has none."""
    value = asset.attributes.get(name)
    return float(value) if isinstance(value, int | float) else None


def word(asset: Asset, name: str, default: str) -> str:
    """Return a text attribute."""
    value = asset.attributes.get(name)
    return str(value) if value else default
