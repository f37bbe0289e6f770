"""Tables of samples and statistics, made into the historian's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.network.arrays import Floats
from heatloop.store.historian.port import HOUR_S, Origin, RollupColumns

Keys: TypeAlias = NDArray[np.uint32]


def tabled(keys: Keys, slots: Keys, values: Floats) -> Columns:
    """Return samples of a table (n_slot, n_key), point by point."""
    return Columns(
        np.repeat(keys, len(slots)),
        np.tile(slots, len(keys)),
        _by_point(values),
        np.zeros(values.size, dtype=np.uint8),
    )


def _by_point(table: Floats) -> Floats:
    return np.ascontiguousarray(table.T).ravel()


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """Statistics of a day's windows, arrays of shape (n_window, n_key); nan where nothing came."""

    keys: Keys
    """Point keys, shape (n_key,)."""
    count: int
    """Samples in each window."""
    low: Floats
    """Least value."""
    mean: Floats
    """Mean."""
    high: Floats
    """Greatest value."""
    last: Floats
    """Latest value."""

    @classmethod
    def single(cls, keys: Keys, values: Floats, count: int = 1) -> Windows:
        """Return windows in which a value came once, or stayed the same."""
        return cls(keys=keys, count=count, low=values, mean=values, high=values, last=values)

    def joined(self, many: int) -> Windows:
        """Return windows each made of so many of these; missing ones are left out."""
        shape = (-1, many, len(self.keys))
        low, mean, high = (a.reshape(shape) for a in (self.low, self.mean, self.high))
        last = self.last.reshape(shape)
        came = ~np.isnan(mean)
        if came.all():
            return Windows(
                keys=self.keys,
                count=self.count * many,
                low=low.min(axis=1),
                mean=mean.mean(axis=1),
                high=high.max(axis=1),
                last=last[:, -1],
            )
        number = came.sum(axis=1)
        none = number == 0
        newest = many - 1 - came[:, ::-1].argmax(axis=1)
        total = np.where(came, mean, 0.0).sum(axis=1)
        return Windows(
            keys=self.keys,
            count=self.count * many,
            low=np.where(none, np.nan, np.where(came, low, np.inf).min(axis=1)),
            mean=np.where(none, np.nan, total / np.maximum(number, 1)),
            high=np.where(none, np.nan, np.where(came, high, -np.inf).max(axis=1)),
            last=np.take_along_axis(last, newest[:, None], axis=1)[:, 0],
        )

    def columns(self, start_s: int, step_s: int) -> RollupColumns:
        """Return the windows as rows, point by point."""
        n_window, n_key = self.mean.shape
        keep = ~np.isnan(self.mean.T).ravel()
        slots = np.arange(start_s, start_s + n_window * step_s, step_s, dtype=np.uint32)
        count = np.full(n_window * n_key, self.count, dtype=np.uint32)
        none = np.zeros(n_window * n_key, dtype=np.uint32)
        mean = _by_point(self.mean)
        rows = RollupColumns(
            keys=np.repeat(self.keys, n_window),
            slots=np.tile(slots, n_key),
            count=count,
            low=_by_point(self.low),
            mean=mean,
            high=_by_point(self.high),
            integral=mean * (step_s / HOUR_S),
            last=_by_point(self.last),
            good_count=count,
            uncertain_count=none,
            bad_count=none,
            stale_count=none,
            estimated_count=none,
            origin=np.full(n_window * n_key, Origin.SIMULATED, dtype=np.uint8),
        )
        return rows if keep.all() else rows.take(keep)
