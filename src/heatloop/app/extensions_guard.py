"""Calling somebody else's code: away from the event loop, timed, counted, stopped when it fails.

Each module has a thread of its own at a time, so that one that hangs holds up nobody; a thread
cannot be ended from outside, so a module that hangs is stopped and its thread left alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from heatloop.kernel.errors import HeatloopError, StaleError

R = TypeVar("R")
_log = structlog.get_logger("heatloop.extensions")
_MOST_TEXT = 400


class Stopped(HeatloopError):
    """A module does not run."""


class Guard:
    """Counts what one module does, and stops it after too many failures in a row.

    Args:
        name: Name of the module.
        max_failures: Failures in a row that stop it.
        timeout_s: Longest one call may take, machine time.
        on_stop: Is told why when it is stopped.
    """

    def __init__(
        self, name: str, max_failures: int, timeout_s: float, on_stop: Callable[[str, str], None]
    ) -> None:
        self.name = name
        self.enabled = True
        """Whether it is wanted."""
        self.stopped = ""
        """Why it was stopped; empty while it runs."""
        self.calls = 0
        """Calls so far."""
        self.failures = 0
        """Calls that failed."""
        self.last_error = ""
        """Last failure."""
        self.last_ms: float | None = None
        """Machine time the last call took."""
        self._in_a_row = 0
        self._max, self._timeout_s, self._on_stop = max_failures, timeout_s, on_stop
        self._thread: threading.Thread | None = None
        self._turn = asyncio.Lock()

    @property
    def runs(self) -> bool:
        """Return whether it may be called."""
        return self.enabled and not self.stopped

    def begin_again(self) -> None:
        """Forget its failures."""
        self.stopped, self._in_a_row = "", 0

    async def call(self, function: Callable[..., R], *args: object) -> R:
        """Return what a function of the module gives.

        Raises:
            Stopped: It does not run.
            StaleError: It did not answer in time.
            Exception: Whatever it raises, after it was counted.
        """
        async with self._turn:
            if not self.runs:
                raise Stopped("module does not run", thing=self.name)
            if self._thread is not None and self._thread.is_alive():
                self._failed(StaleError("is still at its last call", thing=self.name), hangs=True)
                raise Stopped("module hangs", thing=self.name)
            loop = asyncio.get_running_loop()
            started = loop.time()
            self.calls += 1
            try:
                answer = await self._in_thread(loop, function, args)
            except TimeoutError as error:
                late = StaleError(f"no answer in {self._timeout_s:g} s", thing=self.name)
                self._failed(late, hangs=True)
                raise late from error
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._thread = None
                self._failed(error)
                raise
            # It has answered: that its thread takes a moment to end is nothing to wait for.
            self._thread = None
            self.last_ms = (loop.time() - started) * 1000.0
            self._in_a_row = 0
            return answer

    async def _in_thread(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., R], args: tuple[object, ...]
    ) -> R:
        future: asyncio.Future[R] = loop.create_future()

        def settle(answer: Any, error: BaseException | None) -> None:
            if not future.done():
                if error is None:
                    future.set_result(answer)
                else:
                    future.set_exception(error)

        def run() -> None:
            answer: Any = None
            failure: BaseException | None = None
            try:
                answer = function(*args)
            except Exception as error:  # noqa: BLE001 - given back to the caller
                failure = error
            except BaseException as error:  # noqa: BLE001 - a plug-in that calls sys.exit
                failure = RuntimeError(f"{type(error).__name__}: {error}")
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, answer, failure)

        # A daemon: one that hangs does not keep the platform from ending.
        self._thread = threading.Thread(target=run, name=f"module {self.name}", daemon=True)
        self._thread.start()
        async with asyncio.timeout(self._timeout_s):
            return await future

    def _failed(self, error: Exception, *, hangs: bool = False) -> None:
        self.failures += 1
        self._in_a_row += 1
        self.last_error = f"{type(error).__name__}: {error}"[:_MOST_TEXT]
        if self._in_a_row == 1:
            _log.warning("module failed", module=self.name, error=self.last_error)
        if self._in_a_row >= self._max or hangs:
            self.stopped = self.last_error
            _log.error("module stopped", module=self.name, error=self.last_error)
            self._on_stop(self.name, self.last_error)
