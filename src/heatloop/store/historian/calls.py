"""The client's side of every operation: what to send, and how to read the answer; no socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian.checks import check_columns, check_fields, check_rollup, key_array
from heatloop.store.historian.port import (
    Compared,
    DayCounts,
    Difference,
    EventRow,
    KeyCounts,
    Keys,
    Marks,
    Partition,
    RollupColumns,
    Stats,
    Traced,
)
from heatloop.store.historian.wire import Arrays, Head

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[Result]):
    """One question to the historian process."""

    head: Head
    """Operation and its words."""
    arrays: Arrays = ()
    """Columns sent along."""
    read: Callable[[Head, list[NDArray[Any]]], Result]
    """Makes the result of the answer."""


def _nothing(head: Head, arrays: list[NDArray[Any]]) -> None:
    del head, arrays


def _columns(head: Head, arrays: list[NDArray[Any]]) -> Columns:
    return Columns(*arrays)


def _number(head: Head, arrays: list[NDArray[Any]]) -> int:
    return int(head["n"])


def _stats(head: Head, arrays: list[NDArray[Any]]) -> Stats:
    return dict(head["stats"])


def _events(head: Head, arrays: list[NDArray[Any]]) -> list[EventRow]:
    return [EventRow(*row) for row in head["events"]]


def ping() -> Call[None]:
    """Ask whether the historian is there."""
    return Call(head={"op": "ping"}, read=_nothing)


def stats() -> Call[Stats]:
    """Ask for figures about engine and process."""
    return Call(head={"op": "stats"}, read=_stats)


def append(columns: Columns) -> Call[None]:
    """Send samples; the answer comes when they are durable."""
    return Call(head={"op": "append"}, arrays=check_columns(columns), read=_nothing)


def append_events(events: Sequence[EventRow]) -> Call[None]:
    """Send events; the answer comes when they are durable."""
    return Call(head={"op": "append_events", "events": list(events)}, read=_nothing)


def revise(columns: Columns, *, method: str, who: str) -> Call[None]:
    """Send repaired values."""
    head = {"op": "revise", "method": method, "who": who}
    return Call(head=head, arrays=check_columns(columns), read=_nothing)


def latest(keys: Keys | None) -> Call[Columns]:
    """Ask for newest samples."""
    arrays = () if keys is None else (key_array(keys),)
    return Call(head={"op": "latest"}, arrays=arrays, read=_columns)


def raw(keys: Keys, start_s: int, end_s: int, limit: int) -> Call[Columns]:
    """Ask for samples."""
    head = {"op": "raw", "start": int(start_s), "end": int(end_s), "limit": int(limit)}
    return Call(head=head, arrays=(key_array(keys),), read=_columns)


def trace(keys: Keys, start_s: int, end_s: int, limit: int) -> Call[Traced]:
    """Ask what lies below samples."""
    head = {"op": "trace", "start": int(start_s), "end": int(end_s), "limit": int(limit)}
    return Call(head=head, arrays=(key_array(keys),), read=_traced)


def _traced(head: Head, arrays: list[NDArray[Any]]) -> Traced:
    words, which = head["words"], arrays[10].tolist()
    return Traced(
        Columns(*arrays[:4]),
        arrays[4],
        Columns(*arrays[5:9]),
        arrays[9],
        [str(words[at][0]) for at in which],
        [str(words[at][1]) for at in which],
    )


def events(start_ms: int, end_ms: int, *, subject: str, limit: int) -> Call[list[EventRow]]:
    """Ask for events."""
    head = {"op": "events", "start": int(start_ms), "end": int(end_ms), "limit": int(limit)}
    return Call(head=head | {"subject": subject}, read=_events)


def rollup(
    keys: Keys, start_s: int, end_s: int, step_s: int, fields: Sequence[str] = ()
) -> Call[RollupColumns]:
    """Ask for windows."""
    names = check_fields(fields)
    head: Head = {"op": "rollup", "start": int(start_s), "end": int(end_s), "step": int(step_s)}
    return Call(
        head=head | {"fields": list(names)},
        arrays=(key_array(keys),),
        read=lambda _, arrays: RollupColumns.of(names, arrays),
    )


def seed_rollup(step_s: int, columns: RollupColumns, *, as_they_were: bool = False) -> Call[None]:
    """Send simulated windows, or those of a backup."""
    head = {"op": "seed_rollup", "step": int(step_s), "as_they_were": as_they_were}
    return Call(head=head, arrays=check_rollup(columns).columns, read=_nothing)


def refresh_rollups() -> Call[int]:
    """Ask to compute dirty windows again."""
    return Call(head={"op": "refresh_rollups"}, read=_number)


def count(start_s: int, end_s: int) -> Call[int]:
    """Ask for the number of samples."""
    return Call(head={"op": "count", "start": int(start_s), "end": int(end_s)}, read=_number)


def duplicates(start_s: int, end_s: int) -> Call[int]:
    """Ask for the number of surplus samples."""
    return Call(head={"op": "duplicates", "start": int(start_s), "end": int(end_s)}, read=_number)


def completeness(keys: Keys, day: date) -> Call[DayCounts]:
    """Ask what a day received."""
    head = {"op": "completeness", "day": day.isoformat()}
    return Call(head=head, arrays=(key_array(keys),), read=lambda _, arrays: DayCounts(*arrays))


def received(keys: Keys, start_s: int, end_s: int) -> Call[DayCounts]:
    """Ask what a time range received."""
    head = {"op": "received", "start": int(start_s), "end": int(end_s)}
    return Call(head=head, arrays=(key_array(keys),), read=lambda _, arrays: DayCounts(*arrays))


def set_periods(keys: Keys, periods_s: Keys) -> Call[None]:
    """Send sampling periods."""
    arrays = (key_array(keys), key_array(periods_s))
    return Call(head={"op": "set_periods"}, arrays=arrays, read=_nothing)


def periods() -> Call[tuple[NDArray[Any], NDArray[Any]]]:
    """Ask for sampling periods."""
    return Call(head={"op": "periods"}, read=lambda _, arrays: (arrays[0], arrays[1]))


def define_frames(frames: Mapping[str, Sequence[int]]) -> Call[int]:
    """Send which points are read together."""
    keys = np.concatenate([np.empty(0, "u4"), *(key_array(each) for each in frames.values())])
    sizes = np.array([len(each) for each in frames.values()], "u4")
    head = {"op": "define_frames", "names": list(frames)}
    return Call(head=head, arrays=(keys, sizes), read=_number)


def changed(table: str, after: int, step_s: int) -> Call[Marks]:
    """Ask where rows came."""
    head = {"op": "changed", "table": table, "after": int(after), "step": int(step_s)}
    return Call(head=head, read=lambda _, arrays: Marks(*arrays))


def keys_of(table: str, start_s: int, end_s: int) -> Call[KeyCounts]:
    """Ask which points have rows."""
    head = {"op": "keys_of", "table": table, "start": int(start_s), "end": int(end_s)}
    return Call(head=head, read=lambda _, arrays: KeyCounts(*arrays))


def as_received(keys: Keys, start_s: int, end_s: int) -> Call[Columns]:
    """Ask for samples as they came in."""
    head = {"op": "as_received", "start": int(start_s), "end": int(end_s)}
    return Call(head=head, arrays=(key_array(keys),), read=_columns)


def differing(start_s: int, end_s: int) -> Call[list[Difference]]:
    """Ask on which days replicas differ."""
    head = {"op": "differing", "start": int(start_s), "end": int(end_s)}
    return Call(head=head, read=lambda head, _: [Difference(*row) for row in head["differing"]])


def day_digest(start_s: int, end_s: int) -> Call[bytes]:
    """Ask for the digest of a range."""
    head = {"op": "day_digest", "start": int(start_s), "end": int(end_s)}
    return Call(head=head, read=lambda head, _: bytes.fromhex(head["digest"]))


def day_counter(start_s: int, end_s: int) -> Call[int]:
    """Ask for the greatest reception counter of a range."""
    return Call(head={"op": "day_counter", "start": int(start_s), "end": int(end_s)}, read=_number)


def compare_kept() -> Call[Compared]:
    """Ask to read back samples kept aside."""
    return Call(head={"op": "compare_kept"}, read=lambda head, _: Compared(*head["compared"]))


def partitions() -> Call[list[Partition]]:
    """Ask what is kept."""
    return Call(
        head={"op": "partitions"},
        read=lambda head, _: [Partition(*row) for row in head["partitions"]],
    )


def measure(keys: Keys, start_s: int, end_s: int) -> Call[Partition]:
    """Ask what samples take."""
    head = {"op": "measure", "start": int(start_s), "end": int(end_s)}
    return Call(
        head=head, arrays=(key_array(keys),), read=lambda head, _: Partition(*head["partition"])
    )


def drop_partition(table: str, name: int, keep: Keys) -> Call[int]:
    """Ask to remove what expired."""
    head = {"op": "drop_partition", "table": table, "name": int(name)}
    return Call(head=head, arrays=(key_array(keep),), read=_number)


def compact() -> Call[None]:
    """Ask to merge what lies in pieces."""
    return Call(head={"op": "compact"}, read=_nothing)
