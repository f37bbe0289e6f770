"""A tiny demo city on real sockets with a real gateway, in one process: fast enough for days."""

import contextlib
from dataclasses import dataclass, field, replace

from heatloop.demo.city import City
from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
from heatloop.kernel.clock import machine_s
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.security.keys import KeyRing, SigningKey
from tests.contract.edge_peers import Platform, Publisher, World, until

START = 1_767_571_200
TICK_S = 30
GATEWAY = "GW0001"


@dataclass(kw_only=True)
class HeardDevice(ModbusDevice):
    """A device whose wire somebody listens to."""

    heard: list = field(default_factory=list)

    def answer(self, request):
        if request[1] in (6, 16):
            self.heard.append(bytes(request))
        return super().answer(request)


class CityField:
    """The city's controllers and weather station behind Modbus TCP servers of their own."""

    def __init__(self, city, port_of):
        self.city = city
        # Whatever bus a controller hangs on in the city: here each is on Modbus TCP.
        numbers = [n for n, d in enumerate(city.memory.devices) if d.protocol.startswith("modbus")]
        self.devices = [
            replace(
                city.memory.devices[n], gateway=GATEWAY, protocol="modbus_tcp", port=port_of(),
                unit_id=1, parameters="",
            )
            for n in numbers
        ]  # fmt: skip
        ledger = city.ledger
        self.bindings = [b for d in self.devices for b in ledger.bindings_of_device(d.code)]
        self.answered = {}
        """(point key, slot) -> values the device answered with, as raw words."""
        self.slot = int(city.now_s)
        self.models = [
            HeardDevice(
                index=n, memory=city.memory.memory(n), writable=city.memory.writable(n),
                on_read=self._read, on_write=city.wrote,
            )
            for n in numbers
        ]  # fmt: skip
        self.servers = []

    def profile(self, version=1):
        return EdgeProfile(
            gateway=GATEWAY, version=version, ledger_version=1,
            devices=tuple(self.devices), bindings=tuple(self.bindings),
        )  # fmt: skip

    def binding(self, point):
        return next(b for b in self.bindings if b.point == point)

    def device(self, point):
        code = self.binding(point).device
        return next(d for d in self.devices if d.code == code)

    def get(self, point):
        number = self.city.memory.setting_number[point]
        return float(self.city.memory.setting_values()[number])

    def _read(self, device, start, count, data):
        """Note what went out on the wire, as the device's own log does."""
        self.answered.setdefault((self.slot, device), []).append((start, count, data))

    async def __aenter__(self):
        for model, device in zip(self.models, self.devices, strict=True):
            self.servers.append(await serve(model, "127.0.0.1", device.port))
        return self

    async def __aexit__(self, *reason):
        for model, server in zip(self.models, self.servers, strict=True):
            await stop(model, server)


class CityWorld(World):
    """The city, its gateway and a platform that can be cut off."""

    def __init__(self, folder, port_of, seed=2):
        self.folder = folder
        self.city = City(seed, "tiny", float(START))
        self.field = CityField(self.city, port_of)
        self.gateway_key, self.platform_key = SigningKey.generate(), SigningKey.generate()
        self.platform = Platform(KeyRing([self.gateway_key.public]))
        self.platform.keys = {GATEWAY: {self.gateway_key.key_id}}
        self.agent = None
        self._task = None
        self.spooled_rows, self.spooled_notes = [], []

    @contextlib.asynccontextmanager
    async def running(self, speed=0.0):
        async with contextlib.AsyncExitStack() as stack:
            self.stack = stack
            await stack.enter_async_context(self.field)
            self.server = await self.listen(stack)
            self.clock = await stack.enter_async_context(
                Publisher(
                    self.folder / "city.sock", start=START, speed=speed,
                    origin_machine_s=machine_s(),
                )
            )  # fmt: skip
            await self.start()
            self._tap()
            try:
                yield self
            finally:
                await self.stop()

    def _tap(self):
        """Write down what the gateway spools: its side of the log."""
        spool = self.agent.spool
        append, append_notes = spool.append, spool.append_notes

        def rows(batch, **how):
            done = append(batch, **how)
            self.spooled_rows += list(batch.rows())
            return done

        def notes(given, *rest, **how):
            done = append_notes(given, *rest, **how)
            self.spooled_notes += given
            return done

        spool.append, spool.append_notes = rows, notes

    async def cut(self):
        """Take the platform away; ticks wait for it no longer."""
        self.server.close()
        await self.server.wait_closed()
        self.agent._pace.patience_s = 0.0

    async def join(self):
        """Bring the platform back and wait until it has everything."""
        self.server = await self.listen(self.stack, self.port)
        await until(lambda: self.agent.spool.rows == 0, 60)

    async def tick(self, outdoor_c=None):
        """Move the city by one slot, at this outdoor temperature, and let the gateway do it."""
        city = self.city
        if outdoor_c is not None:
            real_c = city.winter.at(city.now_s + TICK_S).outdoor_c
            city.set_weather(offset_k=outdoor_c - real_c)
        city.step(TICK_S)
        self.field.slot = int(city.now_s)
        await self.clock.step()

    async def until_told(self, told=True):
        """Wait for the first alarm at the platform, if there is to be one."""
        if told:
            await until(lambda: self.platform.notes_of("alarm"))

    def flats_c(self):
        """Return the temperature of every flat."""
        return self.city.works.rooms.zone_c[: len(self.city.streets.flats.building)].copy()
