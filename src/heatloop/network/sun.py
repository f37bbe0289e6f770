"""The sun on facades: where it stands, and what falls on a wall when the ground knows the sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats

SOLAR_CONSTANT_KW_M2 = 1.361
_DAY_S = 86400.0
_LOW = 0.087
"""Sine of 5 degrees: below it the beam is noise divided by noise."""
SOUTH, WEST, NORTH, EAST = 180.0, 270.0, 0.0, 90.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SunPosition:
    """Where the sun stands, shape (n,) each."""

    sine: Floats
    """Sine of its elevation; negative at night."""
    azimuth_rad: Floats
    """From north over east."""
    outside_kw_m2: Floats
    """Radiation on a plane that faces it above the atmosphere."""


def sun_position(time_s: Floats | float, latitude: float, longitude: float) -> SunPosition:
    """Return where the sun stands.

    Args:
        time_s: Seconds since 1970-01-01T00:00Z, shape (n,) or a number.
        latitude: Degrees north.
        longitude: Degrees east.

    Reference: J. W. Spencer, Fourier series representation of the position of the sun, Search 2
    (5), 1971; good to 0.05 degrees of declination.
    """
    time = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
    # Days of the tropical year since a first of January; leap days drift it by half a day at most.
    day = np.mod(time / _DAY_S, 365.2425)
    b = 2.0 * np.pi * day / 365.2425
    declination = (
        0.006918
        - 0.399912 * np.cos(b)
        + 0.070257 * np.sin(b)
        - 0.006758 * np.cos(2.0 * b)
        + 0.000907 * np.sin(2.0 * b)
        - 0.002697 * np.cos(3.0 * b)
        + 0.001480 * np.sin(3.0 * b)
    )
    late_min = 229.18 * (
        0.000075
        + 0.001868 * np.cos(b)
        - 0.032077 * np.sin(b)
        - 0.014615 * np.cos(2.0 * b)
        - 0.040849 * np.sin(2.0 * b)
    )
    distance = (
        1.000110
        + 0.034221 * np.cos(b)
        + 0.001280 * np.sin(b)
        + 0.000719 * np.cos(2.0 * b)
        + 0.000077 * np.sin(2.0 * b)
    )
    hour = np.mod(time, _DAY_S) / 3600.0 + longitude / 15.0 + late_min / 60.0
    angle = np.radians(15.0 * (hour - 12.0))
    phi = np.radians(latitude)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    east = -np.cos(declination) * np.sin(angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(angle)
    return SunPosition(
        sine=sine,
        azimuth_rad=np.mod(np.arctan2(east, north), 2.0 * np.pi),
        outside_kw_m2=SOLAR_CONSTANT_KW_M2 * distance,
    )


def diffuse_kw_m2(global_kw_m2: Floats | float, sun: SunPosition) -> Floats:
    """Return the diffuse part of the global horizontal radiation, shape (n,).

    Reference: Erbs, Klein, Duffie, Solar Energy 28 (1982), doi 10.1016/0038-092X(82)90302-4.
    """
    received = np.maximum(np.asarray(global_kw_m2, dtype=np.float64), 0.0)
    clear = received / (sun.outside_kw_m2 * np.maximum(sun.sine, _LOW))
    clear = np.clip(clear, 0.0, 1.0)
    middle = 0.9511 - 0.1604 * clear + 4.388 * clear**2 - 16.638 * clear**3 + 12.336 * clear**4
    share = np.where(clear <= 0.22, 1.0 - 0.09 * clear, np.where(clear > 0.8, 0.165, middle))
    share = np.where(sun.sine > _LOW, share, 1.0)
    return np.asarray(share * received)


def facade_kw_m2(
    global_kw_m2: Floats | float,
    sun: SunPosition,
    facing_deg: Floats,
    *,
    diffuse: Floats | None = None,
    albedo: float = 0.2,
    glass: bool = True,
) -> Floats:
    """Return the radiation on upright walls, shape (n, n_wall).

    Args:
        global_kw_m2: Global horizontal radiation, shape (n,) or a number.
        sun: Where the sun stands, shape (n,).
        facing_deg: Where each wall looks, degrees from north over east, shape (n_wall,).
        diffuse: Measured diffuse horizontal radiation, shape (n,); None: estimated.
        albedo: Of the ground (0.2 grass or asphalt, 0.6 snow).
        glass: Whether slanting light is reflected more, as by windows.

    Reference: isotropic sky, Liu and Jordan, Solar Energy 4 (1960), doi
    10.1016/0038-092X(60)90062-1; slanting light by ASHRAE 93's b0 = 0.1.
    """
    received = np.maximum(np.asarray(global_kw_m2, dtype=np.float64), 0.0)
    sky = diffuse_kw_m2(received, sun) if diffuse is None else np.minimum(diffuse, received)
    beam = np.where(sun.sine > _LOW, (received - sky) / np.maximum(sun.sine, _LOW), 0.0)
    beam = np.minimum(beam, sun.outside_kw_m2)
    flat = np.sqrt(np.maximum(1.0 - sun.sine**2, 0.0))
    away = sun.azimuth_rad[:, None] - np.radians(facing_deg)[None, :]
    cosine = np.maximum(flat[:, None] * np.cos(away), 0.0)
    through = np.ones_like(cosine)
    if glass:
        through = np.clip(1.0 - 0.1 * (1.0 / np.maximum(cosine, 0.05) - 1.0), 0.0, 1.0)
    from_sky = 0.5 * sky + 0.5 * albedo * received
    return np.asarray(beam[:, None] * cosine * through + from_sky[:, None])
