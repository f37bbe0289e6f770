"""A gateway's door book and emergency stops, against real device sockets and a real link."""

import asyncio
import contextlib
import itertools
import json

import pytest

from heatloop.edge.memory import CommandMemory
from heatloop.kernel.clock import machine_s
from heatloop.security.keys import SigningKey, sign_document
from tests.contract.edge_peers import START, Publisher, World, until

MODE, VALVE = "UN0001.station_mode", "UN0001.valve_opening_setpoint"
PUMP, SETPOINT = (
    "UN0001.circulation_pump_frequency_setpoint",
    "UN0001.secondary_supply_temperature_setpoint",
)
PRESSURE = "UN0001.secondary_return_pressure_setpoint"
GENERAL = [[MODE, 1.0, 0.0], [VALVE, 10.0, 60.0]]
BURST = [*GENERAL, [PUMP, 0.0, 90.0]]


class House:
    """One gateway, its two stations, and a platform that signs books and orders."""

    def __init__(self, world):
        self.world, self.serial, self.field = world, 0, world.field

    async def frame(self, kind, plain, key=None):
        document = dict(sign_document(key or self.world.platform_key, plain))
        await self.world.platform.say(
            self.world.platform.links[-1], kind, "GW0001", document=document
        )
        return document

    async def book(self, **more):
        plans = {
            "UN0001": {"general": GENERAL, "burst": BURST},
            "UN0002": {"general": [[p.replace("0001", "0002"), v, r] for p, v, r in GENERAL]},
        }
        plain = {
            "kind": "door", "format": 1, "gateway": "GW0001", "ledger_version": 1,
            "made_s": float(START), "per_minute": 60.0, "burst": 20.0,
            "steps": {"secondary_return_pressure_setpoint": [100.0, 600.0]},
            "second": None, "plans": plans, **more,
        }  # fmt: skip
        await self.frame("door", plain)
        made = plain["per_minute"], plain["ledger_version"]
        keeper = self.world.agent._kept.door
        await until(lambda: (keeper.book.per_minute, keeper.book.ledger_version) == made)

    async def order(self, action="stop", assets=("UN0001",), key=None, **more):
        self.serial += 1
        now_s = self.world.agent._clock.now_s()
        plain = {
            "kind": "stop_order", "action": action, "order": f"em{self.serial}",
            "gateway": "GW0001", "serial": self.serial, "nonce": "x", "issued": now_s,
            "expires": now_s + 600.0, "cause": "general", "assets": list(assets), **more,
        }  # fmt: skip
        return await self.frame("stop", plain, key)

    def reports(self, state, asset="UN0001"):
        notes = self.world.platform.notes_of("stop_report")
        return [n for n in notes if n["state"] == state and n["asset"] == asset]

    async def said(self, state, count=1, within_s=10.0):
        await until(lambda: len(self.reports(state)) >= count, within_s)


@pytest.fixture
async def make_house(tmp_path, unused_tcp_port_factory):
    async with contextlib.AsyncExitStack() as stack:
        made = []

        async def make(regulates=None, speed=10.0):
            world = World(tmp_path, [unused_tcp_port_factory() for _ in range(2)], regulates)
            await stack.enter_async_context(world.field)
            await world.listen(stack)
            world.clock = await stack.enter_async_context(
                Publisher(
                    tmp_path / "city.sock", start=START + 60, speed=speed,
                    origin_machine_s=machine_s(),
                )
            )  # fmt: skip
            await world.start()
            made.append(world)
            await until(lambda: world.agent._works is not None and world.agent._uplink.online)
            house = House(world)
            await house.book()
            return house

        yield make
        for world in made:
            await world.stop()


