"""How whole the data are: gaps with their causes, quarantine, completeness per day."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.views.work import (
    Completeness,
    CompletenessRow,
    GapPage,
    GapView,
    QuarantinePage,
    QuarantineView,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.store.records import Records

_MOST_ROWS = 500


async def gaps(world: World, records: Records, scope: Scope, page: int, size: int) -> GapPage:
    """Return a page of gaps inside a scope, newest first."""
    codes = world.codes_in(scope)
    devices = None
    if codes is not None:
        devices = [d.code for d in world.ledger.devices.values() if d.asset in codes]
    total, rows = await in_thread(
        records.gaps.list, devices=devices, offset=(page - 1) * size, limit=size
    )
    items = [
        GapView(
            gateway=row.gateway,
            device=row.device,
            start=utc(row.slots_from),
            end=None if row.slots_to is None else utc(row.slots_to),
            cause=row.cause,
        )
        for row in rows
    ]
    return GapPage(total=total, items=items)


async def quarantine(
    world: World, records: Records, scope: Scope, page: int, size: int
) -> QuarantinePage:
    """Return a page of quarantine inside a scope, newest first."""
    gateways = None
    if world.codes_in(scope) is not None:
        gateways = [code for code in world.ledger.gateways if world.sees_gateway(scope, code)]
    total, rows = await in_thread(
        records.quarantine.list, gateways=gateways, offset=(page - 1) * size, limit=size
    )
    items = [
        QuarantineView(
            id=row.number,
            gateway=row.gateway,
            at=utc(row.at),
            reason=row.reason,
            detail=row.detail,
            rows=row.rows,
        )
        for row in rows
    ]
    return QuarantinePage(total=total, items=items)


def _expected(world: World, day: dt.date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the part of a day, in seconds of plant time, that is over."""
    start = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + dt.timedelta(days=1)
    end = dt.datetime(after.year, after.month, after.day, tzinfo=zone)
    start_s = int(start.timestamp())
    return start_s, max(start_s, min(int(end.timestamp()), int(world.now_s())))


async def completeness(
    world: World, historian: AsyncHistorian, scope: Scope, day: dt.date, time_zone: str
) -> Completeness:
    """Return stored over expected values of a day, least complete points first."""
    start_s, end_s = _expected(world, day, ZoneInfo(time_zone))
    points = [p for p in world.ledger.points.values() if world.sees(scope, p.asset)]
    points.sort(key=lambda point: point.key)
    kinds = point_kinds()
    periods = np.asarray([kinds[p.kind].period_s for p in points], "i8")
    # Slots are whole multiples of the period, so this counts those inside the span.
    expected = (end_s - 1) // periods - (start_s - 1) // periods if len(points) else periods
    counts = await historian.completeness(np.asarray([p.key for p in points], "u4"), day)
    stored = counts.received.astype("i8")
    share = np.where(expected > 0, 100.0 * stored / np.maximum(expected, 1), 100.0)
    order = np.argsort(share, kind="stable")[:_MOST_ROWS].tolist()
    total, got = int(expected.sum()), int(stored.sum())
    return Completeness(
        date=day.isoformat(),
        expected=total,
        stored=got,
        share_pct=100.0 * got / total if total else None,
        points=[
            CompletenessRow(
                point=points[at].code,
                expected=int(expected[at]),
                stored=int(stored[at]),
                share_pct=float(share[at]),
            )
            for at in order
        ],
    )
