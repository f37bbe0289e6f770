"""Clauses a gateway fulfils: 4.2.1 -4, 5.1 c 2 #2, 7.7 d #2; over real sockets throughout."""

import asyncio
import contextlib

import pytest

from heatloop.kernel.clock import machine_s
from heatloop.plant.model import Device
from heatloop.station.curve import CurveDesign, table_of
from tests.contract.edge_peers import START, Publisher, World, until
from tests.physics.station_plant import SimulatedUnit

CURVE = table_of(CurveDesign())


class Station:
    """A simulated unit behind the registers of a station that its gateway drives."""

    def __init__(self, field):
        self.field = field
        self.unit = SimulatedUnit(primary_c=110.0, load=0.9, supply_c=60.0, return_c=45.0)
        field.put("UN0001.secondary_return_pressure_setpoint", 300.0)
        field.put("UN0001.limit_return_pressure_low", 100.0)
        for number, (outdoor, supply) in enumerate(CURVE.points, 1):
            field.put(f"UN0001.heating_curve_outdoor.{number}", outdoor)
            field.put(f"UN0001.heating_curve_supply.{number}", supply)
        self.show(0.0)

    def show(self, outdoor_c):
        """Put what the sensors measure into the registers."""
        self.outdoor_c = outdoor_c
        unit, put = self.unit, self.field.put
        put("UN0001.secondary_supply_temperature", unit.supply_c)
        put("UN0001.secondary_return_temperature", unit.return_c)
        put("UN0001.secondary_supply_pressure", unit.supply_kpa)
        put("UN0001.secondary_return_pressure", unit.return_kpa)
        put("UN0001.valve_opening", unit.valve_pct)
        put("WS0001.outdoor_temperature", outdoor_c)

    def run(self, seconds):
        """Let the station do for a while what its registers say."""
        get = self.field.get
        for _ in range(seconds):
            self.unit.second(
                get("UN0001.valve_opening_setpoint"),
                get("UN0001.circulation_pump_frequency_setpoint"),
                get("UN0001.makeup_pump_command") > 0,
            )


@pytest.fixture
async def plant(tmp_path, unused_tcp_port_factory):
    async with contextlib.AsyncExitStack() as stack:
        world = World(tmp_path, [unused_tcp_port_factory()], {"DV0001": "edge"})
        world.field.add(
            Device(
                code="DV0002", asset="WS0001", gateway="GW0001", profile="weather_station",
                protocol="modbus_tcp", port=unused_tcp_port_factory(),
            )
        )  # fmt: skip
        await stack.enter_async_context(world.field)
        world.station = Station(world.field)
        world.stack = stack
        yield world
        await world.stop()


async def begin(world, speed=0.0):
    world.server = await world.listen(world.stack)
    world.clock = await world.stack.enter_async_context(
        Publisher(
            world.folder / "city.sock", start=START, speed=speed, origin_machine_s=machine_s()
        )
    )
    await world.start()


async def test_4_2_1_4__1_and_2_an_hour_without_the_platform(plant):
    """The unit stays on its curve while the link is cut for 100 min, and nothing is missing after.

    The last set-point holds half an hour, then the station walks to its own curve.
    """
    await begin(plant)
    station, clock = plant.station, plant.clock
    await until(clock.done.is_set)
    setpoint = "UN0001.secondary_supply_temperature_setpoint"
    await plant.command(plant.order(1, setpoint, CURVE.supply_c(0.0), clock.slot))
    for _ in range(120):  # an hour with the platform, to come to rest
        station.run(30)
        station.show(0.0)
        await clock.step()
    plant.server.close()
    await plant.server.wait_closed()
    plant.agent._pace.patience_s = 0.0
    off = []
    for n in range(200):
        station.run(30)
        station.show(-3.0 * n * 30 / 3600)
        await clock.step()
        off.append(abs(station.unit.supply_c - CURVE.supply_c(station.outdoor_c)))
    assert max(off[80:]) <= 2.0
    assert plant.agent.spool.rows == 200 * len(plant.field.bindings)
    # It comes back by itself and everything is there: each point, each slot, once.
    started = asyncio.get_running_loop().time()
    plant.server = await plant.listen(plant.stack, plant.port)
    await until(lambda: plant.agent.spool.rows == 0, 60)
    assert asyncio.get_running_loop().time() - started < 60
    rows = plant.platform.rows["GW0001"]
    expected = len(plant.field.bindings) * 321
    assert len(rows) == len({row[:2] for row in rows}) == expected
    assert plant.platform.notes_of("gap") == []


async def test_4_2_1_4__1_interlocks_act_within_a_second_without_the_platform(plant):
    await begin(plant, speed=1.0)
    valve = "UN0001.valve_opening_setpoint"
    await until(lambda: plant.agent._works is not None and plant.field.reads["DV0001"] > 3)
    plant.server.close()
    await plant.server.wait_closed()
    await until(lambda: plant.field.get(valve) > 0)
    plant.field.put("UN0001.secondary_supply_temperature", 95.0)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await until(lambda: plant.field.get(valve) == 0.0, 5)
    assert loop.time() - started <= 1.0


async def test_7_7_d_2_a_station_that_stops_answering_is_raised_within_a_minute(plant):
    await begin(plant)
    await until(plant.clock.done.is_set)
    await plant.field.stop("DV0001")
    stopped = plant.clock.slot
    for _ in range(3):
        await plant.clock.step()
    await until(lambda: plant.platform.notes_of("alarm"))
    (alarm,) = plant.platform.notes_of("alarm")
    assert (alarm["subject"], alarm["rule"]) == ("SS0001", "link.DV0001")
    assert alarm["onset"] <= stopped + 60
