"""A town of two branches and a platform around it, for the tests of app and web."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from heatloop.app.history import ThreadedHistorian
from heatloop.app.ledger_admin import create_gateway_token, install_ledger
from heatloop.app.platform import Platform
from heatloop.app.process import running
from heatloop.app.settings import Settings, load_settings
from heatloop.app.wiring import build_platform, open_records
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.clock import ClockState, SharedClock, machine_s
from heatloop.kernel.envelope import Envelope, EnvelopeKind, encode, seal_notes, seal_samples
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.protocols.link import challenge_bytes
from heatloop.security.access import Role
from heatloop.security.keys import SigningKey
from heatloop.security.passwords import hash_password, new_token, token_hash
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.web.access import COOKIE
from heatloop.web.factory import create_app

START_S = 1_800_000_000.0 // 600 * 600
PASSWORD = "Warm-Rooms-2026"
_HASH = hash_password(PASSWORD)


def _asset(code: str, kind: str, parent: str = "", organisation: str = "", **own: Any) -> Asset:
    return Asset(
        code=code,
        kind=kind,
        zh=f"名{code}",
        en=f"name {code}",
        parent=parent,
        organisation=organisation,
        attributes=own,
    )


def assets() -> list[Asset]:
    found = [
        _asset("CO01", "company"),
        _asset("BR01", "branch", "CO01"),
        _asset("BR02", "branch", "CO01"),
        _asset("PE0001", "person", "BR01", duty="站长", phone="13900000001"),
        _asset("HS0001", "heat_source", organisation="BR01", rated_load_kw=58000),
        _asset("WS0001", "weather_station", "HS0001"),
    ]
    for n, branch in ((1, "BR01"), (2, "BR02")):
        found += [
            _asset(f"SS000{n}", "substation", "HS0001", branch, heated_area_m2=30000,
                   lat=43.9, lon=125.3),
            _asset(f"UN000{n}", "unit", f"SS000{n}", heated_area_m2=18000, zone="low",
                   emitter="radiator", hx_area_m2=40, pump_rated_head_m=25),
            _asset(f"BD000{n}", "building", f"UN000{n}", area_m2=10000, use="dwelling",
                   year=1998, floors=6, envelope="fair"),
            _asset(f"FL0000{n}", "flat", f"BD000{n}", area_m2=80, metered=True, address="1-101"),
            _asset(f"RC000{n}", "room_collector", f"FL0000{n}", model="T-1", height_m=1.4,
                   battery_pct=90),
        ]  # fmt: skip
    return found


def devices() -> list[Device]:
    def device(n: int, of: str, profile: str, gateway: str) -> Device:
        coap = profile == "room_collector"
        return Device(
            code=f"DV{n:04d}",
            asset=of,
            gateway=gateway,
            profile=profile,
            protocol="coap" if coap else "modbus_tcp",
            port=0 if coap else 15000 + n,
        )

    return [
        device(1, "SS0001", "substation_controller", "GW0001"),
        device(2, "SS0002", "substation_controller", "GW0002"),
        device(3, "WS0001", "weather_station", "GW0001"),
        device(4, "RC0001", "room_collector", "GW0001"),
        device(5, "RC0002", "room_collector", "GW0002"),
    ]


def gateways() -> list[Gateway]:
    return [
        Gateway(code=f"GW000{n}", zh=f"网关{n}", en=f"gateway {n}", organisation=f"BR0{n}")
        for n in (1, 2)
    ]


class TownClock(SharedClock):
    """Plant time that moves when told."""

    def __init__(self) -> None:
        super().__init__(
            ClockState(
                epoch=1, origin_machine_s=0, origin_plant_s=START_S, speed=0.0, lockstep=True
            )
        )

    def advance(self, seconds: float) -> None:
        self.state = replace(self.state, origin_plant_s=self.state.origin_plant_s + seconds)


class Town:
    """A platform with people, a ledger and gateways to act."""

    def __init__(self, platform: Platform, clock: TownClock, folder: Path) -> None:
        self.platform, self.clock, self.folder = platform, clock, folder
        self.app = create_app(platform)
        self.keys = platform.world.ledger.points

    def key(self, code: str) -> int:
        return self.keys[code].key

    def add_user(self, name: str, *roles: Role, scope: str = "") -> None:
        self.platform.records.users.create(
            name,
            password_hash=_HASH,
            roles=[role.value for role in roles],
            scope=[scope],
            at=0.0,
            must_change=False,
        )

    @contextlib.asynccontextmanager
    async def client(
        self, user: str = "", *roles: Role, scope: str = ""
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client, signed in as a new user if one is named."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        headers = {"X-Heatloop": "1"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://town", headers=headers
        ) as client:
            if user:
                if roles:
                    self.add_user(user, *roles, scope=scope)
                # Signing in by password costs argon2 its tenth of a second: tested elsewhere.
                token, now = new_token(), machine_s()
                self.platform.records.sessions.create(
                    token_hash(token), user=user, at=now, expires_at=now + 12 * 3600
                )
                client.cookies[COOKIE] = token
            yield client

    async def enrol(self, gateway: str = "GW0001") -> TownGateway:
        token = create_gateway_token(self.platform.records, gateway)
        key = SigningKey.generate()
        await self.platform.gateways.enrol(gateway, key.public, token)
        return TownGateway(self, gateway, key)


class TownGateway:
    """A gateway without a socket: frames go straight to the platform's ends of the link."""

    def __init__(self, town: Town, gateway: str, key: SigningKey) -> None:
        self.town, self.gateway, self.key = town, gateway, key
        self.epoch, self.next = 77, 1
        self.frames: list[dict[str, Any]] = []
        self.arrived = asyncio.Event()
        self.dropped: list[str] = []
        self.lines: dict[str, Any] = {}

    async def _send(self, message: dict[str, Any]) -> None:
        self.frames.append(message)
        self.arrived.set()

    async def _drop(self, reason: str) -> None:
        self.dropped.append(reason)

    async def connect(self) -> None:
        challenge = self.town.platform.gateways.challenge()
        signature = self.key.sign(challenge_bytes(challenge["nonce"])).hex()
        version = self.town.platform.gateways.profile_version()
        hello = {
            "type": "hello",
            "gateway": self.gateway,
            "epoch": self.epoch,
            "signature": signature,
            "profile_version": version,
        }
        line = await self.town.platform.gateways.open(
            hello, challenge["nonce"], self._send, self._drop
        )
        self.lines = {self.gateway: line}

    def close(self) -> None:
        self.town.platform.links.closed(self.lines[self.gateway])

    def seal(
        self, kind: EnvelopeKind, body: bytes, count: int, *, key: SigningKey | None = None
    ) -> bytes:
        signer = key or self.key
        envelope = Envelope(
            gateway=self.gateway,
            epoch=self.epoch,
            first=self.next,
            count=count,
            kind=kind,
            body=body,
        )
        return encode(envelope, signer.sign, signer.key_id)

    async def samples(self, *rows: tuple[str | int, int, float]) -> int:
        """Send rows of (point, slot, value); return the sequence that will be acknowledged."""
        batch = SampleBatch()
        for point, slot, value in rows:
            batch.append(point if isinstance(point, int) else self.town.key(point), slot, value)
        return await self.send(EnvelopeKind.SAMPLES, seal_samples(batch), len(rows))

    async def notes(self, *notes: dict[str, Any]) -> int:
        return await self.send(EnvelopeKind.NOTES, seal_notes(list(notes)), len(notes))

    async def send(self, kind: EnvelopeKind, body: bytes, count: int) -> int:
        data = self.seal(kind, body, count)
        self.next += count
        await self.town.platform.intake.take(self.lines, data)
        return self.next - 1

    async def acknowledged(self, through: int, seconds: float = 5.0) -> None:
        await self.until(
            lambda: any(f["type"] == "ack" and f["through"] >= through for f in self.frames),
            seconds,
        )

    async def until(self, condition: Any, seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.arrived.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await self.arrived.wait()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    """Make the records once a run: migrations and the ledger take most of a test's time."""
    made = tempfile.TemporaryDirectory(prefix="heatloop-town-")
    records, _ = open_records(load_settings(Path(made.name)))
    install_ledger(records, assets(), devices(), gateways())
    records.close()
    return made


# Second factors and encrypted exports have tests of their own.
_PLAIN = {"identity": {"second_factor": "off"}, "crypto": {"plain_exports": "free"}}


def prepare(folder: Path, **overrides: Any) -> Settings:
    shutil.copytree(_template().name, folder, dirs_exist_ok=True)
    return load_settings(folder, overrides=_PLAIN | overrides)


@contextlib.asynccontextmanager
async def town(
    folder: Path,
    *,
    engine: MemoryHistorian | None = None,
    clock: TownClock | None = None,
    fresh: bool = True,
    **overrides: Any,
) -> AsyncIterator[Town]:
    """Run a platform over a folder; the historian is in memory unless given."""
    settings = (
        prepare(folder, **overrides)
        if fresh
        else load_settings(folder, overrides=_PLAIN | overrides)
    )
    clock = clock or TownClock()
    historian = ThreadedHistorian(engine or MemoryHistorian(zone=ZoneInfo("Asia/Shanghai")))
    platform = build_platform(settings, clock=clock, historian=historian)
    async with running(platform):
        yield Town(platform, clock, folder)
