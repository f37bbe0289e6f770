"""Which frame and place every point key has; frames only grow, so old rows stay readable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns

WIDTH = 64
"""Values a frame has at most when nobody said which points belong together."""
WIDEST = 1024
"""Values a frame has at most."""
NOWHERE = -1

_NEWEST = """
SELECT DISTINCT ON (frame) frame, version, name, keys FROM frame_set ORDER BY frame, version DESC"""
_PUT = """
INSERT INTO frame_set (frame, version, name, keys, counter) VALUES (%s, %s, %s, %s, %s)"""


class Dictionary:
    """Frames by number, and arrays addressed by key; whoever writes keeps callers apart."""

    def __init__(self) -> None:
        self.number = -1
        """Number of the last change that is known here."""
        self.keys: dict[int, NDArray[np.uint32]] = {}
        """Keys of each frame, in order."""
        self._versions: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self._frame = np.full(1024, NOWHERE, "i4")
        self._place = np.zeros(1024, "i4")

    def load(self, connection: Connection[Any], number: int) -> None:
        """Read every frame as it is now."""
        for frame, version, name, keys in connection.execute(_NEWEST).fetchall():
            if self._versions.get(frame) != version:
                self._know(frame, version, name, np.asarray(keys, "u4"))
        self.number = number

    def _know(self, frame: int, version: int, name: str, keys: NDArray[np.uint32]) -> None:
        top = int(keys.max()) + 1
        if top > len(self._frame):
            # New arrays, so that readers without the lock never see a half-grown one.
            place, frames = np.zeros(2 * top, "i4"), np.full(2 * top, NOWHERE, "i4")
            place[: len(self._place)], frames[: len(self._frame)] = self._place, self._frame
            self._place, self._frame = place, frames
        self.keys[frame] = keys
        self._place[keys] = np.arange(len(keys))
        self._frame[keys] = frame
        self._versions[frame], self._names[name] = version, frame

    def find(self, keys: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return frame and place of keys, frame -1 for unknown ones; both (n_key,)."""
        frames, places = self._frame, self._place
        inside = keys < min(len(frames), len(places))
        frame = np.full(len(keys), NOWHERE, "i4")
        place = np.zeros(len(keys), "i4")
        frame[inside], place[inside] = frames[keys[inside]], places[keys[inside]]
        return frame, place

    def unknown(self, keys: NDArray[np.uint32]) -> bool:
        """Return whether any of these keys has no frame."""
        return bool((self.find(keys)[0] == NOWHERE).any())

    def define(
        self, connection: Connection[Any], counter: int, frames: Mapping[str, Sequence[int]]
    ) -> int:
        """Give these points their frames, by device; return how many keys are new.

        Keys that have a frame keep it. New keys of a known device go behind those it has.

        Raises:
            InputError: A frame would be too wide.
        """
        news = 0
        for name, given in frames.items():
            keys = np.asarray(list(dict.fromkeys(given)), "u4")
            keys = keys[self.find(keys)[0] == NOWHERE]
            if not len(keys):
                continue
            frame = self._names.get(name, max(self.keys, default=0) + 1)
            together = np.concatenate([self.keys.get(frame, np.empty(0, "u4")), keys])
            if len(together) > WIDEST:
                raise InputError(
                    "too many points in one frame",
                    thing=name,
                    fix=f"give at most {WIDEST} points a device",
                )
            version = self._versions.get(frame, 0) + 1
            connection.execute(_PUT, [frame, version, name, together.tolist(), counter])
            self._know(frame, version, name, together)
            news += len(keys)
        return news

    def learn(self, connection: Connection[Any], counter: int, columns: Columns) -> int:
        """Give frames to the unknown keys among these rows; return how many there were.

        Points that came for the same slots, with keys near each other, belong together.
        """
        unknown = columns.take(self.find(columns.keys)[0] == NOWHERE)
        if not len(unknown.keys):
            return 0
        keys, inverse, counts = np.unique(unknown.keys, return_inverse=True, return_counts=True)
        first = np.full(len(keys), np.iinfo("u4").max, "u4")
        np.minimum.at(first, inverse, unknown.slots)
        groups = {f"auto.{part[0]}": part for part in _cut(keys, first, counts)}
        return self.define(connection, counter, groups)

    def widths(self, frames: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return how many values each of these frames has."""
        return np.fromiter((len(self.keys[f]) for f in frames.tolist()), np.int64, len(frames))

    def by_frame(self, keys: NDArray[np.uint32]) -> dict[int, NDArray[np.uint32]]:
        """Return known keys by frame, in the order of each frame's least key."""
        frames, _ = self.find(keys)
        known = frames != NOWHERE
        keys, frames = keys[known], frames[known]
        order = np.lexsort((keys, frames))
        keys, frames = keys[order], frames[order]
        borders = np.flatnonzero(np.diff(frames, prepend=-1))
        parts = np.split(keys, borders[1:]) if len(borders) else []
        found = {int(f): part for f, part in zip(frames[borders].tolist(), parts, strict=True)}
        return dict(sorted(found.items(), key=lambda item: int(item[1][0])))


def _cut(
    keys: NDArray[np.uint32], first: NDArray[np.uint32], counts: NDArray[np.intp]
) -> Iterable[list[int]]:
    order = np.lexsort((keys, counts, first))
    part: list[int] = []
    alike: tuple[int, int] | None = None
    for at in order.tolist():
        key, sign = int(keys[at]), (int(first[at]), int(counts[at]))
        if part and (sign != alike or len(part) >= WIDTH or key - part[-1] > WIDTH):
            yield part
            part = []
        part.append(key)
        alike = sign
    if part:
        yield part
