"""What every kind of point means: medium, side, quantity, role and stage, told from `points.csv`.

Clause 6.2 b #2: a question such as "secondary supply temperature of all substations" needs no
list of points, and every unit has its place in the SI table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heatloop.kernel.units import unit
from heatloop.plant.kinds import PointKind, point_kinds

NONE = "none"
FIELDS = ("medium", "side", "quantity", "role", "stage")
"""Names of the tags, in the order they are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tags:
    """What a kind of point means, in words of `semantic_words`."""

    medium: str
    """What is measured."""
    side: str
    """Supply, return, inlet, outlet, top, bottom or none."""
    quantity: str
    """Which quantity."""
    role: str
    """What the value is for."""
    stage: str
    """Where on the way of the heat."""


@dataclass(frozen=True, slots=True)
class Si:
    """How a unit becomes one of the SI: si value = value * factor + offset."""

    unit: str
    """SI unit."""
    factor: float
    """Factor."""
    offset: float
    """Offset, only of temperatures."""


_STAGES = {
    "source": "source", "source_setting": "source", "chp": "source", "boiler": "source",
    "storage_tank": "source", "primary": "primary", "booster": "primary", "network": "network",
    "station": "station", "secondary": "secondary", "unit": "secondary",
    "unit_setting": "secondary", "pump": "equipment", "building": "building", "user": "user",
    "community": "organisation", "weather": "weather", "it": "it",
}  # fmt: skip
_SIDES = ("supply", "return", "inlet", "outlet", "top", "bottom")
_QUANTITIES = {
    "degC": "temperature", "kPa": "pressure", "m3/h": "flow", "m3": "volume", "Hz": "frequency",
    "m": "level", "m/s": "wind_speed", "deg": "wind_direction", "W/m2": "radiation",
    "A": "current", "V": "voltage", "h": "run_hours", "ms": "delay", "kbit/s": "data_rate",
    "kWh": "heat", "kW": "heat_power", "permille": "rate",
}  # fmt: skip
# Words of a kind's name that tell a quantity its unit does not, the first that fits.
_BY_WORD = (
    ("opening", "opening"), ("humidity", "humidity"), ("level", "level"), ("load", "load"),
    ("fault", "fault"), ("flood", "alarm"), ("trip", "alarm"), ("interlock", "alarm"),
    ("mode", "mode"), ("condition", "weather_condition"), ("rate", "rate"), ("loss", "rate"),
    ("used", "load"), ("count", "count"), ("selected", "selection"), ("up", "state"),
)  # fmt: skip
# Value of the SI unit of each dimension's house unit: (SI unit, factor, offset).
_SI = {
    "temperature": ("K", 1.0, 273.15), "temperature_difference": ("K", 1.0, 0.0),
    "pressure": ("Pa", 1e3, 0.0), "volume_flow": ("m3/s", 1 / 3600, 0.0),
    "mass_flow": ("kg/s", 1 / 3.6, 0.0), "volume": ("m3", 1.0, 0.0), "power": ("W", 1e3, 0.0),
    "energy": ("J", 3.6e6, 0.0), "frequency": ("Hz", 1.0, 0.0), "ratio": ("1", 0.01, 0.0),
    "length": ("m", 1.0, 0.0), "speed": ("m/s", 1.0, 0.0),
    "angle": ("rad", math.pi / 180.0, 0.0), "irradiance": ("W/m2", 1.0, 0.0),
    "time": ("s", 1.0, 0.0), "current": ("A", 1.0, 0.0), "voltage": ("V", 1.0, 0.0),
    "data_rate": ("bit/s", 1e3, 0.0), "none": ("1", 1.0, 0.0),
}  # fmt: skip


def si_of(symbol: str) -> Si:
    """Return how values of a unit become SI values.

    Raises:
        InputError: The unit is unknown.
    """
    found = unit(symbol)
    # A dimension somebody added without an SI row keeps its house unit.
    name, factor, offset = _SI.get(found.dimension, (symbol, 1.0 / found.factor, 0.0))
    return Si(name, found.factor * factor, found.offset * factor + offset)


def _quantity(kind: PointKind, words: list[str]) -> str:
    if "differential" in words and kind.unit == "kPa":
        return "differential_pressure"
    if kind.unit == "kWh" and "heat" not in words:
        return "electric_energy"
    if kind.unit == "kW" and "electric" in words:
        return "electric_power"
    if kind.unit == "%" and words[-1] == "setpoint" and "opening" not in words:
        return "load"
    found = _QUANTITIES.get(kind.unit)
    if found is not None:
        return found
    for word, quantity in _BY_WORD:
        if word in words:
            return quantity
    return "state" if kind.unit == "-" else unit(kind.unit).dimension


def _role(kind: PointKind, words: list[str]) -> str:
    if words[0] == "limit":
        return "limit"
    if kind.class_ == "setting":
        is_value = kind.unit != "-" or "setpoint" in words
        return "setpoint" if is_value else "command"
    if words[0] == "twin":
        return "state" if kind.class_ == "status" else "estimated"
    return {"metering": "total", "status": "state"}.get(kind.class_, "measured")


def _medium(kind: PointKind, words: list[str], quantity: str, stage: str) -> str:
    if quantity in ("electric_energy", "electric_power", "current", "voltage", "frequency"):
        return "electricity"
    if stage == "weather":
        return "outdoor_air"
    if "room" in words:
        return "indoor_air"
    if kind.unit == "-" or stage in ("it", "organisation") or quantity == "run_hours":
        return NONE
    if kind.kind.startswith("heating_curve_outdoor"):
        return "outdoor_air"
    if "makeup" in words or kind.kind == "tank_level":
        return "makeup_water"
    return "water"


def tags_of(kind: PointKind) -> Tags:
    """Return what a kind of point means."""
    words = kind.kind.split("_")
    stage = _STAGES.get(kind.group, kind.group)
    quantity = _quantity(kind, words)
    medium = _medium(kind, words, quantity, stage)
    # The supply of electricity is no side of the water.
    side = next((each for each in _SIDES if each in words), NONE) if medium == "water" else NONE
    return Tags(
        medium=medium,
        side=side,
        quantity=quantity,
        role=_role(kind, words),
        stage=stage,
    )


@cache
def point_tags() -> Mapping[str, Tags]:
    """Return the tags of every point kind by its name."""
    return MappingProxyType({name: tags_of(kind) for name, kind in point_kinds().items()})
