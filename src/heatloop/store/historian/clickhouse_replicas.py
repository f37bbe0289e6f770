"""Replicas in shards: writes go to all, reads to one of each, and who was away catches up."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from numpy.typing import NDArray

from heatloop.kernel.errors import HeatloopError, LinkError
from heatloop.store.historian import clickhouse_repair, wire
from heatloop.store.historian.clickhouse_historian import ClickHouseHistorian
from heatloop.store.historian.clickhouse_node import Node, apply
from heatloop.store.historian.port import MAX_SLOT

Result = TypeVar("Result")
LOOK_S = 0.5
"""How often a replica that is away is asked whether it is back, machine time."""
MOST_NODES = 64
EVERYTHING = (0, MAX_SLOT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One write to the replicas of one shard."""

    head: wire.Head
    """Operation, its words and its reception counter."""
    arrays: Sequence[NDArray[Any]] = ()
    """Columns of it."""
    span: tuple[int, int] = EVERYTHING
    """Slots [start, end) it concerns."""


class Replicas:
    """The replicas of every shard, each looked after by a thread of its own."""

    def __init__(self, shards: Sequence[Sequence[Node]]) -> None:
        self.shards: tuple[tuple[Node, ...], ...] = ()
        self._pool = ThreadPoolExecutor(MOST_NODES, "historian-replica")
        self._turns = itertools.count()
        self._closing = threading.Event()
        self._writing = threading.Lock()
        self._keepers: list[threading.Thread] = []
        self._log = structlog.get_logger("historian")
        self.grow(shards)

    def grow(self, shards: Sequence[Sequence[Node]]) -> None:
        """Go on with these shards, which hold all there were, and perhaps more.

        Raises:
            LinkError: Not one replica of a shard answers.
        """
        old = {node for shard in self.shards for node in shard}
        new = [node for shard in shards for node in shard if node not in old]
        list(self._pool.map(_try, new))
        for shard in shards:
            if not any(node.up for node in shard):
                raise LinkError(
                    "no replica of a shard answers",
                    thing=", ".join(node.name for node in shard),
                    fix="start one of them",
                )
        # No write is under way: what a new replica lacks is what came in before now.
        with self._writing:
            for shard in shards:
                _note_empty([node for node in shard if node.up])
            self.shards = tuple(tuple(shard) for shard in shards)
        for node in new:
            keeper = threading.Thread(
                target=self._keep, args=(node,), name="historian-keeper", daemon=True
            )
            self._keepers.append(keeper)
            keeper.start()

    def write(self, writes: dict[int, Write]) -> list[wire.Head]:
        """Do writes, by shard; return the answers of one replica of each.

        A write is done when one replica of its shard has it and what the others lack is on this
        machine's disk.

        Raises:
            LinkError: No replica of a shard could; what was done may be done again.
        """
        with self._writing:
            told = [
                (write, node, self._pool.submit(_apply, node, write))
                for number, write in sorted(writes.items())
                for node in self.shards[number]
            ]
            answers: list[wire.Head] = []
            failures: list[HeatloopError] = []
            for write in writes.values():
                mine = [(node, future) for one, node, future in told if one is write]
                done = [future for _, future in mine if future.exception() is None]
                for node, future in mine:
                    error = future.exception()
                    if error is None:
                        continue
                    if not isinstance(error, HeatloopError):
                        raise error
                    if done:
                        self._missed(node, write, error)
                    else:
                        failures.append(error)
                answers += [future.result() for future in done[:1]]
        if failures:
            raise next((e for e in failures if not isinstance(e, LinkError)), failures[0])
        return answers

    def read(self, number: int, work: Callable[[ClickHouseHistorian], Result]) -> Result:
        """Ask one replica of a shard, the next one if it goes away meanwhile.

        Raises:
            LinkError: None of them answers.
        """
        shard = self.shards[number]
        turn = next(self._turns)
        order = [shard[(turn + n) % len(shard)] for n in range(len(shard))]
        lost: LinkError | None = None
        # One that lacks something is asked only when there is no other.
        for node in sorted(order, key=lambda node: node.behind):
            try:
                return node.run(work)
            except LinkError as error:
                lost = lost or error
        assert lost is not None
        raise lost

    def read_all(self, work: Callable[[ClickHouseHistorian], Result]) -> list[Result]:
        """Ask one replica of every shard, at the same time."""
        return self.read_each(dict.fromkeys(range(len(self.shards)), work))

    def read_each(
        self, works: Mapping[int, Callable[[ClickHouseHistorian], Result]]
    ) -> list[Result]:
        """Ask one replica of each of these shards, at the same time."""
        return list(self._pool.map(self.read, works.keys(), works.values()))

    def everywhere(self, work: Callable[[ClickHouseHistorian], Result]) -> list[list[Result]]:
        """Do something on all replicas that answer; return the results by shard.

        Raises:
            LinkError: No replica of a shard answers.
        """
        told: list[list[Future[Result]]] = [
            [self._pool.submit(node.run, work) for node in shard] for shard in self.shards
        ]
        out = []
        for futures in told:
            errors = [future.exception() for future in futures]
            fatal = [e for e in errors if e is not None and not isinstance(e, LinkError)]
            if fatal or None not in errors:
                raise fatal[0] if fatal else next(e for e in errors if e is not None)
            out.append([f.result() for f, e in zip(futures, errors, strict=True) if e is None])
        return out

    def nodes(self) -> list[Node]:
        """Return all replicas."""
        return [node for shard in self.shards for node in shard]

    def close(self) -> None:
        """Stop looking after them and close them."""
        self._closing.set()
        for keeper in self._keepers:
            keeper.join()
        self._pool.shutdown()
        for node in self.nodes():
            node.close()

    def _missed(self, node: Node, write: Write, error: HeatloopError) -> None:
        """Remember what one replica lacks that a neighbour has."""
        try:
            if isinstance(error, LinkError):
                node.hints.add(write.head, write.arrays, write.span)
                return
            # It answers but cannot: told again it would refuse again.
            self._log.error("replica refused a write", replica=node.name, error=str(error)[:300])
            node.hints.note_gap(write.span)
        except OSError as full:
            raise LinkError(
                f"what a replica missed cannot be kept: {full}",
                thing=node.name,
                fix="make room on this machine's disk",
            ) from full

    def _keep(self, node: Node) -> None:
        """Look after one replica until closed."""
        failed = ""
        while not self._closing.wait(LOOK_S):
            try:
                if not node.look():
                    continue
                if node.hints.waiting_bytes:
                    node.hand_over()
                if node.hints.gap is not None:
                    self._fill(node, node.hints.gap)
                failed = ""
            except LinkError:
                continue
            except Exception as error:  # noqa: BLE001 - a keeper that ends keeps nothing
                if str(error) != failed:
                    self._log.exception("replica cannot be brought up to date", replica=node.name)
                failed = str(error)

    def _fill(self, node: Node, gap: tuple[int, int]) -> None:
        shard = next((shard for shard in self.shards if node in shard), ())
        source = next((o for o in shard if o is not node and o.up and o.hints.gap is None), None)
        if source is None:
            return
        copied = node.run(
            lambda here: source.run(lambda there: clickhouse_repair.fill(here, there, *gap))
        )
        # What came in during the filling came to both.
        if node.hints.close_gap(gap):
            self._log.info("replica filled", replica=node.name, rows=copied, source=source.name)


def _try(node: Node) -> None:
    try:
        node.run(lambda store: None)
    except LinkError:
        pass


def _apply(node: Node, write: Write) -> wire.Head:
    return node.run(lambda store: apply(store, write.head, write.arrays))


def _note_empty(shard: list[Node]) -> None:
    """Have an empty replica beside a full one filled."""
    empty = [node.run(lambda store: store.empty) for node in shard]
    for node, is_empty in zip(shard, empty, strict=True):
        if is_empty and not all(empty):
            node.hints.note_gap(EVERYTHING)
