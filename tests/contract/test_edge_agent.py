"""A whole gateway against real sockets: devices, a platform, and a clock that steps or runs."""

import asyncio
import contextlib

import pytest

from heatloop.edge.agent import LAG_TICKS
from heatloop.kernel.clock import machine_s
from heatloop.security.keys import SigningKey, sign_document
from tests.contract.edge_peers import START, Publisher, World, signed, until


@pytest.fixture
async def make_world(tmp_path, unused_tcp_port_factory):
    async with contextlib.AsyncExitStack() as stack:
        worlds = []

        async def make(stations=2, regulates=None, speed=0.0):
            world = World(tmp_path, [unused_tcp_port_factory() for _ in range(stations)], regulates)
            await stack.enter_async_context(world.field)
            await world.listen(stack)
            origin = machine_s()
            world.clock = await stack.enter_async_context(
                Publisher(tmp_path / "city.sock", start=START, speed=speed, origin_machine_s=origin)
            )
            world.stack = stack
            await world.start()
            worlds.append(world)
            return world

        yield make
        for world in worlds:
            await world.stop()


async def test_every_register_of_every_tick_arrives_once_with_its_value(make_world):
    world = await make_world()
    await until(world.clock.done.is_set)
    for n in range(1, 6):
        world.field.put("UN0001.secondary_supply_temperature", 50.0 + n)
        world.field.put("SS0002.primary_heat_total", 4_100_000_000.0 + n)
        await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)
    rows = world.platform.rows["GW0001"]
    assert len(rows) == len({row[:2] for row in rows}) == 6 * len(world.field.bindings)
    assert {row[3] for row in rows} == {0}
    for n in range(1, 6):
        slot = START + 30 * n
        assert world.value("UN0001.secondary_supply_temperature", slot) == pytest.approx(50 + n)
        assert world.value("SS0002.primary_heat_total", slot) == 4_100_000_000.0 + n
    assert world.platform.notes == []


async def test_a_command_is_verified_written_read_back_and_reported_once(make_world):
    world = await make_world()
    await until(world.clock.done.is_set)
    point = "UN0001.secondary_supply_temperature_setpoint"
    command = world.order(1, point, 58.3, START)
    await world.command(command)
    await world.clock.step()
    assert world.field.get(point) == pytest.approx(58.3)
    await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)
    reports = world.platform.notes_of("command_report")
    assert [(r["id"], r["state"]) for r in reports] == [
        ("cmd1", "acknowledged"), ("cmd1", "verified_local"),
    ]  # fmt: skip
    assert reports[1]["value"] == pytest.approx(58.3)
    assert world.value(point, START + 60) == pytest.approx(58.3)
    # The same command delivered again after a broken link: said again, not done again.
    world.field.put(point, 58.3)
    await world.command(command)
    await world.clock.step()
    await until(lambda: len(world.platform.notes_of("command_report")) == 4)
    assert world.platform.notes_of("alarm") == []


@pytest.mark.parametrize(
    "spoil, reason",
    [
        ({"value": 300.0}, "above_safe_high"),
        ({"point": "UN0001.secondary_supply_temperature"}, "not_writable"),
        ({"gateway": "GW0009"}, "foreign_gateway"),
        ({"forge": True}, "signature"),
        ({"expires": START - 1.0}, "expired"),
        ({"value": 79.5}, "above_safe_high"),  # 2 K below the unit's own limit of 80
    ],
)
async def test_what_is_not_safe_or_not_genuine_moves_nothing(make_world, spoil, reason):
    world = await make_world(stations=1)
    await until(world.clock.done.is_set)
    before = bytes(world.field.memory["DV0001"])
    spoil = dict(spoil)
    forge = spoil.pop("forge", False)
    point = spoil.pop("point", "UN0001.secondary_supply_temperature_setpoint")
    key, world.platform_key = (
        world.platform_key,
        (SigningKey.generate() if forge else world.platform_key),
    )
    command = world.order(1, point, spoil.pop("value", 60.0), START, **spoil)
    world.platform_key = key
    await world.command(command)
    await world.clock.step()
    await until(lambda: world.platform.notes_of("command_report"))
    (report,) = world.platform.notes_of("command_report")
    assert report["state"] == "failed"
    assert report["reason"].startswith(reason)
    assert bytes(world.field.memory["DV0001"]) == before
    alarms = world.platform.notes_of("alarm")
    assert [a["rule"] for a in alarms] == ([] if reason == "expired" else ["command_refused"])


