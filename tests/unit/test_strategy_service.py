"""Station control in operation: a strategy per unit, kept, proposed, decided on, and silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatloop.app.strategy import STALE_S
from heatloop.app.strategy_worker import plan_fleet
from heatloop.control.arbiter import Bounds, Priority, Proposal, arbitrate
from heatloop.control.curve_strategy import PUMP, SUPPLY
from heatloop.kernel.errors import LinkError
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
POINT = f"UN0001.{SUPPLY}"


class Inline:
    """Does the work at once, or fails."""

    def __init__(self) -> None:
        self.broken = False

    async def call(self, function: Any, timeout_s: float, *args: Any) -> Any:
        if self.broken:
            raise LinkError("a worker ended", thing="plan_fleet")
        return function(*args)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        made.platform.strategy._workers = Inline()  # type: ignore[assignment]
        hours = [
            {
                "at_s": START_S + 3600.0 * n,
                "condition": 0,
                "temperature_c": -6.0 + 3.0 * np.sin(n / 24.0 * 2.0 * np.pi),
                "solar_w_m2": 300.0 if n % 24 in range(9, 15) else 0.0,
                "quality": 0,
            }
            for n in range(-2, 40)
        ]
        made.platform.records.weather.add_forecast(
            source="test", known_at=START_S - 60.0, issued_at=None, hours=hours
        )
        yield made


async def test_every_unit_gets_a_strategy_with_reason_validity_and_state(here: Town) -> None:
    strategy = here.platform.strategy
    here.platform.world.stages["UN0002"] = "automatic"
    await strategy.run(START_S)
    assert strategy.reason == ""
    assert set(strategy.live) == {"UN0001", "UN0002"}
    async with here.client("wang", Role.DISPATCHER) as client:
        page = (await client.get(f"{API}/strategies")).json()
        assert [(card["unit"], card["state"]) for card in page["items"]] == [
            ("UN0001", "observed"),
            ("UN0002", "approved"),
        ]
        card = page["items"][0]
        assert card["reason"]
        assert card["version"] == 1
        assert card["followed"]
        assert 25.0 <= card["supply_c"] <= 85.0
        assert card["model"] == "design"
        view = (await client.get(f"{API}/strategies/UN0001")).json()
        assert len(view["steps"]) == 96
        step = view["steps"][40]
        assert step["supply_c"]
        assert step["flow_m3h"]
        assert step["pump_hz"] == 45.0
        kept = (await client.get(f"{API}/strategies/UN0002/versions")).json()["items"][0]
        assert kept["decided_by"] == "stage:automatic"
        assert len(kept["steps"]) == 24
        assert kept["valid_until"] > kept["made"]


async def test_versions_are_kept_when_there_is_news_and_only_then(here: Town) -> None:
    strategy = here.platform.strategy
    await strategy.run(START_S)
    here.clock.advance(900.0)
    await strategy.run(START_S + 900.0)
    total, _ = here.platform.records.strategies.list("UN0001", offset=0, limit=9)
    assert total == 1
    here.platform.world.stages["UN0001"] = "advise"
    here.clock.advance(900.0)
    await strategy.run(START_S + 1800.0)
    total, rows = here.platform.records.strategies.list("UN0001", offset=0, limit=9)
    assert total == 2
    assert rows[0].version == 2
    assert rows[0].strategy.state == "proposed"


async def test_the_arbiter_follows_the_strategy_and_says_so(here: Town) -> None:
    strategy = here.platform.strategy
    await strategy.run(START_S)
    own = [p for p in here.platform.curve.others() if p.point == POINT]
    curve = Proposal(point=POINT, value=33.3, source="curve", priority=Priority.CURVE)
    decision = arbitrate([curve, *own], Bounds(low=20.0, high=80.0))
    assert decision.winner == "optimiser"
    assert decision.value == strategy.live["UN0001"].plan.supply_c[0]
    person = Proposal(
        point=POINT, value=40.0, source="wang", priority=Priority.PERSON, low=40.0, high=40.0
    )
    assert arbitrate([curve, *own, person], Bounds(low=20.0, high=80.0)).value == 40.0


async def test_a_unit_that_is_left_to_the_curve_is_not_proposed_for(here: Town) -> None:
    strategy = here.platform.strategy
    strategy.stands_back = lambda unit: False
    await strategy.run(START_S)
    assert strategy.is_followed("UN0001")
    strategy.stands_back = lambda unit: unit == "UN0001"
    assert not strategy.is_followed("UN0001")
    assert not [p for p in here.platform.curve.others() if p.point == POINT]


async def test_a_stale_strategy_and_a_dead_worker_leave_the_curve_alone(here: Town) -> None:
    strategy = here.platform.strategy
    await strategy.run(START_S)
    assert strategy.proposals()
    strategy._workers.broken = True  # type: ignore[attr-defined]
    here.clock.advance(900.0)
    await strategy.run(START_S + 900.0)
    assert strategy.reason == "unavailable"
    assert strategy.proposals()
    here.clock.advance(STALE_S)
    assert strategy.proposals() == []


async def test_without_a_forecast_there_is_no_strategy_and_it_says_why(here: Town) -> None:
    strategy = here.platform.strategy
    late = START_S + 30 * 86400.0
    here.clock.advance(30 * 86400.0)
    await strategy.run(late)
    assert strategy.reason == "no_forecast"
    assert strategy.proposals() == []


async def test_a_rejected_strategy_is_silent_and_audited(here: Town) -> None:
    strategy = here.platform.strategy
    await strategy.run(START_S)
    path = f"{API}/strategies/UN0001/versions/1/decision"
    async with here.client("wang", Role.DISPATCHER) as client:
        answer = await client.post(path, json={"decision": "reject", "note": "too warm"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"][0]["state"] == "rejected"
        assert not any(p.point == POINT for p in strategy.proposals())
        # The next plans of the unit hold their tongue as long as the rejected one would hold.
        here.clock.advance(900.0)
        await strategy.run(START_S + 900.0)
        assert not any(p.point == POINT for p in strategy.proposals())
        assert strategy.live["UN0001"].kept.state == "rejected"
        strategy._held.clear()
        await strategy.load()
        assert "UN0001" in strategy._held
        version = strategy.live["UN0001"].version
        path = f"{API}/strategies/UN0001/versions/{version}/decision"
        assert (await client.post(path, json={"decision": "approve"})).status_code == 200
        assert any(p.point == POINT for p in strategy.proposals())
        missing = await client.post(
            f"{API}/strategies/UN0001/versions/99/decision", json={"decision": "approve"}
        )
        assert missing.status_code == 404
    async with here.client("zhao", Role.CUSTOMER_SERVICE) as client:
        assert (await client.post(path, json={"decision": "approve"})).status_code == 403
    async with here.client("li", Role.DISPATCHER, scope="CO01/BR02") as client:
        assert (await client.get(f"{API}/strategies/UN0001")).status_code == 404
        page = (await client.get(f"{API}/strategies")).json()
        assert [card["unit"] for card in page["items"]] == ["UN0002"]


async def test_quantity_regulation_proposes_pump_and_supply(here: Town) -> None:
    strategy = here.platform.strategy
    strategy.inputs._settings = type(strategy.settings)(quantity_units=("UN0001",))
    await strategy.run(START_S)
    points = {p.point for p in strategy.proposals() if p.point.startswith("UN0001")}
    assert points == {POINT, f"UN0001.{PUMP}"}


async def test_a_cap_of_the_plants_makes_heat_dear_and_is_kept(here: Town) -> None:
    strategy = here.platform.strategy
    await strategy.run(START_S)
    free = sum(live.plan.heat_kw for live in strategy.live.values())
    # What flows already cannot be taken back faster than the ramp.
    cap = np.where(np.arange(96) < 8, 2.0, 0.9) * free[20:].max()
    strategy.caps = lambda start_s: cap
    await strategy.run(START_S + 900.0)
    assert strategy.answer is not None
    assert strategy.answer.scarcity is not None
    assert strategy.answer.violation <= 0.005
    assert "plant_cap" in strategy.live["UN0001"].plan.relaxed
    assert plan_fleet.__module__ == "heatloop.app.strategy_worker"
