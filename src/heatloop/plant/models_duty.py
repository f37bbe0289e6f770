"""What a device stands up to: told for the device, else by its asset, else usual for the point."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from heatloop.plant.ledger import Ledger
from heatloop.plant.model_checks import Duty
from heatloop.plant.models import DeviceModel
from heatloop.plant.resources import table

OWN = ("design_kpa", "normal", "medium_c", "design_load_kw")
"""Numbers that may be told for one device."""


@cache
def usual() -> Mapping[str, Mapping[str, float]]:
    """Return the usual design values by point kind; defaults a company replaces by its own."""
    return MappingProxyType(
        {
            row["kind"]: {name: float(row[name]) for name in OWN[:3] if row[name]}
            for row in table("instrument_duties.csv")
        }
    )


def duty_of(
    ledger: Ledger,
    model: DeviceModel,
    asset: str,
    point_kind: str,
    own: Mapping[str, float],
    *,
    outdoor: bool,
) -> Duty:
    """Return what a device stands up to.

    Args:
        ledger: Where its asset stands.
        model: Its model.
        asset: Asset it belongs to.
        point_kind: What it measures; empty for other devices.
        own: Numbers told for this device, some of `OWN`.
        outdoor: Whether it stands outdoors.
    """
    found = dict(usual().get(point_kind, {}))
    load = _load_kw(ledger, model, asset)
    if load is not None:
        found["design_load_kw"] = load
    found |= own
    return Duty(
        design_kpa=found.get("design_kpa"),
        normal=found.get("normal"),
        medium_c=found.get("medium_c"),
        outdoor=outdoor,
        design_load_kw=found.get("design_load_kw"),
    )


def _load_kw(ledger: Ledger, model: DeviceModel, asset: str) -> float | None:
    """Return the load a pump, converter, boiler or exchanger is to carry at its asset."""
    thing = ledger.assets.get(asset)
    if thing is None:
        return None
    name = {
        "pump": "pump_rated_power_kw" if thing.kind == "unit" else "rated_power_kw",
        "vfd": "pump_rated_power_kw" if thing.kind == "unit" else "rated_power_kw",
        "boiler": "rated_load_kw",
        "heat_exchanger": "design_load_kw",
    }.get(model.device_class, "")
    value = thing.attributes.get(name)
    return float(value) if isinstance(value, int | float) else None
