"""Where everything stands in the flat structure of the demo's primary network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from heatloop.network.arrays import Index


def _none() -> Index:
    return np.empty(0, dtype=np.intp)


@dataclass(kw_only=True, slots=True)
class Places:
    """Numbers of links and nodes; each array in the order of what it belongs to."""

    supply_pipe: Index = field(default_factory=_none)
    """Link, shape (n_trench,)."""
    return_pipe: Index = field(default_factory=_none)
    """Link, shape (n_trench,)."""
    valve: Index = field(default_factory=_none)
    """Link of each unit's control valve, shape (n_unit,)."""
    plate: Index = field(default_factory=_none)
    """Link of each unit's exchanger and strainer, shape (n_unit,)."""
    station_supply: Index = field(default_factory=_none)
    """Node, shape (n_station,)."""
    station_return: Index = field(default_factory=_none)
    """Node, shape (n_station,)."""
    source_supply: Index = field(default_factory=_none)
    """Node, shape (n_source,)."""
    source_return: Index = field(default_factory=_none)
    """Node, shape (n_source,)."""
    source_pump: Index = field(default_factory=_none)
    """Link, shape (n_source,)."""
    plant: Index = field(default_factory=_none)
    """Link through the boilers, shape (n_source,)."""
    tank: Index = field(default_factory=_none)
    """Links of each tank's layers from the top, shape (n_layer * n_tank,)."""
    charge: Index = field(default_factory=_none)
    """Link that fills the tank, shape (n_tank,)."""
    booster_in: Index = field(default_factory=_none)
    """Node before the pumps, shape (n_booster,)."""
    booster_out: Index = field(default_factory=_none)
    """Node behind the pumps, shape (n_booster,)."""
    booster_supply: Index = field(default_factory=_none)
    """Node on the supply pipe, shape (n_booster,)."""
    booster_pump: Index = field(default_factory=_none)
    """Link, shape (n_booster,)."""
    booster_bypass: Index = field(default_factory=_none)
    """Link of the check valve past the pumps, shape (n_booster,)."""
    hot_supply: Index = field(default_factory=_none)
    """Node on the hot side of isolation stations, shape (n_isolation,)."""
    hot_return: Index = field(default_factory=_none)
    """Node, shape (n_isolation,)."""
    hot_valve: Index = field(default_factory=_none)
    """Link, shape (n_isolation,)."""
    hot_plate: Index = field(default_factory=_none)
    """Link, shape (n_isolation,)."""
    cold_supply: Index = field(default_factory=_none)
    """Node on the cold side, shape (n_isolation,)."""
    cold_return: Index = field(default_factory=_none)
    """Node, shape (n_isolation,)."""
    cold_pump: Index = field(default_factory=_none)
    """Link, shape (n_isolation,)."""
    cold_plate: Index = field(default_factory=_none)
    """Link, shape (n_isolation,)."""
    held: Index = field(default_factory=_none)
    """Node whose pressure each zone's make-up holds, shape (1 + n_isolation,)."""
    junction_zone: Index = field(default_factory=_none)
    """Pressure zone each substation lies in: 0 or 1 + isolation station, shape (n_station,)."""
    junction_supply: dict[str, int] = field(default_factory=dict)
    """Supply node by code of the junction."""
