"""Which shard a row belongs to: it follows from the row alone.

A point's rows go to shard `key % n`. When shards are added, `n` changes for rows of a coming local
day on; earlier rows stay where they are. So nothing is moved, a row that is sent again meets its
first copy, and every roll-up window lies in one shard.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import ConfigError
from heatloop.store.historian.port import MAX_SLOT
from heatloop.store.historian.windows import day_start


class Layout:
    """How many shards take rows, from when on.

    Args:
        steps: (first local day or None for the beginning, shards), rising.
        zone: Zone of the company's days.
    """

    def __init__(self, steps: Sequence[tuple[date | None, int]], zone: ZoneInfo) -> None:
        self.starts = tuple(0 if day is None else day_start(day, zone) for day, _ in steps)
        self.counts = tuple(count for _, count in steps)

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """Return (first slot, shards) pairs."""
        return tuple(zip(self.starts, self.counts, strict=True))

    def shard_of(self, keys: NDArray[np.uint32], slots: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Return the shard of each row, shape (n_row,)."""
        at = np.searchsorted(np.asarray(self.starts, "u4"), slots, side="right") - 1
        counts = np.asarray(self.counts, "u4")[at]
        shard: NDArray[np.intp] = (keys % counts).astype(np.intp)
        return shard

    def asked(self, keys: NDArray[np.uint32], start: int, end: int) -> dict[int, NDArray[np.bool_]]:
        """Return which of these keys each shard may hold in [start, end), if it holds any."""
        out: dict[int, NDArray[np.bool_]] = {}
        for count, since, until in zip(
            self.counts, self.starts, (*self.starts[1:], MAX_SLOT), strict=True
        ):
            if since < end and until > start:
                shard = keys % np.uint32(count)
                for number in np.unique(shard).tolist():
                    mask = shard == number
                    out[number] = out[number] | mask if number in out else mask
        return out


def check_unmoved(
    old: Sequence[tuple[int, ...]], new: Sequence[tuple[int, ...]], last_slot: int
) -> None:
    """Raise unless both (first slot, shards) lists lay every row up to a slot into the same shard.

    Raises:
        ConfigError: Under the new one stored rows would have to lie elsewhere.
    """
    kept, wanted = ([step for step in steps if step[0] <= last_slot] for steps in (old, new))
    if kept != wanted:
        raise ConfigError(
            "stored rows would lie in other shards",
            thing=f"shards {list(old)} -> {list(new)}",
            place="storage.historian_url",
            fix="keep what shards= said and add a step that begins on a coming day",
        )


def keep_layout(state: Path, layout: Layout, last_slot: int) -> Layout:
    """Return the layout, written down so that a later one is checked against it.

    Args:
        state: Folder it is kept in.
        layout: The layout wanted.
        last_slot: Greatest slot stored.

    Raises:
        ConfigError: Under this layout stored rows would have to lie elsewhere.
    """
    path = state / "layout.json"
    kept = [tuple(step) for step in json.loads(path.read_text())] if path.exists() else None
    steps = list(layout.steps)
    if steps == kept:
        return layout
    if kept is not None:
        check_unmoved(kept, steps, last_slot)
    state.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    with scratch.open("w") as file:
        file.write(json.dumps(steps))
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
    return layout
