"""Room collectors report by themselves: a CoAP server that answers once a report is fsynced.

`POST /report` with a `protocols.room_report`. 2.04: kept (or kept before). 4.00: damaged, or out
of time. 4.03: unknown collector. 4.09: its counter was used before. 4.22: no value can be true.
5.03: no room, try again.

`POST /raw?device=...&counter=...` takes the payload of a device whose parameters name a plug-in
that reads it (`decoder=`, see `decoders`); `port` and `time` (seconds since 1970 UTC) may follow.

Reference: RFC 7252, RFC 8132 (4.22).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocoap import Context, Message, numbers
from aiocoap.resource import Resource, Site

from heatloop.edge.drivers.decoders import decoder_of, picked
from heatloop.edge.drivers.listener import Listener, ListenerTools
from heatloop.edge.drivers.listener_intake import Report
from heatloop.edge.report_book import Stamp, Verdict
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.protocols.room_report import RoomReport, decode_report

_CODES = numbers.codes
# The library's usual UDP transport (udp6) goes deaf on uvloop once an answer meets a closed port;
# this one does not, and it listens on UDP alone.
_TRANSPORT = "simplesocketserver"
_ANSWERS = {
    Verdict.NEW: _CODES.CHANGED,
    Verdict.KEPT: _CODES.CHANGED,
    Verdict.UNKNOWN: _CODES.FORBIDDEN,
    Verdict.TIME: _CODES.BAD_REQUEST,
    Verdict.REPLAYED: _CODES.CONFLICT,
    Verdict.RANGE: _CODES.UNPROCESSABLE_ENTITY,
    Verdict.FULL: _CODES.SERVICE_UNAVAILABLE,
}


class _ReportResource(Resource):  # type: ignore[misc]
    """The `/report` resource."""

    def __init__(self, listener: CoapListener) -> None:
        super().__init__()
        self._listener = listener

    async def render_post(self, request: Message) -> Message:
        """Answer one report."""
        return await self._listener.answer(bytes(request.payload))


class _RawResource(Resource):  # type: ignore[misc]
    """The `/raw` resource: payloads that plug-ins read."""

    def __init__(self, listener: CoapListener) -> None:
        super().__init__()
        self._listener = listener

    async def render_post(self, request: Message) -> Message:
        """Answer one payload."""
        words = dict(word.partition("=")[::2] for word in request.opt.uri_query)
        return await self._listener.answer_raw(words, bytes(request.payload))


class CoapListener(Listener):
    """Listens for room collectors.

    Args:
        tools: What the gateway lends.
        host: Address to listen on.
        port: UDP port.
    """

    def __init__(self, tools: ListenerTools, host: str, port: int) -> None:
        super().__init__(tools)
        self._bind = (host, port)
        self._context: Any = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
        """
        site = Site()
        site.add_resource(["report"], _ReportResource(self))
        site.add_resource(["raw"], _RawResource(self))
        self._context = await Context.create_server_context(
            site, bind=self._bind, transports=[_TRANSPORT]
        )

    async def stop(self) -> None:
        """Stop listening."""
        if self._context is not None:
            await self._context.shutdown()

    async def answer(self, payload: bytes) -> Message:
        """Judge one report and return the answer."""
        try:
            found = decode_report(payload)
        except InputError as error:
            kind = {"length": "length", "CRC": "checksum"}.get(error.place, "malformed")
            self.intake.refuse("listener.coap", kind, error.message)
            return Message(code=_CODES.BAD_REQUEST, payload=error.message.encode())
        device = self.intake.device("coap", found.device_code)
        if device is None:
            self.intake.refuse("listener.coap", "refused", f"unknown {found.device_code!r}")
            return Message(code=_ANSWERS[Verdict.UNKNOWN])
        report = self._report(device.code, found, len(payload))
        return Message(code=_ANSWERS[await self.intake.take(report)])

    async def answer_raw(self, words: Mapping[str, str], payload: bytes) -> Message:
        """Judge one payload a plug-in reads and return the answer.

        Args:
            words: `device` (its address or code), `counter` (rises with each message), `port` and
                `time` (seconds since 1970 UTC) if it has them.
            payload: The payload.
        """
        name = words.get("device", "")
        device = self.intake.device("coap", name)
        decoder = decoder_of(device) if device is not None else ""
        if device is None or not decoder:
            self.intake.refuse("listener.coap", "refused", f"unknown {name[:40]!r}")
            return Message(code=_ANSWERS[Verdict.UNKNOWN])
        try:
            at_s = _whole(words.get("time") or str(int(self.intake.now_s())), "time")
            counter = _whole(words.get("counter", ""), "counter")
            port = _whole(words.get("port", "0"), "port")
            numbers = await self.tools.decoders.decode(decoder, payload, port)
        except (InputError, ConfigError) as error:
            self.intake.refuse(device.code, "malformed", str(error))
            return Message(code=_CODES.BAD_REQUEST, payload=error.message.encode())
        report = Report(
            stamp=Stamp(device=device.code, at_s=at_s, counter=counter),
            values=picked(self.intake.bindings(device.code), numbers),
            size=len(payload),
        )
        return Message(code=_ANSWERS[await self.intake.take(report)])

    def _report(self, device: str, found: RoomReport, size: int) -> Report:
        values = [
            (binding, float(raw))
            for binding in self.intake.bindings(device)
            if binding.register < len(found.fields)
            and (raw := found.fields[binding.register]) is not None
        ]
        stamp = Stamp(device=device, at_s=found.at_s, counter=found.counter)
        return Report(stamp=stamp, values=values, size=size)


def _whole(text: str, name: str) -> int:
    """Return a whole number a message names.

    Raises:
        InputError: It is none.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InputError(f"{name} is no whole number", place=name, fix=f"send {name}=1")
    return int(text)
