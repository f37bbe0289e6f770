"""Which collector reports are new: nothing taken twice, nothing refused for coming late.

Each collector has a window of its last reports, as in DTLS (RFC 9147, 4.5.1): inside it reports
may come in any order. The windows live in an append-only file of `<device> <counter> <time>`
lines, fsynced with every group of reports and rewritten when it has grown.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

from heatloop.edge.files import make_durable, save_bytes, write_all
from heatloop.edge.index import ProfileIndex
from heatloop.plant.model import Binding
from heatloop.protocols.room_report import RoomReport, report_slot

WINDOW = 16
_AHEAD_S = 300.0
_OLDEST_S = 40 * 86400.0
_REWRITE_BYTES = 4 << 20
_Seen = tuple[int, int]


class Verdict(Enum):
    """What to do with a report."""

    NEW = "new"
    """Keep it."""
    KEPT = "kept"
    """It was kept before: the answer was lost on the way."""
    UNKNOWN = "unknown"
    """No such collector here."""
    TIME = "time"
    """Its time is far ahead or far too old."""
    REPLAYED = "replayed"
    """Its counter was used before."""


class ReportBook:
    """Decides which reports are new, and makes samples of them.

    Args:
        index: The gateway's profile.
        path: File of the windows.
    """

    def __init__(self, index: ProfileIndex, path: Path) -> None:
        self._path = path
        self._seen: dict[str, list[_Seen]] = {}
        self._lines: list[str] = []
        self._load()
        self.use(index)

    def use(self, index: ProfileIndex) -> None:
        """Know the collectors of this profile from now on."""
        self._rows: dict[str, tuple[Binding, ...]] = {
            device.code: index.by_device[device.code] for device in index.reporting()
        }

    def verdict(self, report: RoomReport, now_s: float) -> Verdict:
        """Return what to do with a report that came at this plant time.

        A collector whose counter began anew (battery change) is known by its time moving on.
        """
        if report.device_code not in self._rows:
            return Verdict.UNKNOWN
        if not now_s - _OLDEST_S <= report.at_s <= now_s + _AHEAD_S:
            return Verdict.TIME
        seen = self._seen.get(report.device_code, [])
        if (report.counter, report.at_s) in seen:
            return Verdict.KEPT
        if not seen or report.at_s > max(at_s for _, at_s in seen):
            return Verdict.NEW
        counters = [counter for counter, _ in seen]
        if report.counter in counters:
            return Verdict.REPLAYED
        if report.counter < min(counters) and len(counters) >= WINDOW:
            return Verdict.REPLAYED
        return Verdict.NEW

    def samples(self, report: RoomReport) -> list[tuple[int, int, float]]:
        """Return (key, slot, value) of a report's fields."""
        rows: list[tuple[int, int, float]] = []
        for binding in self._rows[report.device_code]:
            raw = report.fields[binding.register] if binding.register < len(report.fields) else None
            if raw is not None:
                slot = report_slot(report.at_s, binding.period_s)
                rows.append((binding.key, slot, raw * binding.factor + binding.offset))
        return rows

    def accept(self, report: RoomReport) -> None:
        """Count a report as taken; `save` or `undo` settles it."""
        self._note(report.device_code, (report.counter, report.at_s))
        self._lines.append(f"{report.device_code} {report.counter} {report.at_s}\n")

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