async def test_a_replayed_command_is_refused_even_after_a_restart(make_world):
    world = await make_world(stations=1)
    await until(world.clock.done.is_set)
    point = "UN0001.secondary_supply_temperature_setpoint"
    first = world.order(5, point, 58.0, START)
    await world.command(first)
    await world.clock.step()
    await world.stop()
    await world.start()
    await until(lambda: world.agent._uplink.online)
    replayed = type(first)(**{**first.to_dict(), "id": "other"})
    again = signed(world.platform_key, point=point, value=40.0, counter=5, now=START, id="x")
    for each in (replayed, again):
        await world.platform.say(
            world.platform.links[-1], "command", "GW0001", command=each.to_dict()
        )
    await until(lambda: len(world.agent._commands) == 2)
    await world.clock.step()
    await until(lambda: len(world.platform.notes_of("command_report")) == 4)
    reasons = [r["reason"] for r in world.platform.notes_of("command_report")[2:]]
    assert reasons == ["signature", "counter_not_rising"]
    assert world.field.get(point) == pytest.approx(58.0)


async def test_a_foreign_write_is_raised_and_put_back(make_world):
    world = await make_world(stations=1)
    await until(world.clock.done.is_set)
    point = "UN0001.secondary_supply_temperature_setpoint"
    world.field.put(point, 20.0)
    await world.clock.step()
    assert world.field.get(point) == pytest.approx(55.0)
    await until(lambda: world.platform.notes_of("alarm"))
    (alarm,) = world.platform.notes_of("alarm")
    assert (alarm["subject"], alarm["rule"]) == (point, "foreign_write")
    assert alarm["value"] == pytest.approx(20.0)
    for _ in range(20):
        await world.clock.step()
    await until(lambda: world.platform.notes_of("alarm_clear"))
    assert world.platform.notes_of("alarm_clear")[0]["id"] == alarm["id"]


async def test_people_at_a_local_cabinet_are_not_fought(make_world):
    world = await make_world(stations=1)
    await until(world.clock.done.is_set)
    world.field.put("UN0001.station_mode", 0.0)
    await world.clock.step()
    world.field.put("UN0001.secondary_supply_temperature_setpoint", 45.0)
    await world.clock.step()
    assert world.field.get("UN0001.secondary_supply_temperature_setpoint") == pytest.approx(45.0)
    assert world.field.get("UN0001.station_mode") == 0.0
    await until(lambda: world.platform.notes_of("alarm"))
    assert [a["subject"] for a in world.platform.notes_of("alarm")] == ["UN0001.station_mode"]
    order = world.order(1, "UN0001.secondary_supply_temperature_setpoint", 60.0, world.clock.slot)
    await world.command(order)
    await world.clock.step()
    await until(lambda: world.platform.notes_of("command_report"))
    assert world.platform.notes_of("command_report")[0]["reason"] == "station_is_local"


async def test_a_dead_device_is_one_gap_and_one_alarm_and_the_others_go_on(make_world):
    world = await make_world()
    await until(world.clock.done.is_set)
    await world.clock.step()
    await world.field.stop("DV0001")
    for _ in range(4):
        await world.clock.step()
    await world.field.start("DV0001")
    for _ in range(30):
        await world.clock.step()
        if world.platform.notes_of("alarm_clear"):
            break
    await until(lambda: world.agent.spool.rows == 0)
    gaps = world.platform.notes_of("gap")
    assert [(g["device"], g["slots_from"], g["cause"]) for g in gaps] == [
        ("DV0001", START + 60, "device_unreachable")
    ] * 2
    assert gaps[0]["slots_to"] is None
    seen = world.slots("UN0001.valve_opening")
    assert set(seen) == set(range(START, world.clock.slot + 30, 30)) - set(
        range(START + 60, gaps[1]["slots_to"] + 30, 30)
    )
    assert len(world.slots("UN0002.valve_opening")) == (world.clock.slot - START) // 30 + 1
    assert [a["rule"] for a in world.platform.notes_of("alarm")] == ["link.DV0001"]


async def test_a_restart_asks_for_the_tick_again_and_says_what_was_missed(make_world):
    world = await make_world()
    await until(world.clock.done.is_set)
    await world.clock.step()
    epoch = world.agent.spool.epoch
    await world.stop()
    world.clock.slot += 120  # the city went on without this gateway
    world.clock.done.clear()
    await world.start()
    await asyncio.wait_for(world.clock.done.wait(), 5)
    await world.clock.step()
    assert world.agent.spool.epoch == epoch
    await until(lambda: world.agent.spool.rows == 0)
    gaps = world.platform.notes_of("gap")
    assert sorted((g["device"], g["slots_from"], g["slots_to"], g["cause"]) for g in gaps) == [
        (f"DV000{n}", START + 60, START + 120, "edge_restart") for n in (1, 2)
    ]
    assert set(world.slots("UN0002.valve_opening")) == {
        START, START + 30, START + 150, START + 180,
    }  # fmt: skip


