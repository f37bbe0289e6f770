"""All the city's devices on the wire: their servers, their silence, and what they said."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from heatloop.demo.city import City
from heatloop.demo.devices.coap_client import CoapClient
from heatloop.demo.devices.collectors import Collectors, ReportClient, Reporter
from heatloop.demo.devices.face import Served
from heatloop.demo.devices.http_reporter import HttpClient, JsonReports
from heatloop.demo.devices.lines import CityDevice, serve_line
from heatloop.demo.devices.lorawan import LorawanReports
from heatloop.demo.devices.modbus import ModbusDevice
from heatloop.demo.foreign import Intruder
from heatloop.demo.held import MemoryFace, speaks_modbus
from heatloop.demo.ledger_devices import SOURCE
from heatloop.demo.logs import ANSWER, WireLog
from heatloop.kernel.errors import ConfigError, InputError

COAP_PORT = 15683


def source_token(folder: Path) -> str:
    """Return what the city's HTTP and LoRaWAN servers prove themselves with, made if absent.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / "source.token"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


class Field:
    """Servers and clients of every device of a city.

    Args:
        city: The city.
        folder: Where `answers.bin` and `reports.bin` go.
        host: Address the Modbus servers listen on.
        coap_host: Address of the gateways.
        coap_port: UDP (CoAP) and TCP (HTTP) port of the first gateway; the others follow.
    """

    def __init__(
        self,
        city: City,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        coap_host: str = "127.0.0.1",
        coap_port: int = COAP_PORT,
    ) -> None:
        self._city, self._folder = city, folder
        self._host = host
        self._coap = [(coap_host, coap_port + i) for i in range(len(city.ledger.gateways))]
        self.answers = WireLog(folder / "answers.bin")
        self.reports = WireLog(folder / "reports.bin")
        self.devices = [self._device(index) for index in range(len(city.memory.devices))]
        self.collectors = Collectors(city)
        self.reporter: Reporter | None = None
        # What the answers are stamped with: the shared clock once a runner keeps one.
        self.clock_s: Callable[[], float] = lambda: city.now_s
        """Time stamp of what is answered now."""
        self._servers: list[Served] = []
        self._client: CoapClient | None = None
        self._http: HttpClient | None = None
        self._intruder = Intruder(city.ledger)

    def _device(self, index: int) -> CityDevice:
        memory, city = self._city.memory, self._city
        row = memory.devices[index]
        if speaks_modbus(row):
            return ModbusDevice(
                index=index,
                memory=memory.memory(index),
                unit_id=row.unit_id,
                writable=memory.writable(index),
                on_read=self._answered,
                on_write=city.wrote,
            )
        bindings = city.ledger.bindings_of_device(row.code)
        return MemoryFace(index, row, bindings, memory.memory(index), self._answered, city.wrote)

    async def start(self) -> None:
        """Start all servers.

        Raises:
            ConfigError: A port is taken.
        """
        lines: dict[int, list[int]] = {}
        for index, row in enumerate(self._city.memory.devices):
            lines.setdefault(row.port, []).append(index)
        for port, members in lines.items():
            row = self._city.memory.devices[members[0]]
            try:
                devices = [self.devices[i] for i in members]
                served = await serve_line(row.protocol, devices, self._host, port, self._folder)
                self._servers.append(served)
            except OSError as error:
                raise ConfigError(
                    f"port of device {row.code} is taken",
                    thing=f"{self._host}:{port}",
                    fix="stop what holds it, or give another base port",
                ) from error
        # A fresh message id each start: gateways remember the last ones for minutes.
        self._client = await CoapClient.open(int(self.clock_s()) // 30)
        self._http = HttpClient(source_token(self._folder))
        self.reporter = Reporter(
            self.collectors, self._client, self._coap, self.reports, self._others(self._http)
        )

    def _others(self, client: HttpClient) -> dict[str, ReportClient]:
        """Return how collectors report that speak no CoAP: over TCP, on the same port number."""
        ledger = self._city.ledger
        bindings = {d: ledger.bindings_of_device(d) for d in ledger.devices}
        return {
            "http": JsonReports(client, self._coap, bindings, SOURCE),
            "lorawan": LorawanReports(client, self._coap, bindings, SOURCE),
        }

    async def close(self) -> None:
        """Stop everything."""
        await self._intruder.close()
        if self._http is not None:
            await self._http.close()
        if self._client is not None:
            self._client.close()
        for server in self._servers:
            await server.close()
        self.answers.close()
        self.reports.close()

    def moved(self, before_s: float) -> None:
        """Follow the city to its present moment: silence, intruders, and reports now due."""
        city = self._city
        for device in self.devices:
            device.silent = device.index in city.faults.silent
        if self.reporter is not None:
            self._intruder.follow(city.faults.meddled, city.now_s)
            self.reporter.send(self.collectors.due(before_s, city.now_s))

    async def reports_below(self, most: int) -> None:
        """Return when fewer reports than this wait to be acknowledged."""
        if self.reporter is not None:
            await self.reporter.below(most)

    def registers(self, code: str, start: int, count: int) -> list[int]:
        """Return registers of a device as its own panel shows them.

        Raises:
            InputError: There is no such device or register.
        """
        words = self._stretch(code, start, count)
        return [words[2 * i] << 8 | words[2 * i + 1] for i in range(count)]

    def put(self, code: str, start: int, words: list[int]) -> None:
        """Write registers of a device as somebody at its own panel would.

        Raises:
            InputError: There is no such device or register, or no such word.
        """
        if not all(0 <= word <= 0xFFFF for word in words):
            raise InputError("a register holds 0 to 65535", thing=code, fix="give such words")
        stretch = self._stretch(code, start, len(words))
        stretch[:] = b"".join(word.to_bytes(2, "big") for word in words)
        self._city.wrote(self._city.memory.number[code], start, len(words))

    def _stretch(self, code: str, start: int, count: int) -> memoryview:
        number = self._city.memory.number.get(code)
        if number is None:
            raise InputError("no such device", thing=code, fix="give a Modbus device's code")
        memory = self.devices[number].memory
        if start < 0 or count < 1 or 2 * (start + count) > len(memory):
            last = len(memory) // 2 - 1
            raise InputError("no such register", thing=f"{code} {start}", fix=f"0 to {last}")
        return memory[2 * start : 2 * (start + count)]

    def _answered(self, device: int, start: int, count: int, data: bytes) -> None:
        self.answers.write(ANSWER.pack(int(self.clock_s()), device, start, count) + data)
