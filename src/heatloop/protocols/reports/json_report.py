"""Reports in JSON: our own form, and those in which NB-IoT platforms push their devices' data.

`json_forms.csv` says for each form how to know it (a path, and what stands there) and where device,
time, counter, values and signal strength are. Our own::

    {"device": "868120321234567", "time": "2026-11-03T08:00:00+08:00", "counter": 17,
     "values": {"room_temperature": 21.3}, "rssi_dbm": -97, "snr_db": 7.5}

Time may be text or seconds or milliseconds since 1970; counter and signal may be left out.

A value is called by its path in `values`; `path;layout` where packed bytes stand there in base64
or hexadecimal, see `layout`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.reports.json_path import find, number
from heatloop.protocols.reports.layout import layout, read_layouts
from heatloop.protocols.tables import table

THING = "JSON report"
_MAX_COUNTER = (1 << 63) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonReport:
    """One report as it came."""

    form: str
    """Row of `json_forms.csv`."""
    device: str
    """What the device is called there."""
    time: object
    """As it was written."""
    counter: int | None
    """None: it has none."""
    values: object
    """Where the values are looked up."""
    rssi_dbm: float | None
    """Signal strength."""
    snr_db: float | None
    """Signal to noise."""


@cache
def _forms() -> tuple[dict[str, str], ...]:
    return tuple(table("reports", "json_forms.csv"))


def read_json_report(document: object) -> JsonReport | None:
    """Return a report; None for what is no report (a platform's other notices).

    Raises:
        InputError: It is of no known form, or names no device or time.
    """
    if not isinstance(document, dict):
        raise InputError("not a JSON object", thing=THING, fix="send one object a report")
    for form in _forms():
        sign = find(document, form["sign"])
        if sign is None:
            continue
        if form["says"] and sign != form["says"]:
            return None
        return _read(document, form)
    known = ", ".join(form["form"] for form in _forms())
    raise InputError("of no known form", thing=THING, fix=f"send one of: {known}")


def _read(document: dict[str, object], form: dict[str, str]) -> JsonReport:
    device, time = find(document, form["device"]), find(document, form["time"])
    if isinstance(device, int) and not isinstance(device, bool):
        device = str(device)
    if not isinstance(device, str) or not 0 < len(device) <= 64:
        raise InputError("names no device", thing=THING, place=form["device"])
    if time is None:
        raise InputError("has no time", thing=THING, place=form["time"])
    counter = find(document, form["counter"]) if form["counter"] else None
    if not isinstance(counter, int) or not 0 <= counter <= _MAX_COUNTER or counter is True:
        counter = None  # -1 on one platform: not counted
    return JsonReport(
        form=form["form"],
        device=device,
        time=time,
        counter=counter,
        values=find(document, form["values"]),
        rssi_dbm=_signal(document, form["rssi"]),
        snr_db=_signal(document, form["snr"]),
    )


def _signal(document: dict[str, object], path: str) -> float | None:
    try:
        found = number(find(document, path)) if path else None
    except InputError:
        return None
    return found if found is not None and -250.0 <= found <= 100.0 else None


def value_of(values: object, source: str) -> float | None:
    """Return a value of a report; None where it has none.

    Raises:
        InputError: What stands there is no number, or no such bytes.
    """
    path, semicolon, packed = source.partition(";")
    found = find(values, path)
    if not semicolon or found is None:
        return number(found)
    return read_layouts([layout(packed)], _bytes(found, path))[0]


def _bytes(found: object, path: str) -> bytes:
    if not isinstance(found, str):
        raise InputError("no text of packed bytes", thing=THING, place=path)
    text = found.strip()
    try:
        if len(text) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in text):
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("neither hexadecimal nor base64", thing=THING, place=path) from error
