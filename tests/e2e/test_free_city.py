"""A free-running city whose gateways are killed: what could not be kept is said, nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from heatloop.app.supervisor import Supervisor
from heatloop.cli.api import Api
from heatloop.cli.headless import drain, explain
from heatloop.cli.prepare import first_login, local_gateways, prepare
from heatloop.cli.stack import StackOptions, start_all
from heatloop.demo.verify import compare, produced
from heatloop.demo.web import ask_city
from tests.e2e.city_runs import kill, stack_for

KILLS = 4
SPEED = 20.0


async def _plant_s(stack: StackOptions) -> int:
    return int((await ask_city(stack.run_dir / "city.sock", "status"))["plant_s"])


@pytest.mark.timeout(300)
async def test_edge_kill_loses_at_most_a_tick_and_says_so(tmp_path: Path) -> None:
    stack = stack_for(tmp_path, speed=SPEED)
    ledger = prepare(stack)
    login = first_login(stack)
    assert login is not None
    supervisor = Supervisor(stack.run_dir, tmp_path / "logs")
    try:
        await start_all(supervisor, stack, local_gateways(stack))
        await asyncio.sleep(3)
        start_s = (await _plant_s(stack) // 30 + 1) * 30
        await asyncio.sleep(4)
        for _ in range(KILLS):
            # One after the other, so that it is away for longer than a slot.
            kill(stack, "edge-GW0001")
            before = supervisor.restarts()["edge-GW0001"]
            while supervisor.restarts()["edge-GW0001"] == before:
                await asyncio.sleep(0.02)
        await asyncio.sleep(6)
        await ask_city(stack.run_dir / "city.sock", "speed", speed=1)
        end_s = await _plant_s(stack) // 30 * 30
        api = await Api.sign_in(stack.url, *login)
        await drain(api)
        stored = await api.samples(start_s, end_s)
        gaps = await api.pages("/gaps")
        await api.close()
    finally:
        await supervisor.stop()
    found = compare(produced(ledger, tmp_path / "city", start_s, end_s), stored)
    assert found.stored > 1_000
    assert found.wrong == found.duplicates == found.invented == 0, found
    assert any(gap["cause"] == "edge_restart" for gap in gaps), gaps
    assert explain(found.missing_ids, gaps, ledger) == 0, gaps
    # What a device answered and the spool did not have yet: at most one slot a kill and device.
    lost_slots = np.unique(found.missing_ids & np.uint64(0xFFFFFFFF))
    assert len(lost_slots) <= KILLS
