"""Room levels in operation: nights, reasons, versions, own targets, rights, what plans aim at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heatloop.app import room_levels as room
from heatloop.app.fleet import Failure, Outcome
from heatloop.app.room_levels_days import days_left_out
from heatloop.control import room_look
from heatloop.control.learning.history import UnitHistory
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town
from tests.unit.learning_unit import DAY_S, true_model
from tests.unit.test_app_models import Here
from tests.unit.test_room_levels import unit_past
from tests.unit.test_strategy_service import Inline

API = "/api/v1/room-levels"
UNIT, OTHER = "UN0001", "UN0002"
DAYS = 12
WHOLE = unit_past(DAYS, sensors=14)


def _past(house: Town, monkeypatch: pytest.MonkeyPatch, **other: Any) -> None:
    """Give units a past up to the last midnight; `other` replaces columns of the second one."""
    levels = house.platform.room_levels
    levels._fleet = Here()  # type: ignore[assignment]
    levels.champion = lambda unit: true_model()

    async def histories(_: Any, points: Any, start_s: int, end_s: int, offset: float) -> list:
        own: list[UnitHistory] = []
        for each in points:
            begin_s = float(end_s - DAYS * DAY_S)
            mine = replace(WHOLE, unit=each.unit, start_s=begin_s, local_offset_s=offset)
            own.append(replace(mine, **other) if other and each.unit == OTHER else mine)
        return own

    monkeypatch.setattr(room, "histories_of", histories)
    # The weather of this past varies little.
    monkeypatch.setattr(room_look, "_VARIED_K", 0.5)


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with town(tmp_path, strategy={"level": "learnt"}) as made:
        made.platform.strategy._workers = Inline()  # type: ignore[assignment]
        _past(made, monkeypatch, sensors=WHOLE.sensors[:5], sensors_c=WHOLE.sensors_c[:, :5] + 1.0)
        yield made


async def test_a_night_finds_the_level_of_every_unit_and_keeps_it(here: Town) -> None:
    levels = here.platform.room_levels
    assert levels.target(UNIT, -5.0) == room.Target(room_c=20.0, source="all")
    await levels.run(START_S)
    assert levels.failures == {}
    own, other = (levels.rows[code].level for code in (UNIT, OTHER))
    assert (own.state, own.collectors, own.days) == ("learnt", 14, DAYS - 1)
    assert (other.state, other.collectors) == ("few_collectors", 5)
    assert len(own.points) == 2
    for at, point in enumerate(own.points):
        assert point.before_c == pytest.approx(WHOLE.sensors_c.mean(), abs=1.0)
        assert -0.8 <= point.shift_k <= 0.4
        assert point.cold_before_pct is not None
        assert other.points[at].shift_k == 0.0
        assert other.points[at].cold_expected_pct is None
        # Each keeps what its own collectors show, however far they stand off.
        assert other.points[at].before_c == pytest.approx(
            point.before_c + 1.0 + float(WHOLE.sensors_c[:, :5].mean() - WHOLE.sensors_c.mean()),
            abs=0.3,
        )
    cold = levels.target(UNIT, -40.0)
    assert cold.source == "learnt"
    assert cold.room_c == pytest.approx(own.points[0].before_c + own.points[0].shift_k)
    middle = levels.target(UNIT, float("nan")).room_c
    assert min(p.before_c + p.shift_k for p in own.points) <= middle
    # A restart finds it again, and it is followed for a week.
    kept = dict(levels.rows)
    levels.rows.clear()
    await levels.load()
    assert levels.rows == kept
    here.clock.advance(room.FRESH_S + 60.0)
    assert levels.target(UNIT, -5.0).source == "all"


async def test_days_under_control_do_not_move_the_level(here: Town) -> None:
    records, levels = here.platform.records, here.platform.room_levels
    await levels.run(START_S)
    before = dict(levels.rows)
    records.stages.set(UNIT, "automatic", by="wang", at=START_S - 40 * DAY_S)
    await levels.run(START_S + DAY_S)
    first, renewed = before[UNIT], levels.rows[UNIT]
    assert renewed.version > first.version
    assert renewed.level == replace(first.level, state="renewed", at=START_S + DAY_S)
    # What it was learnt from grows too old in the end.
    await levels.run(START_S + 100 * DAY_S)
    assert levels.rows[UNIT].level.state == "few_days"
    assert levels.rows[UNIT].level.points == ()


def test_the_ledger_of_savings_and_the_stages_say_which_days_count(tmp_path: Path) -> None:
    class Some:
        def __init__(self, **own: Any) -> None:
            self.__dict__.update(own)

    stage = [
        Some(stage="observe", at=107.5 * DAY_S),
        Some(stage="automatic", at=103.5 * DAY_S),
        Some(stage="advise", at=90.0 * DAY_S),
    ]
    told = {104: "curve", 105: "strategy", 112: "strategy"}
    records = Some(
        savings=Some(days=lambda unit, since: [{"day": d, "mode": m} for d, m in told.items()]),
        stages=Some(history=lambda unit: stage),
    )
    found = days_left_out(records, [UNIT], range(100, 120), 0.0)[UNIT]  # type: ignore[arg-type]
    # 103 and 105 to 107 by control, 104 by the curve; two days after each remember.
    assert found == {103, 104, 105, 106, 107, 108, 109, 112, 113, 114}
    # Of the tuned curve four days are enough, after two that remember something else.
    told.update(dict.fromkeys(range(110, 116), "tuned"))
    found = days_left_out(records, [UNIT], range(100, 120), 0.0)[UNIT]  # type: ignore[arg-type]
    assert set(range(100, 120)) - found == {112, 113, 114, 115}
    del told[115]
    assert 100 not in days_left_out(records, [UNIT], range(100, 120), 0.0)[UNIT]  # type: ignore[arg-type]


async def test_reasons_are_named_where_there_is_no_level(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = here.platform.room_levels
    levels.champion = lambda unit: true_model() if unit == OTHER else None
    _past_sensors = {"sensors": ("RC1",), "sensors_c": WHOLE.sensors_c[:, :1]}
    _past(here, monkeypatch, **_past_sensors)
    levels.champion = lambda unit: true_model() if unit == OTHER else None
    await levels.run(START_S)
    assert levels.rows[UNIT].level.state == "no_model"
    assert levels.rows[OTHER].level.state == "no_collectors"
    async with here.client("eve", Role.DISPATCHER) as eve:
        page = (await eve.get(API)).json()
        assert [(each["source"], each["why"]) for each in page["items"]] == [
            ("all", "no_model"),
            ("all", "no_collectors"),
        ]
        assert (page["total"], page["learnt"], page["own"]) == (2, 0, 0)


async def test_a_worker_that_fails_leaves_what_was_learnt(here: Town) -> None:
    levels = here.platform.room_levels
    await levels.run(START_S)
    before = dict(levels.rows)

    class Broken:
        async def map(self, function: Any, items: Any, *, names: Any, **_: Any) -> Any:
            failed = [Failure(name=name, reason="a worker ended") for name in names]
            return Outcome(answers=[None] * len(items), failures=failed)

    levels._fleet = Broken()  # type: ignore[assignment]
    await levels.run(START_S + DAY_S)
    assert set(levels.failures) == {UNIT, OTHER}
    assert levels.rows == before
    assert levels.target(UNIT, -5.0).source == "learnt"


async def test_a_unit_gets_a_target_of_its_own_and_loses_it_again(here: Town) -> None:
    levels = here.platform.room_levels
    await levels.run(START_S)
    path = f"{API}/{UNIT}/target"
    async with here.client("wang", Role.DISPATCHER) as wang:
        learnt = (await wang.get(f"{API}/{UNIT}")).json()
        assert (learnt["source"], learnt["why"]) == ("learnt", "learnt")
        assert learnt["version"]["points"][0]["level_c"] == pytest.approx(
            learnt["version"]["points"][0]["before_c"] + learnt["version"]["points"][0]["shift_k"]
        )
        for wrong in (15.9, 26.1, "NaN"):
            assert (await wang.put(path, json={"target_c": wrong})).status_code == 422
        answer = await wang.put(path, json={"target_c": 21.5, "note": "old people's home"})
        assert answer.status_code == 200, answer.text
        view = answer.json()
        assert (view["target_c"], view["source"], view["why"]) == (21.5, "unit", "set_for_unit")
        assert (view["own_by"], view["own_note"]) == ("wang", "old people's home")
        assert view["learnt_c"] == learnt["target_c"]
        levels.own.clear()
        await levels.load()
        assert levels.target(UNIT, 0.0) == room.Target(room_c=21.5, source="unit")
        assert (await wang.delete(path)).json()["source"] == "learnt"
        assert (await wang.delete(path)).status_code == 404
        assert (await wang.put(f"{API}/SS0001/target", json={"target_c": 20})).status_code == 404
        versions = (await wang.get(f"{API}/{UNIT}/versions")).json()
        assert versions["items"][0] == learnt["version"]
        assert versions["total"] == versions["items"][0]["version"]
    _, rows = here.platform.records.audit.list(limit=20)
    told = [(row.action, row.subject) for row in rows if row.action.startswith("room_target")]
    assert sorted(told) == [("room_target.clear", UNIT), ("room_target.set", UNIT)]
    async with here.client("tom", Role.FIELD_TECHNICIAN) as tom:
        assert (await tom.get(f"{API}/{UNIT}")).status_code == 200
        assert (await tom.put(path, json={"target_c": 20.0})).status_code == 403
    async with here.client("li", Role.DISPATCHER, scope="CO01/BR02") as li:
        assert (await li.put(path, json={"target_c": 20.0})).status_code == 404
        assert [each["unit"] for each in (await li.get(API)).json()["items"]] == [OTHER]


async def test_plans_aim_at_it_and_the_comfort_band_moves_along(here: Town) -> None:
    platform = here.platform
    platform.records.weather.add_forecast(
        source="test",
        known_at=START_S - 60.0,
        issued_at=None,
        hours=[
            {"at_s": START_S + 3600.0 * n, "condition": 0, "temperature_c": -6.0,
             "solar_w_m2": 0.0, "quality": 0}
            for n in range(-2, 40)
        ],
    )  # fmt: skip
    await platform.room_levels.run(START_S)
    row = platform.room_levels.rows[UNIT]
    async with here.client("wang", Role.DISPATCHER) as wang:
        await wang.put(f"{API}/{OTHER}/target", json={"target_c": 22.5})
        await platform.strategy.run(START_S)
        cards = {c["unit"]: c for c in (await wang.get("/api/v1/strategies")).json()["items"]}
        assert (cards[OTHER]["target_c"], cards[OTHER]["target_source"]) == (22.5, "unit")
        assert cards[UNIT]["target_source"] == "learnt"
        wanted = room.level_at(
            -6.0, [(p.outdoor_c, p.before_c + p.shift_k) for p in row.level.points]
        )
        assert cards[UNIT]["target_c"] == pytest.approx(wanted, abs=0.011)
        view = (await wang.get(f"/api/v1/strategies/{OTHER}")).json()
        assert (view["low_c"], view["high_c"]) == (21.0, 24.5)
        level = (await wang.get(f"{API}/{UNIT}")).json()
        assert level["target_c"] == pytest.approx(wanted, abs=0.011)


async def test_the_figure_for_all_holds_unless_the_settings_want_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as house:
        _past(house, monkeypatch)
        await house.platform.room_levels.run(START_S)
        assert house.platform.room_levels.rows[UNIT].level.points
        assert house.platform.room_levels.target(UNIT, 0.0) == room.Target(
            room_c=20.0, source="all"
        )
        async with house.client("eve", Role.DISPATCHER) as eve:
            view = (await eve.get(f"{API}/{UNIT}")).json()
            assert (view["source"], view["why"]) == ("all", "switched_off")
            assert view["learnt_c"] is not None
