"""What an import that runs in a thread works with: the historian, its file, its counts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from heatloop.app.history import AsyncHistorian
from heatloop.app.import_map import ImportMap
from heatloop.app.import_run import Counts
from heatloop.kernel.series import Columns
from heatloop.store.bulk_sources import Source
from heatloop.store.historian.port import DayCounts, Keys

R = TypeVar("R")


class FromThread:
    """The historian of an event loop, asked from a thread beside it."""

    def __init__(self, historian: AsyncHistorian, loop: asyncio.AbstractEventLoop) -> None:
        self._historian, self._loop = historian, loop

    def _wait(self, call: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    def append(self, columns: Columns) -> None:
        """Store samples; durable on return."""
        self._wait(self._historian.append(columns))

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot)."""
        return self._wait(self._historian.raw(keys, start_s, end_s, limit))

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what is stored in a time range."""
        return self._wait(self._historian.received(keys, start_s, end_s))

    def refresh_rollups(self) -> int:
        """Compute the windows that got samples again."""
        return self._wait(self._historian.refresh_rollups())


def told(counts: Counts) -> dict[str, Any]:
    """Return counts as plain values."""
    found = asdict(counts)
    for name in ("reasons", "points"):
        found[name] = {str(key): value for key, value in found[name].items()}
    return found


def source_of(path: Path, mapping: ImportMap) -> Source:
    """Return a file ready to be read.

    Raises:
        InputError: It cannot be read.
    """
    return Source(
        path,
        encoding=mapping.encoding,
        separator=mapping.separator,
        skip_rows=mapping.skip_rows,
        sheet=mapping.sheet,
    ).open()
