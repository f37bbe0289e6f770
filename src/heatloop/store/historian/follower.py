"""Two historians fed with the same data: reads go on from the follower while the main one is away.

What one of them misses is written to a journal before it is acknowledged, and told to it in order
when it is back; it serves again when it has all of it. So either may be killed at any moment, and
nothing acknowledged is on one disk only by more than the time the other is away.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypeVar

import structlog

from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.store.historian import calls, wire
from heatloop.store.historian.calls import Call
from heatloop.store.historian.client import HistorianClient, Link
from heatloop.store.historian.follower_journal import Journal

Result = TypeVar("Result")
MAIN, FOLLOWER = "main", "follower"
KEPT = frozenset(
    {
        "append",
        "append_events",
        "revise",
        "set_periods",
        "define_frames",
        "seed_rollup",
        "drop_partition",
    }
)
"""Operations that both must have had."""
BOTH = frozenset({"refresh_rollups", "compact"})
"""Operations both do for themselves, when they can."""

_LOOK_S = 1.0
_PATIENCE_S = 3.0
_AT_A_TIME = 64
_log = structlog.get_logger("heatloop.historian")


class _Side:
    """One of the two historians."""

    def __init__(self, name: str, path: Path, journal: Journal, timeout_s: float) -> None:
        self.name, self.journal = name, journal
        self.reads, self.writes = Link(path, timeout_s), Link(path, timeout_s)
        self.order = asyncio.Lock()
        self.up = journal.empty
        """Whether it answers and has everything."""
        self.gone = asyncio.Event()

    def fell(self, error: Exception) -> None:
        """Note that it is away."""
        if self.up:
            _log.warning("historian is away", which=self.name, error=str(error))
            self.up = False
            self.gone.set()

    def rose(self) -> None:
        """Note that it has everything again."""
        _log.warning("historian is back", which=self.name)
        self.up = True
        self.gone = asyncio.Event()

    async def try_(self, link: Link, call: Call[Result]) -> Result:
        """Ask it; a historian that stops answering is not waited for.

        Raises:
            LinkError: It went away.
        """
        asking = asyncio.ensure_future(link.ask(call))
        leaving = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            raise LinkError("historian does not answer", thing=self.name)
        except LinkError as error:
            self.fell(error)
            raise
        finally:
            for task in (asking, leaving):
                task.cancel()
            await asyncio.gather(asking, leaving, return_exceptions=True)

    async def close(self) -> None:
        """Close connections and journal."""
        await self.reads.close()
        await self.writes.close()
        self.journal.close()


class Pair(Link):
    """Asks two historians as if they were one."""

    def __init__(self, main: Path, follower: Path, folder: Path, timeout_s: float) -> None:
        super().__init__(main, timeout_s)
        self.main = _Side(MAIN, main, Journal(folder / "main.journal"), timeout_s)
        self.follower = _Side(FOLLOWER, follower, Journal(folder / "follower.journal"), timeout_s)
        self._sides = (self.main, self.follower)
        self._watch: asyncio.Task[None] | None = None

    async def ask(self, call: Call[Result]) -> Result:
        """Ask whoever can answer, or both where both must know.

        Raises:
            LinkError: Neither of them is there.
            HeatloopError: They answered with an error.
        """
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_on(), name="historians")
        op = str(call.head["op"])
        if op in KEPT:
            return await self._keep(call)
        up = [side for side in self._sides if side.up]
        if op in BOTH:
            results = await asyncio.gather(
                *(side.try_(side.writes, call) for side in up), return_exceptions=True
            )
            return _first(results)
        for side in up:
            try:
                return await side.try_(side.reads, call)
            except LinkError:
                continue
        raise LinkError("neither historian is reachable", fix="they are restarted; try again")

    async def _keep(self, call: Call[Result]) -> Result:
        """Tell both; whoever is away finds it in his journal.

        Raises:
            LinkError: Neither is there, so it is kept nowhere.
        """
        if not any(side.up for side in self._sides):
            raise LinkError("neither historian is reachable", fix="they are restarted; try again")
        told = [side for side in self._sides if side.up]
        results = await asyncio.gather(
            *(side.try_(side.writes, call) for side in told), return_exceptions=True
        )
        answer = _first(results)
        kept = [s for s, r in zip(told, results, strict=True) if not isinstance(r, BaseException)]
        for side in self._sides:
            if side not in kept:
                await self._later(side, call)
        return answer

    async def _later(self, side: _Side, call: Call[Any]) -> None:
        async with side.order:
            if side.up:  # it came back while this waited
                try:
                    await side.try_(side.writes, call)
                    return
                except LinkError:
                    pass
            was_full = side.journal.full
            await asyncio.to_thread(side.journal.add, call.head, call.arrays)
            if side.journal.full and not was_full:
                _log.error("journal is full, copy this historian anew", which=side.name)

    async def _look_on(self) -> None:
        """See again and again who is there, and tell whoever is back what he missed."""
        while True:
            await asyncio.gather(*(self._look_at(side) for side in self._sides))
            await asyncio.sleep(_LOOK_S)

    async def _look_at(self, side: _Side) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await side.reads.ask(calls.ping())
        except (HeatloopError, TimeoutError) as error:
            side.fell(error)
            return
        if side.up or side.journal.full:
            return
        try:
            await self._catch_up(side)
        except HeatloopError as error:
            _log.warning("catching up broke off", which=side.name, error=str(error))

    async def _catch_up(self, side: _Side) -> None:
        while not side.journal.empty:
            await self._tell(side)
            if side.journal.waiting_bytes < 1 << 20:
                break
        # The last bit alone: nobody adds to the journal while the order is held.
        async with side.order:
            while not side.journal.empty:
                await self._tell(side)
            side.rose()

    @staticmethod
    async def _tell(side: _Side) -> None:
        payloads, end = await asyncio.to_thread(side.journal.next, _AT_A_TIME)
        missed = [wire.decode(payload) for payload in payloads]
        told = [Call(head=_bare(head), arrays=arrays, read=_nothing) for head, arrays in missed]
        results = await asyncio.gather(
            *(side.writes.ask(each) for each in told), return_exceptions=True
        )
        for result in results:
            # What it refuses it would refuse again; the other one took it.
            if isinstance(result, BaseException) and not isinstance(result, InputError):
                raise result
        await asyncio.to_thread(side.journal.took, end)

    async def close(self) -> None:
        """Close everything."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        for side in self._sides:
            await side.close()


