"""An audit trail that knows whether the request at hand was written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from heatloop.app.audit import Audit


@dataclass(slots=True)
class Seen:
    """What was written down while a request was at hand."""

    entries: int = 0
    """Entries of the trail."""


_SEEN: ContextVar[Seen | None] = ContextVar("heatloop_audit_seen", default=None)


@contextmanager
def watching() -> Iterator[Seen]:
    """Count the entries written within the block, also from its threads and tasks."""
    seen = Seen()
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)


def written_elsewhere() -> None:
    """Count what was written into the local journal, from where it comes into the trail."""
    seen = _SEEN.get()
    if seen is not None:
        seen.entries += 1


class WatchedAudit(Audit):
    """The trail, counting for whoever watches."""

    heard: Callable[[str, str, str, Mapping[str, Any]], None] | None = None
    """Told of every entry once it is written; set by whoever watches for attacks."""

    async def add(self, user: str, action: str, subject: str, **detail: Any) -> None:
        """Write one entry; it is durable on return."""
        await super().add(user, action, subject, **detail)
        seen = _SEEN.get()
        if seen is not None:
            seen.entries += 1
        if self.heard is not None:
            self.heard(user, action, subject, detail)
