"""The protocol of Acme's instruments: a question a line, a number a line."""

import asyncio

from heatloop.app.extensions_api import Manifest
from heatloop.edge.drivers.port import Driver
from heatloop.kernel.errors import InputError, LinkError
from heatloop_acme import AUTHOR, VERSION


class LineDriver(Driver):
    """Asks `<source>?` and sets `<source>=<number>` over TCP."""

    manifest = Manifest(
        name="x_acme_line",
        zh="Acme 行协议",
        en="Acme line protocol",
        kind="driver",
        version=VERSION,
        author=AUTHOR,
        outputs=("values of Acme instruments",),
    )

    async def _read(self, planned, reading):
        async with asyncio.timeout(self.tools.timeout_s):
            reader, writer = await asyncio.open_connection(self.device.host, self.device.port)
            try:
                for rows in planned:
                    raws = []
                    for binding in rows.bindings:
                        self.tools.stats.asked(self.device.code)
                        raws.append(await self._ask(reader, writer, f"{binding.source}?"))
                    reading.add(rows.bindings, raws)
            finally:
                writer.close()

    async def _write(self, binding, raw, *, read_back):
        async with asyncio.timeout(self.tools.timeout_s):
            reader, writer = await asyncio.open_connection(self.device.host, self.device.port)
            try:
                return await self._ask(reader, writer, f"{binding.source}={raw}")
            finally:
                writer.close()

    async def _ask(self, reader, writer, text):
        writer.write(text.encode() + b"\n")
        line = await reader.readline()
        if not line:
            raise LinkError("closed the connection", thing=self.device.code)
        self.tools.stats.answered(self.device.code, 0.001, len(line), len(text) + 1)
        try:
            return float(line)
        except ValueError as error:
            raise InputError("answer is no number", thing=self.device.code) from error

    def _drop(self):
        """Every question opens its own connection: there is none to give up."""
