"""What happens to the streams between zones: written down, told to the security watch, ended."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import structlog

from heatloop.app.history import in_thread
from heatloop.kernel.clock import machine_s
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.zones")
STREAM_SILENT, GAP, REFUSED, GATE_REFUSED = "silent", "gap", "refused", "record_refused"
_SECURITY = {STREAM_SILENT: "boundary_down", REFUSED: "zone_refused", GATE_REFUSED: "zone_gate"}
"""Kinds of events the security watch hears of, and how it calls them."""
Tell = Callable[..., None]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventWords:
    """One row of `zone_events.csv`."""

    kind: str
    """Kind of event, or `refused.<reason>`."""
    zh: str
    """Chinese words."""
    en: str
    """English words."""


@cache
def event_words() -> Mapping[str, EventWords]:
    """Return what each kind of event is called."""
    text = resources.files(__package__).joinpath("zone_events.csv").read_text("utf-8")
    return {row["kind"]: EventWords(**row) for row in csv.DictReader(io.StringIO(text))}


def words_of(kind: str) -> EventWords:
    """Return the words of an event; an unknown one is called by its name."""
    return event_words().get(kind) or EventWords(kind=kind, zh=kind, en=kind)


class ZoneEvents:
    """Keeps events, folded so that a flood of bad batches fills no disk.

    Args:
        records: Where they are kept.
        tell: Told of what bears on security: `security_events.note`; None: nobody.
    """

    def __init__(self, records: Records, tell: Tell | None = None) -> None:
        self._records, self._tell = records, tell
        self.counts: Counter[str] = Counter()
        """Events since the start by kind."""

    async def note(self, kind: str, stream: str, detail: str, *, fold_s: float = 60.0) -> None:
        """Write an event down; the security watch hears of it."""
        self.counts[kind] += 1
        family, _, reason = kind.partition(".")
        told = _SECURITY.get(family)
        if told is not None and self._tell is not None:
            self._tell(told, stream, reason=reason, detail=detail[:200])
        new = await in_thread(
            self._records.zones.note, kind, stream, detail[:400], at=machine_s(), fold_s=fold_s
        )
        if new:
            _log.warning("zones", kind=kind, stream=stream, detail=detail[:400])

    async def begin(self, kind: str, stream: str, detail: str) -> None:
        """Write down that something began that goes on until `end`."""
        await self.note(kind, stream, detail, fold_s=0.0)

    async def end(self, kind: str, stream: str) -> None:
        """Say that something that went on is over."""
        await in_thread(self._records.zones.end, kind, stream, at=machine_s())
