"""The gateway link over real sockets: uvicorn on one side, the edge's own uplink on the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.websockets import WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import connect

from heatloop.app.ledger_admin import create_gateway_token
from heatloop.app.links import GatewayLine
from heatloop.app.process import uvicorn_config
from heatloop.edge.spool import Spool
from heatloop.edge.uplink import Uplink
from heatloop.edge.uplink_session import CommandArrived, Inbound, UplinkSession
from heatloop.kernel.batch import SampleBatch
from heatloop.security.access import Role
from heatloop.security.keys import KeyRing, SigningKey, open_document
from heatloop.web.routes import gateways
from tests.unit.app_town import PASSWORD, START_S, Town, town

SUPPLY = "UN0001.secondary_supply_temperature"
SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
SLOT = int(START_S)


@contextlib.asynccontextmanager
async def served(made: Town) -> AsyncIterator[str]:
    """Serve a town over real sockets; give its URL."""
    config = uvicorn_config(made.platform.settings, made.app)
    config.port = 0
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "town") as made:
        yield made


@pytest.fixture
async def url(here: Town) -> AsyncIterator[str]:
    async with served(here) as found:
        yield found


async def enrol(here: Town, url: str, gateway: str = "GW0001") -> SigningKey:
    key = SigningKey.generate()
    token = create_gateway_token(here.platform.records, gateway)
    async with httpx.AsyncClient(base_url=url) as client:
        body = {"gateway": gateway, "public_key": key.public.hex(), "token": token}
        answer = await client.post("/api/v1/gateways/enrol", json=body)
        assert answer.status_code == 200, answer.text
        ring = KeyRing([bytes.fromhex(answer.json()["platform_public_key"])])
        profile = open_document(ring, answer.json()["profile"])
        assert profile["gateway"] == gateway
        again = await client.post("/api/v1/gateways/enrol", json=body)
        assert again.status_code == 403
    return key


async def until(condition, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_edge_uplink_delivers_everything_once_over_a_broken_link(
    here: Town, url: str, tmp_path: Path
) -> None:
    key = await enrol(here, url)
    spool = Spool(tmp_path / "spool", 10_000_000)
    session = UplinkSession(gateway="GW0001", spool=spool, key=key, profile_version=1)
    inbound: list[Inbound] = []
    uplink = Uplink(url, [session], lambda _, frame: inbound.append(frame))
    task = asyncio.create_task(uplink.run())
    await until(lambda: uplink.online)
    number = here.key(SUPPLY)
    for n in range(40):
        batch = SampleBatch()
        batch.append(number, SLOT - 3000 + 30 * n, 50.0 + n % 4)
        spool.append(batch)
        uplink.wake()
        if n == 20:
            await until(lambda: spool.rows_of(spool.epoch) == 0)
            await asyncio.sleep(0.05)
            await here.platform.links.drop_all("a test")
            await until(lambda: not uplink.online)
        await asyncio.sleep(0)
    await until(lambda: spool.rows_of(spool.epoch) == 0)
    engine = here.platform.historian.engine  # type: ignore[attr-defined]
    stored = engine.raw([number], SLOT - 3000, SLOT)
    assert stored.slots.tolist() == [SLOT - 3000 + 30 * n for n in range(40)]
    async with here.client("wang", Role.DISPATCHER) as client:
        await client.get("/api/v1/session")
    here.platform.world.latest.update(
        stored._replace(
            keys=stored.keys[:1] * 0 + here.key("UN0001.station_mode"),
            slots=stored.slots[:1],
            values=stored.values[:1] * 0 + 2.0,
            quality=stored.quality[:1],
        )
    )
    await until(lambda: uplink.online)
    async with here.client("wang") as client:
        answer = await client.post("/api/v1/commands", json={"point": SETPOINT, "value": 50.0})
        assert answer.status_code == 202, answer.text
    await until(lambda: any(isinstance(frame, CommandArrived) for frame in inbound))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_stranger_is_refused_and_hung_up(here: Town, url: str) -> None:
    await enrol(here, url)
    stranger = SigningKey.generate()
    for hello in (
        {"type": "hello", "gateway": "GW0001", "signature": stranger.sign(b"x").hex(), "epoch": 1},
        {"type": "hello", "gateway": "GW0002", "signature": "00" * 64, "epoch": 1},
        {"type": "hello"},
        {"type": "ack"},
        ["hello"],
    ):
        async with connect(url.replace("http", "ws") + "/api/v1/gateways/link") as socket:
            assert json.loads(await socket.recv())["type"] == "challenge"
            await socket.send(json.dumps(hello))
            assert json.loads(await socket.recv())["type"] == "refused"
            async with asyncio.timeout(5):
                await socket.wait_closed()
            assert socket.close_code == 1008


async def test_two_gateways_share_a_link(here: Town, url: str, tmp_path: Path) -> None:
    sessions = []
    for gateway in ("GW0001", "GW0002"):
        spool = Spool(tmp_path / gateway, 1_000_000)
        key = await enrol(here, url, gateway)
        sessions.append(UplinkSession(gateway=gateway, spool=spool, key=key, profile_version=1))
        batch = SampleBatch()
        batch.append(here.key(f"UN000{gateway[-1]}.secondary_supply_temperature"), SLOT, 50.0)
        spool.append(batch)
    uplink = Uplink(url, sessions)
    task = asyncio.create_task(uplink.run())
    await until(lambda: all(s.spool.rows_of(s.spool.epoch) == 0 for s in sessions))
    assert here.platform.intake.figures.rows == 2
    assert here.platform.links.connected() == ["GW0001", "GW0002"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_live_stream_sends_what_changed_to_who_may_see_it(here: Town, url: str) -> None:
    gateway = await here.enrol()
    await gateway.connect()
    here.add_user("wang", Role.DISPATCHER)
    async with httpx.AsyncClient(base_url=url, headers={"X-Heatloop": "1"}) as client:
        await client.post("/api/v1/session", json={"user": "wang", "password": PASSWORD})
        async with client.stream("GET", f"/api/v1/stream?points={SUPPLY}") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            assert (await _event(lines, "clock"))["plant_time"] == "2027-01-15T08:00:00Z"
            await gateway.samples((SUPPLY, SLOT, 50.0), ("UN0001.valve_opening", SLOT, 30.0))
            values = await _event(lines, "values")
            assert values == {"at": SLOT, "values": [[here.key(SUPPLY), 50.0, 0, SLOT]]}
            here.clock.advance(300)
            for n in range(1, 4):
                last = await gateway.samples((SUPPLY, SLOT + 60 * n, 96.0))
            await gateway.acknowledged(last)
            alarm = await _event(lines, "alarm")
            assert (alarm["point"], alarm["rule"], alarm["state"]) == (SUPPLY, "high", "active")
            assert alarm["onset"].endswith("Z")


async def _event(lines: AsyncIterator[str], name: str) -> dict[str, object]:
    """Return the data of the next event of this name."""
    current = ""
    async with asyncio.timeout(10):
        async for line in lines:
            if line.startswith("event: "):
                current = line.removeprefix("event: ")
            elif line.startswith("data: ") and current == name:
                return dict(json.loads(line.removeprefix("data: ")))
    raise AssertionError(f"no {name}")


async def test_slow_stream_is_bounded_and_does_not_hold_up_others(
    here: Town, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatloop.web.routes.stream._SEND_TIMEOUT_S", 0.5)
    here.add_user("wang", Role.DISPATCHER)
    async with httpx.AsyncClient(base_url=url, headers={"X-Heatloop": "1"}) as client:
        await client.post("/api/v1/session", json={"user": "wang", "password": PASSWORD})
        cookie = client.cookies["heatloop_session"]
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    cookie_line = f"cookie: heatloop_session={cookie}"
    ask = f"GET /api/v1/stream?overview=1 HTTP/1.1\r\nhost: x\r\n{cookie_line}\r\n\r\n"
    writer.write(ask.encode())
    await reader.readline()
    await until(lambda: len(here.platform.hub) == 1)
    (slow,) = here.platform.hub._subscribers
    # The client reads no more; a flood of events meets full buffers everywhere.
    big = {"text": "x" * 20_000}
    async with asyncio.timeout(30):
        while len(here.platform.hub):
            for _ in range(300):
                here.platform.hub.publish("alarm", big, "SS0001")
            assert len(slow._events) <= 256
            await asyncio.sleep(0.01)
    # It was let go in the end; what it missed was counted, and nobody waited for it.
    assert slow.dropped > 0
    writer.transport.abort()
    await asyncio.sleep(0.1)  # The server must see the reset to let its half go.


async def test_a_gateway_that_dies_while_it_is_written_to_is_a_broken_link_not_a_broken_platform(
    here: Town,
) -> None:
    async def dies(message: dict[str, object]) -> None:
        raise ConnectionResetError("gateway went away")

    async def takes_nothing(message: dict[str, object]) -> None:
        await asyncio.Event().wait()

    async def drop(reason: str) -> None:
        return None

    for send in (dies, takes_nothing):
        line = GatewayLine("GW0001", KeyRing(), {}, send, drop)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("heatloop.app.links.SEND_S", 0.05)
            assert not await line.send({"type": "ack", "epoch": 1, "through": 1})
        assert not line.open


async def test_a_socket_that_went_away_is_told_as_a_lost_connection(here: Town) -> None:
    class GoneSocket:
        application_state = WebSocketState.CONNECTED

        async def send_text(self, text: str) -> None:
            raise WebSocketDisconnect(1006)

    link = gateways._Link(GoneSocket(), here.platform)  # type: ignore[arg-type]
    with pytest.raises(ConnectionResetError):
        await link.send({"type": "ack"})
