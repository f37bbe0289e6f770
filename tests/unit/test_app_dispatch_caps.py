"""A dispatch plan acts: its caps make heat scarce in the plans of the units of its network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatloop.app.strategy_worker import PlantCap
from heatloop.security.access import Role
from heatloop.store.records.dispatch import PlanRow
from tests.unit.app_town import START_S, town
from tests.unit.test_app_dispatch import API
from tests.unit.test_strategy_service import Inline


def _plan(reach_kw: list[float]) -> PlanRow:
    n = len(reach_kw)
    body: dict[str, Any] = {
        "least_covered_pct": 100.0,
        "limits": {},
        "units": [
            {
                "code": "HS0001", "source": "HS0001", "kind": "boiler", "most_kw": max(reach_kw),
                "heat_kw": [0.5 * kw for kw in reach_kw], "power_kw": [0.0] * n,
                "reach_kw": reach_kw,
            }
        ],
        "storages": [],
    }  # fmt: skip
    return PlanRow(
        number=0, network="HS0001", reason="schedule", state="proposed", result="optimal",
        made_at=START_S, start_s=START_S, step_s=900, steps=n, cost_yuan=1.0, baseline_yuan=2.0,
        unserved_kwh=0.0, user="schedule", decided_by="", decided_at=None, body=json.dumps(body),
    )  # fmt: skip


async def test_a_followed_plan_caps_its_network_and_lets_go_when_turned_off(tmp_path: Path) -> None:
    async with town(tmp_path) as house, house.client("eve", Role.DISPATCHER) as eve:
        strategy = house.platform.strategy
        strategy._workers = Inline()  # type: ignore[assignment]
        hours = [
            {
                "at_s": START_S + 3600.0 * n, "condition": 0, "solar_w_m2": 0.0, "quality": 0,
                "temperature_c": -6.0 + 3.0 * np.sin(n / 24.0 * 2.0 * np.pi),
            }
            for n in range(-2, 40)
        ]  # fmt: skip
        house.platform.records.weather.add_forecast(
            source="test", known_at=START_S - 60.0, issued_at=None, hours=hours
        )
        await strategy.run(START_S)
        free = sum(live.plan.heat_kw for live in strategy.live.values())
        assert strategy.answer is not None
        assert strategy.answer.scarcity is None
        # What flows already cannot be taken back faster than the ramp.
        cap = np.where(np.arange(96) < 8, 2.0, 0.9) * free[20:].max()
        house.platform.records.dispatch.add_plan(_plan(cap.tolist()))
        await eve.post(f"{API}/stage", json={"stage": "automatic"})
        house.clock.advance(900.0)
        await strategy.run(START_S + 900.0)
        assert strategy.answer.scarcity is not None
        assert strategy.answer.violation <= 0.005
        assert "plant_cap" in strategy.live["UN0001"].plan.relaxed
        told = (await eve.get(API)).json()["following"][0]
        assert told["plan"] == 1
        assert told["cap_kw"] == pytest.approx(cap[1])
        await eve.post(f"{API}/stage", json={"stage": "observe"})
        await strategy.run(START_S + 1800.0)
        assert strategy.answer.scarcity is None
        # Two networks: only the one that is scarce gets dear.
        strategy.plant_caps = lambda start_s: [
            PlantCap(name="A", cap_kw=0.5 * cap, units=frozenset({"UN0001"})),
            PlantCap(name="B", cap_kw=np.full(96, 1e6), units=frozenset({"UN0002"})),
        ]
        await strategy.run(START_S + 2700.0)
        assert strategy.answer.scarcity is not None
        assert strategy.answer.scarcity.shape == (2, 96)
        assert "plant_cap" in strategy.live["UN0001"].plan.relaxed
        assert "plant_cap" not in strategy.live["UN0002"].plan.relaxed
