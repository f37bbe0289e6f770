"""What is published where: topics and payloads of values and alarms, as JSON or Sparkplug B.

`<prefix>/v1/points/<asset>/<kind>[/<n>]`  retained  {"v", "q", "t", "u"}
`<prefix>/v1/alarms/<asset>/<alarm id>`    retained while open, then taken away
`<prefix>/v1/status`                       retained  {"online"}; said by the broker when we die
`spBv1.0/<group>/N.../<prefix>`            Sparkplug B instead of points: metrics by point code
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.protocols.sparkplug.model import Metric, Property

_QUALITY = tuple(quality.name.lower() for quality in Quality)
_DOUBLE, _INT32, _STRING = 10, 3, 12
# The codes of OPC that hosts of Sparkplug expect: good, bad, stale.
_SPARKPLUG_GOOD, _SPARKPLUG_BAD, _SPARKPLUG_STALE = 192, 0, 500
_CODES = {Quality.BAD: _SPARKPLUG_BAD, Quality.STALE: _SPARKPLUG_STALE}


@dataclass(frozen=True, slots=True)
class OutPoint:
    """A point as it is published."""

    code: str
    """Point code."""
    topic: str
    """Topic behind the prefix."""
    unit: str
    """Unit of its values."""
    key: int
    """Point key, its alias in Sparkplug B."""


def out_point(code: str, asset: str, kind: str, n: int, unit: str, key: int) -> OutPoint:
    """Return how a point is published."""
    tail = f"/{n}" if n else ""
    return OutPoint(code, f"v1/points/{asset}/{kind}{tail}", unit, key)


def status_topic(prefix: str) -> str:
    """Return where it stands whether we are there."""
    return f"{prefix}/v1/status"


def alarm_topic(prefix: str, asset: str, alarm: str) -> str:
    """Return where an open alarm stands."""
    return f"{prefix}/v1/alarms/{asset}/{alarm}"


def values_json(
    prefix: str, points: Mapping[int, OutPoint], columns: Columns
) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of every sample that is published; missing values are null."""
    rows = zip(
        columns.keys.tolist(),
        columns.slots.tolist(),
        columns.values.tolist(),
        columns.quality.tolist(),
        strict=True,
    )
    last, text = -1, ""
    for key, slot, value, quality in rows:
        point = points.get(key)
        if point is None:
            continue
        if slot != last:
            last, text = slot, _iso(slot)
        body = {
            "v": value if value == value else None,
            "q": _QUALITY[quality],
            "t": text,
            "u": point.unit,
        }
        yield f"{prefix}/{point.topic}", json.dumps(body, separators=(",", ":")).encode()


def metrics_birth(points: Iterable[OutPoint], latest: Columns) -> list[Metric]:
    """Return the metrics of a birth: every point with its name, unit and latest value."""
    known = {
        key: (slot, value, quality)
        for key, slot, value, quality in zip(
            latest.keys.tolist(),
            latest.slots.tolist(),
            latest.values.tolist(),
            latest.quality.tolist(),
            strict=True,
        )
    }
    found = []
    for point in points:
        slot, value, quality = known.get(point.key, (0, float("nan"), int(Quality.STALE)))
        unit = {"engUnit": Property(type=_STRING, value=point.unit)}
        found.append(_metric(point, slot, value, quality, named=True, more=unit))
    return found


def metrics_data(points: Mapping[int, OutPoint], columns: Columns) -> list[Metric]:
    """Return the metrics of a data message."""
    rows = zip(
        columns.keys.tolist(),
        columns.slots.tolist(),
        columns.values.tolist(),
        columns.quality.tolist(),
        strict=True,
    )
    return [
        _metric(points[key], slot, value, quality, named=False)
        for key, slot, value, quality in rows
        if key in points
    ]


def _metric(
    point: OutPoint,
    slot: int,
    value: float,
    quality: int,
    *,
    named: bool,
    more: Mapping[str, Property] | None = None,
) -> Metric:
    code = _CODES.get(Quality(quality), _SPARKPLUG_GOOD)
    properties: dict[str, Property] = dict(more or {})
    if code != _SPARKPLUG_GOOD or named:
        properties["Quality"] = Property(type=_INT32, value=code)
    return Metric(
        name=point.code if named else None,
        alias=point.key,
        timestamp_ms=slot * 1000,
        datatype=_DOUBLE,
        value=value if value == value else None,
        properties=properties,
    )


def alarm_payload(data: Mapping[str, Any]) -> bytes:
    """Return an alarm as JSON; empty, which takes it away, when it is closed."""
    if data.get("state") == "cleared":
        return b""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _iso(at_s: float) -> str:
    return utc(at_s).isoformat().replace("+00:00", "Z")
