"""A building model from one table of history: cleaned, chosen by foretelling, judged afterwards.

How many heat nodes it has, one to three, is chosen by how well it foretells the last third of the
time it may learn from. What is reported as its error is measured in a free simulation over time it
has not seen. Gains of people are always part of it, and where no radiation was measured a usual
sky is: what a table is silent of would else be taken for a smaller loss, and be wrong in spring.

Where no neighbour is known, one is assumed that stays at the room's mean: warm flats around it,
and people who open windows when it is hot and valves when it is cold, hold a room at its level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.learning.free_run import FreeRun, free_run
from heatloop.control.learning.regular import Floats
from heatloop.control.learning.room_cleaning import cleaned
from heatloop.kernel.errors import InputError
from heatloop.network.identify import Identified, Prior, identify_room
from heatloop.network.room_history import stretches_of
from heatloop.network.room_model import RoomInputs

_CLEARLY = 0.97
"""A larger model must foretell by this factor better than a smaller one to be taken."""
_LEAST_S, _WEEK_S = 1.5 * 86400.0, 7.0 * 86400.0
_HELD_S = 28.0 * 86400.0
"""The level a room is held at is its mean over the last of these."""
_CLEARLY_OVER_K = 5.0
_GAIN_K, _GAIN_SIGMA, _GAIN_SIGMA_BELOW = 2.5, 0.5, 2.0
"""Gains of people hold dwellings so many kelvins above the outside (3.8 W/m2 of JGJ 26-2018 over
losses of 1.2 to 2 W/m2K); an empty house has next to none."""
_SUN_M2_PER_KW_K, _SKY_SIGMA = 8.0, 0.4
"""Windows of dwellings over their loss, where only a usual sky speaks of them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BuildingFound:
    """The model of a building, and how it did."""

    found: Identified
    """The model and its uncertainty."""
    prior_sigma: dict[str, float]
    """Relative uncertainty of figures before anything was learned, where it was not wide."""
    held_c: float | None
    """Level the room is held at by flats around it and people; None where neighbours are known."""
    after: FreeRun | None
    """Free simulation over the time after learning; None if there is none."""
    tried: dict[str, float]
    """RMSE in K of each kind of model over the last third of the learning time."""
    constant_rmse_k: float
    """RMSE in K over the time after learning of the last week's mean; nan if there is none."""
    removed: dict[str, int]
    """Values that cannot be true and were left out, by column."""


def identify_building(
    inputs: RoomInputs,
    room_c: Floats,
    fit_until: int,
    *,
    order: int | None = None,
    sky_kw_m2: Floats | None = None,
) -> BuildingFound:
    """Return the model learned from the first moments of a history, judged on the others.

    Args:
        inputs: What acted on the room; nan where it was not measured.
        room_c: Measured room temperature, nan where it was not, shape (n,).
        fit_until: Number of moments to learn from.
        order: Number of heat nodes, 1 to 3; None: chosen.
        sky_kw_m2: Usual radiation, used where `inputs` holds none, shape (n,).

    Raises:
        InputError: The history is too poor to learn from, see `stretches_of`.
    """
    inputs, room_c, removed = cleaned(inputs, room_c)
    assumed = inputs.sun_kw_m2.shape[1] == 0 and sky_kw_m2 is not None
    if assumed and sky_kw_m2 is not None:
        inputs = replace(inputs, sun_kw_m2=sky_kw_m2[:, None])
    early, seen = inputs.part(0, fit_until), room_c[:fit_until]
    stretches_of(early, seen)  # says what is missing before time is spent
    _check_sign(early, seen)
    chosen, tried = (order, {}) if order is not None else _choose(early, seen, assumed)
    alone = inputs.boundary_c.shape[1] == 0
    inputs = _held(inputs, seen)
    found = _learned(inputs.part(0, fit_until), seen, chosen, assumed)
    after, constant = None, np.nan
    if np.isfinite(room_c[fit_until:]).any():
        run = free_run(found, inputs, room_c, fit_until)
        after = run if np.isfinite(run.error_k).any() else None
        constant = _constant_rmse_k(inputs.dt_s, room_c, fit_until)
    sigma = {"gain_kw": _GAIN_SIGMA} | ({"sun_0_m2": _SKY_SIGMA} if assumed else {})
    return BuildingFound(
        found=found,
        prior_sigma=sigma,
        held_c=float(inputs.boundary_c[0, 0]) if alone else None,
        after=after,
        tried=tried,
        constant_rmse_k=constant,
        removed=removed,
    )


