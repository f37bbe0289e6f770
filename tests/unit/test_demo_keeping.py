"""The city's memory: its checkpoint, its past, and what is made of the logs."""

import numpy as np
import pytest

from heatloop.demo.checkpoint import load_city, save_city
from heatloop.demo.city import City
from heatloop.demo.devices.collectors import PERIOD_S, Collectors
from heatloop.demo.history import History, RawPart, RollupPart
from heatloop.demo.logs import ANSWER, REPORT, ReportState, WireLog, read_answers
from heatloop.demo.verify import compare, produced
from heatloop.kernel.clock import ClockState
from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns, concat

START = 1767571200.0


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """A tiny city's two days of roll-ups and its raw last day."""
    history = History(2, "tiny", START + 5 * 3600.0, days=2)
    parts = list(history.parts())
    folder = tmp_path_factory.mktemp("city")
    history.save(folder)
    return history, parts, folder


def test_a_kept_city_is_the_same_city(tmp_path):
    city = City(2, "tiny", START)
    city.switch_fault("slow_leak@UN0001", True)
    city.set_weather(offset_k=-3.0)
    city.wrote(2, 289, 1)
    for _ in range(3):
        city.step(30.0)
    clock = ClockState(epoch=4, origin_machine_s=1.0, origin_plant_s=2.0, speed=10.0)
    save_city(city, tmp_path / "state.npz", clock, {"counter": np.arange(3)})
    again, kept, extra = load_city(tmp_path / "state.npz", seed=2, size="tiny", base_port=15020)
    assert kept == clock
    assert extra["counter"].tolist() == [0, 1, 2]
    assert again.now_s == city.now_s
    assert (again.memory.words == city.memory.words).all()
    assert again.works.stored_kj() == pytest.approx(city.works.stored_kj(), rel=1e-12)
    assert again.faults.active == city.faults.active
    assert again.works.wear.leak_kgs[0] > 0.0
    assert again.weather_settings == city.weather_settings
    assert again.controllers.written_s == city.controllers.written_s
    for one in (city, again):
        one.step(30.0)
    assert np.abs(again.true - city.true).max() < 0.02 * np.abs(city.true).max()
    assert np.allclose(again.works.rooms.zone_c, city.works.rooms.zone_c, atol=0.01)


def test_a_damaged_or_foreign_state_is_refused(tmp_path):
    city = City(2, "tiny", START, settled=False)
    file = tmp_path / "state.npz"
    save_city(city, file)
    with pytest.raises(InputError, match="another city"):
        load_city(file, seed=3, size="tiny", base_port=15020)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(InputError, match="damaged"):
        load_city(file, seed=2, size="tiny", base_port=15020)


def test_the_past_has_every_window_once(past):
    history, parts, _ = past
    for step_s, a_day in ((600, 144), (3600, 24), (86400, 1)):
        rollups = [p.columns for p in parts if isinstance(p, RollupPart) and p.step_s == step_s]
        keys = np.concatenate([c.keys for c in rollups]).astype(np.uint64)
        slots = np.concatenate([c.slots for c in rollups])
        assert (slots % (step_s if step_s < 86400 else 3600) == 0).all()
        assert slots.min() == history.start_s
        assert slots.max() == history.raw_from_s - step_s
        ids = keys << np.uint64(32) | slots
        assert len(np.unique(ids)) == len(ids)
        supply = history.city.ledger.points["UN0001.secondary_supply_temperature"].key
        assert (keys == supply).sum() == 2 * a_day


def test_the_past_is_a_winter_with_warm_rooms(past):
    history, parts, _ = past
    tens = [p.columns for p in parts if isinstance(p, RollupPart) and p.step_s == 600]
    for columns in tens:
        assert (columns.low <= columns.mean + 1e-9).all()
        assert (columns.mean <= columns.high + 1e-9).all()
        assert not np.isnan(columns.mean).any()
    rooms = {p.key for p in history.city.ledger.points.values() if p.kind == "room_temperature"}
    found = np.concatenate([c.mean[np.isin(c.keys, list(rooms))] for c in tens])
    assert len(found) > 2 * 48 * 0.95 * len(rooms)
    assert 19.5 < np.median(found) < 22.5


def test_hours_and_days_are_made_of_ten_minutes(past):
    history, parts, _ = past
    key = history.city.ledger.points["SS0001.primary_flow"].key

    def of(step_s):
        found = [p.columns for p in parts if isinstance(p, RollupPart) and p.step_s == step_s]
        return next(c.take(c.keys == key) for c in found if (c.keys == key).any())

    tens, hours, days = of(600), of(3600), of(86400)
    assert hours.mean == pytest.approx(tens.mean.reshape(24, 6).mean(axis=1))
    assert hours.high == pytest.approx(tens.high.reshape(24, 6).max(axis=1))
    assert days.low[0] == tens.low.min()
    assert days.last[0] == tens.last[-1]
    assert (days.count[0], hours.count[0], tens.count[0]) == (2880, 120, 20)


