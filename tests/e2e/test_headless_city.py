"""The whole chain on the wire: sockets, spool, historian, control; counted outside the platform."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from heatloop.cli.demo import is_clean
from heatloop.cli.headless import run_headless
from heatloop.cli.stack import StackOptions
from heatloop.demo.web import ask_city
from heatloop.kernel.errors import LinkError
from tests.e2e.city_runs import START_S, free_block, free_port, kill, stack_for


def test_command_line_accounts_for_every_sample_and_command(tmp_path: Path) -> None:
    base = free_block(40)
    report_file = tmp_path / "report.json"
    argv = [
        *(sys.executable, "-m", "heatloop", "demo", "--headless", "--size", "tiny"),
        *("--days", "0.1", "--json", str(report_file), "--port", str(free_port())),
        *("--base-port", str(base), "--coap-port", str(base + 30)),
    ]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(report_file.read_text())
    samples = report["samples"]
    assert samples["produced"] == samples["stored"] > 60_000
    assert samples["missing"] == samples["wrong"] == samples["duplicates"] == 0
    assert report["commands"]["verified"] == report["commands"]["total"] > 10
    assert report["rooms"]["share_18_pct"] > 90
    assert report["plant_s"] == 8640


async def _plant_s(stack: StackOptions) -> float:
    try:
        status = await ask_city(stack.run_dir / "city.sock", "status")
    except LinkError:
        return 0.0
    return float(status["plant_s"])


async def _kill_at(stack: StackOptions, schedule: list[tuple[int, str]]) -> None:
    for after_s, name in schedule:
        while await _plant_s(stack) < START_S + after_s:
            await asyncio.sleep(0.02)
        kill(stack, name)


@pytest.mark.timeout(400)
async def test_kill_9_of_platform_historian_and_edge_loses_nothing(tmp_path: Path) -> None:
    stack = stack_for(tmp_path, lockstep=True, start_s=START_S)
    schedule = [
        (1200, "platform"),
        (2400, "historian"),
        (3600, "edge-GW0001"),
        (4500, "platform"),
        (5100, "edge-GW0001"),
        (5700, "historian"),
        (6300, "edge-GW0002"),
    ]
    killer = asyncio.create_task(_kill_at(stack, schedule))
    report = await run_headless(stack, 0.1)
    await killer
    assert report["restarts"]["platform"] == report["restarts"]["historian"] == 2
    assert report["restarts"]["edge-GW0001"] == 2
    samples = report["samples"]
    # A tick that was not reported done is polled again, so not even a tick is lost in lockstep.
    assert samples["missing"] == 0, report["gaps"]
    assert is_clean(report), report
