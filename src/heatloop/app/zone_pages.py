"""Pages and views of the boundary that both zones show."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.views.zones import (
    CarrierView,
    GateRecordPage,
    GateRecordView,
    StreamView,
    ZoneEventPage,
    ZoneEventView,
)
from heatloop.app.zone_events import words_of
from heatloop.app.zone_receive import Receiver
from heatloop.kernel.clock import machine_s, utc
from heatloop.store.records import Records


def receiver_view(name: str, receiver: Receiver, refused: int = 0) -> StreamView:
    """Return how a stream stands at its receiving end."""
    figures, now_s = receiver.figures, machine_s()
    taken = figures.last_s > 0
    carriers = [
        CarrierView(name=each, ok=True, detail=f"{now_s - at:.0f} s ago")
        for each, at in sorted(figures.carriers.items())
    ]
    return StreamView(
        name=name,
        role="receives",
        set_up=True,
        age_s=round(receiver.age_s, 1) if taken else None,
        silent=figures.silent,
        delay_s=round(figures.delay_s, 3) if taken else None,
        batches=figures.batches,
        records=figures.records + figures.points,
        refused=figures.refused + refused,
        gaps=len(receiver.order.gaps),
        carriers=carriers,
    )


async def event_page(records: Records, page: int, size: int) -> ZoneEventPage:
    """Return a page of what happened at the boundary, newest first."""
    total, rows = await in_thread(records.zones.events, offset=(page - 1) * size, limit=size)
    items = [
        ZoneEventView(
            number=row.number,
            kind=row.kind,
            stream=row.stream,
            text_zh=words_of(row.kind).zh,
            text_en=words_of(row.kind).en,
            detail=row.detail,
            count=row.count,
            at=utc(row.at),
            last_at=utc(row.last_at),
            ended_at=None if row.ended_at is None else utc(row.ended_at),
        )
        for row in rows
    ]
    return ZoneEventPage(total=total, items=items)


async def record_page(
    records: Records, kind: str, state: str, page: int, size: int
) -> GateRecordPage:
    """Return a page of records of the gate, newest first."""
    total, rows = await in_thread(
        records.zones.records, kind=kind, state=state, offset=(page - 1) * size, limit=size
    )
    items = [
        GateRecordView(
            id=row.record,
            kind=row.kind,
            place=row.place,
            at=utc(row.at),
            state=row.state,
            reason=row.reason,
        )
        for row in rows
    ]
    return GateRecordPage(total=total, items=items)
