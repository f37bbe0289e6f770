"""JSON reports over HTTP: NB-IoT collectors, and the platforms that push for them.

One report, or a list of up to 1,000. The device is known by its `address` in the ledger (IMEI,
node, device id) or its code; `source` of a point is the path of its value, by default the name of
its kind. Parameters: `source=` (only this source may report it), `zone=` (of times that name none,
default the gateway's), `period=` (how often it reports, seconds), `decoder=` (plug-in that reads
`data`, the payload in base64, and `port`, see `decoders`). See `protocols.reports`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace

from heatloop.edge.drivers.decoders import decoder_of
from heatloop.edge.drivers.http import STATUS, Answer
from heatloop.edge.drivers.listener import ListenerTools
from heatloop.edge.drivers.listener_intake import Report
from heatloop.edge.index import kind_name
from heatloop.edge.report_book import Stamp, Verdict
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding, Device
from heatloop.protocols.reports.json_path import number
from heatloop.protocols.reports.json_report import JsonReport, read_json_report, value_of
from heatloop.protocols.reports.times import read_time, zone_of

NAME = "listener.http"
MAX_REPORTS = 1000


def parse_json(body: bytes) -> object:
    """Return a JSON document.

    Raises:
        InputError: It is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("body is not JSON", place="body", fix="send one JSON document") from error


def allowed(device: Device, source: str) -> bool:
    """Return whether this source may report this device."""
    only = field_parameters(device.parameters).get("source", "")
    return only in {"", source}


def summed_up(verdicts: Sequence[tuple[Verdict | InputError, str]], listed: bool) -> Answer:
    """Return what to answer: a list is to be sent again as long as there was no room.

    Args:
        verdicts: What became of each report, and its device's name.
        listed: Whether they came as a list.
    """
    codes = [400 if isinstance(v, InputError) else STATUS[v] for v, _ in verdicts]
    refused = [
        {"device": name, "reason": v.message if isinstance(v, InputError) else v.value}
        for (v, name), code in zip(verdicts, codes, strict=True)
        if code != 200
    ]
    if not codes or (listed and 200 in codes and 503 not in codes):
        status = 200
    else:
        status = 503 if 503 in codes else codes[0]
    return status, {"kept": codes.count(200), "refused": refused[:20]}


class JsonRoute:
    """Takes what is posted to `/report/<source>`.

    Args:
        tools: What the gateway lends.
    """

    def __init__(self, tools: ListenerTools) -> None:
        self._tools, self._intake = tools, tools.intake

    async def __call__(self, source: str, body: bytes) -> Answer:
        """Judge every report of a body."""
        try:
            document = parse_json(body)
            found = document if isinstance(document, list) else [document]
            if len(found) > MAX_REPORTS:
                raise InputError(f"more than {MAX_REPORTS} reports", place="length")
        except InputError as error:
            self._intake.refuse(NAME, "malformed", f"{source}: {error.message}")
            return 400, {"error": error.message}
        size = len(body) // max(1, len(found))
        verdicts = await asyncio.gather(*(self._one(each, source, size) for each in found))
        return summed_up(verdicts, isinstance(document, list))

    async def _one(
        self, document: object, source: str, size: int
    ) -> tuple[Verdict | InputError, str]:
        name, device = "", None
        try:
            report = read_json_report(document)
            if report is None:
                return Verdict.KEPT, ""  # a notice of the platform that holds no values
            name = report.device
            device = self._intake.device("http", name)
            if device is None or not allowed(device, source):
                self._intake.refuse(NAME, "refused", f"unknown device {name!r} from {source}")
                return Verdict.UNKNOWN, name
            report = await self._decoded(device, report)
            return await self._intake.take(self._report(device, report, size)), name
        except (InputError, ConfigError) as error:
            who = NAME if device is None else device.code
            self._intake.refuse(who, "malformed", str(error))
            return InputError(error.message), name

    async def _decoded(self, device: Device, found: JsonReport) -> JsonReport:
        """Return the report with the numbers of its payload, where a plug-in reads it."""
        name = decoder_of(device)
        if not name:
            return found
        values = found.values if isinstance(found.values, dict) else {}
        text, port = values.get("data"), values.get("port", 0)
        if not isinstance(text, str) or not isinstance(port, int):
            raise InputError("no payload", place="data", fix="send data in base64, and port")
        try:
            payload = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise InputError("payload is not base64", place="data") from error
        numbers = await self._tools.decoders.decode(name, payload, port)
        # What a binding names is a name here, never a path.
        return replace(found, values=numbers)

    def _report(self, device: Device, found: JsonReport, size: int) -> Report:
        zone = field_parameters(device.parameters).get("zone", self._tools.zone)
        at_s = read_time(found.time, zone_of(zone))
        named = bool(decoder_of(device))
        values: list[tuple[Binding, float]] = []
        wrong: InputError | None = None
        for binding in self._intake.bindings(device.code):
            try:
                value = _value(found.values, binding, named=named)
            except InputError as error:
                wrong = error
                self._intake.refuse(device.code, "malformed", f"{binding.point}: {error}")
                continue
            if value is not None:
                values.append((binding, value))
        if wrong is not None and not values:
            raise wrong
        # Without a counter a report is known by its time.
        stamp = Stamp(
            device=device.code,
            at_s=at_s,
            counter=at_s if found.counter is None else found.counter,
        )
        return Report(
            stamp=stamp,
            values=values,
            size=size,
            rssi_dbm=found.rssi_dbm,
            snr_db=found.snr_db,
        )


def _value(values: object, binding: Binding, *, named: bool) -> float | None:
    if named and isinstance(values, dict):
        return number(values.get(binding.source or kind_name(binding)))
    if binding.source:
        return value_of(values, binding.source)
    return number(values.get(kind_name(binding))) if isinstance(values, dict) else None
