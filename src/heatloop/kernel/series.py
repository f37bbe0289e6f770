"""numpy views of a batch, without a copy; with `joins`, the kernel modules that import numpy."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.batch import SampleBatch


class Columns(NamedTuple):
    """The four columns of a batch as arrays of one length (n_row,)."""

    keys: NDArray[np.uint32]
    """Point keys."""
    slots: NDArray[np.uint32]
    """Plant seconds since 1970 UTC."""
    values: NDArray[np.float64]
    """In the point's unit."""
    quality: NDArray[np.uint8]
    """`Quality` codes."""

    @classmethod
    def empty(cls) -> Columns:
        """Return columns of length 0."""
        return cls(np.empty(0, "u4"), np.empty(0, "u4"), np.empty(0, "f8"), np.empty(0, "u1"))

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Columns:
        """Return the rows picked by a mask or an index."""
        return Columns(self.keys[index], self.slots[index], self.values[index], self.quality[index])


def view(batch: SampleBatch) -> Columns:
    """Return arrays over the batch's own memory; the batch must not grow while they live."""
    return Columns(
        np.frombuffer(batch.keys, "u4"),
        np.frombuffer(batch.slots, "u4"),
        np.frombuffer(batch.values, "f8"),
        np.frombuffer(batch.quality, "u1"),
    )


def to_batch(columns: Columns) -> SampleBatch:
    """Return a batch with a copy of these columns."""
    keys, slots, values, quality = array("I"), array("I"), array("d"), array("B")
    keys.frombytes(np.ascontiguousarray(columns.keys, "u4").tobytes())
    slots.frombytes(np.ascontiguousarray(columns.slots, "u4").tobytes())
    values.frombytes(np.ascontiguousarray(columns.values, "f8").tobytes())
    quality.frombytes(np.ascontiguousarray(columns.quality, "u1").tobytes())
    return SampleBatch(keys, slots, values, quality)


def concat(parts: list[Columns]) -> Columns:
    """Return all rows of `parts`, in order."""
    if not parts:
        return Columns.empty()
    return Columns(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.slots for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.quality for part in parts]),
    )
