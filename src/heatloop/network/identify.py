"""Identification of a room or house from its history, with honest uncertainty.

Parameters are logarithms, so nothing turns negative. They are found by least squares on freely
simulated trajectories, with a wide prior that only speaks where the data are silent. Residuals
of a simulation hang together in time, so their number counts only as the number of independent
ones. Where rooms regulate their heat, it answers sun and people nobody measured, and a simulation
takes that for mass and loss; residuals that hang together over days then count as few.

Reference: Bacher and Madsen 2011, doi 10.1016/j.enbuild.2011.02.005; maximum a posteriori and its
covariance: Tarantola, Inverse Problem Theory, 2005, 3.2; effective number under first-order
autocorrelation: von Storch and Zwiers, Statistical Analysis in Climate Research, 1999, 6.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.room_history import Stretch, stretches_of
from heatloop.network.room_model import RADIANT_SHARE, SUN_SHARE, RoomInputs, RoomModel
from heatloop.network.room_parameters import model_of, parameter_names, usual_size

_PRIOR_SIGMA = 2.0
"""Of every parameter's logarithm: a factor of 7 either way."""
_START_SIGMA_K = (0.3, 3.0)
"""Of start temperatures: the measured room, the hidden walls."""
_NOISE_FLOOR_K = 0.03
_ROUNDS = 3
_DAY_S = 86400.0
_LEAST_DAYS = 4
"""Fewer daily means say nothing of their scatter."""


