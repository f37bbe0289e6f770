"""Server-sent events, read line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One event of the live stream."""

    name: str
    """`clock`, `values`, `alarm`, `command` or `lagged`."""
    data: Any
    """What it says."""


def events_of(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a stream's lines."""
    name = "message"
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(name, json.loads("\n".join(data)))
            name, data = "message", []
        elif line.startswith(":"):
            continue
        else:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
