"""Connections that several devices of a gateway share: a bus behind a DTU, a broker, a server."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, cast


class Closable(Protocol):
    """Something that is closed once nobody needs it."""

    def close(self) -> None:
        """Close it."""


T = TypeVar("T", bound=Closable)


class Shared:
    """Keeps one of each connection for as long as the gateway works by one profile."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Closable] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the connection known by this key, made the first time it is asked for.

        Args:
            key: Protocol, host, port and whatever else tells it from others.
            make: Makes it.
        """
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return cast(T, found)

    def close(self) -> None:
        """Close all of them."""
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()
