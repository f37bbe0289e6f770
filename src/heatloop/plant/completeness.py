"""Is everything that must be measured and regulated in the ledger (clauses 4.2.1, 6.1.1.1 b)?

`required_points.csv` lists, for every type of node, which points its assets must have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device
from heatloop.plant.resources import table

NODES = ("source", "network", "isolation_station", "substation", "user", "weather")
"""Types of nodes a completeness matrix has, in the order of the heat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequiredPoint:
    """One row of `required_points.csv`."""

    template: str
    """Name of the list it belongs to."""
    node: str
    """Type of node, one of `NODES`."""
    asset_kind: str
    """Kind of asset that must have it."""
    point_kind: str
    """What must be there."""
    role: str
    """`acquire` or `regulate`."""
    clause: str
    """Where the standard asks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingPoint:
    """A required point an asset does not have."""

    asset: str
    """Asset code."""
    required: RequiredPoint
    """What is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeCompleteness:
    """How complete one type of node is."""

    node: str
    """One of `NODES`."""
    assets: int
    """Assets of the node that must have points."""
    required: int
    """Points they must have."""
    missing: tuple[MissingPoint, ...]
    """Those they do not have."""
    unequipped: int
    """Flats without any meter or collector; a share to plan for, not a fault."""

    @property
    def share_pct(self) -> float | None:
        """Return the share of required points there are, None when nothing is required."""
        if not self.required:
            return None
        return 100.0 * (self.required - len(self.missing)) / self.required


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingLayer:
    """A substation without one of the three parts of the device layer (4.2.1 -1)."""

    asset: str
    """Asset code."""
    layer: str
    """`equipment`, `instruments` or `local_control`."""
    zh: str
    """What is missing, in Chinese."""
    en: str
    """What is missing, in English."""


@cache
def required_points() -> Mapping[str, tuple[RequiredPoint, ...]]:
    """Return what every kind of asset must have, by asset kind."""
    found: dict[str, list[RequiredPoint]] = {}
    for row in table("required_points.csv"):
        found.setdefault(row["asset_kind"], []).append(RequiredPoint(**row))
    return {kind: tuple(rows) for kind, rows in found.items()}


@cache
def template(name: str) -> tuple[str, ...]:
    """Return the point kinds of one list, for example `unit_secondary`; empty if unknown."""
    rows = (row for rows in required_points().values() for row in rows)
    return tuple(row.point_kind for row in rows if row.template == name)


def _instruments_of(ledger: Ledger, asset: Asset) -> Iterator[str]:
    """Yield the assets whose points count as this asset's own: a flat has its collectors'."""
    yield asset.code
    for child in ledger.children(asset.code):
        if child.kind == "room_collector":
            yield child.code


def _is_equipped(ledger: Ledger, asset: Asset) -> bool:
    if asset.kind != "flat" or asset.attributes.get("metered"):
        return True
    return any(ledger.points_of(code) for code in _instruments_of(ledger, asset))


def missing_of(ledger: Ledger, asset: Asset) -> list[MissingPoint]:
    """Return the required points one asset does not have."""
    there = {
        point.kind for code in _instruments_of(ledger, asset) for point in ledger.points_of(code)
    }
    return [
        MissingPoint(asset=asset.code, required=required)
        for required in required_points().get(asset.kind, ())
        if required.point_kind not in there
    ]


def missing_points(ledger: Ledger) -> list[MissingPoint]:
    """Return every required point the ledger lacks; flats without any instrument left out."""
    return [missing for node in completeness_matrix(ledger) for missing in node.missing]


def completeness_matrix(ledger: Ledger) -> list[NodeCompleteness]:
    """Return the completeness of every type of node (4.2.1 -3)."""
    matrix = []
    for node in NODES:
        assets = required = unequipped = 0
        missing: list[MissingPoint] = []
        for kind, rows in required_points().items():
            if rows[0].node != node:
                continue
            for asset in ledger.of_kind(kind):
                if not _is_equipped(ledger, asset):
                    unequipped += 1
                    continue
                assets += 1
                required += len(rows)
                missing += missing_of(ledger, asset)
        matrix.append(
            NodeCompleteness(
                node=node,
                assets=assets,
                required=required,
                missing=tuple(missing),
                unequipped=unequipped,
            )
        )
    return matrix


def _is_controller(ledger: Ledger, device: Device) -> bool:
    return any(row.access == "rw" for row in ledger.profiles.rows(device.profile))


def missing_layers(ledger: Ledger) -> list[MissingLayer]:
    """Return what each substation lacks of equipment, instruments and local control (4.2.1 -1)."""
    findings = []
    for station in ledger.of_kind("substation"):
        kinds = {asset.kind for asset in ledger.children(station.code)}
        devices = ledger.devices_of(station.code)
        parts = (
            ("equipment", kinds & {"unit", "pump"}, "供热设备", "heating equipment"),
            ("instruments", ledger.points_of(station.code), "智能仪表", "smart instruments"),
            (
                "local_control",
                [device for device in devices if _is_controller(ledger, device)],
                "本地监控系统",
                "local control system",
            ),
        )
        for layer, there, zh, en in parts:
            if not there:
                findings.append(
                    MissingLayer(
                        asset=station.code,
                        layer=layer,
                        zh=f"{station.zh}（{station.code}）缺少{zh}",
                        en=f"{station.en} ({station.code}) has no {en}",
                    )
                )
    return findings


def unbound_collectors(ledger: Ledger) -> list[Asset]:
    """Return the room collectors that hang in no flat or building (6.1.1.1 a 6)."""
    return [asset for asset in ledger.of_kind("room_collector") if not asset.parent]
