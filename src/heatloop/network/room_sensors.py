"""What collectors on the wall show: not the room, but the place where they hang."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from heatloop.network.arrays import Floats, Index

_YEAR_S = 365.2425 * 86400.0


class Place(IntEnum):
    """Where a collector hangs."""

    INNER_WALL = 0
    """As it should."""
    OUTER_WALL = 1
    """Cooled by the wall behind it."""
    NEAR_RADIATOR = 2
    """Warmed by the radiator's plume."""
    SUNLIT = 3
    """Reached by the sun through the window."""
    DRAUGHT = 4
    """Beside a door or window that is not tight."""


# Share of wall, degrees a kW/m2 of sun on the facade, share of outdoors, warmth of the radiator.
_WALL = np.array([0.02, 0.22, 0.03, 0.03, 0.05])
_SUN_K = np.array([0.3, 0.3, 0.5, 9.0, 0.6])
_DRAUGHT = np.array([0.0, 0.005, 0.0, 0.0, 0.045])
_RADIATOR = np.array([0.0, 0.0, 0.07, 0.0, 0.0])
_PLACES = np.array([0.72, 0.08, 0.07, 0.07, 0.06])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RoomSensors:
    """Collectors as they were bought and hung, shape (n,) each."""

    place: Index
    """A `Place`."""
    offset_k: Floats
    """Error when new."""
    drift_k_year: Floats
    """How it grows."""
    lag_s: Floats
    """Time constant of the case and the wall behind it."""
    noise_k: Floats
    """Of one reading, one sigma."""
    resolution_k: float = 0.1
    """Smallest step of the reading."""


def draw_sensors(n: int, rng: np.random.Generator) -> RoomSensors:
    """Return collectors as they are found in real houses.

    Args:
        n: How many.
        rng: Where chance comes from.
    """
    return RoomSensors(
        place=rng.choice(len(_PLACES), n, p=_PLACES).astype(np.intp),
        offset_k=np.clip(rng.normal(0.0, 0.2, n), -0.5, 0.5),
        drift_k_year=rng.normal(0.0, 0.06, n),
        lag_s=rng.uniform(420.0, 1500.0, n),
        noise_k=rng.uniform(0.02, 0.06, n),
    )


def settled_c(
    sensors: RoomSensors,
    *,
    zone_c: Floats,
    wall_c: Floats,
    outdoor_c: float,
    emitter_c: Floats,
    facade_kw_m2: Floats,
) -> Floats:
    """Return the temperature of the place a collector hangs at, shape (n,).

    Args:
        sensors: The collectors.
        zone_c: Room temperature, shape (n,).
        wall_c: Inner temperature of the outer walls, shape (n,).
        outdoor_c: Outdoor temperature.
        emitter_c: Mean temperature of the emitters, shape (n,).
        facade_kw_m2: Sun on the facade of each room, shape (n,).
    """
    place = sensors.place
    here = zone_c + _WALL[place] * (wall_c - zone_c) + _DRAUGHT[place] * (outdoor_c - zone_c)
    here = here + _RADIATOR[place] * np.maximum(emitter_c - zone_c, 0.0)
    return np.asarray(here + _SUN_K[place] * facade_kw_m2)


def follow_c(sensors: RoomSensors, case_c: Floats, place_c: Floats, dt_s: float) -> Floats:
    """Return the temperature inside the cases after a step, shape (n,).

    Args:
        sensors: The collectors.
        case_c: Before, shape (n,).
        place_c: Where they hang, shape (n,).
        dt_s: Step.
    """
    return np.asarray(place_c + (case_c - place_c) * np.exp(-dt_s / sensors.lag_s))


def shown_c(sensors: RoomSensors, case_c: Floats, age_s: float, rng: np.random.Generator) -> Floats:
    """Return what they report, shape (n,).

    Args:
        sensors: The collectors.
        case_c: Temperature inside the cases, shape (n,).
        age_s: Since they were hung.
        rng: Where noise comes from.
    """
    read = case_c + sensors.offset_k + sensors.drift_k_year * (age_s / _YEAR_S)
    read = read + sensors.noise_k * rng.standard_normal(len(case_c))
    return np.asarray(np.round(read / sensors.resolution_k) * sensors.resolution_k)
