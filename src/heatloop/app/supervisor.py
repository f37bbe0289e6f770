"""Keeps processes alive: starts them in order, probes, restarts with back-off, stops cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import LinkError

Probe = Callable[[], Awaitable[bool]]

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.2
BACKOFF_MOST_S = 10.0
PROBE_EVERY_S = 2.0
PROBE_FAILURES = 15
STOP_PATIENCE_S = 15.0
SETTLED_S = 30.0
MOST_ATTEMPTS = 20
"""A program that ends so often in a row before it has settled is not started again."""
DEAF_AFTER = 3
"""Probes in a row without an answer that are told as a failure."""
COMPONENTS = "components.json"
"""What became of each program, told to the platform in the run folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One process the supervisor looks after."""

    name: str
    """Name in logs, the process table and the file of its output."""
    argv: tuple[str, ...]
    """Arguments after the Python executable."""
    probe: Probe | None = None
    """Answers whether the process serves; None: alive is enough."""
    ready_within_s: float = 60.0
    """How long the first good probe may take."""


@dataclass(slots=True)
class _Child:
    program: Program
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    attempts: int = 0
    given_up: bool = False
    failed_s: float = 0.0
    why: str = ""
    healthy: bool = False
    started: float = 0.0
    served: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Supervisor:
    """Runs programs until told to stop.

    Args:
        run_dir: Folder for `pids.json`, the table of name -> process id.
        log_dir: Folder for each program's standard output and error.
    """

    def __init__(self, run_dir: Path, log_dir: Path) -> None:
        self._run_dir, self._log_dir = run_dir, log_dir
        self._children: dict[str, _Child] = {}
        self._stopping = False
        for folder in (run_dir, log_dir):
            folder.mkdir(parents=True, exist_ok=True)

    async def start(self, program: Program) -> None:
        """Start a program and wait for its first good probe.

        Raises:
            LinkError: It did not serve in time; the last lines of its output are in the message.
        """
        child = _Child(program)
        self._children[program.name] = child
        await self._spawn(child)
        child.tasks.append(asyncio.create_task(self._watch(child)))
        deadline = time.monotonic() + program.ready_within_s
        while not await self._probe(child):
            if time.monotonic() > deadline:
                raise LinkError(
                    f"{program.name} did not serve within {program.ready_within_s:.0f} s",
                    thing=program.name,
                    place=str(self._log_path(program)),
                    fix="its last words: " + self._last_words(program),
                )
            await asyncio.sleep(0.05)
        child.healthy = child.served = True
        self._tell()
        if program.probe is not None:
            child.tasks.append(asyncio.create_task(self._keep_probing(child)))

    def pids(self) -> dict[str, int]:
        """Return the process id of every running program."""
        return {n: c.process.pid for n, c in self._children.items() if c.process is not None}

    def restarts(self) -> dict[str, int]:
        """Return how often each program was started again."""
        return {name: child.restarts for name, child in self._children.items()}

    async def stop(self) -> None:
        """Ask every program to end, last started first, and insist after a while."""
        self._stopping = True
        for child in reversed(self._children.values()):
            for task in child.tasks:
                task.cancel()
            process = child.process
            if process is None or process.returncode is not None:
                continue
            process.terminate()
            try:
                async with asyncio.timeout(STOP_PATIENCE_S):
                    await process.wait()
            except TimeoutError:
                log.warning("killed", program=child.program.name)
                process.kill()
                await process.wait()
        for name in ("pids.json", COMPONENTS):
            (self._run_dir / name).unlink(missing_ok=True)

    def _failed(self, child: _Child, why: str) -> None:
        child.failed_s, child.why = machine_s(), why
        self._tell()

    def _tell(self) -> None:
        """Write down how every program is, for the platform to raise alarms by."""
        told = {
            name: {
                "healthy": child.healthy,
                "restarts": child.restarts,
                "given_up": child.given_up,
                "failed_s": child.failed_s,
                "why": child.why,
            }
            for name, child in self._children.items()
        }
        # Replaced in one step, so that no reader sees half of it.
        scratch = self._run_dir / f"{COMPONENTS}.new"
        scratch.write_text(json.dumps(told))
        os.replace(scratch, self._run_dir / COMPONENTS)

    def _stopped(self) -> bool:
        return self._stopping

    def _log_path(self, program: Program) -> Path:
        return self._log_dir / f"{program.name}.log"

    def _last_words(self, program: Program) -> str:
        lines = self._log_path(program).read_text(errors="replace").splitlines()
        return " | ".join(lines[-6:])

    async def _spawn(self, child: _Child) -> None:
        with self._log_path(child.program).open("ab") as output:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *child.program.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        child.started, child.served = time.monotonic(), False
        # Replaced in one step, so that no reader sees half a table.
        scratch = self._run_dir / "pids.json.new"
        scratch.write_text(json.dumps(self.pids()))
        os.replace(scratch, self._run_dir / "pids.json")

    async def _watch(self, child: _Child) -> None:
        backoff = BACKOFF_FIRST_S
        while not self._stopped():
            assert child.process is not None
            code = await child.process.wait()
            if self._stopped():
                return
            child.healthy = False
            if time.monotonic() - child.started > SETTLED_S:
                backoff, child.attempts = BACKOFF_FIRST_S, 0
            child.attempts += 1
            child.given_up = child.attempts > MOST_ATTEMPTS
            self._failed(child, f"ended with code {code}")
            if child.given_up:
                log.critical("given up", program=child.program.name, attempts=MOST_ATTEMPTS)
                return
            log.error("ended", program=child.program.name, code=code, again_in_s=backoff)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, BACKOFF_MOST_S)
            await self._spawn(child)
            child.restarts += 1
            # Without a probe, alive is all that is known.
            child.healthy = child.program.probe is None
            self._tell()

    async def _probe(self, child: _Child) -> bool:
        if child.process is None or child.process.returncode is not None:
            return False
        if child.program.probe is None:
            return True
        try:
            async with asyncio.timeout(5.0):
                return await child.program.probe()
        except (OSError, LinkError, TimeoutError):
            return False

    async def _keep_probing(self, child: _Child) -> None:
        failures = 0
        while not self._stopped():
            await asyncio.sleep(PROBE_EVERY_S)
            good = await self._probe(child)
            if good != child.healthy:
                log.info("healthy" if good else "not answering", program=child.program.name)
            if good and not child.healthy:
                child.healthy = True
                self._tell()
            child.healthy = good
            child.served = child.served or good
            # One that was started again may take as long as at first, on a busy machine too.
            patience_s = 0.0 if child.served else child.program.ready_within_s
            starting = time.monotonic() - child.started < patience_s
            failures = 0 if good or starting else failures + 1
            if failures == DEAF_AFTER:
                self._failed(child, "does not answer")
            if failures >= PROBE_FAILURES and child.process is not None:
                # Alive but deaf: end it hard, `_watch` starts it again.
                failures = 0
                if child.process.returncode is None:
                    child.process.send_signal(signal.SIGKILL)
