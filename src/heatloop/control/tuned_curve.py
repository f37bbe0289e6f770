"""The tuned weather curve: a unit's heating curve with the knobs a commissioning engineer has.

A predictive controller is only worth what it saves against this curve, not against the one a
unit was delivered with. `CurveSearch` tunes many units side by side: it asks for settings to try
on every unit at once and is told what each unit's trial cost; how trials are made (a twin, nights
and weeks of operation) is its caller's affair.

Reference: search by covariance matrix adaptation, Hansen, The CMA Evolution Strategy: A Tutorial,
arXiv:1604.00772 (section and equation numbers below).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.station.curve import CurveDesign

Floats = NDArray[np.float64]

NAMES = (
    "slope",
    "shift_k",
    "damping_h",
    "set_back_k",
    "set_back_from_h",
    "set_back_for_h",
    "flow_ratio",
)
"""The knobs in the order of a row of settings."""
LOW = np.array([0.6, -4.0, 0.0, -2.0, 0.0, 1.0, 0.6])
HIGH = np.array([1.5, 4.0, 24.0, 4.0, 24.0, 12.0, 1.15])
"""Least and greatest value of each knob."""
AS_DELIVERED = np.array([1.0, 0.0, 0.0, 0.0, 22.0, 6.0, 1.0])
"""The curve as the controller came: through its design state, no set-back, design flow."""
_SIGMA = np.array([0.12, 0.7, 4.0, 0.7, 4.0, 2.5, 0.12])
_DAMPING, _FROM = 2, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveDesigns:
    """Design states of many units, each figure an array of shape (n_unit,)."""

    supply_c: Floats
    """Supply temperature on the design day."""
    return_c: Floats
    """Return temperature on the design day."""
    room_c: Floats
    """Room temperature kept."""
    outdoor_c: Floats
    """Outdoor temperature of the design day."""
    exponent_b: Floats
    """Emitter exponent."""

    @classmethod
    def of(cls, designs: Sequence[CurveDesign]) -> CurveDesigns:
        """Return the designs of these units, in their order."""
        return cls(
            supply_c=np.array([d.supply_c for d in designs]),
            return_c=np.array([d.return_c for d in designs]),
            room_c=np.array([d.room_c for d in designs]),
            outdoor_c=np.array([d.outdoor_c for d in designs]),
            exponent_b=np.array([d.exponent_b for d in designs]),
        )


def next_outdoor_c(damped_c: Floats, outdoor_c: float, settings: Floats, dt_s: float) -> Floats:
    """Return the outdoor temperature as each curve feels it, a first-order lag.

    Args:
        damped_c: Before, shape (..., n_unit).
        outdoor_c: Measured now.
        settings: Knobs, shape (..., n_unit, 7).
        dt_s: Time passed.
    """
    lag_s = np.maximum(settings[..., _DAMPING], 0.05) * 3600.0
    return np.asarray(damped_c + (outdoor_c - damped_c) * -np.expm1(-dt_s / lag_s))


def supply_c(
    designs: CurveDesigns, settings: Floats, damped_c: Floats, local_hour: float
) -> Floats:
    """Return the supply temperature each tuned curve asks for, shape (..., n_unit), degC.

    The slope multiplies the load; shift and set-back ask for the curve of a warmer or colder room,
    as in `station.curve`.

    Args:
        designs: Design states.
        settings: Knobs in the order of `NAMES`, shape (..., n_unit, 7).
        damped_c: Outdoor temperature as the curve feels it, shape (..., n_unit).
        local_hour: Local time of day, 0 to 24.

    Raises:
        InputError: The settings have another number of knobs.
    """
    if settings.shape[-1] != len(NAMES):
        raise InputError("wrong number of curve settings", thing=str(settings.shape[-1]))
    slope, shift, _, depth, begin, length, flow = np.moveaxis(settings, -1, 0)
    back = (local_hour - begin) % 24.0 < length
    shift = shift - np.where(back, depth, 0.0)
    room = designs.room_c + shift
    span = designs.room_c - designs.outdoor_c
    load = np.maximum(slope * (designs.room_c - (damped_c - shift)) / span, 0.0)
    rise = 0.5 * (designs.supply_c + designs.return_c) - designs.room_c
    half = 0.5 * (designs.supply_c - designs.return_c) * load / flow
    return np.asarray(room + rise * load ** (1.0 / (1.0 + designs.exponent_b)) + half)


class CurveSearch:
    """Tunes the curves of many units at once, each for itself.

    Args:
        n_unit: Number of units.
        n_trial: Settings tried on each unit in one round.
        seed: Of the draws.
        start: Knobs to start from, shape (7,) or (n_unit, 7).
    """

    def __init__(
        self, n_unit: int, *, n_trial: int = 12, seed: int = 0, start: Floats = AS_DELIVERED
    ) -> None:
        if n_trial < 4:
            raise InputError("a round needs four trials or more", thing=str(n_trial))
        self._rng = np.random.default_rng(seed)
        n = len(NAMES)
        self._n_trial = n_trial
        self._mean = np.broadcast_to(start, (n_unit, n)).astype(np.float64) / _SIGMA
        self._size = np.full(n_unit, 1.0)
        self._spread = np.tile(np.eye(n), (n_unit, 1, 1))
        self._path_c = np.zeros((n_unit, n))
        self._path_s = np.zeros((n_unit, n))
        self._rounds = 0
        self._asked = np.empty((n_trial, n_unit, n))
        self.best = np.broadcast_to(start, (n_unit, n)).copy()
        """Best settings tried so far, shape (n_unit, 7)."""
        self.best_cost = np.full(n_unit, np.inf)
        """What they cost, shape (n_unit,)."""
        # Weights and learning rates, table 1 (eqs. 49-58).
        half = n_trial // 2
        weight = math.log((n_trial + 1) / 2.0) - np.log(np.arange(1, half + 1))
        self._weight = weight / weight.sum()
        mass = 1.0 / float(self._weight @ self._weight)
        self._mass = mass
        self._c_s = (mass + 2.0) / (n + mass + 5.0)
        self._d_s = 1.0 + self._c_s + 2.0 * max(0.0, math.sqrt((mass - 1.0) / (n + 1.0)) - 1.0)
        self._c_c = (4.0 + mass / n) / (n + 4.0 + 2.0 * mass / n)
        self._c_1 = 2.0 / ((n + 1.3) ** 2 + mass)
        self._c_m = min(1.0 - self._c_1, 2.0 * (mass - 2.0 + 1.0 / mass) / ((n + 2.0) ** 2 + mass))
        self._length = math.sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n))

    def ask(self) -> Floats:
        """Return the settings to try in this round, shape (n_trial, n_unit, 7)."""
        values, axes = np.linalg.eigh(self._spread)
        scale = axes * np.sqrt(np.maximum(values, 1e-12))[:, None, :]
        drawn = self._rng.standard_normal((self._n_trial, *self._mean.shape))
        step = np.einsum("uij,tuj->tui", scale, drawn) * self._size[None, :, None]
        wanted = (self._mean + step) * _SIGMA
        # The clock has no ends; everything else is kept inside them.
        inside: Floats = np.clip(wanted, LOW, HIGH)
        inside[..., _FROM] = wanted[..., _FROM] % 24.0
        if self._rounds == 0:
            inside[0] = self.best
        self._asked = inside
        return inside

    def tell(self, cost: Floats) -> None:
        """Learn what the trials cost, shape (n_trial, n_unit).

        A trial that is not finite counts as the worst.

        Raises:
            InputError: Not one cost a trial and unit.
        """
        if cost.shape != self._asked.shape[:2]:
            raise InputError("give a cost a trial and unit", thing=str(cost.shape))
        cost = np.where(np.isfinite(cost), cost, np.inf)
        order = np.argsort(cost, axis=0)
        units = np.arange(cost.shape[1])
        first = cost[order[0], units]
        better = first < self.best_cost
        self.best[better] = self._asked[order[0], units][better]
        self.best_cost = np.minimum(self.best_cost, first)
        chosen = self._asked[order[: len(self._weight)], units[None, :]] / _SIGMA
        step = (chosen - self._mean) / self._size[None, :, None]
        # A start of set-back just after midnight lies close to one just before.
        day = 24.0 / _SIGMA[_FROM]
        hours = (chosen - self._mean)[..., _FROM]
        step[..., _FROM] = ((hours + day / 2.0) % day - day / 2.0) / self._size
        self._adapt(step)
        self._rounds += 1

    def _adapt(self, step: Floats) -> None:
        """Move mean, paths, spread and step size; `step` is (n_chosen, n_unit, 7), best first."""
        n = len(NAMES)
        mean = np.einsum("k,kui->ui", self._weight, step)
        self._mean = self._mean + self._size[:, None] * mean
        values, axes = np.linalg.eigh(self._spread)
        white = axes / np.sqrt(np.maximum(values, 1e-12))[:, None, :]
        turned = np.einsum("uij,ukj,uk->ui", white, axes, mean)
        keep = math.sqrt(self._c_s * (2.0 - self._c_s) * self._mass)
        self._path_s = (1.0 - self._c_s) * self._path_s + keep * turned
        long = np.linalg.norm(self._path_s, axis=1)
        faded = math.sqrt(1.0 - (1.0 - self._c_s) ** (2 * (self._rounds + 1)))
        going = (long / faded < (1.4 + 2.0 / (n + 1.0)) * self._length).astype(np.float64)
        keep_c = math.sqrt(self._c_c * (2.0 - self._c_c) * self._mass)
        self._path_c = (1.0 - self._c_c) * self._path_c + keep_c * going[:, None] * mean
        one = np.einsum("ui,uj->uij", self._path_c, self._path_c)
        many = np.einsum("k,kui,kuj->uij", self._weight, step, step)
        lost = ((1.0 - going) * self._c_c * (2.0 - self._c_c))[:, None, None]
        self._spread = (
            (1.0 - self._c_1 - self._c_m + self._c_1 * lost) * self._spread
            + self._c_1 * one
            + self._c_m * many
        )
        self._size = self._size * np.exp(
            np.clip(self._c_s / self._d_s * (long / self._length - 1.0), -0.6, 0.6)
        )
