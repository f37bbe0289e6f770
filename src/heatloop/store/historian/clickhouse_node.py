"""One replica of one shard: the server, whether it answers, and what it still has to be told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog
from numpy.typing import NDArray

from heatloop.kernel.errors import LinkError
from heatloop.store.historian import wire
from heatloop.store.historian.clickhouse_hints import Hints
from heatloop.store.historian.clickhouse_historian import ClickHouseHistorian
from heatloop.store.historian.ops import answer, columns_of

Result = TypeVar("Result")


class Node:
    """A replica that may be away; tells the log once when it goes and once when it is back.

    Args:
        name: Its address.
        connect: Opens it; raises `LinkError` while it is away.
        alive: Asks whether it answers.
        hints: What it missed.
        disconnect: Gives back its sockets.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], ClickHouseHistorian],
        alive: Callable[[], bool],
        hints: Hints,
        disconnect: Callable[[], None],
    ) -> None:
        self.name, self.hints = name, hints
        self._connect, self._alive, self._disconnect = connect, alive, disconnect
        self._store: ClickHouseHistorian | None = None
        self._opening = threading.Lock()
        self._down = False
        self._log = structlog.get_logger("historian")

    @property
    def up(self) -> bool:
        """Return whether it answered when it was last asked."""
        return not self._down

    @property
    def behind(self) -> bool:
        """Return whether it lacks something its neighbours have."""
        return bool(self.hints.waiting_bytes) or self.hints.gap is not None

    def store(self) -> ClickHouseHistorian:
        """Return the historian on it.

        Raises:
            LinkError: It is away.
        """
        with self._opening:
            if self._store is None:
                self._store = self._connect()
            return self._store

    def run(self, work: Callable[[ClickHouseHistorian], Result]) -> Result:
        """Do something with it.

        Raises:
            LinkError: It is away; it is not asked again before `look` found it back.
        """
        if self._down:
            raise LinkError("replica is away", thing=self.name, fix="look after that server")
        try:
            return work(self.store())
        except LinkError as error:
            if not self._down:
                self._down = True
                self._log.warning("replica lost", replica=self.name, error=str(error)[:200])
            raise

    def look(self) -> bool:
        """Return whether it answers, after it was away."""
        if self._down and self._alive():
            try:
                self.store()
            except LinkError:
                return False
            self._down = False
            waiting = self.hints.waiting_bytes
            self._log.info("replica is back", replica=self.name, missed_bytes=waiting)
        return not self._down

    def hand_over(self) -> None:
        """Tell it what it missed, from the oldest on.

        Raises:
            LinkError: It went away again; what it was told it will be told again.
        """
        done = 0
        while self.hints.waiting_bytes:
            for end, head, arrays in self.hints.read(done):
                self.run(partial(apply, head=head, arrays=arrays))
                done = end
            # Its own note of what is rolled up knows nothing of counters that came late.
            self.run(lambda store: store.refresh_rollups())
            if self.hints.forget(done):
                self._log.info("replica has caught up", replica=self.name)
                return

    def close(self) -> None:
        """Close it."""
        try:
            if self._store is not None and self.up:
                self._store.close()
        except LinkError as error:
            self._log.warning("replica lost", replica=self.name, error=str(error)[:200])
        finally:
            self._disconnect()
            self.hints.close()


def apply(store: ClickHouseHistorian, head: wire.Head, arrays: Sequence[NDArray[Any]]) -> wire.Head:
    """Do one write under the counter it was given when it came in."""
    columns = list(arrays)
    with store.at(int(head["version"])):
        if head["op"] == "append":
            store.append(columns_of(columns))
            return {}
        return answer(store, head, columns)[0]
