"""Wireless M-Bus telegrams: whose they are, whether they are true, and the values in them.

Telegrams carry no counter worth the name: one is a repeat when the very same bytes came among the
last 16. A telegram that tells its meter's clock belongs to that time, else to when it came.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from heatloop.edge.drivers.http_json import allowed
from heatloop.edge.drivers.listener import ListenerTools
from heatloop.edge.drivers.listener_intake import Report
from heatloop.edge.report_book import Counting, Stamp, Verdict
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.kernel.quality import Quality
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.header import CI_LONG, Identity, Telegram, take_identity
from heatloop.protocols.mbus.radio_link import STRIPPED, decode_radio
from heatloop.protocols.mbus.records import Record
from heatloop.protocols.mbus.selection import selection, value_in
from heatloop.protocols.mbus.wireless import decode_wireless
from heatloop.protocols.reports.times import read_time, zone_of

NAME = "listener.wmbus"
_CLOCK_OFF_S = 86400


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One telegram as the receiver gave it."""

    data: bytes
    """From the length byte on."""
    form: str = ""
    """Frame format, empty: as the device says."""
    rssi_dbm: float | None = None
    """Signal strength at the receiver."""


def read_line(text: str) -> Heard:
    """Read one line of a receiver.

    Raises:
        InputError: It holds no telegram.
    """
    fields = [part.strip() for part in text.strip().split(";")]
    found, form = fields[-1], ""
    if found[:2].lower() == "0x":
        found, form = found[2:], STRIPPED
    try:
        data = bytes.fromhex(found)
    except ValueError as error:
        raise InputError("telegram is not hexadecimal", thing="wireless M-Bus") from error
    if len(data) < 12:
        raise InputError("telegram is too short", thing="wireless M-Bus", place="length")
    return Heard(data=data, form=form)


class WmbusIntake:
    """Judges telegrams, wherever they came from.

    Args:
        tools: What the gateway lends.
    """

    def __init__(self, tools: ListenerTools) -> None:
        self._tools, self._intake = tools, tools.intake

    async def take(self, heard: Heard, source: str) -> tuple[Verdict | InputError, str]:
        """Return what became of a telegram, and its meter's number.

        Args:
            heard: The telegram.
            source: Who passed it on; empty: the TCP line.
        """
        who, name = NAME, ""
        try:
            device, owner, form = self._device(heard)
            name = owner.number
            if device is None or (source and not allowed(device, source)):
                reason = f"unknown meter {owner.manufacturer}{owner.number}"
                self._intake.refuse(NAME, "refused", reason)
                return Verdict.UNKNOWN, name
            who = device.code
            return await self._intake.take(self._report(device, heard, form)), name
        except (InputError, ConfigError) as error:
            self._intake.refuse(who, kind_of(error), str(error))
            return InputError(error.message), name

    def _device(self, heard: Heard) -> tuple[Device | None, Identity, str]:
        """Return whose telegram this is; its checksums are checked first."""
        form = heard.form
        if not form and len(heard.data) == heard.data[0] + 1:
            # Format B and a frame without checksums have one length: only the device can tell.
            form = self._form_of_sender(heard.data)
        frame = decode_radio(heard.data, form)
        owner = frame.sender
        if frame.content[:1] == bytes((CI_LONG,)):
            owner = take_identity(Cursor(frame.content[1:], "wireless M-Bus"))
        return self._known(owner) or self._known(frame.sender), owner, form

    def _form_of_sender(self, data: bytes) -> str:
        sender = decode_radio(data, STRIPPED).sender
        device = self._known(sender)
        return field_parameters(device.parameters).get("form", "") if device is not None else ""

    def _known(self, meter: Identity) -> Device | None:
        lettered = self._intake.device("wmbus", meter.manufacturer + meter.number)
        return lettered or self._intake.device("wmbus", meter.number)

    def _report(self, device: Device, heard: Heard, form: str) -> Report:
        parameters = field_parameters(device.parameters)
        key = self._key(parameters.get("key", ""))
        found = decode_wireless(heard.data, key, form)
        if key is not None and not found.encrypted:
            raise InputError("a meter with a key must encrypt", thing=device.code)
        values = self._values(device, found.telegram.records.records)
        zone = parameters.get("zone", self._tools.zone)
        stamp = Stamp(
            device=device.code,
            at_s=self._time(found.telegram, zone),
            counter=zlib.crc32(heard.data),
            counting=Counting.MARKS,
        )
        return Report(
            stamp=stamp,
            values=values,
            quality=_quality(found.telegram),
            size=len(heard.data),
            rssi_dbm=heard.rssi_dbm,
        )

    def _values(self, device: Device, records: Sequence[Record]) -> list[tuple[Binding, float]]:
        values: list[tuple[Binding, float]] = []
        wrong: InputError | None = None
        for binding in self._intake.bindings(device.code):
            try:
                record = selection(binding.source).find(records)
                unit = point_kinds()[binding.kind].unit
                value = value_in(record, unit) if record is not None else None
            except InputError as error:
                wrong = error
                self._intake.refuse(device.code, "malformed", f"{binding.point}: {error}")
                continue
            if value is not None:
                values.append((binding, value))
        if wrong is not None and not values:
            raise wrong
        return values

    def _key(self, name: str) -> bytes | None:
        if not name:
            return None
        secret = self._tools.secret(name)
        return bytes.fromhex(secret.decode()) if len(secret) == 32 else secret

    def _time(self, telegram: Telegram, zone: str) -> int:
        now_s = int(self._intake.now_s())
        for record in telegram.records.records:
            if record.quantity == "date_time" and record.storage == 0 and record.value:
                return self._clock(str(record.value), zone, now_s)
        return now_s

    def _clock(self, text: str, zone: str, now_s: int) -> int:
        at_s = read_time(text, zone_of(zone))
        # A meter's clock drifts; one that is off by a day tells a replay or a dead battery.
        if abs(now_s - at_s) > _CLOCK_OFF_S:
            raise InputError("the meter's clock is off by more than a day", thing=text)
        return min(at_s, now_s)


def kind_of(error: InputError | ConfigError) -> str:
    """Return as which failure a refused telegram counts."""
    if "checksum" in error.message:
        return "checksum"
    cut = ("length" in error.place, "cut short" in error.message, "bytes, not" in error.message)
    return "length" if any(cut) else "malformed"


def _quality(telegram: Telegram) -> Quality:
    application_error = telegram.status & 3 == 2
    if telegram.status & 0x08 or application_error:
        return Quality.BAD
    return Quality.UNCERTAIN if telegram.status & 0x10 else Quality.GOOD
