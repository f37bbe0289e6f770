"""Processes beside the platform for work that would hold up its event loop.

They are started by spawn, so they inherit no engine, no lock and no socket; they start with the
first piece of work, end with the platform however that ends, and are replaced when one breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import TypeVar

import structlog

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import LinkError, StaleError

R = TypeVar("R")

_log = structlog.get_logger("heatloop.workers")
_NICE = 5
_PATIENCE_S = 2.0
# A platform that a signal ends gives no locks back; Python's tracker does, and need not complain.
_QUIET = "ignore:resource_tracker:UserWarning"


class Workers:
    """A pool of processes, made when first needed and made again when broken.

    Args:
        count: Processes at a time.
    """

    def __init__(self, count: int = 1) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._guard = threading.Lock()
        self._broken = False
        self._closed = False

    async def call(self, function: Callable[..., R], timeout_s: float, *args: object) -> R:
        """Return what a function of a module gives in a worker.

        Args:
            function: A module's function; it and its arguments must be picklable.
            timeout_s: Machine time to wait; the work itself is not stopped when it is over.
            args: Its arguments.

        Raises:
            StaleError: No answer in time.
            LinkError: The worker ended, or the pool is closed.
        """
        try:
            # Starting a process takes some tens of milliseconds, too long for the event loop.
            future = await asyncio.to_thread(self._submit, function, args)
            # Not wait_for: before Python 3.12 it may swallow that this task is cancelled.
            async with asyncio.timeout(timeout_s):
                answer = await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise StaleError("a worker did not answer in time", thing=function.__name__) from error
        except BrokenProcessPool as error:
            await asyncio.to_thread(self._drop)
            if not self._broken:
                _log.error("worker ended, another will be started", work=function.__name__)
            self._broken = True
            raise LinkError("a worker ended", thing=function.__name__) from error
        if self._broken:
            self._broken = False
            _log.info("workers work again")
        return answer

    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [each.pid for each in _processes(self._pool) if each.pid is not None]

    async def restart(self) -> None:
        """End the workers, whatever they do; new ones start with the next work."""
        await asyncio.to_thread(self._drop)

    async def close(self) -> None:
        """End the workers for good."""
        self._closed = True
        await asyncio.to_thread(self._drop)

    def _submit(self, function: Callable[..., R], args: tuple[object, ...]) -> Future[R]:
        with self._guard:
            if self._closed:
                raise LinkError("the workers are closed", thing=function.__name__)
            if self._pool is None:
                if _QUIET not in sys.warnoptions:
                    sys.warnoptions.append(_QUIET)
                self._pool = ProcessPoolExecutor(
                    self._count,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                )
            return self._pool.submit(function, *args)

    def _drop(self) -> None:
        with self._guard:
            pool, self._pool = self._pool, None
            if pool is None:
                return
            processes = _processes(pool)
            pool.shutdown(wait=False, cancel_futures=True)
            deadline = machine_s() + _PATIENCE_S
            for process in processes:
                process.join(max(deadline - machine_s(), 0.0))
                if process.is_alive():
                    process.kill()
                    process.join(_PATIENCE_S)
            pool.shutdown(wait=True)


def _processes(pool: ProcessPoolExecutor | None) -> list[BaseProcess]:
    return list((getattr(pool, "_processes", None) or {}).values())


def _begin() -> None:
    """Begin a worker: Ctrl-C is the platform's business, and a worker never outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    threading.Thread(target=_follow_parent, name="parent watch", daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
