"""Windows that people open: because it is too warm, and by habit in the morning and evening."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats

_AIR_KWH_M3K = 0.34e-3
_DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WindowHabits:
    """How each zone's people handle their windows."""

    tilted_m2: Floats
    """Free area of a tilted window, shape (n_zone,)."""
    wide_m2: Floats
    """Free area while airing, shape (n_zone,)."""
    height_m: Floats
    """Height of the opening, shape (n_zone,)."""
    too_warm_c: Floats
    """Room temperature above which windows are tilted, shape (n_zone,)."""
    full_k: Floats
    """Kelvins above it at which all are, shape (n_zone,)."""
    morning_s: Floats
    """Seconds after local midnight when the morning airing starts, shape (n_zone,)."""
    evening_s: Floats
    """And the evening one, shape (n_zone,)."""
    airing_s: Floats
    """How long each lasts in mild weather, shape (n_zone,)."""


def draw_habits(n_zone: int, rng: np.random.Generator) -> WindowHabits:
    """Return plausible habits: one in five never airs, a few air for an hour.

    Args:
        n_zone: Number of zones.
        rng: Where chance comes from.
    """
    airing = 60.0 * np.exp(rng.normal(np.log(9.0), 0.7, n_zone)) * (rng.random(n_zone) > 0.2)
    return WindowHabits(
        tilted_m2=rng.uniform(0.05, 0.12, n_zone),
        wide_m2=rng.uniform(0.6, 1.4, n_zone),
        height_m=rng.uniform(1.1, 1.5, n_zone),
        too_warm_c=rng.normal(24.5, 1.2, n_zone),
        full_k=rng.uniform(1.0, 2.5, n_zone),
        morning_s=3600.0 * np.clip(rng.normal(7.3, 1.0, n_zone), 5.0, 11.0),
        evening_s=3600.0 * np.clip(rng.normal(20.0, 1.5, n_zone), 16.0, 23.0),
        airing_s=np.minimum(airing, 3600.0),
    )


def window_kw_k(
    habits: WindowHabits,
    zone_c: Floats,
    *,
    outdoor_c: float,
    wind_ms: float,
    local_s: float,
    dt_s: float,
) -> Floats:
    """Return the loss through open windows, mean over a step, shape (n_zone,).

    Args:
        habits: How windows are handled.
        zone_c: Room temperatures, shape (n_zone,).
        outdoor_c: Outdoor temperature.
        wind_ms: Wind speed.
        local_s: Local time at the start of the step, s since any midnight.
        dt_s: Step.

    Reference: air flow through one opening, EN 16798-7:2017 6.4.3.5.4 (EN 15242 before it).
    """
    driven = 0.01 + 0.001 * wind_ms**2 + 0.0035 * habits.height_m * np.abs(zone_c - outdoor_c)
    speed = 0.5 * np.sqrt(driven)
    open_m2 = habits.tilted_m2 * np.clip((zone_c - habits.too_warm_c) / habits.full_k, 0.0, 1.0)
    # In hard frost people air for a third of the time they take in mild weather.
    mild = float(np.clip((outdoor_c + 20.0) / 25.0, 0.3, 1.0))
    last = habits.airing_s * mild
    for start in (habits.morning_s, habits.evening_s):
        open_m2 = open_m2 + habits.wide_m2 * _overlap(start, last, local_s % _DAY_S, dt_s)
    return np.asarray(open_m2 * speed * 3600.0 * _AIR_KWH_M3K)


def _overlap(start_s: Floats, last_s: Floats, now_s: float, dt_s: float) -> Floats:
    """Return which share of the step lies in a daily interval; the step may cross midnight."""
    share = np.zeros_like(start_s)
    # One that began yesterday evening may still last.
    for day in range(-1, int((now_s + dt_s) // _DAY_S) + 1):
        begin = np.maximum(start_s + day * _DAY_S, now_s)
        end = np.minimum(start_s + last_s + day * _DAY_S, now_s + dt_s)
        share += np.maximum(end - begin, 0.0)
    return np.asarray(share / dt_s)