async def test_one_short_order_brings_a_station_into_its_safe_state_and_holds_it(make_house):
    house = await make_house()
    began = machine_s()
    await house.order()
    await house.said("holding")
    assert machine_s() - began < 5.0
    field = house.field
    assert (field.get(MODE), field.get(VALVE), field.get(PUMP)) == (1.0, 10.0, 42.0)
    assert field.get("UN0002.station_mode") == 2.0, "the other station goes on"
    (report,) = house.reports("holding")
    read = {s["point"]: (s["before"], s["read"], s["state"]) for s in report["steps"]}
    assert read == {MODE: (2.0, 1.0, "done"), VALVE: (40.0, 10.0, "done")}
    # Somebody writes from outside: it is put back.
    field.put(VALVE, 80.0)
    await until(lambda: field.get(VALVE) == 10.0)
    # A genuine command does not lift the stop.
    command = house.world.order(7, VALVE, 50.0, house.world.agent._clock.now_s())
    await house.world.command(command)
    outcomes = house.world.agent._kept.memory.outcomes
    await until(lambda: "cmd7" in outcomes)
    assert outcomes["cmd7"][0]["reason"] == "emergency_stop_holds"
    assert field.get(VALVE) == 10.0


async def test_a_stop_survives_the_gateway_and_a_release_is_slow_and_in_reverse(make_house):
    house = await make_house()
    await house.order(cause="burst")
    await house.said("holding")
    assert house.field.get(PUMP) == 0.0
    await house.world.stop()
    house.field.put(VALVE, 70.0)
    await house.world.start()
    await until(lambda: house.field.get(VALVE) == 10.0)
    await until(lambda: house.world.agent._uplink.online)
    await house.order("release")
    seen, modes = [], []
    while not house.reports("released"):
        async with asyncio.timeout(40):
            seen.append(house.field.get(VALVE))
            modes.append((house.field.get(MODE), house.field.get(PUMP)))
            await asyncio.sleep(0.05)
    assert (house.field.get(VALVE), house.field.get(PUMP), house.field.get(MODE)) == (40, 42, 2)
    assert any(10.0 < value < 40.0 for value in seen), "the valve moved in steps"
    assert max(b - a for a, b in itertools.pairwise(seen)) < 20.0
    # Circulation came back before the valve moved, and the mode last of all.
    assert all(pump == 42.0 for (_, pump), v in zip(modes, seen, strict=True) if v > 10.5)
    assert all(mode == 1.0 for (mode, _), v in zip(modes, seen, strict=True) if v < 39.5)
    assert json.loads((house.world.folder / "stops.json").read_text())["held"] == {}


@pytest.mark.parametrize(
    "spoil, why",
    [
        ({"key": "other"}, "signature"),
        ({"gateway": "GW0009"}, "foreign_gateway"),
        ({"expires": START + 1.0}, "expired"),
        ({"kind": "door"}, "malformed"),
    ],
)
async def test_what_is_no_genuine_order_stops_nothing(make_house, spoil, why):
    house = await make_house()
    before = [bytes(each) for each in house.field.memory.values()]
    key = SigningKey.generate() if spoil.pop("key", "") else None
    await house.order(key=key, **spoil)
    await until(lambda: house.world.platform.notes_of("stop_report"))
    (report,) = house.world.platform.notes_of("stop_report")
    assert (report["state"], report["reason"]) == ("refused", why)
    assert [a["rule"] for a in house.world.platform.notes_of("alarm")] == ["stop_refused"]
    assert [bytes(each) for each in house.field.memory.values()] == before


async def test_a_stop_played_again_after_its_release_does_nothing(make_house):
    house = await make_house()
    document = await house.order()
    await house.said("holding")
    await house.order("release")
    await house.said("released", within_s=20.0)
    link = house.world.platform.links[-1]
    await house.world.platform.say(link, "stop", "GW0001", document=document)
    await until(lambda: house.reports("refused", ""))
    assert house.reports("refused", "")[0]["reason"] == "replayed"
    assert house.field.get(VALVE) == 40.0


async def test_a_station_driven_from_here_is_stopped_through_its_logic(make_house):
    house = await make_house(regulates={"DV0001": "edge"})
    await house.order()
    await house.said("holding")
    await until(lambda: house.field.get(VALVE) == 10.0, 20.0)
    assert house.field.get(MODE) == 1.0


