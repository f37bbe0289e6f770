"""What a functional test works on: the points of a device and the units it drives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Binding
from heatloop.plant.models import DeviceModel

_OWN_KINDS = {
    "valve_actuator": ("valve_opening",),
    "pump": ("circulation_pump_", "pump_"),
    "vfd": ("circulation_pump_", "pump_"),
    "boiler": ("boiler_",),
    "heat_meter": (
        "primary_heat",
        "primary_flow",
        "secondary_heat",
        "secondary_flow",
        "building_heat",
        "building_flow",
        "user_heat",
    ),
    "flow_meter": ("primary_flow", "secondary_flow", "makeup_", "source_flow"),
    "room_sensor": ("room_",),
}
_STROKE_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPoint:
    """A point that is to be read."""

    code: str
    """Point code."""
    key: int
    """Point key."""
    kind: str
    """Point kind."""
    period_s: int
    """Scheduled poll period."""
    access: str
    """`r` or `rw`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialUnit:
    """A unit whose valve or pump is driven."""

    code: str
    """Unit code."""
    at: Mapping[str, str]
    """Point kind: point code, the first of each kind."""
    stroke_s: float
    """Time its valve takes from shut to open."""
    driven: bool = False
    """Whether a gateway drives it, so that its registers follow and take orders in manual only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialTarget:
    """A device with everything a test needs to know of it."""

    subject: str
    """Serial number."""
    device_class: str
    """Row of `device_classes.csv`."""
    station: str
    """Station nobody else may test meanwhile."""
    asset: str
    """Asset (or gateway) it belongs to."""
    device: str
    """Ledger device (or gateway) it is or is read by."""
    point_kind: str
    """What an instrument measures; empty for others."""
    points: tuple[TrialPoint, ...]
    """Points that must be read."""
    units: tuple[TrialUnit, ...]
    """Units it can drive."""
    flow: str = ""
    """Point of the station's primary flow, if it is measured."""
    rssi_dbm: float | None = None
    """Signal strength recorded at the place."""
    rssi_low_dbm: float | None = None
    """Weakest signal the model works with."""


def station_of(ledger: Ledger, asset: str) -> str:
    """Return the station an asset stands in: its substation, source, or itself."""
    path = ledger.heat_path(asset).split("/") if asset in ledger.assets else []
    for code in reversed(path):
        if code and ledger.assets[code].kind in (
            "substation",
            "isolation_station",
            "booster_station",
            "heat_source",
        ):
            return code
    return asset


def target_of(
    ledger: Ledger,
    subject: str,
    model: DeviceModel,
    asset: str,
    device: str,
    point_kind: str = "",
    rssi_dbm: float | None = None,
) -> TrialTarget:
    """Return what a device's functional test works on.

    Args:
        ledger: The ledger in force.
        subject: Serial number.
        model: The device's model.
        asset: Asset (or gateway) it belongs to.
        device: Ledger device it is or is read by; empty: whichever reads its points.
        point_kind: What an instrument measures; empty: all that such devices measure.
        rssi_dbm: Signal strength recorded at its place.

    Raises:
        InputError: Nothing of it is read: there is nothing to test it by.
    """
    bound = list(_bound(ledger, model, asset, device, point_kind))
    if not bound:
        raise InputError(
            "no point of the ledger is read from this device",
            thing=subject,
            place=asset,
            fix="name its ledger device and point kind",
        )
    station = station_of(ledger, asset)
    flows = [p.code for p in ledger.points_of(station) if p.kind == "primary_flow"]
    return TrialTarget(
        subject=subject,
        device_class=model.device_class,
        station=station,
        asset=asset,
        device=device or bound[0].device,
        point_kind=point_kind,
        points=tuple(
            TrialPoint(code=b.point, key=b.key, kind=b.kind, period_s=b.period_s, access=b.access)
            for b in bound
        ),
        units=tuple(_units(ledger, model, asset)),
        flow=flows[0] if flows else "",
        rssi_dbm=rssi_dbm,
        rssi_low_dbm=model.rssi_low_dbm,
    )


def _bound(
    ledger: Ledger, model: DeviceModel, asset: str, device: str, point_kind: str
) -> Iterator[Binding]:
    if asset in ledger.gateways:
        for each in ledger.devices_of_gateway(asset):
            yield from ledger.bindings_of_device(each.code)
        return
    if model.device_class == "controller" and device:
        yield from ledger.bindings_of_device(device)
        return
    prefixes = (point_kind,) if point_kind else _OWN_KINDS.get(model.device_class, ("",))
    for code in (asset, *(child.code for child in ledger.children(asset))):
        for point in ledger.points_of(code):
            if not point.kind.startswith(prefixes):
                continue
            try:
                binding = ledger.binding_of(point.code)
            except InputError:
                continue
            if device in ("", binding.device):
                yield binding


def _units(ledger: Ledger, model: DeviceModel, asset: str) -> Iterator[TrialUnit]:
    known = ledger.assets.get(asset)
    if known is None:
        return
    units = (
        [known]
        if known.kind == "unit"
        else [child for child in ledger.children(asset) if child.kind == "unit"]
    )
    for unit in units:
        at: dict[str, str] = {}
        for point in ledger.points_of(unit.code):
            at.setdefault(point.kind, point.code)
        if "station_mode" not in at:
            continue
        told = unit.attributes.get("valve_stroke_s")
        stroke_s = model.stroke_s or (float(told) if isinstance(told, int | float) else _STROKE_S)
        driven = ledger.device_of(at["station_mode"]).regulates == "edge"
        yield TrialUnit(code=unit.code, at=at, stroke_s=stroke_s, driven=driven)
