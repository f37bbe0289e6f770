"""Rows of verification as people read them, and the statistics of their errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatloop.app.views.verification import (
    ErrorStatistics,
    VerificationItemView,
    VerificationPlanView,
    VerificationStatistics,
    VerificationTaskView,
)
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.store.records.governance_verification import OPEN, ItemRow, PlanRow, TaskRow

_DAY_S = 86400.0


def plan_view(row: PlanRow) -> VerificationPlanView:
    """Return a plan."""
    return VerificationPlanView(
        id=row.id,
        name=row.name,
        asset=row.asset,
        kinds=list(row.kinds),
        points=row.points,
        every_days=row.every_s / _DAY_S,
        days_to_answer=row.answer_s / _DAY_S,
        active=row.active,
        next=utc(row.next_at) if row.active else None,
        made_by=row.user,
    )


def task_view(
    row: TaskRow, items: Sequence[ItemRow], now_s: float, shown: list[VerificationItemView]
) -> VerificationTaskView:
    """Return a task.

    Args:
        row: The task.
        items: Its points.
        now_s: Plant time.
        shown: Its points as they are to be shown; empty in lists.
    """
    return VerificationTaskView(
        id=row.id,
        plan=row.plan or None,
        name=row.name,
        asset=row.asset,
        made=utc(row.made_at),
        made_by=row.user,
        due=utc(row.due_at),
        state=row.state,
        overdue=row.state == OPEN and row.due_at < now_s,
        points=len(items),
        read=sum(item.reading is not None for item in items),
        failed=sum(item.within is False for item in items),
        ended=None if row.ended_at is None else utc(row.ended_at),
        note=row.note,
        items=shown,
    )


def item_view(ledger: Ledger, item: ItemRow) -> VerificationItemView:
    """Return one point of a task."""
    kind = point_kinds()[item.kind]
    point = ledger.points.get(item.point)
    asset = None if point is None else ledger.assets[point.asset]
    return VerificationItemView(
        point=item.point,
        asset_zh="" if asset is None else asset.zh,
        asset_en="" if asset is None else asset.en,
        zh=kind.zh,
        en=kind.en,
        unit=kind.unit,
        reading=item.reading,
        read=None if item.read_at is None else utc(item.read_at),
        by=item.user or None,
        uploaded=item.uploaded,
        uploaded_quality=None if item.quality is None else Quality(item.quality).name.lower(),
        error=item.error,
        tolerance=item.tolerance,
        within=item.within,
        note=item.note,
    )


def statistics_of(
    rows: Sequence[ItemRow], since_s: float, now_s: float, tasks: int, done: int, overdue: int
) -> VerificationStatistics:
    """Return how far readings and uploads were apart.

    Args:
        rows: Points that were read.
        since_s: Start of the period, plant time.
        now_s: Its end.
        tasks: Tasks made in it.
        done: Of these, done.
        overdue: Open tasks whose time is over.
    """
    by_kind: dict[str, list[ItemRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    kinds = [_of_kind(name, items) for name, items in by_kind.items()]
    judged = [row.within for row in rows if row.within is not None]
    return VerificationStatistics(
        start=utc(since_s),
        end=utc(now_s),
        tasks=tasks,
        done=done,
        overdue=overdue,
        readings=len(rows),
        within_pct=100.0 * sum(judged) / len(judged) if judged else None,
        kinds=sorted((each for each in kinds if each is not None), key=lambda k: k.within_pct),
    )


def _of_kind(name: str, items: Sequence[ItemRow]) -> ErrorStatistics | None:
    errors = np.array([item.error for item in items if item.error is not None], "f8")
    if not errors.size:
        return None
    kind = point_kinds()[name]
    return ErrorStatistics(
        kind=name,
        zh=kind.zh,
        en=kind.en,
        unit=kind.unit,
        readings=len(items),
        bias=float(errors.mean()),
        rms=float(np.sqrt(np.mean(errors**2))),
        p95=float(np.quantile(np.abs(errors), 0.95)),
        worst=float(np.abs(errors).max()),
        tolerance=float(np.median([item.tolerance for item in items])),
        within_pct=100.0 * sum(item.within is True for item in items) / len(items),
    )
