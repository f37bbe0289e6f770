"""The leak watch: a leak of 1 % raises an alarm within half an hour, its end clears it."""

from __future__ import annotations

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.app.history import ThreadedHistorian
from heatloop.app.leak_watch import LEAK, LeakWatch
from heatloop.app.world import World
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.network.twin.balance import LeakState
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.store.historian.memory import MemoryHistorian

START_S = 1_800_000_000
DAY = 86400
FLOW_M3H, USUAL_M3H = 1000.0, 3.0


class _Heard:
    """Stands where alarming stands and keeps what it is told."""

    def __init__(self) -> None:
        self.changes: list[AlarmChange] = []

    def apply(self, changes: list[AlarmChange]) -> list[Any]:
        self.changes += changes
        return []

    def values_changed(self) -> None:
        """Nobody listens."""


def _ledger() -> Ledger:
    def asset(code: str, kind: str, organisation: str = "", **own: Any) -> Asset:
        return Asset(
            code=code,
            kind=kind,
            zh=code,
            en=code,
            parent="",
            organisation=organisation,
            attributes=own,
        )

    return build_ledger(
        [asset("CO01", "company"), asset("HS0001", "heat_source", "CO01", rated_load_kw=58000.0)],
        [
            Device(
                code="DV0001",
                asset="HS0001",
                gateway="GW0001",
                profile="heat_source_controller",
                protocol="modbus_tcp",
                port=1502,
            )
        ],
        [Gateway(code="GW0001", zh="网关", en="gateway", kind="station", organisation="CO01")],
        version=1,
        keys={},
    )


def _town() -> tuple[World, MemoryHistorian, _Heard, LeakWatch]:
    world, engine, heard = (
        World(SharedClock(), _ledger()),
        MemoryHistorian(zone=ZoneInfo("Asia/Shanghai")),
        _Heard(),
    )
    watch = LeakWatch(world, ThreadedHistorian(engine), heard, heard)  # type: ignore[arg-type]
    return world, engine, heard, watch


def _show(world: World, t_s: int, makeup_m3h: float) -> None:
    values = {
        "source_makeup_flow": makeup_m3h,
        "source_flow": FLOW_M3H,
        "source_return_pressure": 300.0,
        "source_supply_temperature": 100.0,
        "source_return_temperature": 50.0,
    }
    keys = [world.ledger.points[f"HS0001.{kind}"].key for kind in values]
    world.latest.update(
        Columns(
            np.array(keys, "u4"),
            np.full(len(keys), t_s, "u4"),
            np.array([*values.values()]),
            np.zeros(len(keys), "u1"),
        )
    )


def _run(world: World, watch: LeakWatch, start_s: int, hours: float, leak_m3h: float) -> None:
    rng = np.random.default_rng(start_s)

    async def minutes() -> None:
        for minute in range(int(hours * 60)):
            t_s = start_s + 60 * minute
            _show(world, t_s, USUAL_M3H + leak_m3h + rng.normal(0.0, 0.5))
            await watch.run(float(t_s))

    asyncio.run(minutes())


def test_a_leak_of_one_percent_is_alarmed_within_half_an_hour_and_ends() -> None:
    world, engine, heard, watch = _town()
    _run(world, watch, START_S, 30.0, 0.0)
    assert not heard.changes, "two quiet days"
    assert watch.verdicts["CO01"].state is LeakState.QUIET
    began = START_S + 30 * 3600
    _run(world, watch, began, 0.5, 0.01 * FLOW_M3H)
    (raised,) = heard.changes
    assert raised.change is Change.RAISE
    assert (raised.alarm.subject, raised.alarm.rule) == ("CO01", LEAK)
    assert raised.at - began <= 1800.0
    _run(world, watch, began + 1800, 3.0, 0.0)
    assert [c.change for c in heard.changes] == [Change.RAISE, Change.CLEAR]
    assert heard.changes[1].alarm.id == raised.alarm.id
    key = world.ledger.points["CO01.leak_state"].key
    kept = engine.raw(np.array([key], "u4"), START_S, began + 4 * 3600)
    # Every check is kept, and none is passed off as a measurement.
    assert len(kept.slots) == int(33.5 * 60)
    assert set(kept.quality.tolist()) == {Quality.ESTIMATED}


def test_after_a_restart_it_has_learnt_from_the_past() -> None:
    world, engine, heard, watch = _town()
    rng = np.random.default_rng(1)
    slots = np.arange(START_S - 2 * DAY, START_S, 60, dtype="u4")
    for kind, value in (("source_makeup_flow", USUAL_M3H), ("source_flow", FLOW_M3H)):
        key = world.ledger.points[f"HS0001.{kind}"].key
        noise = rng.normal(0.0, 0.5, len(slots)) if kind == "source_makeup_flow" else 0.0
        engine.append(
            Columns(
                np.full(len(slots), key, "u4"),
                slots,
                value + np.broadcast_to(noise, len(slots)),
                np.zeros(len(slots), "u1"),
            )
        )
    engine.refresh_rollups()
    _run(world, watch, START_S, 0.2, 0.0)
    assert watch.verdicts["CO01"].state is LeakState.QUIET
    _run(world, watch, START_S + 720, 0.5, 0.01 * FLOW_M3H)
    assert [c.alarm.rule for c in heard.changes] == [LEAK]


def test_a_meter_that_fails_is_no_leak() -> None:
    world, _, heard, watch = _town()
    _run(world, watch, START_S, 26.0, 0.0)
    world.latest.mark_stale(world.index.keys)

    async def minutes() -> None:
        for minute in range(90):
            await watch.run(float(START_S + 26 * 3600 + 60 * minute))

    asyncio.run(minutes())
    assert not heard.changes