async def test_a_tick_that_was_spooled_is_not_polled_again(make_world):
    world = await make_world(stations=1)
    await until(world.clock.done.is_set)
    await world.clock.step()
    await world.stop()
    world.clock.done.clear()
    await world.start()  # the publisher tells the same tick: its report may have been lost
    await asyncio.wait_for(world.clock.done.wait(), 5)
    await until(lambda: world.agent.spool.rows == 0)
    assert world.slots("UN0001.valve_opening") == [START, START + 30]
    assert world.platform.notes == []


async def test_the_tick_waits_for_a_platform_that_lags(make_world):
    world = await make_world()
    await until(world.clock.done.is_set)
    world.platform.hold_acks = True
    for _ in range(LAG_TICKS):
        await world.clock.step()
    with pytest.raises(TimeoutError):
        await world.clock.step(within_s=0.5)
    await world.platform.release()
    await asyncio.wait_for(world.clock.done.wait(), 5)


async def test_a_driven_station_follows_the_order_and_its_interlocks(make_world):
    world = await make_world(stations=1, regulates={"DV0001": "edge"})
    await until(world.clock.done.is_set)
    field = world.field
    before = field.get("UN0001.valve_opening_setpoint")
    await world.command(
        world.order(1, "UN0001.secondary_supply_temperature_setpoint", 65.0, world.clock.slot)
    )
    for _ in range(4):
        await world.clock.step()
    assert field.get("UN0001.valve_opening_setpoint") > before
    assert field.get("UN0001.circulation_pump_frequency_setpoint") == pytest.approx(42.0)
    field.put("UN0001.secondary_supply_temperature", 88.0)
    await world.clock.step()
    assert field.get("UN0001.valve_opening_setpoint") == 0.0
    await until(lambda: world.platform.notes_of("alarm"))
    assert [a["rule"] for a in world.platform.notes_of("alarm")] == ["interlock.over_temperature"]
    field.put("UN0001.secondary_supply_temperature", 60.0)
    await world.clock.step()
    await until(lambda: world.platform.notes_of("alarm_clear"))


async def test_a_new_profile_is_taken_up_between_ticks(make_world):
    world = await make_world()
    await until(world.clock.done.is_set)
    world.field.bindings = [b for b in world.field.bindings if b.device == "DV0001"]
    world.field.devices = world.field.devices[:1]
    document = sign_document(world.platform_key, world.field.profile(version=2).to_dict())
    forged = sign_document(SigningKey.generate(), world.field.profile(version=3).to_dict())
    for each in (document, forged):
        await world.platform.say(world.platform.links[-1], "profile", "GW0001", document=each)
    await until(lambda: world.agent._identity.profile.version == 2)
    await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)
    last = [row for row in world.platform.rows["GW0001"] if row[1] == world.clock.slot]
    assert len(last) == len(world.field.bindings)


async def test_free_running_guard_finds_a_foreign_write_between_slots(make_world):
    world = await make_world(stations=1, speed=5.0)
    await until(lambda: world.field.reads["DV0001"] >= 1)
    await until(lambda: world.agent._works.watch._first)
    point = "UN0001.secondary_return_pressure_setpoint"
    world.field.put(point, 90.0)
    await until(lambda: world.field.get(point) == 350.0)
    await until(lambda: world.platform.notes_of("alarm"))
    assert world.platform.notes_of("alarm")[0]["rule"] == "foreign_write"


async def test_free_running_slots_are_polled_on_time_and_commands_at_once(make_world):
    world = await make_world(stations=1, speed=60.0)
    await until(lambda: len(world.slots("UN0001.valve_opening")) >= 4)
    slots = world.slots("UN0001.valve_opening")
    assert slots == list(range(slots[0], slots[-1] + 30, 30))
    point = "UN0001.secondary_return_pressure_setpoint"
    now = world.agent._clock.now_s()
    await world.command(world.order(1, point, 360.0, now))
    await until(lambda: world.field.get(point) == 360.0)
    await until(lambda: len(world.platform.notes_of("command_report")) == 2)


async def test_kill_in_the_middle_of_a_command_is_settled_by_reading_back(make_world):
    world = await make_world(stations=1)
    await until(world.clock.done.is_set)
    await world.stop()
    memory = world.agent._kept.memory
    done = world.order(8, "UN0001.secondary_return_pressure_setpoint", 360.0, START)
    lost = world.order(9, "UN0001.secondary_supply_temperature_setpoint", 60.0, START)
    memory.begin(done)
    memory.begin(lost)
    world.field.put(done.point, 360.0)  # the write got out, the report did not
    await world.start()
    await until(lambda: len(world.platform.notes_of("command_report")) == 3)
    reports = world.platform.notes_of("command_report")
    assert [(r["id"], r["state"]) for r in reports] == [
        ("cmd8", "acknowledged"), ("cmd8", "verified_local"), ("cmd9", "failed"),
    ]  # fmt: skip