class Prior(NamedTuple):
    """What is known of a parameter before; uncertainties are one sigma of the logarithm."""

    value: float
    relative: float
    """Uncertainty."""
    below: float | None = None
    """Uncertainty downwards, where it is another: of what may as well be next to nothing."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Identified:
    """A model found, and how well it is known."""

    model: RoomModel
    """The most likely model."""
    names: tuple[str, ...]
    """Its parameters."""
    values: Floats
    """Shape (n_parameter,)."""
    ln_covariance: Floats
    """Covariance of the logarithms, shape (n_parameter, n_parameter)."""
    rmse_k: float
    """Of the free simulation over the history."""
    independent: float
    """Number of independent residuals."""
    end_c: Floats
    """Temperature of every node at the last moment used, shape (n_node,)."""
    end: int
    """That moment in the history."""

    def interval(self, name: str, sigmas: float = 1.96) -> tuple[float, float]:
        """Return the lower and upper end of a parameter's interval.

        Raises:
            InputError: There is no such parameter.
        """
        if name not in self.names:
            raise InputError("no such parameter", thing=name, fix=", ".join(self.names))
        at = self.names.index(name)
        width = float(np.exp(sigmas * np.sqrt(self.ln_covariance[at, at])))
        return float(self.values[at]) / width, float(self.values[at]) * width

    def loss_sigma(self) -> float:
        """Return the relative uncertainty of the whole loss to the outside, one sigma."""
        model, names = self.model, self.names
        slope = np.zeros(len(names))
        slope[names.index("room_out_kw_k")] = model.room_out_kw_k
        if model.order > 1:
            inner, outer = model.room_wall_kw_k, model.wall_out_kw_k
            through = inner * outer / (inner + outer)
            slope[names.index("room_wall_kw_k")] = through * outer / (inner + outer)
            slope[names.index("wall_out_kw_k")] = through * inner / (inner + outer)
        return float(np.sqrt(slope @ self.ln_covariance @ slope)) / model.loss_kw_k()

    def known(self) -> tuple[str, ...]:
        """Return the parameters that the data, and not the prior, have fixed."""
        sigma = np.sqrt(np.diag(self.ln_covariance))
        return tuple(n for n, s in zip(self.names, sigma, strict=True) if s < 0.5 * _PRIOR_SIGMA)


def identify_room(
    inputs: RoomInputs,
    room_c: Floats,
    *,
    order: int | None = None,
    lived_in: bool = False,
    prior: Mapping[str, Prior] | None = None,
    surface_shares: tuple[float, float] = (RADIANT_SHARE, SUN_SHARE),
    regulated: bool = False,
) -> Identified:
    """Return the model that explains a room's history best.

    Args:
        inputs: What acted on the room; nan where it was not measured.
        room_c: Measured room temperature, nan where it was not, shape (n,).
        order: 1 (1R1C), 2 (2R2C) or 3 (outer and inner walls). None: the one that simulates the
            last third best after learning from the rest; less than three days allow only 1 and 2.
        lived_in: Whether people and appliances give heat that `inputs` does not hold; their mean
            is then found too.
        prior: What is known already of some parameters. Others keep the wide prior.
        surface_shares: Shares of heat and sun that surfaces take, see `RoomModel`.
        regulated: Whether heat may have followed the room: residuals then count for no more than
            the scatter of their daily means allows.

    Raises:
        InputError: The history is wrong or too poor, see `stretches_of`, or there is no such
            order.
    """
    if order not in (None, 1, 2, 3):
        raise InputError("order must be 1, 2 or 3", thing=str(order))
    stretches = stretches_of(inputs, room_c)
    if order is None:
        order = _choose_order(inputs, room_c, stretches, lived_in)
    return _Fit(stretches, order, lived_in, prior, surface_shares, regulated).run()


def free_rmse_k(found: Identified, inputs: RoomInputs, room_c: Floats) -> float:
    """Return the error of the free simulation from the end of learning to the end of a history.

    Args:
        found: A model learned from the first part of this history.
        inputs: The whole history, without gaps after `found.end`.
        room_c: Measured, nan where it was not, shape (n,).
    """
    path = found.model.simulate(inputs.part(found.end, len(room_c)), found.end_c)
    error = path[1:, 0] - room_c[found.end + 1 :]
    return float(np.sqrt(np.nanmean(error**2)))


def _choose_order(
    inputs: RoomInputs, room_c: Floats, stretches: tuple[Stretch, ...], lived_in: bool
) -> int:
    longest = max(stretches, key=lambda x: len(x.room_c))
    total_s = len(longest.room_c) * inputs.dt_s
    if total_s < 3.0 * _DAY_S:
        return 2 if total_s >= 1.5 * _DAY_S else 1
    cut = len(longest.room_c) * 2 // 3
    early = Stretch(start=0, inputs=longest.inputs.part(0, cut), room_c=longest.room_c[:cut])
    if np.isfinite(early.room_c).sum() < 20 or not np.isfinite(longest.room_c[cut:]).any():
        return 2
    errors = {
        order: free_rmse_k(_Fit((early,), order, lived_in).run(), longest.inputs, longest.room_c)
        for order in (1, 2, 3)
    }
    return min(errors, key=lambda order: errors[order])


class _Fit:
    """One least-squares problem."""

    def __init__(
        self,
        stretches: tuple[Stretch, ...],
        order: int,
        lived_in: bool,
        prior: Mapping[str, Prior] | None = None,
        surface_shares: tuple[float, float] = (RADIANT_SHARE, SUN_SHARE),
        regulated: bool = False,
    ) -> None:
        self.stretches, self.order, self.shares = stretches, order, surface_shares
        self.regulated = regulated
        first = stretches[0].inputs
        self.names = parameter_names(
            order, first.boundary_c.shape[1], first.sun_kw_m2.shape[1], lived_in=lived_in
        )
        self.n = len(self.names)
        self.measured = [np.isfinite(x.room_c) for x in stretches]
        self.count = sum(int(x.sum()) for x in self.measured)
        self.prior = np.concatenate([self._guess(), np.zeros(order * len(stretches))])
        starts = np.full(order, _START_SIGMA_K[1])
        starts[0] = _START_SIGMA_K[0]
        self.sigma = np.concatenate(
            [np.full(self.n, _PRIOR_SIGMA), np.tile(starts, len(stretches))]
        )
        self.below = self.sigma.copy()
        for at, name in enumerate(self.names):
            if prior and name in prior:
                known = prior[name]
                below = known.relative if known.below is None else known.below
                self.prior[at] = np.log(max(known.value, 1e-9))
                self.sigma[at] = min(max(known.relative, 1e-3), _PRIOR_SIGMA)
                self.below[at] = min(max(below, 1e-3), _PRIOR_SIGMA)

    def run(self) -> Identified:
        """Return the result; weights are those of the residuals of the round before."""
        at = self.prior
        noise_k, independent = 0.3, max(self.count * self._dt_s / 43200.0, 4.0)
        bounds = (self.prior - 5.0 * self.below, self.prior + 5.0 * self.sigma)
        for _ in range(_ROUNDS):
            weight = np.sqrt(independent / self.count) / noise_k
            found = least_squares(
                self._cost, at, bounds=bounds, x_scale=self.sigma, args=(weight,), max_nfev=80
            )
            at = found.x
            pieces = self._residuals(at)
            noise_k = max(float(np.sqrt(np.mean(np.concatenate(pieces) ** 2))), _NOISE_FLOOR_K)
            independent = _independent(pieces)
            if self.regulated:
                independent = min(independent, _worth_by_day(pieces, round(_DAY_S / self._dt_s)))
        # Half the gradient of the cost is J'r, and J'J holds data and prior alike.
        covariance = np.linalg.inv(found.jac.T @ found.jac)
        model = self._model(at)
        last = self.stretches[-1]
        path = model.simulate(last.inputs, self._start(at, len(self.stretches) - 1))
        rmse = float(np.sqrt(np.mean(np.concatenate(pieces) ** 2)))
        return Identified(
            model=model,
            names=self.names,
            values=np.exp(at[: self.n]),
            ln_covariance=covariance[: self.n, : self.n],
            rmse_k=rmse,
            independent=independent,
            end_c=path[-1],
            end=last.start + len(last.room_c) - 1,
        )

    @property
    def _dt_s(self) -> float:
        return self.stretches[0].inputs.dt_s

    def _guess(self) -> Floats:
        """Return the middle of the prior: sizes that follow from the heat and its kelvins."""
        heat = np.mean(np.concatenate([np.abs(x.inputs.heat_kw) for x in self.stretches]))
        warm = np.concatenate([x.room_c - x.inputs.outdoor_c for x in self.stretches])
        ua = max(float(heat), 1e-6) / max(abs(float(np.nanmean(warm))), 3.0)
        return np.log([usual_size(name, ua, self.order) for name in self.names])

    def _model(self, at: Floats) -> RoomModel:
        return model_of(self.names, np.exp(at[: self.n]), self.order, self.shares)

    def _start(self, at: Floats, index: int) -> Floats:
        """Return start temperatures: outer walls a quarter of the way out, and what was found."""
        stretch, head = self.stretches[index], self.n + index * self.order
        room = float(stretch.room_c[0])
        start = np.full(self.order, room)
        if self.order > 1:
            day = max(int(_DAY_S / self._dt_s), 1)
            start[1] += 0.25 * (float(stretch.inputs.outdoor_c[:day].mean()) - room)
        return np.asarray(start + at[head : head + self.order])

    def _residuals(self, at: Floats) -> list[Floats]:
        model = self._model(at)
        return [
            (model.simulate(x.inputs, self._start(at, i))[:, 0] - x.room_c)[self.measured[i]]
            for i, x in enumerate(self.stretches)
        ]

    def _cost(self, at: Floats, weight: float) -> Floats:
        data = np.concatenate(self._residuals(at)) * weight
        away = at - self.prior
        return np.concatenate([data, away / np.where(away < 0.0, self.below, self.sigma)])


def _independent(pieces: list[Floats]) -> float:
    """Return how many independent residuals these are worth."""
    count = sum(len(x) for x in pieces)
    power = sum(float(x @ x) for x in pieces)
    if power <= 0.0:
        return float(count)
    rho = sum(float(x[1:] @ x[:-1]) for x in pieces) / power
    rho = min(max(rho, 0.0), 0.9999)
    return max(count * (1.0 - rho) / (1.0 + rho), 4.0)


def _worth_by_day(pieces: list[Floats], moments: int) -> float:
    """Return how many independent residuals would let daily means scatter as these do."""
    whole = [x[: len(x) // moments * moments].reshape(-1, moments) for x in pieces]
    days = np.concatenate([x.mean(axis=1) for x in whole])
    if len(days) < _LEAST_DAYS:
        return float("inf")
    every = np.concatenate(pieces)
    scatter = max(float(np.mean(days**2)), 1e-12)
    return max(len(days) * float(np.mean(every**2)) / scatter, 4.0)
