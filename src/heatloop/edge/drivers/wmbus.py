"""Wireless M-Bus meters, heard by a receiver that passes their telegrams on.

Telegrams come as hexadecimal text, one a line, over TCP (`wmbus_port`), or are posted to
`/wmbus/<source>` as such lines or as JSON `{"telegram": "2E44...", "rssi_dbm": -80}` (or a list).
Lines of rtl_wmbus (fields parted by `;`, the telegram last after `0x`) are understood, too. Only
a post is acknowledged; a TCP line has no answers.

A meter is known by its number, the `address` of the ledger (with or without the three letters of
its maker before it); `source` of a point: `protocols.mbus.selection`. Parameters: `key=` (name of
the secret with its AES key; then unencrypted telegrams of it are refused), `form=` (A, B, or
stripped: checksums were taken off by the receiver), `zone=` (of the meter's clock), `period=`
(seconds).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from heatloop.edge.drivers.http import Answer
from heatloop.edge.drivers.http_json import parse_json, summed_up
from heatloop.edge.drivers.listener import Listener, ListenerTools
from heatloop.edge.drivers.wmbus_telegrams import (
    NAME,
    Heard,
    WmbusIntake,
    kind_of,
    read_line,
)
from heatloop.kernel.errors import InputError
from heatloop.protocols.reports.json_path import number

MAX_TELEGRAMS = 1000
_MAX_LINE = 1024
_MOST_LINES = 64


class WmbusRoute:
    """Takes what is posted to `/wmbus/<source>`.

    Args:
        tools: What the gateway lends.
    """

    def __init__(self, tools: ListenerTools) -> None:
        self._intake = tools.intake
        self._telegrams = WmbusIntake(tools)

    async def __call__(self, source: str, body: bytes) -> Answer:
        """Judge every telegram of a body."""
        try:
            heard, listed = _read_body(body)
        except InputError as error:
            self._intake.refuse(NAME, "malformed", f"{source}: {error}")
            return 400, {"error": error.message}
        verdicts = await asyncio.gather(*(self._telegrams.take(each, source) for each in heard))
        return summed_up(verdicts, listed)


def _read_body(body: bytes) -> tuple[Sequence[Heard], bool]:
    if body.lstrip()[:1] not in {b"{", b"["}:
        lines = [line for line in body.decode("ascii", "replace").splitlines() if line.strip()]
        if not 0 < len(lines) <= MAX_TELEGRAMS:
            raise InputError(f"1 to {MAX_TELEGRAMS} telegrams", place="length")
        return [read_line(line) for line in lines], len(lines) > 1
    document = parse_json(body)
    found = document if isinstance(document, list) else [document]
    if not 0 < len(found) <= MAX_TELEGRAMS:
        raise InputError(f"1 to {MAX_TELEGRAMS} telegrams", place="length")
    heard = []
    for each in found:
        if not isinstance(each, dict) or not isinstance(text := each.get("telegram"), str):
            raise InputError("an object has its telegram as text", place="telegram")
        line = read_line(text)
        rssi_dbm = number(each.get("rssi_dbm"))
        heard.append(Heard(data=line.data, form=line.form, rssi_dbm=rssi_dbm))
    return heard, isinstance(document, list)


class WmbusListener(Listener):
    """Takes telegrams from receivers that connect to a TCP port.

    Args:
        tools: What the gateway lends.
        host: Address to listen on.
        port: TCP port, 0: any.
    """

    def __init__(self, tools: ListenerTools, host: str, port: int) -> None:
        super().__init__(tools)
        self._bind = (host, port)
        self._telegrams = WmbusIntake(tools)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
        """
        self._server = await asyncio.start_server(self._serve, *self._bind, limit=_MAX_LINE)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._open):
                writer.transport.abort()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= _MOST_LINES:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError):
                await self._lines(reader)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _lines(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return  # a line cut off by the end of the connection is no telegram
            except asyncio.LimitOverrunError:
                self.intake.refuse(NAME, "length", f"a line of more than {_MAX_LINE} bytes")
                return
            text = line.decode("ascii", "replace")
            if not text.strip():
                continue
            try:
                heard = read_line(text)
            except InputError as error:
                self.intake.refuse(NAME, kind_of(error), str(error))
                continue
            await self._telegrams.take(heard, "")