class FollowedClient(HistorianClient):
    """The historian port over a main historian and its follower.

    Args:
        main: Socket of the main historian.
        follower: Socket of the follower.
        folder: Where what one of them misses is kept.
        timeout_s: Longest wait for an answer.
    """

    def __init__(
        self, main: Path, follower: Path, folder: Path, *, timeout_s: float = 120.0
    ) -> None:
        super().__init__(main, timeout_s=timeout_s)
        self._pair = Pair(main, follower, folder, timeout_s)
        self._writes = self._reads = self._pair

    @property
    def serving(self) -> str:
        """Which historian values are read from: `main` or `follower`."""
        return FOLLOWER if self._pair.follower.up and not self._pair.main.up else MAIN

    async def close(self) -> None:
        """Close the connections."""
        await self._pair.close()


def _bare(head: wire.Head) -> wire.Head:
    return {name: value for name, value in head.items() if name not in ("arrays", "id")}


def _nothing(head: wire.Head, arrays: list[Any]) -> None:
    del head, arrays


def _first(results: list[Result | BaseException]) -> Result:
    """Return the first answer, preferring the main historian's; else raise what went wrong."""
    wrong: BaseException = LinkError(
        "neither historian is reachable", fix="they are restarted; try again"
    )
    for result in results:
        if not isinstance(result, BaseException):
            return result
        wrong = result
    raise wrong
