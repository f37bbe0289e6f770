"""The gateway process: `python -m heatloop.edge --config edge.toml`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.agent import Agent
from heatloop.edge.backoff import Backoff, LinkLog
from heatloop.edge.clock_guard import GuardedClock
from heatloop.edge.config import EdgeConfig, load_config
from heatloop.edge.enrol import Identity, enrol, load_identity
from heatloop.edge.files import lock_folder
from heatloop.kernel.errors import ConfigError, LinkError

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)


async def identify(config: EdgeConfig) -> Identity:
    """Return the kept identity, or enrol; waits for a platform that is not there yet.

    Raises:
        ConfigError: The kept identity is damaged, or the platform refuses to enrol.
    """
    identity = load_identity(config.data, config.gateway)
    backoff, log = Backoff(0.2, 10.0), LinkLog(_LOG, f"{config.gateway} enrolment")
    while identity is None:
        try:
            identity = await asyncio.to_thread(enrol, config)
        except LinkError as error:
            log.broken(error)
            await asyncio.sleep(backoff.failed(0.0))
    log.healed()
    return identity


async def run(config: EdgeConfig) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        identity = await identify(config)
        await Agent(config, identity, GuardedClock(), Random(os.getpid())).run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a gateway from its settings file; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop edge", description="Run one gateway.")
    parser.add_argument("--config", type=Path, required=True, help="settings file of the gateway")
    options = parser.parse_args(arguments)
    # Links are logged here once when they break and once when they heal; the libraries would
    # say so at every attempt.
    for name in ("pymodbus", "coap", "coap-server"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        config = load_config(options.config)
        config.data.mkdir(parents=True, exist_ok=True)
        lock_folder(config.data)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run(config))
    except ConfigError as error:
        return _stopped(error)
    except BaseExceptionGroup as group:
        wrong, rest = group.split(ConfigError)
        if wrong is None or rest is not None:
            raise
        return _stopped(wrong.exceptions[0])
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not on every platform; it only saves processor time
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _stopped(error: BaseException) -> int:
    sys.stderr.write(f"heatloop edge: {error}\n")
    return 2
