"""A town served over TLS, with the gateways' own listener, and a relay that keeps the wire."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from heatloop.app.ca import Authority
from heatloop.app.ledger_admin import create_gateway_token
from heatloop.app.process import _Door, gateway_door, uvicorn_config
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity, enrol
from tests.unit.app_town import Town, town


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@dataclass(kw_only=True)
class Wire:
    """A TCP relay that keeps every byte."""

    port: int = 0
    seen: bytearray = field(default_factory=bytearray)
    server: asyncio.Server | None = None

    async def start(self, to: int) -> None:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await reader.read(65536):
                    self.seen += data
                    writer.write(data)
                    await writer.drain()
            writer.close()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
            await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

        self.server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]


@dataclass(kw_only=True)
class TlsHouse:
    """A town behind TLS."""

    town: Town
    folder: Path
    ca: Path
    port: int
    door: int
    wire: Wire

    @property
    def url(self) -> str:
        return f"https://localhost:{self.wire.port}"

    def config(self, gateway: str = "GW0001", **more: Any) -> EdgeConfig:
        data = self.folder / "edge" / gateway
        data.mkdir(parents=True, exist_ok=True)
        token = data / "token"
        token.write_text(create_gateway_token(self.town.platform.records, gateway))
        return EdgeConfig(
            gateway=gateway,
            platform_url=self.url,
            data=data,
            token_file=token,
            ca_file=self.ca,
            **more,
        )

    async def enrol(self, gateway: str = "GW0001", **more: Any) -> tuple[EdgeConfig, Identity]:
        config = self.config(gateway, **more)
        return config, await asyncio.to_thread(enrol, config)

    def client(self) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.ca))
        return httpx.AsyncClient(base_url=self.url, verify=context, headers={"X-Heatloop": "1"})


async def _up(server: uvicorn.Server) -> asyncio.Task[None]:
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    return task


@contextlib.asynccontextmanager
async def tls_house(folder: Path, **crypto: Any) -> AsyncIterator[TlsHouse]:
    """Serve a town over TLS: one listener for people, one for gateways."""
    port, door = free_port(), free_port()
    # The company's own certificate: some other authority's than the platform's.
    office = Authority(folder / "office", "office")
    certificate, key = office.server_files(["localhost", "127.0.0.1"])
    wire = Wire()
    overrides = {
        "server": {"port": port, "tls_certificate": str(certificate), "tls_key": str(key)},
        "crypto": {
            "gateway_port": door,
            "gateway_tls": "required",
            "gateway_url": f"https://localhost:{door}",
            **crypto,
        },
    }
    async with town(folder / "town", **overrides) as made:
        main = _Door(uvicorn_config(made.platform.settings, made.app))
        side = _Door(await asyncio.to_thread(gateway_door, made.platform, made.app))
        tasks = [await _up(main), await _up(side)]
        await wire.start(port)
        try:
            yield TlsHouse(
                town=made,
                folder=folder,
                ca=office.certificate_file,
                port=port,
                door=door,
                wire=wire,
            )
        finally:
            main.should_exit = side.should_exit = True
            await asyncio.gather(*tasks)
            assert wire.server is not None
            wire.server.close()
            await wire.server.wait_closed()
