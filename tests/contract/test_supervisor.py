"""The supervisor with real child processes: restart after kill -9, clean stop, clear failure."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from heatloop.app.supervisor import Program, Supervisor
from heatloop.kernel.errors import LinkError

SLEEPER = ("-c", "import time; print('up', flush=True); time.sleep(60)")


async def _until(condition, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_killed_program_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "run", tmp_path / "logs")
    await supervisor.start(Program(name="sleeper", argv=SLEEPER))
    first = supervisor.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)
    await _until(lambda: supervisor.restarts()["sleeper"] == 1)
    assert supervisor.pids()["sleeper"] != first
    table = json.loads((tmp_path / "run" / "pids.json").read_text())
    assert table["sleeper"] == supervisor.pids()["sleeper"]
    await supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(table["sleeper"], 0)
    assert not (tmp_path / "run" / "pids.json").exists()


async def test_program_that_never_serves_is_named_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "run", tmp_path / "logs")

    async def never() -> bool:
        return False

    program = Program(
        name="deaf",
        argv=("-c", "print('no licence', flush=True)"),
        probe=never,
        ready_within_s=1.0,
    )
    with pytest.raises(LinkError, match="no licence") as caught:
        await supervisor.start(program)
    assert caught.value.thing == "deaf"
    await supervisor.stop()


async def test_program_that_stops_answering_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatloop.app.supervisor.PROBE_EVERY_S", 0.02)
    supervisor = Supervisor(tmp_path / "run", tmp_path / "logs")
    answers = {"good": True}

    async def probe() -> bool:
        return answers["good"]

    await supervisor.start(Program(name="moody", argv=SLEEPER, probe=probe))
    first = supervisor.pids()["moody"]
    answers["good"] = False
    await _until(lambda: supervisor.pids()["moody"] != first)
    await supervisor.stop()
