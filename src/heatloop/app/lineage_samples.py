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
from heatloop.store.historian.port import Traced
from heatloop.store.records.quality import CaseRow


class Below(NamedTuple):
    """What lies below the samples readers get, of one point, by slot."""

    measured: Columns
    """Samples as they were received, one a slot: the last version that came."""
    reception: NDArray[np.uint64]
    """Reception counter of each."""
    versions: NDArray[np.intp]
    """How many versions of each the engine still has."""
    revised: Columns
    """Samples that were laid over, one a slot: the last one laid."""
    methods: Sequence[str]
    """How each was made."""
    who: Sequence[str]
    """Who laid it over."""


def below(traced: Traced) -> Below:
    """Return one row a slot of what a historian traced of one point."""
    last, versions = _last_of_slot(traced.received.slots)
    laid, _ = _last_of_slot(traced.laid.slots)
    return Below(
        traced.received.take(last),
        traced.counters[last],
        versions,
        traced.laid.take(laid),
        [traced.methods[at] for at in laid.tolist()],
        [traced.who[at] for at in laid.tolist()],
    )


def _last_of_slot(slots: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where the last row of each slot is, and how many rows the slot has; slots rise."""
    last = np.flatnonzero(np.append(slots[1:] != slots[:-1], True)[: len(slots)])
    return last, np.diff(last, prepend=-1)


def known(value: Any) -> float | None:
    """Return a number, None where it is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def revisions_of(
    under: Below, cases: list[CaseRow]
) -> tuple[list[LineageRevision], dict[int, int]]:
    """Return the repairs of a span, and which of them lies over each slot."""
    found: list[LineageRevision] = []
    at: dict[int, int] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    for slot, method, who in zip(
        under.revised.slots.tolist(), under.methods, under.who, strict=True
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
    return LineageRevision(
        method=method,
        who=who,
        start=utc(slots[0]),
        end=utc(slots[-1]),
        samples=len(slots),
        case=None if case is None else case.id,
        rule=None if case is None else case.rule,
        cause=None if case is None else case.cause,
    )


def samples_of(
    columns: Columns, under: Below, over: dict[int, int], most: int
) -> list[LineageSample]:
    """Return the first samples of a span with what lies below them."""
    rows = under.measured
    came = {
        slot: (value, quality, counter, versions)
        for slot, value, quality, counter, versions in zip(
            rows.slots.tolist(), rows.values.tolist(), rows.quality.tolist(),
            under.reception.tolist(), under.versions.tolist(), strict=True,
        )
    }  # fmt: skip
    found = []
    for slot, value, quality in zip(
        columns.slots[:most].tolist(),
        columns.values[:most].tolist(),
        columns.quality[:most].tolist(),
        strict=True,
    ):
        one = came.get(slot)
        found.append(
            LineageSample(
                at=utc(slot),
                value=known(value),
                quality=Quality(quality).name.lower(),
                measured=None if one is None else known(one[0]),
                measured_quality=None if one is None else Quality(one[1]).name.lower(),
                # A counter of several writers has more digits than a number of JavaScript.
                reception=None if one is None else str(one[2]),
                versions=0 if one is None else one[3],
                revision=over.get(slot),
            )
        )
    return found
