"""What self-describing meters have in common: values with units of their own become points'."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from heatloop.edge.drivers.port import Driver, Reading
from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding

ValueIn = Callable[[str], float | None]
"""Returns a value in a unit of `kernel.units`, None where the meter has none."""


def add_values(
    driver: Driver, wanted: Iterable[tuple[Binding, ValueIn]], reading: Reading
) -> list[Binding]:
    """Add values in the units of their point kinds; say once of each other why it is missing.

    Args:
        driver: Whose points they are.
        wanted: Points and where their values come from.
        reading: What they are added to.

    Returns:
        The points whose values were added.
    """
    bindings: list[Binding] = []
    values: list[float] = []
    for binding, value_in in wanted:
        try:
            value = value_in(point_kinds()[binding.kind].unit)
            if value is None:
                raise InputError("meter has no value now", thing=binding.point)
        except InputError as error:
            driver.misfit(error, reading)
            continue
        bindings.append(binding)
        values.append(value)
    if bindings:
        reading.add(bindings, values)
    return bindings
