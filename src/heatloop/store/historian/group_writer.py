"""Group commit: whatever waits when the writer is free goes into one insert.

A commit has a fixed cost of 10 to 20 ms; shared by all who wait, it is paid once.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future

from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.checks import check_columns, portions
from heatloop.store.historian.port import (
    Historian,
)

GROUP_ROWS = 1_000_000
PACE_S = 0.1
"""Commits begin at least this far apart: the first of a quiet time at once, those of a busy time
ten a second, which halves what the historian costs in between and delays nobody noticeably."""


class GroupWriter:
    """One thread that appends to a historian for everybody."""

    def __init__(
        self, historian: Historian, *, group_rows: int = GROUP_ROWS, pace_s: float = PACE_S
    ) -> None:
        self._historian = historian
        self._group_rows = group_rows
        self._pace_s = pace_s
        self._waiting: queue.SimpleQueue[_Part | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="historian-writer", daemon=True)
        self._thread.start()

    def submit(self, columns: Columns) -> Future[None]:
        """Queue samples; the future is done when they are durable.

        Raises:
            InputError: The columns are malformed.
            LinkError: The writer has been closed.
        """
        if self._closed:
            raise LinkError("historian is stopping", fix="send it again when it is back")
        future: Future[None] = Future()
        self._waiting.put((check_columns(columns), future))
        return future

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        held: _Part | None = None
        begun_s = -self._pace_s
        while True:
            full = held is not None
            part = held or self._waiting.get()
            held = None
            if part is None:
                return
            early_s = begun_s + self._pace_s - time.monotonic()
            if early_s > 0 and not full and not self._closed:
                time.sleep(early_s)
            begun_s = time.monotonic()
            group, rows = [part], len(part[0].keys)
            while rows < self._group_rows and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    # Put back, so that the next turn sees it.
                    self._waiting.put(None)
                    break
                if rows + len(more[0].keys) > self._group_rows:
                    held = more
                    break
                group.append(more)
                rows += len(more[0].keys)
            self._commit(group)

    def _commit(self, group: list[_Part]) -> None:
        try:
            together = concat([columns for columns, _ in group])
            for portion in portions(together, self._group_rows):
                self._historian.append(portion)
        except Exception as error:  # noqa: BLE001 - told to everybody who waits for this group
            for _, future in group:
                future.set_exception(error)
        else:
            for _, future in group:
                future.set_result(None)


_Part = tuple[Columns, "Future[None]"]
