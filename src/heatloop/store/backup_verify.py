"""Proof that a backup can be restored: restore it on trial and look at what comes back.

A scratch folder, a scratch engine process; row counts, day digests, the audit chain and the
checksum of every file are compared with what the backup says of itself.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.store import backup_sources as sources
from heatloop.store.backup_after import data_key
from heatloop.store.backup_historian import scratch_engine
from heatloop.store.backup_manifest import Head
from heatloop.store.backup_open import Opened
from heatloop.store.backup_postgres import scratch as scratch_schema
from heatloop.store.backup_restore import restore
from heatloop.store.backup_series_plan import Series, differences
from heatloop.store.historian.sync_client import SyncHistorian
from heatloop.store.records import Records
from heatloop.store.records.database import read_url

_MOST_DAYS = 400
_SOCKET_ROOM = 70
_DAY_S = 86400
_TOLD = ("raw", "event", "revision")
Told = Callable[[float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What a trial restore showed."""

    head: Head
    """Which backup."""
    seconds: float
    """How long the restore took, without the comparing."""
    rows: dict[str, int]
    """Rows by table, as the engines count them."""
    days: int
    """Days whose digest was computed again."""
    audit_entries: int
    """Entries of the audit chain that were checked."""
    files: int
    """Files whose checksum was computed again."""
    findings: tuple[str, ...]
    """What is wrong; empty: nothing."""

    @property
    def good(self) -> bool:
        """Return whether it can be relied on."""
        return not self.findings

    def to_plain(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "run": self.head.run,
            "chain": self.head.chain,
            "seconds": self.seconds,
            "rows": self.rows,
            "days": self.days,
            "audit_entries": self.audit_entries,
            "files": self.files,
            "findings": list(self.findings),
        }


def verify(
    opened: Opened,
    *,
    room: Path | None = None,
    zone: str = "Asia/Shanghai",
    records_url: str = "",
    told: Told = lambda share: None,
) -> Verified:
    """Restore a backup on trial.

    Args:
        opened: The backup.
        room: Folder with enough room; None for the system's temporary one.
        zone: Zone of the company's days.
        records_url: Server the records are of; a scratch schema is made there and dropped.
        told: Called with the share done, 0 to 1.

    Raises:
        LinkError: There is no room, or the scratch engine does not start.
    """
    if records_url and read_url(records_url).get_backend_name() != "sqlite":
        with scratch_schema(records_url) as url:
            return _verify(opened, room, zone, url, told)
    return _verify(opened, room, zone, "", told)


def _verify(opened: Opened, room: Path | None, zone: str, records_url: str, told: Told) -> Verified:
    if room is not None and len(str(room)) > _SOCKET_ROOM:
        room = None
    if room is not None:
        room.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="hlv", dir=room))
    started = time.monotonic()
    try:
        back = restore(
            opened,
            scratch,
            records_url=records_url,
            force=True,
            told=lambda share: told(share * 0.7),
        )
        seconds = time.monotonic() - started
        findings = list(back.findings)
        findings += [f"damaged at the source: {name}" for name in _damaged(opened)]
        entries, kept = _records(records_url, scratch, findings)
        told(0.75)
        files = _files(scratch / "files", findings)
        rows, days = _historian(opened, scratch, zone, kept, findings)
        told(1.0)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Verified(
        head=opened.head,
        seconds=seconds,
        rows=rows | {f"records.{k}": v for k, v in back.counts.get("records", {}).items()},
        days=days,
        audit_entries=entries,
        files=files,
        findings=tuple(findings),
    )


def _damaged(opened: Opened) -> list[str]:
    return list(opened.manifest.facts.get(sources.FILES, {}).get("damaged", ()))


def _records(
    url: str, scratch: Path, findings: list[str]
) -> tuple[int, dict[int, tuple[str, int]]]:
    """Check the audit chain; return its length, and digest and counter of every kept day."""
    if not url or read_url(url).get_backend_name() == "sqlite":
        url = f"sqlite:///{scratch / sources.SQLITE_FILE}"
    records = Records.open(url, **data_key(scratch / "keys"))
    try:
        entries, broken = records.audit.verify()
        if broken is not None:
            findings.append(f"audit chain is broken at entry {broken}")
        _, days = records.keeping.days(limit=_MOST_DAYS)
        return entries, {day.day_s: (day.digest, day.counter) for day in days}
    finally:
        records.close()


def _files(folder: Path, findings: list[str]) -> int:
    count = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file():
            count += 1
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
                findings.append(f"file {path.name} is damaged")
    return count


def _historian(
    opened: Opened, scratch: Path, zone: str, kept: dict[int, tuple[str, int]], findings: list[str]
) -> tuple[dict[str, int], int]:
    part = opened.manifest.part(sources.HISTORIAN)
    if opened.manifest.facts.get(sources.HISTORIAN, {}).get("elsewhere"):
        return {}, 0
    if part is None or not part.files:
        findings.append("no historian in the backup")
        return {}, 0
    series = Series.of(opened.manifest.facts.get(sources.HISTORIAN, {}))
    with scratch_engine(scratch, zone) as historian:
        rows = _rows(historian, part.counts, findings)
        if series is None:
            days = _days(historian, kept, findings)
        else:
            days = _pieces(historian, series, kept, findings)
    broken = [p.name for p in scratch.glob("historian/store/*/*/detached/*")]
    if broken:
        findings.append(f"historian left out {len(broken)} parts: {', '.join(broken[:5])}")
    return rows, days


def _rows(historian: SyncHistorian, told: dict[str, int], findings: list[str]) -> dict[str, int]:
    stats = historian.stats()
    rows = {name: int(stats.get(f"{name}_rows", 0)) for name in told}
    for name, count in told.items():
        # The others follow from these. Merging drops what was sent twice: fewer, but never none.
        if name in _TOLD and (rows[name] > count or (count and not rows[name])):
            findings.append(f"historian: {name} has {rows[name]} rows, not {count}")
    return rows


def _pieces(
    historian: SyncHistorian,
    series: Series,
    kept: dict[int, tuple[str, int]],
    findings: list[str],
) -> int:
    """Compare every piece of samples with its digest, and with that of its day in the records."""
    pieces = [piece for piece in series.pieces.values() if piece.digest]
    findings += differences(historian, pieces)
    for piece in pieces:
        digest, counter = kept.get(piece.start, ("", -1))
        # Another counter: samples came after the day's digest was taken, or before.
        same = piece.end - piece.start == _DAY_S and counter == piece.counter
        if same and digest != piece.digest:
            findings.append(f"day {piece.start} has another digest")
    return len(pieces)


def _days(historian: SyncHistorian, kept: dict[int, tuple[str, int]], findings: list[str]) -> int:
    """Compare the digest of every day that did not change after it was taken."""
    checked = 0
    for day_s, (digest, counter) in kept.items():
        if historian.day_counter(day_s, day_s + _DAY_S) != counter:
            continue
        checked += 1
        if historian.day_digest(day_s, day_s + _DAY_S).hex() != digest:
            findings.append(f"day {day_s} has another digest")
    return checked
