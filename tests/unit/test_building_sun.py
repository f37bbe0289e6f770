"""The sun's place and its facades against almanac and closed forms."""

from datetime import UTC, datetime

import numpy as np
import pytest

from heatloop.network.sun import (
    EAST,
    NORTH,
    SOUTH,
    WEST,
    diffuse_kw_m2,
    facade_kw_m2,
    sun_position,
)


def at(*moment):
    return datetime(*moment, tzinfo=UTC).timestamp()


# Greenwich; elevation at true noon is 90 - latitude + declination; noon moves with the equation
# of time (Astronomical Almanac: +16.4 min on 3 November, -14.2 min on 11 February).
@pytest.mark.parametrize(
    "moment, declination",
    [
        ((2025, 6, 21, 12, 2), 23.44),
        ((2025, 12, 21, 11, 58), -23.44),
        ((2025, 3, 20, 12, 7), 0.0),
        ((2026, 11, 3, 11, 44), -15.0),
        ((2026, 2, 11, 12, 14), -14.1),
    ],
)
def test_the_sun_stands_south_at_true_noon_as_high_as_its_declination_says(moment, declination):
    sun = sun_position(at(*moment), 51.48, 0.0)
    assert np.degrees(np.arcsin(sun.sine[0])) == pytest.approx(90 - 51.48 + declination, abs=0.35)
    assert np.degrees(sun.azimuth_rad[0]) == pytest.approx(180.0, abs=0.6)


def test_it_rises_in_the_east_and_sets_in_the_west_at_equinox():
    day = at(2025, 3, 20) + np.arange(0, 86400, 60.0)
    sun = sun_position(day, 43.88, 125.32)
    up = np.flatnonzero(np.diff(np.sign(sun.sine)) != 0)
    rise, down = (up[0], up[1]) if sun.sine[up[0] + 1] > 0 else (up[1], up[0])
    assert np.degrees(sun.azimuth_rad[rise]) == pytest.approx(90.0, abs=1.0)
    assert np.degrees(sun.azimuth_rad[down]) == pytest.approx(270.0, abs=1.0)
    # Local noon in Changchun is at 03:46 UTC with the equation of time.
    assert int(np.argmax(sun.sine)) / 60.0 == pytest.approx(12 - 125.32 / 15 + 7.5 / 60, abs=0.05)


def test_under_a_grey_sky_all_walls_get_half_the_sky_and_the_ground():
    sun = sun_position(at(2025, 1, 15, 4), 43.88, 125.32)
    walls = facade_kw_m2(
        0.1, sun, np.array([NORTH, EAST, SOUTH, WEST]), diffuse=np.array([0.1]), albedo=0.2
    )
    assert np.allclose(walls, 0.1 * 0.5 * 1.2)


def test_clear_winter_noon_on_a_south_wall_is_the_beam_turned_upright():
    sun = sun_position(at(2025, 12, 21, 3, 40), 43.88, 125.32)
    received, sky = 0.4, np.array([0.08])
    wall = facade_kw_m2(
        received, sun, np.array([SOUTH, NORTH]), diffuse=sky, albedo=0.0, glass=False
    )[0]
    elevation = np.arcsin(sun.sine[0])
    beam = (received - 0.08) / np.tan(elevation) * np.cos(sun.azimuth_rad[0] - np.pi)
    assert wall[0] == pytest.approx(0.04 + beam, rel=1e-9)
    assert wall[1] == pytest.approx(0.04)
    through_glass = facade_kw_m2(received, sun, np.array([SOUTH]), diffuse=sky, albedo=0.0)[0, 0]
    assert 0.95 * wall[0] < through_glass < wall[0]


def test_overcast_sky_is_all_diffuse_and_a_clear_one_mostly_beam():
    sun = sun_position(at(2025, 3, 20, 4), 43.88, 125.32)
    outside = sun.outside_kw_m2[0] * sun.sine[0]
    dull, bright = (diffuse_kw_m2(k * outside, sun)[0] / (k * outside) for k in (0.15, 0.75))
    assert dull > 0.98
    # Erbs' polynomial by hand at k = 0.75; it meets the constant 0.165 at 0.8.
    assert bright == pytest.approx(0.1831, abs=1e-4)
    joint = [diffuse_kw_m2(k * outside, sun)[0] / (k * outside) for k in (0.7999, 0.8001)]
    assert joint[0] == pytest.approx(joint[1], abs=1e-3)


def test_night_gives_nothing_and_no_nonsense():
    sun = sun_position(at(2025, 12, 21, 16), 43.88, 125.32)
    assert sun.sine[0] < 0
    assert np.all(facade_kw_m2(0.0, sun, np.array([SOUTH, WEST])) == 0.0)
    # A sensor's offset at dusk is not divided by a vanishing sine.
    dusk = sun_position(at(2025, 12, 21, 8, 2), 43.88, 125.32)
    assert facade_kw_m2(0.01, dusk, np.array([WEST])).max() < 0.02
