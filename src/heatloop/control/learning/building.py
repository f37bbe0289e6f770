"""A building model from one table of history: cleaned, chosen by foretelling, judged afterwards.

How many heat nodes it has, one to three, is chosen by how well it foretells the last third of the
time it may learn from. What is reported as its error is measured in a free simulation over time it
has not seen. Gains of people are always part of it, and where no radiation was measured a usual
sky is: what a table is silent of would else be taken for a smaller loss, and be wrong in spring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.learning.regular import Floats
from heatloop.kernel.errors import InputError
from heatloop.network.identify import Identified, identify_room
from heatloop.network.room_history import BRIDGED_S, stretches_of
from heatloop.network.room_model import RoomInputs

_ROOM_C = (2.0, 45.0)
_OUTDOOR_C = (-55.0, 50.0)
_SPIKE_K = 6.0
_CLEARLY = 0.97
"""A larger model must foretell by this factor better than a smaller one to be taken."""
_LEAST_S, _WEEK_S = 1.5 * 86400.0, 7.0 * 86400.0
_CLEARLY_OVER_K = 5.0
_GAIN_K, _GAIN_SIGMA = 2.0, 1.0
"""Gains of people hold dwellings so many kelvins above the outside, by a factor of e or so."""
_SUN_M2_PER_KW_K, _SKY_SIGMA = 8.0, 0.4
"""Windows of dwellings over their loss, where only a usual sky speaks of them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FreeRun:
    """A free simulation beside what was measured."""

    room_c: Floats
    """Simulated, nan where inputs were missing, shape (n,)."""
    error_k: Floats
    """Simulated less measured, nan where either is missing, shape (n,)."""
    starts: int
    """How often it had to be started: 1, and once more after each long gap of the inputs."""

    def rmse_k(self) -> float:
        """Return the root mean square error."""
        return float(np.sqrt(np.nanmean(self.error_k**2)))

    def mae_k(self) -> float:
        """Return the mean absolute error."""
        return float(np.nanmean(np.abs(self.error_k)))

    def bias_k(self) -> float:
        """Return the mean error; above 0 the model is too warm."""
        return float(np.nanmean(self.error_k))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BuildingFound:
    """The model of a building, and how it did."""

    found: Identified
    """The model and its uncertainty."""
    prior_sigma: dict[str, float]
    """Relative uncertainty of figures before anything was learned, where it was not wide."""
    after: FreeRun | None
    """Free simulation over the time after learning; None if there is none."""
    tried: dict[str, float]
    """RMSE in K of each kind of model over the last third of the learning time."""
    constant_rmse_k: float
    """RMSE in K over the time after learning of the last week's mean; nan if there is none."""
    removed: dict[str, int]
    """Values that cannot be true and were left out, by column."""


def cleaned(inputs: RoomInputs, room_c: Floats) -> tuple[RoomInputs, Floats, dict[str, int]]:
    """Return a history without values that cannot be true, and how many were left out.

    Args:
        inputs: What acted on the room.
        room_c: Measured, shape (n,).
    """
    removed: dict[str, int] = {}

    def keep(name: str, values: Floats, low: float, high: float, spike: float) -> Floats:
        bad = (values < low) | (values > high)
        kept = np.where(bad, np.nan, values)
        lone = _spikes(kept, spike)
        kept[lone] = np.nan
        number = int(bad.sum() + lone.sum())
        if number:
            removed[name] = number
        return np.asarray(kept)

    room = keep("room", room_c, *_ROOM_C, spike=_SPIKE_K)
    outdoor = keep("outdoor", inputs.outdoor_c, *_OUTDOOR_C, spike=2.0 * _SPIKE_K)
    heat = inputs.heat_kw
    given = heat[np.isfinite(heat)]
    top = 5.0 * float(np.percentile(np.abs(given), 99.0)) if len(given) else 0.0
    heat = keep("heat", heat, -top, max(top, 1e-9), spike=np.inf)
    sun = inputs.sun_kw_m2
    if sun.shape[1]:
        sun = np.column_stack([keep("sun", c, -0.05, 1.6, np.inf) for c in sun.T])
        sun = np.where(sun < 0.0, 0.0, sun)
    air = inputs.supply_air_c
    air = outdoor if air is inputs.outdoor_c else air
    made = replace(inputs, heat_kw=heat, outdoor_c=outdoor, sun_kw_m2=sun, supply_air_c=air)
    return made, room, removed