def test_the_last_day_is_raw_and_the_city_goes_on_where_it_ends(past):
    history, parts, folder = past
    raw = concat([p.columns for p in parts if isinstance(p, RawPart)])
    points = history.city.ledger.points
    key = points["UN0002.secondary_heat_total"].key
    own = raw.take(raw.keys == key)
    order = np.argsort(own.slots)
    assert own.slots[order].tolist() == list(range(history.raw_from_s, history.end_s, 30))
    assert (np.diff(own.values[order]) >= 0.0).all()
    assert len(raw.keys) == len(np.unique(raw.keys.astype(np.uint64) << np.uint64(32) | raw.slots))
    city, clock, extra = load_city(folder / "state.npz", seed=2, size="tiny", base_port=15020)
    assert clock is None
    assert city.now_s == history.end_s
    assert not city.controllers.self_regulating
    assert extra["counter"].max() > 50
    city.step(30.0)
    shown = city.shown[city.measured["UN0002.secondary_heat_total"]]
    assert 0.0 <= shown - own.values[order][-1] < 60.0


def test_collectors_wake_twice_an_hour_each_at_its_own_moment():
    city = City(2, "tiny", START, settled=False)
    collectors = Collectors(city)
    seen = [
        report
        for tick in range(120)
        for report in collectors.due(START + 30.0 * tick, START + 30.0 * (tick + 1))
    ]
    alive = int((~collectors.dead).sum())
    assert len(seen) == 2 * alive
    assert max(r.counter for r in seen) == 2
    per_tick = np.bincount([int((r.at_s - START - 1) // 30) for r in seen], minlength=120)
    assert per_tick.max() < 4 * alive / 60 + 5
    times = [r.at_s for r in seen if r.collector == seen[0].collector]
    assert times[1] - times[0] == PERIOD_S


def test_the_account_finds_what_is_missing_wrong_and_twice(tmp_path):
    city = City(2, "tiny", START)
    ledger, memory = city.ledger, city.memory
    device = memory.number["DV0004"]
    log = WireLog(tmp_path / "answers.bin")
    for _ in range(4):
        city.step(30.0)
        words = bytes(memory.memory(device)[32:60])
        log.write(ANSWER.pack(int(city.now_s), device, 16, 14) + words)
    log.write(ANSWER.pack(int(city.now_s), device, 16, 14)[:-1])
    log.close()
    reports = WireLog(tmp_path / "reports.bin")
    fields = (205, 200, 1, 999, 401, 352)
    for state in (ReportState.ATTEMPTED, ReportState.ACKNOWLEDGED):
        reports.write(REPORT.pack(state, 0, int(START) + 17, 1, *fields))
    reports.close()
    assert len(list(read_answers(tmp_path / "answers.bin"))) == 4
    given = produced(ledger, tmp_path)
    # Ten points of the controller at four slots, and six of a room.
    assert len(given.keys) == 4 * 10 + 6
    room = next(b for b in ledger.bindings if b.kind == "room_temperature")
    at = (given.keys == room.key).nonzero()[0]
    assert (given.slots[at].tolist(), given.values[at].tolist()) == ([int(START)], [20.5])
    power = memory.measured[city.measured["SS0002.primary_heat_power"]]
    last = given.values[given.keys == power.key][-1]
    assert last == pytest.approx(city.shown[city.measured[power.point]], abs=0.06)

    stored = Columns(given.keys, given.slots, given.values, np.zeros(len(given.keys), "u1"))
    fine = compare(given, stored)
    assert (fine.missing, fine.wrong, fine.duplicates, fine.invented) == (0, 0, 0, 0)
    values = stored.values.copy()
    values[3] += 0.1
    spoiled = Columns(stored.keys, stored.slots, values, stored.quality)
    twice = concat([spoiled.take(np.arange(45)), spoiled.take(np.array([7]))])
    found = compare(given, twice)
    assert (found.missing, found.wrong, found.duplicates) == (1, 1, 1)
    # A point of a device in a slot it never gave is invented; what the platform works out is not.
    computed = max(p.key for p in ledger.points.values()) + 1
    more = Columns(
        np.array([room.key, computed], "u4"),
        np.array([int(START) + 86_400, int(START)], "u4"),
        np.array([20.0, 1.0]),
        np.zeros(2, "u1"),
    )
    found = compare(given, concat([stored, more]))
    assert (found.missing, found.wrong, found.duplicates, found.invented) == (0, 0, 0, 1)
