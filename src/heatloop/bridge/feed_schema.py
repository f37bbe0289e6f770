"""The closed list of records that may cross between zones, and what each may hold.

A record is a flat object: `kind`, and the fields of its schema, all of them and no others. Lists
are of one sort of value and bounded. What is not in `FEED_SCHEMAS` or `GATE_SCHEMAS` does not
cross; neither list knows a command, a ledger change or a device.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heatloop.kernel.errors import InputError, UnsafeError

REASONS = (
    "truncated",
    "format",
    "forged",
    "stream",
    "schema",
    "range",
    "replay",
    "order",
    "chain",
    "stale",
    "future",
    "unreadable",
)
"""Why something of the other zone is refused."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class FeedRefused(UnsafeError, InputError):
    """Something that came from the other zone is not taken.

    Args:
        reason: One of `REASONS`.
        detail: What is wrong, for people.
        thing: The record or batch.
    """

    def __init__(self, reason: str, detail: str = "", thing: str = "") -> None:
        assert reason in REASONS
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason, thing=thing)


Check = Callable[[Any], str]
"""Returns what is wrong with a value: `schema`, `range` or nothing."""


def _text(most: int, pattern: str = "", least: int = 0) -> Check:
    wanted = re.compile(pattern) if pattern else None

    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "schema"
        if not least <= len(value) <= most or _CONTROL.search(value):
            return "range"
        return "" if wanted is None or wanted.fullmatch(value) else "range"

    return check


def _number(low: float, high: float, *, optional: bool = False) -> Check:
    def check(value: Any) -> str:
        if value is None:
            return "" if optional else "schema"
        if type(value) not in (int, float):
            return "schema"
        return "" if math.isfinite(value) and low <= value <= high else "range"

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: Any) -> str:
        if type(value) is not int:
            return "schema"
        return "" if low <= value <= high else "range"

    return check