def _spikes(values: Floats, most_k: float) -> np.ndarray:
    """Return which values stand alone far from both neighbours that agree, shape (n,)."""
    lone = np.zeros(len(values), dtype=bool)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 3 or not np.isfinite(most_k):
        return lone
    v = values[known]
    to_left, to_right = v[1:-1] - v[:-2], v[1:-1] - v[2:]
    far = (np.abs(to_left) > most_k) & (np.abs(to_right) > most_k) & (to_left * to_right > 0)
    lone[known[1:-1][far]] = True
    return lone


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
    found = _learned(early, seen, chosen, assumed)
    after, constant = None, np.nan
    if np.isfinite(room_c[fit_until:]).any():
        run = free_run(found, inputs, room_c, fit_until)
        after = run if np.isfinite(run.error_k).any() else None
        constant = _constant_rmse_k(inputs.dt_s, room_c, fit_until)
    sigma = {"gain_kw": _GAIN_SIGMA} | ({"sun_0_m2": _SKY_SIGMA} if assumed else {})
    return BuildingFound(
        found=found,
        prior_sigma=sigma,
        after=after,
        tried=tried,
        constant_rmse_k=constant,
        removed=removed,
    )


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
    prior = {"gain_kw": (max(_GAIN_K * scale, 1e-6), _GAIN_SIGMA)}
    if assumed_sky:
        prior["sun_0_m2"] = (max(_SUN_M2_PER_KW_K * scale, 1e-6), _SKY_SIGMA)
    return identify_room(inputs, room_c, order=order, lived_in=True, prior=prior)


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


def free_run(found: Identified, inputs: RoomInputs, room_c: Floats, begin: int) -> FreeRun:
    """Return the free simulation of a history from a moment on.

    It runs on from the end of learning where inputs allow, bridges gaps of up to three hours, and
    starts anew behind longer ones, the room as measured, walls where a steady flow puts them.

    Args:
        found: A model learned from the moments before `begin`.
        inputs: The whole history.
        room_c: Measured, nan where it was not, shape (n,).
        begin: First moment that is foretold.
    """
    n = len(room_c)
    filled = bridged_inputs(inputs)
    whole = _whole(filled)
    path = np.full(n, np.nan)
    starts = 0
    at = found.end
    state: Floats | None = found.end_c
    while at < n:
        if not whole[at]:
            state, at = None, at + 1
            continue
        gap = np.flatnonzero(~whole[at:])
        stop = n if len(gap) == 0 else at + int(gap[0])
        if state is None:
            # Nothing is known of the house here: wait for a measured room.
            known = np.flatnonzero(np.isfinite(room_c[at:stop]))
            if len(known) == 0:
                at = stop
                continue
            at += int(known[0])
            state = _steady_start(found, filled, at, float(room_c[at]))
        starts += 1
        run = found.model.simulate(filled.part(at, stop), state)
        path[at:stop] = run[:, 0]
        path[at] = np.nan  # where it starts it is told
        state, at = None, stop
    path[:begin] = np.nan
    return FreeRun(room_c=path, error_k=path - room_c, starts=max(starts, 1))


def bridged_inputs(inputs: RoomInputs) -> RoomInputs:
    """Return inputs with their short gaps filled by straight lines, of heat and sun too."""

    def fill(values: Floats) -> Floats:
        known = np.flatnonzero(np.isfinite(values))
        if len(known) in (0, len(values)):
            return values
        line = np.interp(np.arange(len(values)), known, values[known])
        gap = np.diff(known) * inputs.dt_s > BRIDGED_S + inputs.dt_s
        for left, right in zip(known[:-1][gap], known[1:][gap], strict=True):
            line[left + 1 : right] = np.nan
        line[: known[0]] = np.nan
        line[known[-1] + 1 :] = np.nan
        return np.asarray(line)

    def each(table: Floats) -> Floats:
        return np.column_stack([fill(c) for c in table.T]) if table.shape[1] else table

    return replace(
        inputs,
        heat_kw=fill(inputs.heat_kw),
        outdoor_c=fill(inputs.outdoor_c),
        supply_air_c=fill(inputs.supply_air_c),
        sun_kw_m2=each(inputs.sun_kw_m2),
        boundary_c=each(inputs.boundary_c),
    )


def _whole(inputs: RoomInputs) -> np.ndarray:
    parts = (inputs.heat_kw, inputs.outdoor_c, inputs.supply_air_c)
    whole = np.all([np.isfinite(x) for x in parts], axis=0)
    for table in (inputs.sun_kw_m2, inputs.boundary_c):
        whole &= np.all(np.isfinite(table), axis=1)
    return np.asarray(whole)


def _steady_start(found: Identified, inputs: RoomInputs, at: int, room_c: float) -> Floats:
    model = found.model
    start = np.full(model.order, room_c)
    if model.order > 1:
        day = max(int(86400.0 / inputs.dt_s), 1)
        out = float(np.nanmean(inputs.outdoor_c[max(at - day, 0) : at + 1]))
        inner, outer = model.room_wall_kw_k, model.wall_out_kw_k
        start[1] = (inner * room_c + outer * out) / (inner + outer)
    return start
