"""Whether an IT asset is up: ICMP echo, or a TCP connection where ICMP is blocked.

`source` is `up` (1 or 0), `rtt_ms` (mean of what came back; no value when nothing did) or
`loss_pct`. Parameters: `method=icmp` (or `tcp`: to the ledger's port; a refused connection is a
host that is up), `count=3` attempts a read. IPv4.

An asset that is down is a reading, not a broken link: it says `up` 0. ICMP needs leave of the
machine: `net.ipv4.ping_group_range`, or the right to open raw sockets.

Reference: RFC 792.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence

from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding, Device

_HEAD = struct.Struct(">BBHHH")
_REQUEST, _REPLY = 8, 0
_SPACING_S = 0.02
_MOST_ATTEMPTS = 20
_SOURCES = frozenset(("up", "rtt_ms", "loss_pct"))


def checksum(data: bytes) -> int:
    """Return the Internet checksum of some bytes."""
    padded = data + b"\x00" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class IcmpSocket:
    """The one ICMP socket of a gateway; answers are told apart by number and token.

    Raises:
        LinkError: The machine lets nobody ping.
    """

    def __init__(self) -> None:
        self._socket, self._raw = _open()
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._identifier = secrets.randbelow(1 << 16)
        self._number = 0
        self._waiting: dict[int, tuple[bytes, str, asyncio.Future[float]]] = {}

    async def echo(self, address: str, timeout_s: float) -> float | None:
        """Return the round trip in seconds, None when no answer came in time.

        Args:
            address: IPv4 address.
            timeout_s: Longest wait.

        Raises:
            OSError: Nothing can be sent there.
        """
        self._number = (self._number + 1) % (1 << 16)
        number, token = self._number, secrets.token_bytes(16)
        body = _HEAD.pack(_REQUEST, 0, 0, self._identifier, number) + token
        packet = _HEAD.pack(_REQUEST, 0, checksum(body), self._identifier, number) + token
        done: asyncio.Future[float] = self._loop.create_future()
        self._waiting[number] = token, address, done
        began = self._loop.time()
        try:
            self._socket.sendto(packet, (address, 0))
            async with asyncio.timeout(timeout_s):
                return await done - began
        except (TimeoutError, BlockingIOError):
            return None
        finally:
            self._waiting.pop(number, None)

    def _readable(self) -> None:
        for _ in range(100):
            try:
                data, (host, *_) = self._socket.recvfrom(2048)
            except OSError:
                return
            self._take(data, str(host))

    def _take(self, data: bytes, host: str) -> None:
        """Take a datagram: an answer of ours, or somebody else's, or noise."""
        if self._raw and data:
            data = data[4 * (data[0] & 15) :]
        if len(data) < _HEAD.size or data[0] != _REPLY or checksum(data) != 0:
            return
        *_, number = _HEAD.unpack_from(data)
        token, address, done = self._waiting.get(number, (b"", "", None))
        if done is not None and not done.done() and data[_HEAD.size :] == token and host == address:
            done.set_result(self._loop.time())

    def close(self) -> None:
        """Close the socket."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()


def _open() -> tuple[socket.socket, bool]:
    """Return an ICMP socket, and whether it is a raw one that gets IP heads too."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP), False
    except OSError:
        pass
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), True
    except OSError as error:
        fix = "set net.ipv4.ping_group_range, or method=tcp and the asset's port"
        raise LinkError(f"this machine lets nobody ping: {error}", thing="ICMP", fix=fix) from error


async def knock(address: str, port: int, timeout_s: float) -> float | None:
    """Return how long a TCP connection took to be made or refused, seconds; None: no answer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return loop.time() - began
    except (OSError, TimeoutError):
        return None
    writer.close()
    return loop.time() - began


class PingDriver(Driver):
    """Watches one host.

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.

    Raises:
        ConfigError: Its parameters are wrong.
    """

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        fix = "write e.g. method=icmp count=3"
        try:
            given = field_parameters(device.parameters)
            self._method = given.pop("method", "icmp")
            self._count = int(given.pop("count", "3"))
        except (InputError, ValueError) as error:
            raise ConfigError(str(error), thing=device.code, place="parameters", fix=fix) from error
        known = self._method in ("icmp", "tcp") and not given
        if not known or not 1 <= self._count <= _MOST_ATTEMPTS:
            raise ConfigError(
                f"no such parameters: {device.parameters}", thing=device.code, fix=fix
            )

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        stats, code = self.tools.stats, self.device.code
        stats.asked(code)
        trips = await self._attempts()
        came = [trip for trip in trips if trip is not None]
        mean_s = sum(came) / len(came) if came else math.nan
        if came:
            stats.answered(code, mean_s)
        else:
            stats.failed(code, "timeout")
        values = {
            "up": 1.0 if came else 0.0,
            "rtt_ms": 1000.0 * mean_s,
            "loss_pct": 100.0 * (len(trips) - len(came)) / len(trips),
        }
        for each in planned:
            found: list[Binding] = []
            for binding in each.bindings:
                if binding.source in _SOURCES:
                    found.append(binding)
                    if values[binding.source] != values[binding.source]:
                        reading.doubtful[binding.key] = Quality.BAD
                else:
                    fix = f"use one of {', '.join(sorted(_SOURCES))}"
                    text = f"no such source: {binding.source}"
                    self.misfit(InputError(text, thing=binding.point, fix=fix), reading)
            reading.add(found, [values[b.source] for b in found])

    async def _attempts(self) -> list[float | None]:
        timeout_s = self.tools.timeout_s
        address = await self._address(timeout_s)
        if self._method == "tcp":
            port = self.device.port
            return await _spaced(lambda: knock(address, port, timeout_s), self._count)
        icmp = self.tools.shared.get(("icmp",), IcmpSocket)
        return await _spaced(lambda: _reached(icmp, address, timeout_s), self._count)

    async def _address(self, timeout_s: float) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                found = await loop.getaddrinfo(self.device.host, None, family=socket.AF_INET)
        except OSError as error:
            fix = "correct the asset's host, or the name service"
            text = f"host has no address: {error}"
            raise InputError(text, thing=self.device.host, fix=fix) from error
        return str(found[0][4][0])

    def _drop(self) -> None:
        pass


async def _reached(icmp: IcmpSocket, address: str, timeout_s: float) -> float | None:
    try:
        return await icmp.echo(address, timeout_s)
    except OSError:
        return None  # no route: as good as no answer


async def _spaced(attempt: Callable[[], Awaitable[float | None]], count: int) -> list[float | None]:
    """Make several attempts, begun a little apart so that one burst does not lose all."""

    async def one(number: int) -> float | None:
        await asyncio.sleep(number * _SPACING_S)
        return await attempt()

    return list(await asyncio.gather(*(one(number) for number in range(count))))
