"""Peers of the edge for its contract tests: a platform, a clock publisher, a field of devices."""

import asyncio
import contextlib
import json
import secrets
from collections import defaultdict
from random import Random

from websockets.asyncio.server import serve as serve_websocket

from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
from heatloop.edge.agent import Agent
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity
from heatloop.kernel import envelope
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.messages import Command
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.model import Binding, Device
from heatloop.plant.profiles import profile
from heatloop.protocols.registers import decode_raw, encode_raw
from heatloop.security.keys import KeyRing, SigningKey

START = 1_800_000_000


async def until(condition, within_s=10.0):
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


class Platform:
    """Accepts links, keeps rows by (gateway, epoch), refuses holes, acknowledges in order."""

    def __init__(self, ring):
        self.ring = ring
        self.keys = {}
        self.through = defaultdict(int)
        self.rows = defaultdict(list)
        self.notes = []
        self.link_stats = []
        self.sizes = []
        self.links = []
        self.hold_acks = False
        self.held = []
        self.epochs = []
        self.on_link = None
        self.deaf = False

    async def __call__(self, socket):
        self.links.append(socket)
        nonce = secrets.token_hex(16)
        await socket.send(json.dumps({"type": "challenge", "nonce": nonce}))
        async for frame in socket:
            if isinstance(frame, str):
                hello = json.loads(frame)
                assert hello["type"] == "hello"
                key_id = next(iter(self.keys[hello["gateway"]]))
                signed = b"heatloop-link\0" + bytes.fromhex(nonce)
                self.ring.verify(key_id, signed, bytes.fromhex(hello["signature"]))
                through = self.through[hello["gateway"], hello["epoch"]]
                await self.say(socket, "welcome", hello["gateway"], through=through)
                if self.on_link is not None:
                    await self.on_link(socket)
            elif not self.deaf:
                await self.take(socket, frame)

    @staticmethod
    async def say(socket, kind, gateway, **rest):
        await socket.send(json.dumps({"type": kind, "gateway": gateway, **rest}))

    async def take(self, socket, frame):
        got = envelope.decode(frame)
        self.ring.verify(got.key_id, got.signed, got.signature)
        key = got.gateway, got.epoch
        assert got.first <= self.through[key] + 1, "a hole"
        if got.last > self.through[key]:
            skip = self.through[key] + 1 - got.first
            if got.kind is EnvelopeKind.NOTES:
                for note in got.notes()[skip:]:
                    kept = self.link_stats if note["type"] == "link_stats" else self.notes
                    kept.append(note)
            else:
                self.rows[got.gateway] += list(got.batch().rows())[skip:]
        self.sizes.append(got.count)
        self.epochs.append(got.epoch)
        self.through[key] = max(self.through[key], got.last)
        ack = (socket, "ack", got.gateway, {"epoch": got.epoch, "through": self.through[key]})
        if self.hold_acks:
            self.held.append(ack)
        else:
            await self.say(*ack[:3], **ack[3])

    async def release(self):
        self.hold_acks = False
        for ack in self.held:
            await self.say(*ack[:3], **ack[3])
        self.held.clear()

    def notes_of(self, kind):
        return [note for note in self.notes if note["type"] == kind]


