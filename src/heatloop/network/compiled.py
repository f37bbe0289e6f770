"""The compiler of the loops: numba with a cache beside the source, without Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def compiled(function: _F) -> _F:
    """Return the function compiled at its first call; the machine code is kept on disk."""
    return cast(_F, njit(cache=True, nogil=True, error_model="numpy")(function))
