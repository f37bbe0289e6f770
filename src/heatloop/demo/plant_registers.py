"""Where the set-points of plants, isolation and booster stations stand in the registers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heatloop.demo.plant_orders import PlantOrders
from heatloop.network.arrays import Floats

# Field of `PlantOrders` -> prefix of the assets and kind of the point that sets it.
_KINDS: dict[str, tuple[str, str]] = {
    "supply_c": ("HS", "source_supply_temperature_setpoint"),
    "dp_kpa": ("HS", "source_differential_pressure_setpoint"),
    "boiler_on": ("BL", "boiler_enable"),
    "chp_pct": ("CP", "chp_load_setpoint"),
    "charge_m3h": ("ST", "tank_charge_flow_setpoint"),
    "booster_hz": ("BS", "circulation_pump_frequency_setpoint"),
    "zone_c": ("IS", "secondary_supply_temperature_setpoint"),
    "zone_mode": ("IS", "station_mode"),
    "zone_valve_pct": ("IS", "valve_opening_setpoint"),
    "zone_hz": ("IS", "circulation_pump_frequency_setpoint"),
    "zone_hold_kpa": ("IS", "secondary_return_pressure_setpoint"),
}


class PlantRegisters:
    """Brings what registers hold into the plants' orders, and back.

    Args:
        number: Number of each writable register's point, by point code.
    """

    def __init__(self, number: Mapping[str, int]) -> None:
        self._at: dict[str, np.ndarray[tuple[int], np.dtype[np.intp]]] = {}
        for field, (prefix, kind) in _KINDS.items():
            found = {
                int(code.partition(".")[0][2:]): at
                for code, at in number.items()
                if code.startswith(prefix) and code.partition(".")[2] == kind
            }
            self._at[field] = np.array([found[k] for k in sorted(found)], dtype=np.intp)

    def obey(self, registers: Floats, orders: PlantOrders) -> None:
        """Set the orders to what the registers say, in place.

        Args:
            registers: Values of all writable registers, shape (n_settings,).
            orders: Changed.
        """
        for field, at in self._at.items():
            values = registers[at]
            setattr(orders, field, values > 0.5 if field == "boiler_on" else values)


def settings_of(orders: PlantOrders) -> dict[str, float]:
    """Return the values of the registers that say the same as these orders, by point code."""
    return {
        f"{prefix}{number:04d}.{kind}": float(value)
        for field, (prefix, kind) in _KINDS.items()
        for number, value in enumerate(getattr(orders, field).tolist(), 1)
    }