class Publisher:
    """Publishes plant time on a Unix socket; in lockstep it steps when everybody is done."""

    def __init__(self, path, *, start, speed=0.0, origin_machine_s=0.0):
        self.path, self.slot, self.speed = path, start, speed
        self.origin_machine_s = origin_machine_s
        self.done = asyncio.Event()
        self.epoch = 1
        self._writers = []

    async def __aenter__(self):
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *reason):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    def _clock(self):
        return {
            "type": "clock", "epoch": self.epoch, "origin_machine_s": self.origin_machine_s,
            "origin_plant_s": float(self.slot), "speed": self.speed, "lockstep": not self.speed,
        }  # fmt: skip

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        self._say(writer, self._clock())
        if not self.speed:
            self._say(writer, {"type": "tick", "slot": self.slot})
        while line := await reader.readline():
            message = json.loads(line)
            if message["type"] == "done" and message["slot"] == self.slot:
                self.done.set()
        writer.close()

    @staticmethod
    def _say(writer, message):
        with contextlib.suppress(OSError):
            writer.write(json.dumps(message).encode() + b"\n")

    async def step(self, within_s=20.0):
        """Publish the next tick and wait until it is done."""
        self.slot += 30
        self.done.clear()
        for writer in self._writers:
            self._say(writer, {"type": "tick", "slot": self.slot})
        async with asyncio.timeout(within_s):
            await self.done.wait()


class Field:
    """Substations with one unit each, behind real sockets, and the profile that describes them."""

    def __init__(self, ports, *, regulates=None, gateway="GW0001"):
        self.gateway = gateway
        self.devices, self.bindings, self.memory, self.servers = [], [], {}, {}
        self.models = {}
        for n, port in enumerate(ports, 1):
            code = f"DV{n:04d}"
            device = Device(
                code=code, asset=f"SS{n:04d}", gateway=gateway, profile="substation_controller",
                protocol="modbus_tcp", port=port, word_order="ABCD" if n % 2 else "CDAB",
                regulates=(regulates or {}).get(code, "plc"),
            )  # fmt: skip
            self.add(device, f"UN{n:04d}")
        self.reads = defaultdict(int)

    def add(self, device, child=""):
        """Put one more device into the field, with the rows of its profile."""
        self.devices.append(device)
        self.memory[device.code] = bytearray(800)
        for row in profile(device.profile):
            asset = device.asset if row.child == "device" else child
            name = f"{row.kind}.{row.n}" if row.n else row.kind
            limits = {"low": -40.0, "high": 2000.0} if row.access == "rw" else {}
            self.bindings.append(
                Binding(
                    key=len(self.bindings) + 1, point=f"{asset}.{name}", kind=row.kind,
                    device=device.code, register=row.register, dtype=row.dtype,
                    factor=row.factor, access=row.access, **limits,
                )
            )  # fmt: skip

    def profile(self, version=1):
        return EdgeProfile(
            gateway=self.gateway, version=version, ledger_version=1,
            devices=tuple(self.devices), bindings=tuple(self.bindings),
        )  # fmt: skip

    def binding(self, point):
        return next(b for b in self.bindings if b.point == point)

    def put(self, point, value):
        b = self.binding(point)
        order = next(d.word_order for d in self.devices if d.code == b.device)
        words = encode_raw((value - b.offset) / b.factor, b.dtype, order)
        for i, word in enumerate(words):
            at = 2 * (b.register + i)
            self.memory[b.device][at : at + 2] = word.to_bytes(2, "big")

    def get(self, point):
        b = self.binding(point)
        order = next(d.word_order for d in self.devices if d.code == b.device)
        data = self.memory[b.device][2 * b.register : 2 * (b.register + b.words)]
        words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        return decode_raw(words, b.dtype, order) * b.factor + b.offset

    def settle(self, number=1):
        """Give a station values of an ordinary winter day."""
        unit, station = f"UN{number:04d}", f"SS{number:04d}"
        for point, value in {
            f"{station}.primary_supply_temperature": 95.4, f"{station}.tank_level": 1.5,
            f"{station}.primary_heat_total": 4_000_000_000.0,
            f"{unit}.secondary_supply_temperature": 55.3,
            f"{unit}.secondary_return_temperature": 41.2,
            f"{unit}.secondary_supply_pressure": 520.0, f"{unit}.secondary_return_pressure": 350.0,
            f"{unit}.valve_opening": 40.0, f"{unit}.circulation_pump_frequency": 42.0,
            f"{unit}.station_mode": 2.0, f"{unit}.valve_opening_setpoint": 40.0,
            f"{unit}.secondary_supply_temperature_setpoint": 55.0,
            f"{unit}.circulation_pump_frequency_setpoint": 42.0,
            f"{unit}.secondary_return_pressure_setpoint": 350.0,
            f"{unit}.limit_supply_temperature_high": 80.0,
            f"{unit}.limit_supply_pressure_high": 1000.0,
            f"{unit}.limit_return_pressure_low": 150.0,
            f"{unit}.limit_return_pressure_high": 700.0,
        }.items():  # fmt: skip
            self.put(point, value)

    async def start(self, code):
        index = [d.code for d in self.devices].index(code)
        device = self.devices[index]
        writable = frozenset(
            b.register for b in self.bindings if b.device == code and b.access == "rw"
        )

        def read(*_):
            self.reads[code] += 1

        model = ModbusDevice(
            index=index, memory=memoryview(self.memory[code]), writable=writable, on_read=read
        )
        self.models[code] = model
        self.servers[code] = await serve(model, "127.0.0.1", device.port)

    async def stop(self, code):
        await stop(self.models[code], self.servers.pop(code))

    async def __aenter__(self):
        for n, device in enumerate(self.devices, 1):
            if device.profile == "substation_controller":
                self.settle(n)
            await self.start(device.code)
        return self

    async def __aexit__(self, *reason):
        for code in list(self.servers):
            await self.stop(code)


