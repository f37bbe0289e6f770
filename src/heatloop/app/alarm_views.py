"""An alarm in words: whose it is, what it means."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from heatloop.alarms.texts import alarm_texts
from heatloop.app.views.work import AlarmView
from heatloop.kernel.clock import utc
from heatloop.kernel.messages import Alarm
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.store.records.alarms import AlarmRow


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAlarm:
    """An alarm with what happened to it."""

    alarm: Alarm
    """The alarm in its present state."""
    cleared: float | None = None
    """Plant time the cause went away."""
    acknowledged_by: str | None = None
    """Who has seen it."""
    acknowledged_at: float | None = None
    """Plant time of that."""

    @classmethod
    def of(cls, row: AlarmRow) -> Self:
        """Return a row of the records as it is kept here."""
        return cls(
            alarm=row.alarm,
            cleared=row.cleared,
            acknowledged_by=row.acknowledged_by,
            acknowledged_at=row.acknowledged_at,
        )


def subject_asset(ledger: Ledger, subject: str) -> str:
    """Return the asset code of a subject: a point's asset, a device's asset, or itself."""
    point = ledger.points.get(subject)
    if point is not None:
        return point.asset
    device = ledger.devices.get(subject)
    return device.asset if device is not None else subject


def _names(ledger: Ledger, code: str) -> tuple[str, str]:
    thing = ledger.assets.get(code) or ledger.gateways.get(code)
    return (thing.zh, thing.en) if thing is not None else (code, code)


def view(ledger: Ledger, kept: KeptAlarm) -> AlarmView:
    """Return an alarm as people read it."""
    alarm = kept.alarm
    asset = subject_asset(ledger, alarm.subject)
    zh, en = _names(ledger, asset)
    point = ledger.points.get(alarm.subject)
    kind = point_kinds()[point.kind] if point is not None else None
    text_zh, text_en = alarm_texts(alarm, zh, en, kind)
    return AlarmView(
        id=alarm.id,
        subject=asset,
        subject_zh=zh,
        subject_en=en,
        point=point.code if point is not None else None,
        kind=point.kind if point is not None else None,
        rule=alarm.rule,
        text_zh=text_zh,
        text_en=text_en,
        priority=alarm.priority,
        onset=utc(alarm.onset),
        cleared=None if kept.cleared is None else utc(kept.cleared),
        state=str(alarm.state),
        acknowledged_by=kept.acknowledged_by,
        acknowledged_at=None if kept.acknowledged_at is None else utc(kept.acknowledged_at),
        value=alarm.value,
        limit=alarm.limit,
        unit=kind.unit if kind is not None else None,
    )


def plain(view: Any) -> dict[str, Any]:
    """Return a view as plain values for the live stream, times in ISO 8601 with Z."""
    return {field.name: _plain(getattr(view, field.name)) for field in dataclasses.fields(view)}


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    if dataclasses.is_dataclass(value):
        return plain(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
