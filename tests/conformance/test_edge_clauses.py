"""Clauses a gateway fulfils: 4.2.1 -4, 5.1 c 2 #2, 7.7 d #2; over real sockets throughout."""

import asyncio
import contextlib

import pytest

from heatloop.kernel.clock import machine_s
from heatloop.plant.model import Device
from heatloop.security.keys import sign_document
from heatloop.station.curve import CurveDesign, table_of
from tests.contract.edge_peers import START, Publisher, World, until
from tests.physics.station_plant import SimulatedUnit

CURVE = table_of(CurveDesign())
VALVE_SET = "UN0001.valve_opening_setpoint"
PUMP_SET = "UN0001.circulation_pump_frequency_setpoint"


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
    # The samples of 200 slots, and what was counted on the links each ten minutes.
    assert plant.agent.spool.rows == 200 * len(plant.field.bindings) + 10
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


# What the device shows -> what the gateway writes within a second.
FAST = {
    "over_temperature": ("UN0001.secondary_supply_temperature", 95.0, VALVE_SET),
    "over_pressure": ("UN0001.secondary_supply_pressure", 1400.0, PUMP_SET),
    "return_pressure_low": ("UN0001.secondary_return_pressure", 40.0, PUMP_SET),
    "pump_fault": ("UN0001.circulation_pump_fault", 2.0, "UN0001.circulation_pump_selected"),
    "leakage": ("SS0001.residual_current_trip", 1.0, PUMP_SET),
}  # fmt: skip


@pytest.mark.parametrize("name", FAST)
async def test_4_2_1_4__1_each_interlock_acts_within_a_second_at_the_fast_class(plant, name):
    """At real speed, scan 0.5 s: from the register changing to the register written."""
    shown, value, written = FAST[name]
    field = plant.field
    await begin(plant, speed=1.0)
    wanted = 2.0 if name == "pump_fault" else 0.0  # there the standby pump takes over
    await until(lambda: field.get(PUMP_SET) > 0 and field.get(VALVE_SET) > 0)
    await until(lambda: field.get("UN0001.circulation_pump_selected") == 1.0)
    field.put(shown, value)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await until(lambda: field.get(written) == wanted, 5)
    assert loop.time() - started <= 1.0
    await until(lambda: plant.platform.notes_of("alarm"))
    rules = {a["rule"] for a in plant.platform.notes_of("alarm")}
    assert f"interlock.{name}" in rules
    if name == "leakage":
        (alarm,) = [a for a in plant.platform.notes_of("alarm") if a["rule"].endswith("leakage")]
        assert alarm["priority"] == 1


async def test_5_1_d_4_1_a_trip_outlives_the_gateway_and_a_person_resets_it(plant):
    await begin(plant)
    field, clock, station = plant.field, plant.clock, plant.station
    field.put("UN0001.limit_circulation_pump_current", 30.0)
    field.put("UN0001.standby_pump_fault", 2.0)  # no standby to take over
    field.put("UN0001.circulation_pump_frequency", 42.0)
    await until(clock.done.is_set)
    station.show(0.0)
    await clock.step()
    assert field.get(PUMP_SET) > 0
    field.put("UN0001.circulation_pump_current", 36.0)
    for _ in range(2):
        await clock.step()
    assert field.get(PUMP_SET) == 0.0
    await until(lambda: plant.platform.notes_of("alarm"))
    assert "interlock.overload" in {a["rule"] for a in plant.platform.notes_of("alarm")}
    field.put("UN0001.circulation_pump_current", 0.0)
    field.put("UN0001.circulation_pump_frequency", 0.0)
    await plant.stop()
    clock.done.clear()
    await plant.start()
    await until(clock.done.is_set)
    for _ in range(10):
        await clock.step()
    assert field.get(PUMP_SET) == 0.0
    # Somebody else's write to the register resets nothing; it is raised and put back.
    reset = "UN0001.protection_reset"
    field.put(reset, 1.0)
    await clock.step()
    await clock.step()
    assert (field.get(reset), field.get(PUMP_SET)) == (0.0, 0.0)
    # Nor may a program reset; a person may.
    order = plant.order(1, reset, 1.0, clock.slot, mode="automatic")
    await plant.command(order)
    await clock.step()
    assert field.get(reset) == 0.0
    await plant.command(plant.order(2, reset, 1.0, clock.slot))
    for _ in range(10):
        await clock.step()
    assert field.get(reset) == 1.0
    assert field.get(PUMP_SET) > 0
    reasons = [n["reason"] for n in plant.platform.notes_of("command_report")]
    assert "reset_is_for_people" in reasons


async def test_5_1_c_2_2_edge_rules_run_with_the_uplink_cut(plant):
    """Unit conversion, dead-band, an alarm and an output, deployed from the platform."""
    await begin(plant)
    field, clock = plant.field, plant.clock
    field.put("UN0001.secondary_flow", 100.0)
    await until(clock.done.is_set)
    document = {
        "format": 1, "gateway": "GW0001", "version": 1,
        "derived": [{"name": "return_mpa", "asset": "UN0001", "unit": "MPa",
                     "expr": "UN0001.secondary_return_pressure / 1000"}],
        "report": [{"of": "return_mpa", "band": 0.01, "max_interval_s": 86400}],
        "outputs": [{"name": "night", "point": PUMP_SET, "every_s": 60,
                     "expr": "if_else(WS0001.outdoor_temperature > 5, 30, 40)"}],
        "alarms": [{"name": "warm", "subject": "WS0001", "for_s": 0, "priority": 4,
                    "when": "WS0001.outdoor_temperature > 5", "zh": "天暖", "en": "warm day"}],
    }  # fmt: skip
    signed = dict(sign_document(plant.platform_key, document))
    await plant.platform.say(plant.platform.links[-1], "rules", "GW0001", document=signed)
    await until(lambda: plant.agent._kept.rules.offered is not None)
    for _ in range(3):
        await clock.step()
    await until(lambda: plant.agent.spool.rows == 0)
    plant.server.close()
    await plant.server.wait_closed()
    plant.agent._pace.patience_s = 0.0
    plant.station.unit.return_kpa = 330.0
    plant.station.show(8.0)
    for _ in range(30):
        await clock.step()
    assert field.get(PUMP_SET) == pytest.approx(30.0)  # local control goes on
    plant.server = await plant.listen(plant.stack, plant.port)
    await until(lambda: plant.agent.spool.rows == 0, 60)
    told = [n["text"] for n in plant.platform.notes_of("event") if "return_mpa" in n["text"]]
    assert told == ["return_mpa=0.3 MPa", "return_mpa=0.33 MPa"]
    raised = [a["rule"] for a in plant.platform.notes_of("alarm")]
    assert [rule for rule in raised if rule.startswith("edge_rule")] == ["edge_rule.warm"]


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
