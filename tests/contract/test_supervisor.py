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


def _told(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "run" / "components.json").read_text())


async def test_program_that_keeps_ending_is_given_up_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatloop.app.supervisor.BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr("heatloop.app.supervisor.BACKOFF_MOST_S", 0.01)
    monkeypatch.setattr("heatloop.app.supervisor.MOST_ATTEMPTS", 3)
    supervisor = Supervisor(tmp_path / "run", tmp_path / "logs")
    await supervisor.start(Program(name="sound", argv=SLEEPER))
    await supervisor.start(Program(name="sick", argv=("-c", "raise SystemExit(7)")))
    await _until(lambda: _told(tmp_path)["sick"]["given_up"], 30.0)
    assert supervisor.restarts()["sick"] == 3
    told = _told(tmp_path)
    assert told["sick"]["why"] == "ended with code 7"
    assert told["sick"]["healthy"] is False
    # The others go on.
    assert told["sound"] == {
        "healthy": True, "restarts": 0, "given_up": False, "failed_s": 0.0, "why": ""
    }  # fmt: skip
    await supervisor.stop()
    assert not (tmp_path / "run" / "components.json").exists()