def signed(key, *, point, value, counter, mode="manual", gateway="GW0001", now=0.0, **rest):
    """Return a command as the platform signs it."""
    fields = {
        "id": f"cmd{counter}", "issued": now, "expires": now + 600.0,
        "nonce": secrets.token_hex(8), **rest,
    }  # fmt: skip
    plain = Command(
        point=point, value=float(value), mode=mode, gateway=gateway, counter=counter,
        key_id=key.key_id, **fields,
    )  # fmt: skip
    return Command(**{**plain.to_dict(), "signature": key.sign(plain.signed_bytes()).hex()})


class World:
    """One gateway with two stations, and everything around it."""

    def __init__(self, folder, ports, regulates=None):
        self.folder = folder
        self.field = Field(ports, regulates=regulates)
        self.gateway_key, self.platform_key = SigningKey.generate(), SigningKey.generate()
        self.platform = Platform(KeyRing([self.gateway_key.public]))
        self.platform.keys = {"GW0001": {self.gateway_key.key_id}}
        self.agent = None
        self._task = None

    async def listen(self, stack, port=0):
        server = await stack.enter_async_context(serve_websocket(self.platform, "127.0.0.1", port))
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def start(self, **options):
        config = EdgeConfig(
            gateway="GW0001", platform_url=f"http://127.0.0.1:{self.port}",
            data=self.folder, clock_socket=self.folder / "city.sock", timeout_s=0.3, **options,
        )  # fmt: skip
        identity = Identity(
            self.gateway_key, KeyRing([self.platform_key.public]), self.field.profile(), self.folder
        )
        self.agent = Agent(config, identity, SharedClock(), Random(1))
        self._task = asyncio.create_task(self.agent.run())

    async def stop(self):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def command(self, command):
        await self.platform.say(
            self.platform.links[-1], "command", "GW0001", command=command.to_dict()
        )
        await until(lambda: self.agent._commands or command.id in self.agent._kept.memory.outcomes)

    def order(self, counter, point, value, now, **rest):
        return signed(self.platform_key, point=point, value=value, counter=counter, now=now, **rest)

    def value(self, point, slot):
        key = self.field.binding(point).key
        found = [row for row in self.platform.rows["GW0001"] if row[0] == key and row[1] == slot]
        assert len(found) <= 1
        return found[0][2] if found else None

    def slots(self, point):
        key = self.field.binding(point).key
        return [row[1] for row in self.platform.rows["GW0001"] if row[0] == key]
