"""Polygons with holes, distances and nearest things, against answers known otherwise."""

from __future__ import annotations

import time

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.topology.places import (
    distance_m,
    in_polygon,
    in_polygons,
    nearest_point,
    segment_distance_m,
    to_metres,
)

SQUARE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
HOLE = [(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)]


def test_inside_outside_hole_and_edge() -> None:
    points = np.array([
        (1, 1), (11, 5), (5, 5), (10, 5), (4, 5), (0, 0), (5, 10), (-0.001, 5), (np.nan, 5),
    ], float)  # fmt: skip
    expected = [True, False, False, True, True, True, True, False, False]
    assert in_polygon(points, [SQUARE, HOLE]).tolist() == expected
    closed = [[*SQUARE, SQUARE[0]], HOLE[::-1]]
    assert in_polygon(points, closed).tolist() == expected


def test_a_ray_through_corners_counts_once() -> None:
    diamond = [(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)]
    points = np.array([(-6.0, 0.0), (0.0, 0.0), (6.0, 0.0), (-6.0, 5.0), (-6.0, -5.0)])
    assert in_polygon(points, [diamond]).tolist() == [False, True, False, False, False]


def test_several_polygons_and_the_date_line() -> None:
    other = [[(20.0, 0.0), (30.0, 0.0), (25.0, 10.0)]]
    points = np.array([(5.0, 1.0), (25.0, 5.0), (15.0, 5.0)])
    assert in_polygons(points, [[SQUARE], other]).tolist() == [True, True, False]
    fiji = [(179.0, -10.0), (-179.0, -10.0), (-179.0, 10.0), (179.0, 10.0)]
    points = np.array([(179.5, 0.0), (-179.5, 0.0), (178.0, 0.0), (0.0, 0.0)])
    assert in_polygon(points, [fiji]).tolist() == [True, True, False, False]


@pytest.mark.parametrize("ring", [[(0.0, 0.0), (1.0, 1.0)], [(0.0, 0.0), (1.0, np.nan), (2, 2)]])
def test_no_ring(ring) -> None:
    with pytest.raises(InputError, match="outline"):
        in_polygon(np.zeros((1, 2)), [ring])


def test_distances_against_known_ones() -> None:
    # Beijing to Shanghai city halls: 1,067 km on the sphere.
    far = distance_m(np.array([(116.4074, 39.9042)]), (121.4737, 31.2304))
    assert far[0] == pytest.approx(1_067_000, rel=2e-3)
    # One minute of latitude is a nautical mile.
    assert distance_m(np.array([(0.0, 1 / 60)]), (0.0, 0.0))[0] == pytest.approx(1853.2, rel=1e-4)


def test_metres_agree_with_the_sphere_in_a_city() -> None:
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(125.2, 125.45, 200), rng.uniform(43.8, 43.97, 200)])
    origin = (125.32, 43.88)
    flat = np.hypot(*to_metres(points, origin).T)
    assert np.allclose(flat, distance_m(points, origin), rtol=2e-3)


def test_nearest_segment() -> None:
    starts, ends = np.array([[0.0, 0.0], [0.0, 10.0]]), np.array([[10.0, 0.0], [10.0, 10.0]])
    points = np.array([[5.0, 3.0], [5.0, 6.0], [-3.0, -4.0], [np.nan, 0.0]])
    far, which = segment_distance_m(points, starts, ends)
    assert far[:3].tolist() == [3.0, 4.0, 5.0]
    assert which.tolist() == [0, 1, 0, -1]
    assert np.isinf(far[3])
    none, index = segment_distance_m(points, starts[:0], ends[:0])
    assert np.isinf(none).all()
    assert (index == -1).all()


def test_nearest_point() -> None:
    places = np.array([[np.nan, np.nan], [125.0, 43.0], [125.1, 43.0]])
    assert nearest_point(places, (125.09, 43.0)) == 2
    assert nearest_point(np.array([[0.0, 0.0], [3.0, 4.0]]), (3.0, 3.0), degrees=False) == 1
    with pytest.raises(InputError, match="no"):
        nearest_point(places[:1], (0.0, 0.0))


def test_four_thousand_stations_are_quick() -> None:
    rng = np.random.default_rng(2)
    points = np.column_stack([rng.uniform(125.0, 125.6, 4000), rng.uniform(43.6, 44.1, 4000)])
    turn = np.linspace(0.0, 2 * np.pi, 500, endpoint=False)
    circle = [(125.3 + 0.1 * np.cos(a), 43.85 + 0.1 * np.sin(a)) for a in turn]
    began = time.perf_counter()
    inside = in_polygon(points, [circle])
    took = time.perf_counter() - began
    truly = np.hypot(points[:, 0] - 125.3, points[:, 1] - 43.85) < 0.1
    assert (inside != truly).sum() <= 3
    assert took < 1.0
