"""What the request at hand is for, as its sender named it (header `X-Heatloop-Purpose`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OPERATION = "operation"
"""What a request is for that names nothing."""

_PURPOSE: ContextVar[str] = ContextVar("heatloop_purpose", default=OPERATION)


def purpose_named() -> str:
    """Return the purpose of the request at hand."""
    return _PURPOSE.get()


@contextmanager
def for_purpose(name: str) -> Iterator[None]:
    """Have exports within the block be for this purpose; empty is operation."""
    token = _PURPOSE.set(name or OPERATION)
    try:
        yield
    finally:
        _PURPOSE.reset(token)
