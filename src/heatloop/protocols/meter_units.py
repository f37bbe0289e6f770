"""From the units meters state to the units of the house, and back."""

from __future__ import annotations

from heatloop.kernel.units import convert

# Unit of a meter -> unit of `kernel.units`, times; others have the same name there.
_UNITS = {
    "Wh": ("kWh", 1e-3),
    "J": ("GJ", 1e-9),
    "cal": ("GJ", 4.1868e-9),
    "W": ("kW", 1e-3),
    "J/h": ("GJ/h", 1e-9),
    "m3/min": ("m3/h", 60.0),
    "m3/s": ("m3/h", 3600.0),
    "kg/h": ("t/h", 1e-3),
    "": ("-", 1.0),
}


def to_house(value: float, unit: str, house: str) -> float:
    """Return a meter's value in a unit of `kernel.units`.

    Args:
        value: In the meter's unit.
        unit: That unit.
        house: What is wanted.

    Raises:
        InputError: A unit is unknown, or the two measure different things.
    """
    known, times = _UNITS.get(unit, (unit, 1.0))
    return convert(value * times, known, house)


def from_house(value: float, house: str, unit: str) -> float:
    """Return a value in the unit of a meter.

    Args:
        value: In a unit of `kernel.units`.
        house: That unit.
        unit: The meter's.

    Raises:
        InputError: A unit is unknown, or the two measure different things.
    """
    known, times = _UNITS.get(unit, (unit, 1.0))
    return convert(value, house, known) / times
