"""What the works are told to do, and what faults do to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.truth import SOURCE_DP_KPA
from heatloop.network.arrays import Floats

Flags: TypeAlias = NDArray[np.bool_]


@dataclass(kw_only=True, slots=True)
class Commands:
    """What the controllers (or the gateways) want."""

    valve_pct: Floats
    """Primary valve openings, shape (n_unit,)."""
    pump_hz: Floats
    """Circulation pump speeds, shape (n_unit,)."""
    makeup: Flags
    """Make-up pumps, shape (n_unit,)."""
    source_supply_c: float = 100.0
    """Source supply temperature."""
    source_dp_kpa: float = SOURCE_DP_KPA
    """Source pressure difference."""
    boiler_on: Flags = field(default_factory=lambda: np.ones(2, dtype=bool))
    """Shape (2,)."""


@dataclass(kw_only=True, slots=True)
class Wear:
    """What faults do to the works."""

    valve_stuck: Flags
    """Valves that no longer move, shape (n_unit,)."""
    pump_tripped: Flags
    """Circulation pumps that are out, shape (n_unit,)."""
    leak_kgs: Floats
    """Water lost beyond the usual, shape (n_unit,)."""
