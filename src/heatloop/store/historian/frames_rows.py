"""Samples as frames and back: matrices of one width, a row a device a tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.frames_dictionary import Dictionary

MISSING = 255
"""Quality of a value that never came."""


@dataclass(slots=True)
class Frames:
    """Rows of one width."""

    frame: NDArray[np.int32]
    """Frame numbers, shape (n_row,)."""
    slot: NDArray[np.int64]
    """Slots, shape (n_row,)."""
    values: NDArray[np.float64]
    """Values, 0 where none came, shape (n_row, width)."""
    quality: NDArray[np.uint8]
    """Quality, MISSING where none came, shape (n_row, width)."""

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Frames:
        """Return the rows picked by a mask or an index."""
        return Frames(self.frame[index], self.slot[index], self.values[index], self.quality[index])


def to_frames(columns: Columns, dictionary: Dictionary) -> list[Frames]:
    """Return rows of known keys, one row a slot and key, as frames by width."""
    frame, place = dictionary.find(columns.keys)
    both = (frame.astype("u8") << np.uint64(32)) | columns.slots
    if len(both) > 1 and (both[1:] < both[:-1]).any():
        rows, inverse = np.unique(both, return_inverse=True)
    else:  # in order already, as a tick of one gateway is
        new = np.append(True, both[1:] != both[:-1])[: len(both)]
        rows, inverse = both[new], np.cumsum(new) - 1
    frames, slots = (rows >> np.uint64(32)).astype("i4"), (rows & np.uint64(0xFFFFFFFF))
    names, which = np.unique(frames, return_inverse=True)
    widths = dictionary.widths(names)[which] if len(names) else np.empty(0, np.int64)
    out = []
    for width in np.unique(widths).tolist():
        mine = widths == width
        at = np.cumsum(mine) - 1
        values = np.zeros((int(mine.sum()), width))
        quality = np.full(values.shape, MISSING, "u1")
        if mine.all():
            values[inverse, place] = columns.values
            quality[inverse, place] = columns.quality
        else:
            inside = mine[inverse]
            row = at[inverse[inside]]
            values[row, place[inside]] = columns.values[inside]
            quality[row, place[inside]] = columns.quality[inside]
        out.append(Frames(frames[mine], slots[mine].astype("i8"), values, quality))
    return out


def to_columns(
    frames: Frames, dictionary: Dictionary, wanted: NDArray[np.bool_] | None = None
) -> Columns:
    """Return the values that came, in no order.

    Args:
        frames: Rows of one width.
        dictionary: Knows their keys.
        wanted: Which keys to give, addressed by key; None for all.
    """
    width = frames.values.shape[1]
    names, which = np.unique(frames.frame, return_inverse=True)
    keys = np.empty((len(names), width), "u4")
    for row, name in enumerate(names.tolist()):
        keys[row] = dictionary.keys[name][:width]  # rows of before it grew are narrower
    all_keys = keys[which]
    here = frames.quality != MISSING
    if wanted is not None:
        here &= wanted[all_keys]
    slots = np.broadcast_to(frames.slot[:, None], here.shape)
    return Columns(
        all_keys[here], slots[here].astype("u4"), frames.values[here], frames.quality[here]
    )


def in_order(columns: Columns) -> Columns:
    """Return rows ordered by (key, slot)."""
    return columns.take(np.lexsort((columns.slots, columns.keys)))


def together(parts: list[Columns]) -> Columns:
    """Return all rows ordered by (key, slot)."""
    return in_order(concat(parts))


def merge(old: list[Frames], new: list[Frames]) -> tuple[list[Frames], Frames | None]:
    """Lay new frames over stored ones of the same frame and slot; a missing value erases none.

    Args:
        old: Stored rows, possibly narrower.
        new: Rows as they came in.

    Returns:
        The rows to write, those that change nothing left out, and the stored rows to remove
        first (their values are not filled in).
    """
    stored: dict[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.uint8]]] = {}
    for part in old:
        for row, at in enumerate(zip(part.frame.tolist(), part.slot.tolist(), strict=True)):
            stored[at] = (part.values[row], part.quality[row])
    if not stored:
        return new, None
    out: list[Frames] = []
    gone: list[tuple[int, int]] = []
    for part in new:
        keep = np.ones(len(part.frame), np.bool_)
        for row, at in enumerate(zip(part.frame.tolist(), part.slot.tolist(), strict=True)):
            before = stored.get(at)
            if before is None:
                continue
            width = len(before[0])
            came = part.quality[row] != MISSING
            values, quality = part.values[row].copy(), part.quality[row].copy()
            values[:width][~came[:width]] = before[0][~came[:width]]
            quality[:width][~came[:width]] = before[1][~came[:width]]
            same = np.array_equal(quality[:width], before[1]) and _alike(values[:width], before[0])
            if same and not (quality[width:] != MISSING).any():
                keep[row] = False
                continue
            part.values[row], part.quality[row] = values, quality
            gone.append(at)
        out.append(part if keep.all() else part.take(keep))
    frames, slots = np.array(gone, "i8").reshape(-1, 2).T
    nothing = np.empty((len(gone), 0))
    return out, Frames(frames.astype("i4"), slots, nothing, nothing.astype("u1"))


def _alike(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    # By bits: nan equals itself here, and 0.0 is not -0.0.
    return bool((a.view("u8") == b.view("u8")).all())
