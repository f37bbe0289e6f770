"""A progress bar that stays away from runs shorter than two seconds."""

from __future__ import annotations

import time

from heatloop.cli.progress import Progress

LATE_S = 2.0


class LateProgress:
    """A `Progress` that is drawn from the third second on.

    Args:
        label: What is being done.
        total: Amount of work.
    """

    def __init__(self, label: str, total: float) -> None:
        self._progress = Progress(label, total)
        self._started = time.monotonic()
        self._drawn = False

    def show(self, done: float) -> None:
        """Draw how much is done, once the run takes long."""
        if time.monotonic() - self._started > LATE_S:
            self._drawn = True
            self._progress.show(done)

    def end(self) -> None:
        """Finish the line, if there is one."""
        if self._drawn:
            self._progress.end()
