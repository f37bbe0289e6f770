"""The twin's job: estimates become points, failures are said once, questions refused."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.app import twin_worker
from heatloop.app.history import ThreadedHistorian
from heatloop.app.jobs import _silent
from heatloop.app.refusals import Refused
from heatloop.app.setting_sections import TwinSettings
from heatloop.app.twin_job import Twin
from heatloop.app.twin_points import kept_points
from heatloop.app.twin_state import TwinState, WhatIf
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.ingest.checker import QualityChecker
from heatloop.kernel.clock import ClockState, SharedClock
from heatloop.kernel.errors import LinkError, StaleError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit import app_town
from tests.unit.twin_town import ledger, read, steady

START_S = 1_800_000_000


class _Here:
    """Does the work in this process and counts it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.error: Exception | None = None
        self.restarted = 0

    async def call(self, function: Any, timeout_s: float, *args: Any) -> Any:
        self.calls.append(function.__name__)
        if self.error is not None:
            raise self.error
        return function(*args)

    async def restart(self) -> None:
        self.restarted += 1


class _Hub:
    def values_changed(self) -> None:
        """Nobody listens."""


class _Site:
    def __init__(self, town: Ledger, **settings: Any) -> None:
        state = ClockState(
            epoch=1, origin_machine_s=0, origin_plant_s=START_S, speed=0.0, lockstep=False
        )
        self.world = World(SharedClock(state), town)
        self.engine = MemoryHistorian(zone=ZoneInfo("Asia/Shanghai"))
        self.workers = _Here()
        self.twin = Twin(
            self.world,
            ThreadedHistorian(self.engine),
            _Hub(),  # type: ignore[arg-type]
            self.workers,  # type: ignore[arg-type]
            TwinSettings(**settings),
        )

    def hear(self, slot: int = START_S) -> None:
        """Let every meter report the town's steady state."""
        town = self.world.ledger
        made, state = steady(town)
        rows = [
            (town.points[f"{asset}.{kind}"].key, value)
            for (asset, kind), value in read(town, made, state).items()
        ]
        self.world.latest.update(
            Columns(
                np.array([key for key, _ in rows], "u4"),
                np.full(len(rows), slot, "u4"),
                np.array([value for _, value in rows]),
                np.zeros(len(rows), "u1"),
            )
        )

    def value(self, code: str) -> tuple[float, int, int] | None:
        return self.world.latest.last(self.world.ledger.points[code].key)


@pytest.fixture(autouse=True)
def _no_models() -> None:
    twin_worker._models.clear()
    twin_worker._fitted.clear()


@pytest.fixture(scope="module")
def town() -> Ledger:
    return ledger()


def test_estimates_are_kept_as_points_of_quality_estimated(town: Ledger) -> None:
    site = _Site(town)
    site.hear()
    asyncio.run(site.twin.run(START_S))
    _, state = steady(town)
    made, _ = steady(town)
    nodes = made.network.node_index()
    for code, node in (("twin_supply_pressure", "s"), ("twin_return_pressure", "r")):
        kept = site.value(f"PN00002.{code}")
        assert kept is not None
        value, quality, slot = kept
        assert value == pytest.approx(state.pressure_kpa[nodes[f"PN00002.{node}"]], abs=1.0)
        assert (quality, slot) == (Quality.ESTIMATED, START_S)
    flow, sigma = site.value("PS00001.twin_flow"), site.value("PS00001.twin_flow_sigma")
    assert flow is not None
    assert sigma is not None
    assert flow[0] > 10.0 * sigma[0] > 0.0
    told = site.value("CO01.twin_state")
    assert told is not None
    assert told[0] == TwinState.OK
    keys = np.array([town.points["PS00001.twin_flow"].key], "u4")
    assert len(site.engine.raw(keys, START_S - 1, START_S + 1).keys) == 1


def test_a_worker_hears_the_ledger_once(town: Ledger) -> None:
    site = _Site(town)
    site.hear()

    async def twice() -> None:
        await site.twin.run(START_S)
        await site.twin.run(START_S + 60)

    asyncio.run(twice())
    # Unknown, told, known.
    assert site.workers.calls == ["estimate"] * 3


def test_without_readings_there_is_no_data_and_then_there_is(town: Ledger) -> None:
    site = _Site(town)

    async def both() -> None:
        await site.twin.run(START_S)
        assert site.twin.state is TwinState.NO_DATA
        assert site.twin.reason == "no_data"
        assert site.twin.last is None
        site.hear()
        await site.twin.run(START_S + 60)

    asyncio.run(both())
    assert site.twin.state is TwinState.OK
    assert site.twin.reason == ""


