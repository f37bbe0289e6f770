"""What a gap audit says: sums, days, the least complete points, as plain values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from heatloop.app.audit_rows import Piece, Rows
from heatloop.kernel.clock import utc
from heatloop.plant.ledger import Ledger
from heatloop.store.records.gaps import GapRow

COMPLETE_PCT = 98.0
"""Least share of expected samples that a company must have stored (clause 6.1.2 a)."""
MOST_LISTED = 500


def text(at_s: float) -> str:
    """Return a plant time as people and programs read it."""
    return utc(int(at_s)).isoformat().replace("+00:00", "Z")


def share(stored: int, expected: int) -> float | None:
    """Return stored over expected, percent; None where nothing is."""
    return round(100.0 * stored / expected, 4) if expected else None


def stored_of(part: Piece) -> int:
    """Return how much of what is expected is stored."""
    # What is stored beyond what is expected makes up for nothing that is missing.
    return int(np.minimum(part.stored, part.expected).sum())


def sums(parts: list[Piece], rows: Rows) -> dict[str, Any]:
    """Return the sums of a whole audit."""
    expected = sum(int(part.expected.sum()) for part in parts)
    stored = sum(stored_of(part) for part in parts)
    causes = sum((part.causes for part in parts), Counter[str]())
    pct = share(stored, expected)
    return {
        "devices": len(rows.devices),
        "bindings": len(rows.keys),
        "expected": expected,
        "stored": stored,
        "share_pct": pct,
        "rule_pct": COMPLETE_PCT,
        "passed": pct is not None and pct >= COMPLETE_PCT,
        "explained": dict(sorted(causes.items())),
        "unexplained": sum(int(part.unexplained.sum()) for part in parts),
    }


def day(part: Piece) -> dict[str, Any]:
    """Return the sums of a day."""
    expected, stored = int(part.expected.sum()), stored_of(part)
    return {
        "date": part.date,
        "expected": expected,
        "stored": stored,
        "share_pct": share(stored, expected),
        "explained": dict(sorted(part.causes.items())),
        "unexplained": int(part.unexplained.sum()),
    }


def least(parts: list[Piece], rows: Rows, ledger: Ledger) -> list[dict[str, Any]]:
    """Return the least complete points and days."""
    found: list[tuple[float, dict[str, Any]]] = []
    for part in parts:
        kept = np.where(part.expected > 0, part.stored / np.maximum(part.expected, 1), 1.0)
        for row in np.argsort(kept, kind="stable")[:MOST_LISTED].tolist():
            if kept[row] >= 1.0:
                break
            expected, stored = int(part.expected[row]), int(part.stored[row])
            one = {
                "point": ledger.by_key[int(rows.keys[row])].code,
                "date": part.date,
                "expected": expected,
                "stored": stored,
                "share_pct": share(stored, expected),
                "unexplained": int(part.unexplained[row]),
            }
            found.append((float(kept[row]), one))
    found.sort(key=lambda pair: pair[0])
    return [one for _, one in found[:MOST_LISTED]]


def gap(row: GapRow) -> dict[str, Any]:
    """Return a gap record."""
    return {
        "gateway": row.gateway,
        "device": row.device,
        "from": text(row.slots_from),
        "to": None if row.slots_to is None else text(row.slots_to),
        "cause": row.cause,
    }
