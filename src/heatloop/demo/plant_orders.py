"""What the heat plants, isolation and booster stations are told to do by their registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.truth_primary import PrimaryTruth
from heatloop.network.arrays import Floats
from heatloop.station.modes import StationMode

Flags: TypeAlias = NDArray[np.bool_]

SOURCE_SUPPLY_C = 100.0
ZONE_SUPPLY_SET_C = 73.0
PUMP_DUTY_HZ = 40.0
_PEAK_SHARE = 0.85
RETURN_HOLD_KPA = 300.0
"""Pressure held at the return of a single source."""
RINGS_HOLD_KPA = 450.0
"""Pressure held at the first source's return where boosters draw on the return mains."""
ZONE_HOLD_KPA = 350.0


@dataclass(kw_only=True, slots=True)
class PlantOrders:
    """Set-points of everything above the substations."""

    supply_c: Floats
    """Supply temperature of each source, shape (n_source,)."""
    dp_kpa: Floats
    """Pressure difference of each source, shape (n_source,)."""
    boiler_on: Flags
    """Boilers that may fire, shape (n_boiler,)."""
    chp_pct: Floats
    """Most load of each CHP unit, shape (n_chp,)."""
    charge_m3h: Floats
    """Flow into each storage tank, negative out of it, shape (n_tank,)."""
    booster_hz: Floats
    """Pump speed of each booster station, shape (n_booster,)."""
    zone_c: Floats
    """Supply temperature behind each isolation station, shape (n_isolation,)."""
    zone_mode: Floats
    """Station mode of each isolation station, shape (n_isolation,)."""
    zone_valve_pct: Floats
    """Valve opening where the mode is not automatic, shape (n_isolation,)."""
    zone_hz: Floats
    """Pump speed of each isolation station, shape (n_isolation,)."""
    zone_hold_kpa: Floats
    """Return pressure each isolation station holds, shape (n_isolation,)."""

    @classmethod
    def usual(cls, truth: PrimaryTruth) -> PlantOrders:
        """Return the set-points the plants were delivered with."""
        n_source, n_zone = len(truth.source_kgs), len(truth.hot_kgs)
        n_chp = len(truth.heater_kw) - truth.n_boiler
        return cls(
            supply_c=np.full(n_source, SOURCE_SUPPLY_C),
            dp_kpa=np.round(truth.source_dp_kpa * _eased(truth)),
            boiler_on=np.ones(truth.n_boiler, dtype=bool),
            chp_pct=np.full(n_chp, 100.0),
            charge_m3h=np.zeros(len(truth.tank_m3)),
            booster_hz=np.full(len(truth.booster_kgs), PUMP_DUTY_HZ),
            zone_c=np.full(n_zone, ZONE_SUPPLY_SET_C),
            zone_mode=np.full(n_zone, float(StationMode.AUTOMATIC)),
            zone_valve_pct=np.full(n_zone, 50.0),
            zone_hz=np.full(n_zone, PUMP_DUTY_HZ),
            zone_hold_kpa=np.full(n_zone, ZONE_HOLD_KPA),
        )


def _eased(truth: PrimaryTruth) -> Floats:
    """Return the share of its design pressure each source starts with, shape (n_source,).

    Beside plants with a CHP unit the others hold back: electricity is made where heat is taken.
    """
    share = np.ones(len(truth.source_kgs))
    chp = np.unique(truth.heater_source[truth.n_boiler :])
    if len(chp):
        share[:] = _PEAK_SHARE
        share[chp] = 1.0
    return share
