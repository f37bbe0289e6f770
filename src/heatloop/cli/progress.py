"""A progress bar on standard error for work that takes more than two seconds."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30


class Progress:
    """Draws `label [#####.....] 42 %  1:23 left` in place; silent when not a terminal.

    Args:
        label: What is being done.
        total: Amount of work.
        stream: Where to draw.
    """

    def __init__(self, label: str, total: float, stream: TextIO = sys.stderr) -> None:
        self._label, self._total, self._stream = label, total, stream
        self._started = time.monotonic()
        self._drawn = 0.0
        self._last_told = 0

    def show(self, done: float) -> None:
        """Draw how much is done, at most five times a second; off a terminal, at each tenth."""
        now = time.monotonic()
        share = min(done / self._total, 1.0) if self._total > 0 else 1.0
        if not self._stream.isatty():
            tenth = int(share * 10)
            if tenth > self._last_told:
                self._last_told = tenth
                print(f"{self._label}: {tenth * 10} %", file=self._stream, flush=True)
            return
        if now - self._drawn < 0.2 and share < 1.0:
            return
        self._drawn = now
        left = (now - self._started) * (1 - share) / share if share > 0 else 0.0
        bar = "#" * int(share * WIDTH)
        self._stream.write(
            f"\r{self._label} [{bar:.<{WIDTH}}] {share:4.0%}  "
            f"{int(left // 60)}:{int(left % 60):02d} left "
        )
        self._stream.flush()

    def end(self) -> None:
        """Finish the line."""
        if self._stream.isatty():
            self._stream.write("\n")
            self._stream.flush()
