"""One way to have work done for many stations: processes of this machine, or a Dask cluster.

The same functions run on either; answers come in the order of the items, and what failed is named
item by item instead of ending the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from heatloop.app.fleet_settings import FleetSettings
from heatloop.app.workers import Workers
from heatloop.kernel.errors import HeatloopError, LinkError, StaleError

R = TypeVar("R")
Item = TypeVar("Item")

_log = structlog.get_logger("heatloop.fleet")
RETRIES = 2
"""How often a piece of work is given to another worker when its own ended under it."""
TIMEOUT_S = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A piece of work without an answer."""

    name: str
    """Which item."""
    reason: str
    """Why, in an English sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome(Generic[R]):
    """What became of many pieces of work."""

    answers: list[R | None]
    """One per item, in their order; None where it failed."""
    failures: list[Failure]
    """What failed, in the order of the items."""


class Executor(Protocol):
    """Runs one piece of work somewhere else."""

    @property
    def width(self) -> int:
        """Return how many pieces it can work on at a time."""
        ...

    async def call(self, function: Callable[..., R], timeout_s: float, *args: object) -> R:
        """Return what a function of a module gives.

        Raises:
            StaleError: No answer in time.
            LinkError: Whoever worked on it ended, or nobody is there.
        """
        ...

    async def close(self) -> None:
        """Let go of the workers."""
        ...


class Pool:
    """Processes of this machine, each with a pool of its own.

    A process that ends takes only its own piece of work with it, so it is known which one that is.

    Args:
        count: Processes.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lanes = [Workers(1) for _ in range(count)]
        self._free: asyncio.Queue[Workers] | None = None

    @property
    def width(self) -> int:
        """Return how many processes there are."""
        return self._count

    async def call(self, function: Callable[..., R], timeout_s: float, *args: object) -> R:
        """Return what a function of a module gives; waits for a process that is free.

        Raises:
            StaleError: No answer in time; that process is ended.
            LinkError: The process ended.
        """
        if self._free is None:
            self._free = asyncio.Queue()
            for lane in self._lanes:
                self._free.put_nowait(lane)
        lane = await self._free.get()
        try:
            return await lane.call(function, timeout_s, *args)
        except StaleError:
            await lane.restart()
            raise
        finally:
            self._free.put_nowait(lane)

    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [pid for lane in self._lanes for pid in lane.pids()]

    async def close(self) -> None:
        """End the processes for good."""
        for lane in self._lanes:
            await lane.close()


class Fleet:
    """Gives work for many stations to an executor.

    Args:
        settings: Where the work is done.
    """

    def __init__(self, settings: FleetSettings | None = None) -> None:
        self._settings = settings or FleetSettings()
        self._executor: Executor | None = None
        self._making = asyncio.Lock()

    @property
    def executor(self) -> Executor | None:
        """Return who does the work; None before the first."""
        return self._executor

    @property
    def width(self) -> int:
        """Return how many pieces are worked on at a time, as far as it is known."""
        return self._settings.workers if self._executor is None else self._executor.width

    async def map(
        self,
        function: Callable[[Item], R],
        items: Sequence[Item],
        *,
        names: Sequence[str] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> Outcome[R]:
        """Return what a function gives for every item.

        Args:
            function: A module's function of one item; it, the items and the answers must be
                picklable, and calling it twice must do no harm.
            items: The items.
            names: What each is called in a failure; its position without.
            timeout_s: Machine time one piece may take.
        """
        if not items:
            return Outcome(answers=[], failures=[])
        try:
            executor = await self._made()
        except HeatloopError as error:
            failed = [
                Failure(name=_name(names, at), reason=error.message) for at in range(len(items))
            ]
            return Outcome(answers=[None] * len(items), failures=failed)
        answers: list[R | None] = [None] * len(items)
        reasons: dict[int, str] = {}
        waiting = iter(range(len(items)))

        async def line() -> None:
            # As many lines as the executor is wide: the items of the others are not sent yet.
            for at in waiting:
                try:
                    answers[at] = await self._one(executor, function, items[at], timeout_s)
                except Exception as error:  # noqa: BLE001 - one item must not end the others
                    reasons[at] = error.message if isinstance(error, HeatloopError) else repr(error)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(2 * executor.width, len(items))):
                tasks.create_task(line())
        failures = [Failure(name=_name(names, at), reason=reasons[at]) for at in sorted(reasons)]
        if failures:
            _log.warning(
                "work of the fleet failed",
                work=function.__name__,
                failed=len(failures),
                of=len(items),
                first=failures[0].reason[:200],
            )
        return Outcome(answers=answers, failures=failures)

    async def _one(
        self, executor: Executor, function: Callable[[Item], R], item: Item, timeout_s: float
    ) -> R:
        for left in reversed(range(RETRIES + 1)):
            try:
                return await executor.call(function, timeout_s, item)
            except LinkError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Let go of the workers."""
        if self._executor is not None:
            await self._executor.close()

    async def _made(self) -> Executor:
        async with self._making:
            if self._executor is None:
                self._executor = await self._new()
            return self._executor

    async def _new(self) -> Executor:
        if not self._settings.url:
            return Pool(self._settings.workers)
        from heatloop.app.fleet_dask import DaskExecutor

        return await DaskExecutor.connect(self._settings)


def _name(names: Sequence[str], at: int) -> str:
    return names[at] if at < len(names) else f"item {at + 1}"
