"""Going through bytes that hold one frame after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import refusal, shifted

F = TypeVar("F")
S = TypeVar("S")
MAX_FRAMES = 10_000
_WINDOW = 1024
"""Longer than any frame with its wake-up bytes, so that long input costs no copies of itself."""


def each_frame(
    data: bytes,
    take: Callable[[bytes], tuple[F, int] | None],
    show: Callable[[F], S],
    thing: str,
) -> list[S]:
    """Return what `show` says of every frame.

    Args:
        data: One or more whole frames.
        take: Returns the frame that bytes begin with and its end, None if it is incomplete.
        show: Says what a frame means.
        thing: Name of the frames, for errors.

    Raises:
        InputError: A frame is damaged, cut short or refused by `show`; the place counts from the
            first byte of `data`. Or there are more than 10,000.
    """
    found: list[S] = []
    at = 0
    while at < len(data) or not found:
        if len(found) == MAX_FRAMES:
            raise refusal(f"more than {MAX_FRAMES} frames", thing, at, "decode them in parts")
        window = data[at : at + _WINDOW]
        try:
            taken = take(window)
            if taken is None:
                raise refusal("frame is cut short", thing, len(window))
            found.append(show(taken[0]))
        except InputError as error:
            raise shifted(error, at) from error
        at += taken[1]
    return found


def whole(
    take: Callable[[bytes], tuple[F, int] | None],
) -> Callable[[bytes], tuple[bytes, int] | None]:
    """Return what cuts frames like `take`, but gives their bytes (wake-up bytes included)."""

    def cut(data: bytes) -> tuple[bytes, int] | None:
        found = take(data)
        return (data[: found[1]], found[1]) if found is not None else None

    return cut