def _one_of(*words: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "schema"
        return "" if value in words else "range"

    return check


def _many(each: Check, most: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list):
            return "schema"
        if len(value) > most:
            return "range"
        return next((wrong for one in value if (wrong := each(one))), "")

    return check


def _attributes(value: Any) -> str:
    if not isinstance(value, dict):
        return "schema"
    if len(value) > 40:
        return "range"
    for name, held in value.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            return "range"
        if type(held) is bool:
            continue
        wrong = _text(200)(held) if isinstance(held, str) else _number(-1e9, 1e9)(held)
        if wrong:
            return wrong
    return ""


CODE = _text(40, r"[A-Za-z0-9_-]+", 1)
_MAYBE_CODE = _text(40, r"[A-Za-z0-9_-]*")
_WORD = _text(40, r"[a-z][a-z0-9_.]*", 1)
_NAME = _text(200)
_ID = _text(64, r"[A-Za-z0-9_.:-]+", 1)
_TIME = _number(0, 2**33)
_MAYBE_TIME = _number(0, 2**33, optional=True)
_TEMPERATURE = _number(-60, 200)
_MAYBE_TEMPERATURE = _number(-60, 200, optional=True)
_WEATHER: dict[str, Check] = {
    "at_s": _TIME,
    "condition": _number(0, 99, optional=True),
    "temperature_c": _number(-60, 60, optional=True),
    "humidity_pct": _number(0, 100, optional=True),
    "wind_ms": _number(0, 120, optional=True),
    "wind_deg": _number(0, 360, optional=True),
    "solar_w_m2": _number(0, 1600, optional=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """One sort of record."""

    kind: str
    """Name."""
    key: tuple[str, ...]
    """Fields that name the thing; a later record of the same thing replaces an earlier one."""
    fields: Mapping[str, Check]
    """What each field may hold."""

    def key_of(self, record: Mapping[str, Any]) -> str:
        """Return what a record is about."""
        return "|".join(str(record[name]) for name in self.key)


def _schemas(*made: tuple[str, tuple[str, ...], dict[str, Check]]) -> dict[str, Schema]:
    return {kind: Schema(kind=kind, key=key, fields=checks) for kind, key, checks in made}


GONE = "gone"
"""A record of this kind ends others: `of` is their kind, `key` which."""

FEED_SCHEMAS = _schemas(
    (
        "asset",
        ("code",),
        {
            "code": CODE,
            "sort": _WORD,
            "zh": _NAME,
            "en": _NAME,
            "parent": _MAYBE_CODE,
            "organisation": _MAYBE_CODE,
            "attributes": _attributes,
        },
    ),
    (
        "point",
        ("code",),
        {
            "code": _text(120, r"[A-Za-z0-9_.-]+", 1),
            "key": _whole(1, 2**32 - 1),
            "asset": CODE,
            "sort": _WORD,
            "n": _whole(0, 10_000),
        },
    ),
    (
        "flats",
        ("building",),
        {
            "building": CODE,
            "codes": _many(CODE, 5000),
            "rooms": _many(_text(40), 5000),
            "floors": _many(_whole(-10, 200), 5000),
            "positions": _many(_text(20, r"[a-z_]*"), 5000),
        },
    ),
    (
        "alarm",
        ("id",),
        {
            "id": _ID,
            "place": CODE,
            "rule": _text(80, r"[A-Za-z0-9_.:-]+", 1),
            "priority": _whole(1, 4),
            "zh": _text(400),
            "en": _text(400),
            "onset_s": _TIME,
            "state": _one_of("active", "acknowledged", "returned"),
        },
    ),
    (
        "finding",
        ("place", "sort"),
        {
            "place": CODE,
            "sort": _one_of("leak"),
            "state": _one_of("learning", "quiet", "suspect", "leaking"),
            "since_s": _MAYBE_TIME,
            "value": _number(-1e6, 1e6, optional=True),
            "zh": _text(400),
            "en": _text(400),
        },
    ),
    (
        "incident",
        ("id",),
        {
            "id": _ID,
            "place": CODE,
            "cause": _WORD,
            "since_s": _TIME,
            "buildings": _many(CODE, 20_000),
            "flats": _whole(0, 10_000_000),
            "area_m2": _number(0, 1e9),
        },
    ),
    (
        "answer",
        ("building",),
        {
            "building": CODE,
            "at_s": _TIME,
            "room_c": _MAYBE_TEMPERATURE,
            "basis": _one_of("measured", "estimated", "none"),
            "rooms": _whole(0, 10_000),
            "supply_c": _MAYBE_TEMPERATURE,
            "outdoor_c": _MAYBE_TEMPERATURE,
            "cause": _WORD,
            "fall": _many(_number(0, 1), 32),
            "hours": _many(_number(0, 1000), 32),
        },
    ),
    ("weather", ("at_s",), {**_WEATHER, "known_at_s": _TIME}),
    (
        "present",
        (),
        {"outdoor_c": _MAYBE_TEMPERATURE, "directory": _text(64, r"[0-9a-f]{64}|")},
    ),
    (GONE, ("of", "key"), {"of": _WORD, "key": _text(200)}),
)
"""What goes from the control zone to the customer zone."""

GATE_SCHEMAS = _schemas(
    (
        "weather_forecast",
        ("id",),
        {
            "id": _ID,
            "source": _text(40, r"[a-z][a-z0-9_-]*", 1),
            "issued_s": _TIME,
            "hours": _many(lambda value: _row(value, _WEATHER), 400),
        },
    ),
    (
        "sensor_reading",
        ("id",),
        {
            "id": _ID,
            "point": _text(120, r"[A-Za-z0-9_.-]+", 1),
            "at_s": _TIME,
            "value": _number(-1000, 1e6),
        },
    ),
    (
        "case_label",
        ("id",),
        {
            "id": _ID,
            "place": CODE,
            "opened_s": _TIME,
            "closed_s": _TIME,
            "label": _one_of(
                "network_leak", "station_fault", "building_imbalance", "riser_air", "flat_valve",
                "flat_filter", "sensor_fault", "heat_source", "window_open", "no_fault", "other",
            ),
        },
    ),
    (
        "wish",
        ("id",),
        {
            "id": _ID,
            "place": CODE,
            "room_c": _number(10, 30),
            "until_s": _TIME,
        },
    ),
    (
        "billing_state",
        ("id",),
        {
            "id": _ID,
            "place": CODE,
            "state": _one_of("paid", "owing", "suspended", "exempt"),
            "since_s": _TIME,
        },
    ),
)  # fmt: skip
"""What may come back through the reverse gate; never anything that acts by itself."""
SCHEMAS = {"feed": FEED_SCHEMAS, "gate": GATE_SCHEMAS}


def _row(value: Any, checks: Mapping[str, Check]) -> str:
    if not isinstance(value, dict) or set(value) != set(checks):
        return "schema"
    return next((wrong for name, check in checks.items() if (wrong := check(value[name]))), "")


def check_record(stream: str, record: Any) -> dict[str, Any]:
    """Return a record that is of a schema of this stream.

    Raises:
        FeedRefused: It is not; nothing of it is taken.
    """
    kind = record.get("kind") if isinstance(record, dict) else None
    schema = SCHEMAS[stream].get(kind) if isinstance(kind, str) else None
    if schema is None:
        raise FeedRefused("schema", "no such sort of record", thing=str(kind)[:40])
    if set(record) != {"kind", *schema.fields}:
        raise FeedRefused("schema", "other fields than the schema has", thing=schema.kind)
    for name, check in schema.fields.items():
        wrong = check(record[name])
        if wrong:
            raise FeedRefused(wrong, f"field {name}", thing=schema.kind)
    found: dict[str, Any] = record
    return found


def check_records(stream: str, records: Any) -> list[dict[str, Any]]:
    """Return the records of a batch of the feed; those of the gate are judged one by one.

    Raises:
        FeedRefused: The list is none, or one of the feed's records is not of its schema: a
            sender that signs such a thing is not the one that was paired.
    """
    if not isinstance(records, list):
        raise FeedRefused("schema", "the records are no list")
    if stream == "gate":
        return records
    return [check_record(stream, record) for record in records]
