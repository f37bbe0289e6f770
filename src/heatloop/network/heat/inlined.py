"""Helpers that are written out inside the loop that calls them.

A call that passes arrays costs some 50 ns in compiled code (reference counts, arguments on the
stack): more than a pipe's step itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def inlined(function: _F) -> _F:
    """Return the function so that compiled callers hold a copy of it."""
    return cast(_F, njit(inline="always", nogil=True, error_model="numpy")(function))
