"""Samples with what lies below them: what was received, and the repairs laid over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.app.views.lineage import LineageRevision, LineageSample
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.store.records.quality import CaseRow


class Traced(NamedTuple):
    """What lies below the samples readers get, of one point, by slot."""

    measured: Columns
    """Samples as they were received, one a slot."""
    reception: NDArray[np.uint64]
    """Reception counter of each."""
    revised: Columns
    """Samples that were laid over, one a slot: the last one laid."""
    methods: Sequence[str]
    """How each was made."""
    who: Sequence[str]
    """Who laid it over."""


def known(value: Any) -> float | None:
    """Return a number, None where it is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def revisions_of(
    traced: Traced | None, cases: list[CaseRow], columns: Columns
) -> tuple[list[LineageRevision], dict[int, int]]:
    """Return the repairs of a span, and which of them lies over each slot."""
    found: list[LineageRevision] = []
    at: dict[int, int] = {}
    if traced is None:
        # Without a look below, the cases people handled say what was laid over.
        for case in sorted(cases, key=lambda row: row.handled_at or 0.0):
            inside = (columns.slots >= case.start_s) & (columns.slots <= case.end_s)
            inside &= np.isin(columns.quality, (Quality.ESTIMATED, Quality.BAD))
            slots = columns.slots[inside].tolist()
            at |= dict.fromkeys(slots, len(found))
            found.append(_revision(case.method, case.reviewer, slots, case))
        return found, at
    groups: dict[tuple[str, str], list[int]] = {}
    for slot, method, who in zip(
        traced.revised.slots.tolist(), traced.methods, traced.who, strict=True
    ):
        groups.setdefault((method, who), []).append(slot)
    for (method, who), slots in groups.items():
        for run in runs_of(slots):
            about = next(
                (c for c in cases if c.start_s <= run[-1] and c.end_s >= run[0]
                 and c.reviewer == who), None,
            )  # fmt: skip
            at |= dict.fromkeys(run, len(found))
            found.append(_revision(method, who, run, about))
    return found, at


def runs_of(slots: list[int]) -> list[list[int]]:
    """Return slots cut where more than an hour lies between two."""
    cuts = np.flatnonzero(np.diff(np.asarray(slots, "i8")) > 3600) + 1
    return [part.tolist() for part in np.split(np.asarray(slots), cuts)]


def _revision(method: str, who: str, slots: list[int], case: CaseRow | None) -> LineageRevision:
    first = slots[0] if slots else int(case.start_s if case else 0)
    last = slots[-1] if slots else int(case.end_s if case else 0)
    return LineageRevision(
        method=method,
        who=who,
        start=utc(first),
        end=utc(last),
        samples=len(slots),
        case=None if case is None else case.id,
        rule=None if case is None else case.rule,
        cause=None if case is None else case.cause,
    )


def samples_of(
    columns: Columns, traced: Traced | None, over: dict[int, int], most: int
) -> list[LineageSample]:
    """Return the first samples of a span with what lies below them."""
    below: dict[int, tuple[float, int, int]] = {}
    if traced is not None:
        rows = traced.measured
        below = {
            slot: (value, quality, counter)
            for slot, value, quality, counter in zip(
                rows.slots.tolist(), rows.values.tolist(), rows.quality.tolist(),
                traced.reception.tolist(), strict=True,
            )
        }  # fmt: skip
    found = []
    for slot, value, quality in zip(
        columns.slots[:most].tolist(),
        columns.values[:most].tolist(),
        columns.quality[:most].tolist(),
        strict=True,
    ):
        under = below.get(slot)
        found.append(
            LineageSample(
                at=utc(slot),
                value=known(value),
                quality=Quality(quality).name.lower(),
                measured=None if under is None else known(under[0]),
                measured_quality=None if under is None else Quality(under[1]).name.lower(),
                reception=None if under is None else under[2],
                revision=over.get(slot),
            )
        )
    return found
