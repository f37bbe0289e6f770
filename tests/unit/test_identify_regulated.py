"""Rooms whose heat is regulated, or whose people regulate: what is learned of them anyway."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from heatloop.control.learning.building import identify_building
from heatloop.control.learning.heat_unit import heat_kw
from heatloop.control.learning.regular import binned, grid_of
from heatloop.control.learning.usual_sky import usual_sun_kw_m2
from heatloop.network.identify import Prior, identify_room
from heatloop.network.room_model import RoomInputs

LOSS_KW_K, STEP_S = 0.2, 900.0
SENSORS = ("37_12", "37_15", "37_2", "37_4", "37_9")


def by_thermostat(days: int, seed: int) -> tuple[RoomInputs, np.ndarray]:
    """Return a house whose heat answers sun and people, the latter measured by nobody."""
    rng = np.random.default_rng(seed)
    n = days * 96
    hour = np.arange(n) / 4.0
    drift = np.cumsum(rng.normal(0.0, 0.05, n))
    out = 4.0 * drift / np.abs(drift).max() + 3.0 * np.sin(2 * np.pi * (hour - 9) / 24)
    clear = np.repeat(rng.uniform(0.1, 1.0, days), 96)
    sun = 0.4 * np.maximum(np.sin(2 * np.pi * (hour - 6) / 24), 0.0) * clear
    people = 0.4 + 0.2 * np.sin(2 * np.pi * (hour - 14) / 24)
    people *= np.repeat(rng.uniform(0.5, 1.5, days), 96)
    room_c, wall_c = 21.0, 15.0
    rooms, heats = np.empty(n), np.empty(n)
    for k in range(n):
        heats[k] = min(max(1.5 * (21.0 - room_c) + 0.2 * (20.0 - out[k]), 0.0), 9.0)
        rooms[k] = room_c
        for _ in range(3):
            into = 0.7 * heats[k] + people[k] + 0.6 * sun[k] + 0.08 * (out[k] - room_c)
            into += 0.8 * (wall_c - room_c)
            wall = 0.3 * heats[k] + 1.4 * sun[k] + 0.8 * (room_c - wall_c)
            wall += (out[k] - wall_c) / (1 / 0.12 - 1 / 0.8)
            room_c += STEP_S / 3.0 * into / 7000.0
            wall_c += STEP_S / 3.0 * wall / 60_000.0
    inputs = RoomInputs(
        dt_s=STEP_S, heat_kw=heats, outdoor_c=out, sun_kw_m2=sun[:, None],
        boundary_c=np.empty((n, 0)), supply_air_c=out,
    )  # fmt: skip
    return inputs, rooms + rng.normal(0.0, 0.05, n)


def test_heat_that_answers_people_is_not_taken_for_a_larger_loss():
    off = []
    for seed in range(5):
        inputs, room_c = by_thermostat(42, seed)
        found = identify_building(inputs, room_c, 28 * 96).found
        off.append(abs(found.model.loss_kw_k() / LOSS_KW_K - 1.0))
    assert np.median(off) < 0.15
    assert max(off) < 0.3


def test_a_prior_may_be_narrow_above_and_wide_below():
    inputs, room_c = by_thermostat(14, 3)
    size = 2.5 * LOSS_KW_K
    gains = [
        identify_room(
            inputs, room_c, order=1, lived_in=True, prior={"gain_kw": prior}, regulated=True
        ).model.gain_kw
        for prior in (Prior(8 * size, 0.1), Prior(8 * size, 0.1, 2.0), Prior(size / 8, 0.1, 2.0))
    ]
    # Held above, free to fall, and held from rising.
    assert gains[0] > 6 * size
    assert gains[1] < 0.7 * gains[0]
    assert gains[2] < size / 5


def test_a_level_rooms_are_held_at_is_found_where_they_are_and_only_there():
    inputs, room_c = by_thermostat(21, 1)
    known = replace(inputs, boundary_c=np.full((len(room_c), 1), 20.0))
    assert identify_building(known, room_c, 14 * 96, order=1).held_c is None
    found = identify_building(inputs, room_c, 14 * 96, order=1)
    assert found.held_c == pytest.approx(float(room_c[: 14 * 96].mean()), abs=0.05)
    assert found.found.names[-2:] == ("boundary_0_kw_k", "sun_0_m2")


def test_public_flats_are_foretold_better_than_by_the_last_week(heatloop_data):
    table = pq.read_table(
        heatloop_data / "substations_nis" / "rooms_15min_L4_2024-25.parquet",
        columns=["datetime", "t_amb", "qizm", *(f"temperature_{name}" for name in SENSORS)],
    )
    t = table["datetime"].to_numpy().astype("datetime64[s]").astype(float)
    grid = grid_of(t)
    outdoor = binned(t, table["t_amb"].to_numpy().astype(float), grid)
    heat = heat_kw("qizm", t, table["qizm"].to_numpy().astype(float), grid, "kWh").kw
    none = np.empty((grid.count, 0))
    inputs = RoomInputs(
        dt_s=grid.step_s, heat_kw=heat, outdoor_c=outdoor, sun_kw_m2=none, boundary_c=none,
        supply_air_c=outdoor,
    )  # fmt: skip
    sky = usual_sun_kw_m2(grid.times_s(), outdoor, 43.3, 3600.0)
    errors, week = [], []
    for name in SENSORS:
        room_c = binned(t, table[f"temperature_{name}"].to_numpy().astype(float), grid)
        for day in ("2025-01-05", "2025-02-05"):
            until = grid.at(np.datetime64(day, "s").astype(float))
            found = identify_building(inputs, room_c, until, sky_kw_m2=sky)
            assert found.after is not None
            errors.append(found.after.rmse_k())
            week.append(found.constant_rmse_k)
    # Over 4 to 12 weeks ahead, nothing seen of the rooms.
    assert np.mean(errors) < 0.8 * np.mean(week)