def _held(inputs: RoomInputs, seen_c: Floats) -> RoomInputs:
    """Return inputs whose unknown neighbours stay at the level the room had of late.

    Args:
        inputs: What acts on the room.
        seen_c: Measured so far, shape (m,), m at most the number of inputs.
    """
    if inputs.boundary_c.shape[1]:
        return inputs
    count = max(round(_HELD_S / inputs.dt_s), 1)
    late = seen_c[-count:]
    level = np.nanmean(late if np.isfinite(late).any() else seen_c)
    return replace(inputs, boundary_c=np.full((len(inputs.outdoor_c), 1), level))


def _check_sign(inputs: RoomInputs, room_c: Floats) -> None:
    """Refuse heat that leaves a room which stays warmer than the outside all the same."""
    over = float(np.nanmean(room_c - inputs.outdoor_c))
    if over > _CLEARLY_OVER_K and float(np.nanmean(inputs.heat_kw)) < 0.0:
        raise InputError(
            f"heat below 0 while the room is {over:.0f} K warmer than the outside",
            thing="heat",
            fix="turn its sign, or name another column",
        )


def _learned(inputs: RoomInputs, room_c: Floats, order: int, assumed_sky: bool) -> Identified:
    heat, over = np.abs(inputs.heat_kw), room_c - inputs.outdoor_c
    scale = float(np.nanmean(heat)) / max(abs(float(np.nanmean(over))), 3.0)
    gain = max(_GAIN_K * scale, 1e-6)
    prior = {"gain_kw": Prior(gain, _GAIN_SIGMA, _GAIN_SIGMA_BELOW)}
    if assumed_sky:
        prior["sun_0_m2"] = Prior(max(_SUN_M2_PER_KW_K * scale, 1e-6), _SKY_SIGMA)
    return identify_room(inputs, room_c, order=order, lived_in=True, prior=prior, regulated=True)


def _constant_rmse_k(dt_s: float, room_c: Floats, begin: int) -> float:
    """Return the error of foretelling that rooms stay where the last week had them."""
    week = room_c[max(begin - round(_WEEK_S / dt_s), 0) : begin]
    if not np.isfinite(week).any():
        return float("nan")
    return float(np.sqrt(np.nanmean((room_c[begin:] - np.nanmean(week)) ** 2)))


def _choose(inputs: RoomInputs, room_c: Floats, assumed: bool) -> tuple[int, dict[str, float]]:
    known = np.flatnonzero(np.isfinite(room_c))
    if (known[-1] - known[0]) * inputs.dt_s < _LEAST_S:
        return 1, {}
    # Two thirds of what was measured, not of the clock: gaps teach nothing.
    cut = int(known[len(known) * 2 // 3])
    inputs = _held(inputs, room_c[:cut])
    best: tuple[float, int] | None = None
    tried: dict[str, float] = {}
    for order in (1, 2, 3):
        try:
            found = _learned(inputs.part(0, cut), room_c[:cut], order, assumed)
            run = free_run(found, inputs, room_c, cut)
        except InputError:
            continue
        if not np.isfinite(run.error_k).any():
            continue
        error = run.rmse_k()
        tried[f"{order}R{order}C"] = error
        if best is None or error < _CLEARLY * best[0]:
            best = (error, order)
    return (1 if best is None else best[1]), tried