async def test_a_dead_device_is_stopped_when_it_answers_again(make_house):
    house = await make_house()
    await house.world.field.stop("DV0001")
    await house.order()
    await house.said("stopping")
    assert house.reports("stopping")[0]["steps"][0]["reason"] == "device_unreachable"
    await house.world.field.start("DV0001")
    await house.said("holding", within_s=20.0)
    assert house.field.get(VALVE) == 10.0


async def test_the_door_book_bounds_rate_and_leaps_and_asks_for_two_signatures(make_house):
    house = await make_house()
    world, second = house.world, SigningKey.generate()
    now = world.agent._clock.now_s
    outcomes = world.agent._kept.memory.outcomes

    async def send(counter, point, value, second_signature="", **more):
        command = world.order(counter, point, value, now(), **more)
        await world.platform.say(
            world.platform.links[-1], "command", "GW0001", command=command.to_dict(),
            second=second_signature,
        )  # fmt: skip
        await until(lambda: command.id in outcomes)
        return command, outcomes[command.id][0]

    # As far as 100 kPa within ten minutes, in however many commands.
    assert (await send(1, PRESSURE, 420.0))[1]["state"] == "acknowledged"
    refused = (await send(2, PRESSURE, 480.0))[1]
    assert refused["reason"] == "step_too_large: 350 to 480, at most 100"
    kept = CommandMemory(world.folder / "commands.json")
    key = house.field.binding(PRESSURE).key
    assert kept.anchors[key][0] == 350.0, "known after a crash"
    # A command from before the present ledger.
    old = world.order(3, SETPOINT, 56.0, START - 100.0, expires=now() + 100.0)
    await world.platform.say(world.platform.links[-1], "command", "GW0001", command=old.to_dict())
    await until(lambda: old.id in outcomes)
    assert outcomes[old.id][0]["reason"] == "older_than_profile"
    await house.book(
        ledger_version=2,
        second={
            "public": second.public.hex(),
            "kinds": ["secondary_supply_temperature_setpoint"],
        },
        per_minute=1.0,
        burst=12.0,
    )
    alone = (await send(4, SETPOINT, 56.0))[1]
    assert alone["reason"] == "second_signature"
    command = world.order(5, SETPOINT, 57.0, now())
    wrong = world.platform_key.sign(b"heatloop-second\x00" + command.signed_bytes()).hex()
    good = second.sign(b"heatloop-second\x00" + command.signed_bytes()).hex()
    for counter, signature, state in ((5, wrong, "failed"), (5, good, "acknowledged")):
        frame = {**command.to_dict(), "id": command.id}
        outcomes.pop(command.id, None)
        await world.platform.say(
            world.platform.links[-1], "command", "GW0001", command=frame, second=signature
        )
        await until(lambda: command.id in outcomes)
        assert outcomes[command.id][0]["state"] == state, counter
    assert house.field.get(SETPOINT) == 57.0
    # A flood: what is more than anybody gives is refused, counted, and alarmed once.
    for n in range(20):
        await send(10 + n, PUMP, 41.0 + n / 10)
    reasons = [outcomes[f"cmd{10 + n}"][0]["reason"] for n in range(20)]
    assert 5 <= reasons.count("too_many") <= 12
    assert reasons[0] == ""
    assert world.agent.stats._refused["too_many"] == reasons.count("too_many")
    alarms = [a["detail"].split()[0] for a in world.platform.notes_of("alarm")]
    await until(lambda: world.agent.spool.rows == 0)
    assert alarms.count("reason=too_many") <= 1


async def test_an_older_or_foreign_book_is_not_taken(make_house):
    house = await make_house()
    await house.book(ledger_version=5, per_minute=50.0)
    await house.frame(
        "door",
        {
            "kind": "door", "format": 1, "gateway": "GW0001", "ledger_version": 4,
            "made_s": 1.0, "per_minute": 9999.0, "burst": 9999.0, "steps": {},
            "second": None, "plans": {},
        },
    )  # fmt: skip
    await house.order()
    await house.said("holding")
    assert house.world.agent._kept.door.book.per_minute == 50.0
