"""What the checks at the entrance said about points, kept as spans until somebody asks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.ingest.reasons import Flag

_MOST = 20_000
_MOST_A_CALL = 2_000


class FlagSpan(NamedTuple):
    """One check that spoke about one point, over a time."""

    key: int
    """Point key."""
    flag: Flag
    """Which check spoke."""
    start: int
    """First slot concerned."""
    end: int
    """Last slot concerned."""
    samples: int
    """How many samples."""
    value: float
    """The last value concerned."""


class FlagBook:
    """Collects flags point by point; bounded, and cheap where nothing is wrong."""

    def __init__(self) -> None:
        self._spans: dict[tuple[int, int], list[float]] = {}
        self.lost = 0
        """Flags left out since the last asking because there were too many at once."""

    def add(
        self,
        keys: NDArray[np.uint32],
        slots: NDArray[np.uint32],
        values: NDArray[np.float64],
        flags: NDArray[np.uint8],
    ) -> None:
        """Take in the flags of accepted rows, 0 for none; all of one length (n_row,)."""
        at = np.flatnonzero(flags)
        if not at.size:
            return
        # A storm (a whole network read in a wrong unit) must not hold up the entrance.
        self.lost += max(at.size - _MOST_A_CALL, 0)
        at = at[:_MOST_A_CALL]
        for key, slot, value, flag in zip(
            keys[at].tolist(),
            slots[at].tolist(),
            values[at].tolist(),
            flags[at].tolist(),
            strict=True,
        ):
            span = self._spans.get((key, flag))
            if span is None:
                if len(self._spans) >= _MOST:
                    self.lost += 1
                    continue
                self._spans[key, flag] = [slot, slot, 1, value]
            else:
                span[0], span[1] = min(span[0], slot), max(span[1], slot)
                span[2] += 1
                span[3] = value

    def drain(self) -> list[FlagSpan]:
        """Return what was collected and begin anew."""
        spans, self._spans, self.lost = self._spans, {}, 0
        return [
            FlagSpan(key, Flag(flag), int(start), int(end), int(samples), value)
            for (key, flag), (start, end, samples, value) in spans.items()
        ]
