"""What station control is asked and what it answers: state, forecast, wishes and limits, plan."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heatloop.control.curve_strategy import Regulation
from heatloop.station.curve import CurveDesign

Floats = NDArray[np.float64]
N_STEP = 96
STEP_S = 900.0
NOTABLE_K = 0.05
"""What is missed or moved by more is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MpcState:
    """One unit now."""

    room_c: float
    """Estimated mean of its rooms; nan: unknown, then they are taken to be as wanted."""
    wall_c: float
    """Estimated wall; nan: where a steady flow of heat would put it."""
    supply_c: float
    """Supply temperature set now; nan: unknown."""
    heat_kw: float = float("nan")
    """Heat the emitters give now; nan: from the supply temperature."""
    disturbance_kw: float = 0.0
    """Heat the model does not know of, from the observer."""
    flow_ratio: float = 1.0
    """Circulation now over the unit's own."""
    emitter_factor: float = 1.0
    """Heat measured over that of the model at the same water, from the observer."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MpcForecast:
    """What is expected, means over each step, shape (n_step,)."""

    outdoor_c: Floats
    """Outdoor temperature."""
    sun_kw_m2: Floats | None = None
    """Global radiation on the horizontal; None: none."""
    gain_kw: Floats | None = None
    """People and appliances; None: the model's mean."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MpcTask:
    """What is wanted of one unit and what it may do.

    Weights are in yuan a kWh of design heat: with 0.3 yuan/kWh and 0.15 yuan/K2 rooms are kept
    some 0.03 K below target in the mean, because heat costs.
    """

    target_c: float | Floats = 20.0
    """Room temperature wanted, a number or shape (n_step,)."""
    low_c: float | Floats = 19.0
    """Lower end of the comfort band, likewise."""
    high_c: float | Floats = 22.0
    """Upper end of the comfort band, likewise."""
    supply_low_c: float = 25.0
    """Lowest supply temperature."""
    supply_high_c: float = 80.0
    """Highest supply temperature."""
    heat_most_kw: float | Floats = float("inf")
    """Most heat the unit may draw in a step; met as far as the ramp allows."""
    ramp_k_per_h: float = 12.0
    """How fast the supply temperature may move."""
    regulation: Regulation = Regulation.QUALITY
    """Whether supply temperature or flow follows the need."""
    quantity_supply_c: float = 60.0
    """Supply temperature kept under quantity regulation, moved only if no flow would do."""
    least_flow: float = 0.5
    """Lowest flow ratio."""
    flow_ramp_per_h: float = 0.4
    """How fast the flow ratio may move."""
    room_weight: float = 0.15
    """Of a squared kelvin of room error."""
    move_weight: float = 2e-4
    """Of a squared kelvin the supply temperature moves in a step."""
    breach_weights: tuple[float, float] = (0.1, 0.3)
    """Of a kelvin outside the comfort band, and of its square."""
    curve: CurveDesign = field(default_factory=CurveDesign)
    """Heating curve to fall back to."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MpcPlan:
    """What station control means to do; arrays of shape (n_step,)."""

    supply_c: Floats
    """Supply temperature over each step, always inside the limits."""
    flow_kgs: Floats
    """Circulation over each step."""
    heat_kw: Floats
    """Heat drawn in each step; nan where it cannot be told."""
    room_c: Floats
    """Room expected at the end of each step; nan where it cannot be told."""
    relaxed: tuple[str, ...] = ()
    """Each wish that cannot be kept and each input that was missing, in words screens translate."""
    fallback: bool = False
    """Whether this is the weather curve."""
