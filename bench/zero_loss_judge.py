"""What is missing, and whether an injected fault made that unavoidable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.plant.ledger import Ledger

TICK_S = 30
DEAD = frozenset({"edge_restart"})
DISK = frozenset({"spool_full", "spool_unwritable", "edge_restart"})
DROPPED = frozenset({"spool_full"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Time in which a fault made a loss at one gateway unavoidable."""

    gateway: str
    """Gateway code."""
    causes: frozenset[str]
    """Causes a gap record may give."""
    start_s: float
    """Plant seconds."""
    end_s: float
    """Plant seconds."""

    def excuses(self, gateway: str, cause: str, slot: int) -> bool:
        """Return whether a missing slot is this fault's; a tick more than the fault itself."""
        near = self.start_s - TICK_S <= slot <= self.end_s + TICK_S
        return gateway == self.gateway and cause in self.causes and near


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of the samples that are missing."""

    missing: int
    """In no gap record."""
    unjustified: int
    """In a gap record that no injected fault excuses."""
    justified: int
    """In a gap record that one excuses."""
    causes: Mapping[str, int]
    """Justified ones by cause."""


def _s(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def judge(
    missing: NDArray[np.uint64],
    gaps: Iterable[Mapping[str, Any]],
    windows: Sequence[Window],
    ledger: Ledger,
) -> Verdict:
    """Return the verdict on what devices gave and the platform has not.

    Args:
        missing: key << 32 | slot.
        gaps: Gap records as the API gives them.
        windows: What was injected.
        ledger: Which points a device holds.
    """
    owner = {b.key: d for d in ledger.devices for b in ledger.bindings_of_device(d)}
    gateway_of = {code: device.gateway for code, device in ledger.devices.items()}
    by_device: dict[str, list[tuple[int, int, str]]] = {}
    for gap in gaps:
        last = 1 << 32 if gap["end"] is None else _s(gap["end"])
        by_device.setdefault(gap["device"], []).append((_s(gap["start"]), last, gap["cause"]))
    counts: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for one in missing.tolist():
        key, slot = one >> 32, one & 0xFFFFFFFF
        device = owner[key]
        covering = [c for first, last, c in by_device.get(device, ()) if first <= slot <= last]
        gateway = gateway_of[device]
        excused = [c for c in covering if any(w.excuses(gateway, c, slot) for w in windows)]
        if not covering:
            counts["missing"] += 1
        elif not excused:
            counts["unjustified"] += 1
        else:
            counts["justified"] += 1
            causes[excused[0]] += 1
    return Verdict(
        missing=counts["missing"],
        unjustified=counts["unjustified"],
        justified=counts["justified"],
        causes=dict(causes),
    )
