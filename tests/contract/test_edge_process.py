"""The gateway as a process: enrols, survives kill -9 at any moment, starts without the platform."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from random import Random

import pytest
from websockets.asyncio.server import serve as serve_websocket

from heatloop.edge.process import main
from heatloop.security.keys import KeyRing, SigningKey, sign_document
from tests.contract.edge_peers import Field, Platform, Publisher, until

START = 1_800_000_000


class Enrolling:
    """A tiny HTTP server with the platform's enrol route."""

    def __init__(self, field, key, token):
        self.field, self.key, self.token = field, key, token
        self.publics = []

    async def __call__(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if not head.startswith("POST /api/v1/gateways/enrol "):
            writer.close()
            return
        length = int(head.lower().split("content-length:")[1].split()[0])
        body = json.loads(await reader.readexactly(length))
        status, answer = "403 Forbidden", {"error": {"code": "token_invalid"}}
        if body["token"] == self.token:
            self.publics.append(bytes.fromhex(body["public_key"]))
            status = "200 OK"
            answer = {
                "platform_public_key": self.key.public.hex(),
                "profile": sign_document(self.key, self.field.profile().to_dict()),
            }
        data = json.dumps(answer).encode()
        lines = f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        writer.write(lines.encode() + data)
        await writer.drain()
        writer.close()


class Gateway:
    """The process under test."""

    def __init__(self, folder, url):
        self.config = folder / "edge.toml"
        (folder / "token").write_text("one-time-token-123\n")
        self.write(url)
        self.process = None

    def write(self, url, extra=""):
        self.config.write_text(
            f'gateway = "GW0001"\nplatform_url = "{url}"\ndata = "kept"\n'
            f'token_file = "token"\nclock_socket = "city.sock"\ntimeout_s = 0.3\n{extra}'
        )

    async def start(self):
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with (self.config.parent / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "heatloop.edge", "--config", str(self.config),
                env=env, stdout=log, stderr=log,
            )  # fmt: skip

    async def kill(self, number=signal.SIGKILL):
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            return await self.process.wait()
        return None


@pytest.fixture
async def plant(tmp_path, unused_tcp_port_factory):
    field = Field([unused_tcp_port_factory() for _ in range(2)])
    key = SigningKey.generate()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(field)
        enrolling = Enrolling(field, key, "one-time-token-123")
        server = await asyncio.start_server(enrolling, "127.0.0.1", 0)
        stack.callback(server.close)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        gateway = Gateway(tmp_path, url)
        clock = await stack.enter_async_context(Publisher(tmp_path / "city.sock", start=START))
        yield field, key, enrolling, gateway, clock, server
        await gateway.kill()


async def link_for(enrolling, gateway, stack):
    """Start the platform's link on a port of its own and point the gateway there."""
    platform = Platform(KeyRing(enrolling.publics))
    platform.keys = {"GW0001": {next(iter(platform.ring._keys))}}
    server = await stack.enter_async_context(serve_websocket(platform, "127.0.0.1", 0))
    gateway.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    return platform


async def test_kill_9_at_any_moment_loses_and_doubles_nothing(plant):
    field, _, enrolling, gateway, clock, server = plant
    await gateway.start()
    await until(lambda: (gateway.config.parent / "kept/platform.json").exists(), 20)
    await gateway.kill()
    server.close()
    rng = Random(3)
    async with contextlib.AsyncExitStack() as stack:
        platform = await link_for(enrolling, gateway, stack)
        truth = {}

        async def tick():
            field.put("UN0001.secondary_supply_temperature", 40 + clock.slot // 30 % 400 / 10)
            truth[clock.slot + 30] = field.get("UN0001.secondary_supply_temperature")
            await clock.step(within_s=30)

        await gateway.start()
        await asyncio.wait_for(clock.done.wait(), 20)
        for _ in range(6):
            for _ in range(rng.randrange(1, 6)):
                await tick()
            work = asyncio.create_task(tick())
            await asyncio.sleep(rng.random() * 0.012)
            await gateway.kill()
            await gateway.start()
            await work
        for _ in range(3):
            await tick()
        last = field.binding("UN0002.limit_return_pressure_high").key
        await until(
            lambda: any(r[0] == last and r[1] == clock.slot for r in platform.rows["GW0001"])
        )
        rows = platform.rows["GW0001"]
        slots = range(START, clock.slot + 30, 30)
        assert {(r[0], r[1]) for r in rows} == {(b.key, s) for b in field.bindings for s in slots}
        assert len(rows) == len(field.bindings) * len(slots)
        key = field.binding("UN0001.secondary_supply_temperature").key
        for row in rows:
            if row[0] == key and row[1] in truth:
                assert row[2] == truth[row[1]]
        assert len(set(platform.epochs)) == 1
        assert platform.notes_of("gap") == []
        assert await gateway.kill(signal.SIGTERM) == 0


async def test_it_starts_and_spools_without_the_platform(plant):
    field, _, enrolling, gateway, clock, server = plant
    await gateway.start()
    await until(lambda: (gateway.config.parent / "kept/platform.json").exists(), 20)
    await asyncio.wait_for(clock.done.wait(), 20)
    await gateway.kill()
    server.close()
    await server.wait_closed()
    clock.slot += 30
    clock.done.clear()
    await gateway.start()
    await asyncio.wait_for(clock.done.wait(), 20)
    await clock.step()
    assert len(enrolling.publics) == 1  # the token was spent once
    size = sum(p.stat().st_size for p in (gateway.config.parent / "kept/spool").rglob("*.seg"))
    assert size > 3 * 13 * len(field.bindings)
    assert main(["--config", str(gateway.config)]) == 2  # the folder is in use
    key = gateway.config.parent / "kept/gateway.key"
    assert key.stat().st_mode & 0o077 == 0


async def test_a_wrong_token_stops_it_with_the_reason(plant, capfd):
    *_, gateway, _, _ = plant
    (gateway.config.parent / "token").write_text("wrong")
    await gateway.start()
    assert await asyncio.wait_for(gateway.process.wait(), 20) == 2
    assert "refuses to enrol (HTTP 403)" in (gateway.config.parent / "log").read_text()


@pytest.mark.parametrize(
    "line, message",
    [
        ('colour = "red"', "unknown setting"),
        ("coap_port = 70000", "not in range"),
        ("timeout_s = true", "not in range"),
        ("coap_host = 5", "not text"),
        ("= 3", "cannot be read"),
    ],
)
def test_wrong_settings_are_named_with_their_line(tmp_path, capsys, line, message):
    path = tmp_path / "edge.toml"
    path.write_text(f'gateway = "GW1"\nplatform_url = "http://127.0.0.1:1"\ndata = "."\n{line}\n')
    assert main(["--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "line 4" in said


def test_plain_http_stays_on_this_machine(tmp_path, capsys):
    path = tmp_path / "edge.toml"
    path.write_text('gateway = "GW1"\nplatform_url = "http://heat.example"\ndata = "."\n')
    assert main(["--config", str(path)]) == 2
    assert "plain http" in capsys.readouterr().err
