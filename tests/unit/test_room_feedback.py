"""What the rooms are, from few or lying sensors and from the model."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heatloop.control.room_feedback import RoomObserver, RoomReading, RoomSensing
from heatloop.control.unit_model import model_from_design
from heatloop.station.curve import CurveDesign

MODEL = model_from_design(CurveDesign(), 500.0)


def _many(
    sensing: RoomSensing, values: dict[str, float], passes: int, seed: int = 0
) -> RoomReading:
    rng = np.random.default_rng(seed)
    reading = None
    for _ in range(passes):
        shown = {n: v if n == "stuck" else v + rng.normal(0.0, 0.05) for n, v in values.items()}
        reading = sensing.read(shown, 900.0, 20.0)
    assert reading is not None
    return reading


def test_readings_no_room_can_have_do_not_count() -> None:
    sensing = RoomSensing()
    reading = sensing.read({"a": 20.1, "b": 19.9, "c": 85.0, "d": math.nan}, 900.0)
    assert reading.doubted == {"c": "range", "d": "range"}
    assert reading.room_c == pytest.approx(20.0)


def test_a_stuck_sensor_is_found_by_standing_still() -> None:
    reading = _many(RoomSensing(), {"a": 20.0, "b": 20.2, "stuck": 20.5}, 40)
    assert reading.doubted == {"stuck": "frozen"}


def test_of_two_that_disagree_the_model_decides() -> None:
    reading = _many(RoomSensing(), {"a": 20.1, "b": 27.0}, 4)
    assert reading.used == ("a",)
    assert reading.doubted == {"b": "stray"}


def test_a_corner_flat_is_learnt_and_a_liar_that_comes_back_is_trusted_slowly() -> None:
    sensing = RoomSensing()
    rooms = {"a": 20.3, "b": 20.1, "c": 19.9, "corner": 18.6}
    before = _many(sensing, rooms, 1)
    after = _many(sensing, rooms, 400)
    assert sensing.memory["corner"].offset_k < -0.5
    # Without the corner flat's reading the rooms are the same as with it.
    alone = sensing.read({n: v for n, v in rooms.items() if n != "corner"}, 900.0, 20.0)
    assert alone.room_c == pytest.approx(after.room_c, abs=0.15)
    assert before.sigma_k > 0.3
    lied = _many(sensing, rooms | {"a": 29.0}, 60)
    assert lied.doubted["a"] == "stray"
    assert _many(sensing, rooms, 1).doubted.get("a") == "untrusted"
    assert "a" in _many(sensing, rooms, 60).used


def test_nobody_to_believe_is_said() -> None:
    reading = RoomSensing().read({"a": -5.0}, 900.0)
    assert math.isnan(reading.room_c)
    assert reading.used == ()


def test_the_observer_finds_unknown_heat_and_keeps_walls_plausible() -> None:
    observer = RoomObserver(model=MODEL)
    a, b_room, b_wall = MODEL.transition(900.0)
    room, wall, extra = 20.0, MODEL.steady_wall_c(20.0, -5.0), 40.0
    heat = MODEL.steady_heat_kw(20.0, -5.0)
    for _ in range(96 * 4):
        load = heat + MODEL.gain_kw + extra - MODEL.room_out_kw_k * 5.0
        room, wall = (
            a @ [room, wall] + b_room * load - b_wall * MODEL.wall_out_kw_k * 5.0
        ).tolist()
        reading = RoomReading(room_c=room, sigma_k=0.3, used=("a",), doubted={})
        state = observer.step(heat_kw=heat, outdoor_c=-5.0, dt_s=900.0, reading=reading)
    assert state.mean[0] == pytest.approx(room, abs=0.1)
    assert state.mean[1] == pytest.approx(wall, abs=0.5)
    assert state.mean[2] == pytest.approx(extra, abs=4.0)
    assert np.all(np.linalg.eigvalsh(state.covariance) > 0.0)


def test_without_rooms_it_runs_on_the_model_and_forgets_unknown_heat() -> None:
    observer = RoomObserver(model=MODEL)
    reading = RoomReading(room_c=20.0, sigma_k=0.3, used=("a",), doubted={})
    observer.step(heat_kw=200.0, outdoor_c=0.0, dt_s=0.0, reading=reading)
    assert observer.state is not None
    observer.state.mean[2] = 50.0
    for _ in range(96 * 6):
        state = observer.step(heat_kw=math.nan, outdoor_c=0.0, dt_s=900.0)
    assert abs(state.mean[2]) < 2.0
    assert "room_unknown" in observer.relaxed
    assert state.mean[0] == pytest.approx(20.0, abs=2.5)


def test_a_single_absurd_hour_hardly_moves_the_rooms() -> None:
    observer = RoomObserver(model=MODEL)
    heat = MODEL.steady_heat_kw(20.0, -5.0)
    good = RoomReading(room_c=20.0, sigma_k=0.3, used=("a",), doubted={})
    for _ in range(200):
        observer.step(heat_kw=heat, outdoor_c=-5.0, dt_s=900.0, reading=good)
    bad = RoomReading(room_c=33.0, sigma_k=0.3, used=("a",), doubted={})
    for _ in range(4):
        state = observer.step(heat_kw=heat, outdoor_c=-5.0, dt_s=900.0, reading=bad)
    assert "rooms_contradict_model" in observer.relaxed
    assert state.suspect_s > 0.0
    assert state.mean[0] < 21.5
