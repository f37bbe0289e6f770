"""How often points really come, against what is configured (clauses 6.1.2 b and e)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.history import AsyncHistorian
from heatloop.app.views.coverage import PeriodReport, PeriodRow
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.model import Binding

TOLERANCE_PCT = 10.0
"""How far the effective period may be from the configured one."""
LIMIT_S = 30.0
"""Longest 99th percentile at heat sources and stations."""
_FAST_KINDS = frozenset(("heat_source", "substation", "unit", "isolation_station",
                         "booster_station"))  # fmt: skip
_KEYS_A_READ = 500
_ROWS_A_READ = 2_000_000
_PERIODS_NEEDED = 3


@dataclass(slots=True)
class _Found:
    samples: NDArray[np.int64]
    mean_s: NDArray[np.float64]
    p99_s: NDArray[np.float64]
    longest_s: NDArray[np.float64]
    steps: NDArray[np.int64]
    """How many intervals of each length there were at fast points, shape (n_second,)."""


async def period_report(
    world: World,
    historian: AsyncHistorian,
    scope: Scope,
    *,
    asset: str,
    minutes: int,
    page: int,
    size: int,
) -> PeriodReport:
    """Return effective periods of every point a device gives, violators first.

    Args:
        world: The present.
        historian: Where samples are.
        scope: What the reader may see.
        asset: Asset to limit it to, with all below; empty: the whole scope.
        minutes: Span up to now, plant time.
        page: Page from 1.
        size: Rows a page.

    Raises:
        Refused: The asset is not inside the scope.
    """
    end_s = int(world.settled_s())
    start_s = max(end_s - 60 * minutes, 0)
    bindings = _bindings(world, scope, asset, start_s)
    found = await _measure(world, historian, bindings, start_s, end_s)
    return await asyncio.to_thread(_report, world, bindings, found, start_s, end_s, page, size)


def _bindings(world: World, scope: Scope, asset: str, start_s: int) -> list[Binding]:
    """Return the binding in force of each point, of points that come often enough to judge."""
    codes = None if not asset else world.at_or_below(world.asset(scope, asset).code)
    ledger = world.ledger
    span = world.settled_s() - start_s
    held: dict[int, Binding] = {}
    for binding in ledger.bindings:
        owner = ledger.points[binding.point].asset
        if (codes is None or owner in codes) and world.sees(scope, owner):
            known = held.get(binding.key)
            if known is None or known.since <= binding.since:
                held[binding.key] = binding
    wanted = [b for b in held.values() if b.period_s * _PERIODS_NEEDED <= span]
    return sorted(wanted, key=lambda b: b.key)


def _is_fast(world: World, binding: Binding) -> bool:
    asset = world.ledger.assets[world.ledger.points[binding.point].asset]
    return asset.kind in _FAST_KINDS and binding.period_s <= LIMIT_S


async def _measure(
    world: World, historian: AsyncHistorian, bindings: list[Binding], start_s: int, end_s: int
) -> _Found:
    n = len(bindings)
    found = _Found(
        np.zeros(n, "i8"), np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan),
        np.zeros(max(end_s - start_s, 1) + 1, "i8"),
    )  # fmt: skip
    fast = np.array([_is_fast(world, b) for b in bindings], bool)
    keys = np.array([b.key for b in bindings], "u4")
    for first in range(0, n, _KEYS_A_READ):
        some = keys[first : first + _KEYS_A_READ]
        rows = await historian.raw(some, start_s, end_s, _ROWS_A_READ)
        await asyncio.to_thread(_take, found, rows, keys, first, len(some), fast)
    return found


def _take(
    found: _Found,
    rows: Columns,
    keys: NDArray[np.uint32],
    first: int,
    count: int,
    fast: NDArray[np.bool_],
) -> None:
    ends = np.searchsorted(rows.keys, keys[first : first + count], "right")
    begins = np.searchsorted(rows.keys, keys[first : first + count], "left")
    for at in range(count):
        slots = rows.slots[begins[at] : ends[at]].astype("i8")
        row = first + at
        found.samples[row] = slots.size
        if slots.size < 2:
            continue
        steps = np.diff(slots)
        found.mean_s[row] = (slots[-1] - slots[0]) / (slots.size - 1)
        # The least time that 99 of 100 intervals keep within.
        found.p99_s[row] = np.quantile(steps, 0.99, method="inverted_cdf")
        found.longest_s[row] = steps.max()
        if fast[row]:
            found.steps += np.bincount(steps, minlength=found.steps.size)[: found.steps.size]


def _report(
    world: World,
    bindings: list[Binding],
    found: _Found,
    start_s: int,
    end_s: int,
    page: int,
    size: int,
) -> PeriodReport:
    periods = np.array([b.period_s for b in bindings], "f8")
    off = 100.0 * (found.mean_s - periods) / np.where(periods > 0, periods, 1.0)
    within = np.abs(off) <= TOLERANCE_PCT
    fast = np.array([_is_fast(world, b) for b in bindings], bool)
    quick = found.p99_s <= LIMIT_S
    bad = ~within | (fast & ~quick)
    # Violators first, the farthest off before the others; what never came before all.
    weight = np.where(np.isfinite(off), np.abs(off), np.inf)
    order = np.lexsort((-weight, ~bad)).tolist()
    first = (page - 1) * size
    rows = [
        PeriodRow(
            point=bindings[at].point,
            device=bindings[at].device,
            period_s=bindings[at].period_s,
            effective_s=_number(found.mean_s[at]),
            deviation_pct=_number(off[at]),
            p99_s=_number(found.p99_s[at]),
            longest_s=_number(found.longest_s[at]),
            samples=int(found.samples[at]),
            within=bool(within[at]),
            fast_enough=bool(quick[at]) if fast[at] else None,
        )
        for at in order[first : first + size]
    ]
    return PeriodReport(
        start=utc(start_s),
        end=utc(end_s),
        tolerance_pct=TOLERANCE_PCT,
        limit_s=LIMIT_S,
        points=len(bindings),
        within=int(within.sum()),
        silent=int((found.samples < 2).sum()),
        asked_fast=int(fast.sum()),
        slow=int((fast & ~quick).sum()),
        p99_s=_quantile(found.steps),
        total=len(bindings),
        items=rows,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _quantile(steps: NDArray[np.int64]) -> float | None:
    """Return the 99th percentile of intervals counted by whole seconds."""
    total = int(steps.sum())
    if not total:
        return None
    return float(np.searchsorted(np.cumsum(steps), 0.99 * total))
