"""Which reports of devices are new: nothing taken twice, nothing refused for coming late.

Each device has a window of its last reports, as in DTLS (RFC 9147, 4.5.1): inside it reports
may come in any order. The windows live in an append-only file of `<device> <counter> <time>`
lines, fsynced with every group of reports and rewritten when it has grown.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from heatloop.edge.files import make_durable, save_bytes, write_all

WINDOW = 16
SESSION_BITS = 32
"""A rising counter is session << 32 | number inside the session."""
_ECHO_S = 300
"""One message may be heard by several receivers, within this time."""
_AHEAD_S = 300.0
_OLDEST_S = 40 * 86400.0
_REWRITE_BYTES = 4 << 20
_Seen = tuple[int, int]


class Counting(Enum):
    """What a report's counter is worth."""

    RESTARTS = "restarts"
    """Rises; one that begins anew is known by the time moving on (a new battery)."""
    RISES = "rises"
    """Rises for ever inside its session: an older one later on can only be a replay."""
    MARKS = "marks"
    """Is no counter, but a mark of the content: the same mark again is a repeat, or a replay."""


class Verdict(Enum):
    """What became of a report."""

    NEW = "new"
    """Kept."""
    KEPT = "kept"
    """It was kept before: the answer was lost on the way."""
    UNKNOWN = "unknown"
    """No such device here."""
    TIME = "time"
    """Its time is far ahead or far too old."""
    REPLAYED = "replayed"
    """Its counter was used before."""
    RANGE = "range"
    """None of its values can be true."""
    FULL = "full"
    """There is no room for it now: it may come again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What tells one report from another."""

    device: str
    """Device code of the ledger."""
    at_s: int
    """When it was measured, plant seconds since 1970 UTC."""
    counter: int
    """Rises by one a report; a report sent again keeps its counter."""
    counting: Counting = Counting.RESTARTS
    """What the counter is worth."""


class ReportBook:
    """Decides which reports are new.

    Args:
        path: File of the windows.
        devices: Codes of the devices that report.
    """

    def __init__(self, path: Path, devices: Collection[str] = ()) -> None:
        self._path = path
        self._seen: dict[str, list[_Seen]] = {}
        self._lines: list[str] = []
        self._load()
        self.devices = devices

    def verdict(self, stamp: Stamp, now_s: float) -> Verdict:
        """Return what to do with a report that came at this plant time."""
        if stamp.device not in self.devices:
            return Verdict.UNKNOWN
        if not now_s - _OLDEST_S <= stamp.at_s <= now_s + _AHEAD_S:
            return Verdict.TIME
        seen = self._seen.get(stamp.device, [])
        if (stamp.counter, stamp.at_s) in seen:
            return Verdict.KEPT
        if stamp.counting is Counting.RISES:
            return _rising(stamp, seen)
        if stamp.counting is Counting.MARKS:
            return _marked(stamp, seen)
        if not seen or stamp.at_s > max(at_s for _, at_s in seen):
            return Verdict.NEW
        counters = [counter for counter, _ in seen]
        if stamp.counter in counters:
            return Verdict.REPLAYED
        if stamp.counter < min(counters) and len(counters) >= WINDOW:
            return Verdict.REPLAYED
        return Verdict.NEW

    def accept(self, stamp: Stamp) -> None:
        """Count a report as taken; `save` or `undo` settles it."""
        self._note(stamp.device, (stamp.counter, stamp.at_s))
        self._lines.append(f"{stamp.device} {stamp.counter} {stamp.at_s}\n")

    def _note(self, device: str, seen: _Seen) -> None:
        window = self._seen.setdefault(device, [])
        window.append(seen)
        if len(window) > WINDOW:
            # The oldest by time leaves, so a late report does not push a newer one out.
            window.remove(min(window, key=lambda each: each[1]))

    def save(self) -> None:
        """Write what was accepted since the last time to disk."""
        data = "".join(self._lines).encode()
        self._lines.clear()
        if not data:
            return
        fd = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            size = os.fstat(fd).st_size
            write_all(fd, data)
            make_durable(fd)
        finally:
            os.close(fd)
        if size + len(data) > _REWRITE_BYTES:
            self._rewrite()

    def undo(self) -> None:
        """Forget what was accepted since the last save: it could not be kept."""
        self._lines.clear()
        self._seen.clear()
        self._load()

    def _rewrite(self) -> None:
        lines = (f"{d} {c} {t}\n" for d, window in self._seen.items() for c, t in window)
        save_bytes(self._path, "".join(lines).encode())

    def _load(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        whole, _, torn = text.rpartition("\n")
        for line in whole.splitlines():
            device, _, rest = line.partition(" ")
            counter, _, at_s = rest.partition(" ")
            if counter.isdigit() and at_s.isdigit():
                self._note(device, (int(counter), int(at_s)))
        if torn:
            self._rewrite()


def _marked(stamp: Stamp, seen: list[_Seen]) -> Verdict:
    times = [at_s for counter, at_s in seen if counter == stamp.counter]
    if not times:
        return Verdict.NEW
    return Verdict.KEPT if abs(stamp.at_s - max(times)) <= _ECHO_S else Verdict.REPLAYED


def _rising(stamp: Stamp, seen: list[_Seen]) -> Verdict:
    """Judge a counter that never begins anew inside its session, in whatever order it comes."""
    session = stamp.counter >> SESSION_BITS
    same = [(counter, at_s) for counter, at_s in seen if counter >> SESSION_BITS == session]
    if not same:
        return Verdict.NEW
    counters = [counter for counter, _ in same]
    if stamp.counter in counters:
        return Verdict.REPLAYED
    newest, newest_at_s = max(same)
    if stamp.counter < newest and stamp.at_s > newest_at_s:
        return Verdict.REPLAYED
    if stamp.counter < min(counters) and len(seen) >= WINDOW:
        return Verdict.REPLAYED
    return Verdict.NEW