def test_a_ledger_without_pipes_asks_no_worker() -> None:
    bare = _Site(
        build_ledger(app_town.assets(), app_town.devices(), app_town.gateways(), version=1, keys={})
    )
    asyncio.run(bare.twin.run(START_S))
    assert bare.twin.reason == "no_network"
    assert bare.workers.calls == []


def test_a_broken_worker_does_not_break_the_job(town: Ledger) -> None:
    site = _Site(town)
    site.hear()
    site.workers.error = LinkError("a worker ended")
    asyncio.run(site.twin.run(START_S))
    assert (site.twin.state, site.twin.reason) == (TwinState.FAILED, "unavailable")
    assert site.workers.restarted == 0
    site.workers.error = StaleError("no answer")
    asyncio.run(site.twin.run(START_S + 60))
    assert site.workers.restarted == 1


def test_a_question_needs_a_fresh_estimate(town: Ledger) -> None:
    site = _Site(town)
    site.hear()

    async def asked() -> None:
        with pytest.raises(Refused, match="no fresh estimate"):
            await site.twin.think(WhatIf())
        await site.twin.run(START_S)
        known, answer = await site.twin.think(WhatIf(close=("SS0001",)))
        assert known.run.t_s == START_S
        assert answer.flow_after_kgs[answer.units.index("UN0001")] == 0.0
        with pytest.raises(Refused) as caught:
            await site.twin.think(WhatIf(close=("WS0001",)))
        assert caught.value.code == "invalid"
        site.world.install(ledger())
        assert not site.twin.is_fresh()

    asyncio.run(asked())


def test_the_bound_keeps_the_mains_first(town: Ledger) -> None:
    site = _Site(town)
    site.hear()
    asyncio.run(site.twin.run(START_S))
    assert site.twin.last is not None
    names = site.twin.last.run.names
    everything = kept_points(site.world, names, 10_000)
    assert everything.left_out == 0
    few = kept_points(site.world, names, 8)
    assert few.left_out > 0
    mains = {site.world.ledger.by_key[int(key)].asset for key in few.flow[0]}
    assert "PS00001" in mains
    assert "PS00006" not in mains
    count = len(few.flow[0]) + len(few.flow_sigma[0])
    assert count + sum(len(keys) for keys, _ in few.nodes.values()) <= 8


def test_what_is_computed_is_stale_when_it_was_not_kept_for_three_periods(town: Ledger) -> None:
    site = _Site(town)
    site.hear()
    asyncio.run(site.twin.run(START_S))
    checker = QualityChecker.of_ledger(town, site.world.clock, watch_from_s=START_S - 900.0)
    platform = SimpleNamespace(world=site.world, loop=SimpleNamespace(checker=checker))

    def silent(after_s: float) -> set[str]:
        state = replace(site.world.clock.state, origin_plant_s=START_S + after_s)
        site.world.clock.state = state
        return {town.by_key[int(key)].code for key in _silent(platform)}  # type: ignore[arg-type]

    assert "PS00001.twin_flow" not in silent(120.0)
    # Nobody computes this one.
    assert "CO01.leak_state" in silent(120.0)
    assert "PS00001.twin_flow" in silent(200.0)


def _double(value: int) -> int:
    return 2 * value


def _die(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_workers_are_replaced_when_one_dies_and_leave_nobody_behind() -> None:
    async def life() -> list[int]:
        workers = Workers(1)
        seen: list[int] = []
        assert workers.pids() == []
        assert await workers.call(_double, 30.0, 21) == 42
        seen += workers.pids()
        with pytest.raises(LinkError):
            await workers.call(_die, 30.0, 0)
        assert await workers.call(_double, 30.0, 4) == 8
        seen += workers.pids()
        await workers.close()
        with pytest.raises(LinkError):
            await workers.call(_double, 30.0, 4)
        return seen

    seen = asyncio.run(life())
    assert len(set(seen)) == 2
    for pid in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def _sleep(_: int) -> int:
    signal.pause()
    return 0


def test_an_answer_that_does_not_come_is_given_up_and_its_worker_ended() -> None:
    async def life() -> list[int]:
        workers = Workers(1)
        assert await workers.call(_double, 30.0, 1) == 2
        pids = workers.pids()
        with pytest.raises(StaleError):
            await workers.call(_sleep, 0.2, 0)
        await workers.close()
        return pids

    for pid in asyncio.run(life()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
