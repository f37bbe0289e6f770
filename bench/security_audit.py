"""The audit trail measured: chained and durable entries a second, waits, and checking it."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from heatloop.app.audit import Audit
from heatloop.app.audit_origin import Origin, coming_from
from heatloop.store.records import Records
from heatloop.store.records.audit import AuditWish

WRITERS = 256
"""People, programs and jobs that write at the same time."""
_DETAIL = {"before": 45.5, "after": 47.0, "id": "0190f3a2b4c5d6e7", "mode": "manual"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """One run of appending."""

    per_s: float
    """Entries a second, each durable when its writer goes on."""
    p50_ms: float
    """Middle wait of a writer."""
    p99_ms: float
    """Wait that one of a hundred writers exceeds."""
    lag_ms: float
    """Longest time the event loop was held."""


async def _append(records: Records, seconds: float, writers: int) -> Appended:
    audit, waits, lag = Audit(records), list[float](), 0.0
    end = time.perf_counter() + seconds

    async def write(n: int) -> None:
        with coming_from(Origin(request=f"{n:016x}", address="10.20.30.40", role="dispatcher")):
            while time.perf_counter() < end:
                begun = time.perf_counter()
                await audit.add(f"user{n % 40}", "command.request", "SS0001.valve", **_DETAIL)
                waits.append(time.perf_counter() - begun)

    async def watch() -> None:
        nonlocal lag
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await asyncio.sleep(0.002)
            lag = max(lag, time.perf_counter() - begun - 0.002)

    begun = time.perf_counter()
    await asyncio.gather(watch(), *(write(n) for n in range(writers)))
    taken = time.perf_counter() - begun
    waits.sort()
    return Appended(
        per_s=len(waits) / taken,
        p50_ms=1e3 * statistics.median(waits),
        p99_ms=1e3 * waits[int(0.99 * len(waits))],
        lag_ms=1e3 * lag,
    )


def append(folder: Path, algorithm: str, seconds: float, *, writers: int = WRITERS) -> Appended:
    """Return how fast entries become durable, through the service everything writes with."""
    records = Records.open(f"sqlite:///{folder / f'{algorithm}-{writers}.sqlite'}")
    records.audit.use_algorithm(algorithm)
    try:
        found = asyncio.run(_append(records, seconds, writers))
        assert records.audit.examine().broken is None
    finally:
        records.close()
    return found


def verify_rates(folder: Path, sizes: tuple[int, ...]) -> list[tuple[int, float]]:
    """Return (entries, entries checked a second) for trails of growing size."""
    records, found = Records.open(f"sqlite:///{folder / 'verify.sqlite'}"), []
    try:
        held = 0
        for size in sizes:
            while held < size:
                count = min(2000, size - held)
                records.audit.append_many(
                    [
                        AuditWish(
                            at=1.8e9 + held + n,
                            user="wang",
                            action="command.request",
                            subject="SS0001.valve",
                            detail=_DETAIL,
                            role="dispatcher",
                            address="10.20.30.40",
                            request=f"{held + n:016x}",
                        )
                        for n in range(count)
                    ]
                )
                held += count
            begun = time.perf_counter()
            verdict = records.audit.examine()
            taken = time.perf_counter() - begun
            assert (verdict.entries, verdict.broken) == (size, None)
            found.append((size, size / taken))
    finally:
        records.close()
    return found
