"""Units of measure: which exist, and exact conversion between units of one dimension."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit as a linear map onto the house unit of its dimension."""

    symbol: str
    """As written in tables and on screens, for example `degC`."""
    dimension: str
    """Units convert only inside one dimension."""
    factor: float
    """House value = value * factor + offset."""
    offset: float = 0.0


# The first unit of each dimension is its house unit.
_TABLE: tuple[tuple[str, str, float, float], ...] = (
    ("degC", "temperature", 1.0, 0.0),
    ("degF", "temperature", 5.0 / 9.0, -160.0 / 9.0),
    ("K", "temperature_difference", 1.0, 0.0),
    ("kPa", "pressure", 1.0, 0.0),
    ("MPa", "pressure", 1000.0, 0.0),
    ("bar", "pressure", 100.0, 0.0),
    ("mH2O", "pressure", 9.80665, 0.0),
    ("m3/h", "volume_flow", 1.0, 0.0),
    ("L/h", "volume_flow", 0.001, 0.0),
    ("t/h", "mass_flow", 1.0, 0.0),
    ("kg/s", "mass_flow", 3.6, 0.0),
    ("m3", "volume", 1.0, 0.0),
    ("L", "volume", 0.001, 0.0),
    ("kW", "power", 1.0, 0.0),
    ("MW", "power", 1000.0, 0.0),
    ("GJ/h", "power", 1e6 / 3600.0, 0.0),
    ("kWh", "energy", 1.0, 0.0),
    ("MWh", "energy", 1000.0, 0.0),
    ("GJ", "energy", 1e6 / 3600.0, 0.0),
    ("Hz", "frequency", 1.0, 0.0),
    ("%", "ratio", 1.0, 0.0),
    ("permille", "ratio", 0.1, 0.0),
    ("m", "length", 1.0, 0.0),
    ("m/s", "speed", 1.0, 0.0),
    ("deg", "angle", 1.0, 0.0),
    ("W/m2", "irradiance", 1.0, 0.0),
    ("s", "time", 1.0, 0.0),
    ("ms", "time", 0.001, 0.0),
    ("min", "time", 60.0, 0.0),
    ("h", "time", 3600.0, 0.0),
    ("A", "current", 1.0, 0.0),
    ("V", "voltage", 1.0, 0.0),
    ("kbit/s", "data_rate", 1.0, 0.0),
    ("Mbit/s", "data_rate", 1000.0, 0.0),
    ("-", "none", 1.0, 0.0),
)

UNITS: dict[str, Unit] = {
    symbol: Unit(symbol=symbol, dimension=dimension, factor=factor, offset=offset)
    for symbol, dimension, factor, offset in _TABLE
}


def unit(symbol: str) -> Unit:
    """Return the unit of this symbol.

    Raises:
        InputError: The symbol is not in the table.
    """
    found = UNITS.get(symbol)
    if found is None:
        known = ", ".join(UNITS)
        raise InputError("unknown unit", thing=symbol, fix=f"use one of: {known}")
    return found


def convert(value: float, source: str, target: str) -> float:
    """Convert `value` from unit `source` to unit `target`.

    Raises:
        InputError: A unit is unknown, or the two measure different things.
    """
    a, b = unit(source), unit(target)
    if a.dimension != b.dimension:
        raise InputError(
            f"{source} is a {a.dimension}, {target} is a {b.dimension}",
            thing=source,
            fix=f"give a unit of {b.dimension}",
        )
    if a is b:
        return value
    return (value * a.factor + a.offset - b.offset) / b.factor
