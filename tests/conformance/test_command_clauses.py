"""The command door under attack, and emergency stops, over real sockets (6.1.3 e, 7.3 b)."""

import asyncio
import contextlib
import sys
from dataclasses import replace

import pytest

from heatloop.kernel.clock import machine_s
from heatloop.kernel.messages import Command
from heatloop.security.access import Role
from heatloop.security.keys import SigningKey
from tests.contract.door_house import UNIT, door_house
from tests.contract.edge_peers import until
from tests.contract.postgres_server import PostgresServer

API = "/api/v1"
SETPOINT = f"{UNIT}.secondary_supply_temperature_setpoint"
PUMP = f"{UNIT}.circulation_pump_frequency_setpoint"
VALVE, MODE = f"{UNIT}.valve_opening_setpoint", f"{UNIT}.station_mode"


async def post(client, path, **body):
    answer = await client.post(f"{API}{path}", json=body)
    return answer.status_code, answer.json()


def test_6_1_3_e_2_forged_and_replayed_commands_are_refused_written_down_and_alarmed(tmp_path):
    """Every field altered, a replay, a stranger's key: the plant stays as it is."""

    async def scene():
        async with (
            door_house(tmp_path) as house,
            house.town.client("wang", Role.DISPATCHER) as wang,
        ):
            _, view = await post(wang, "/commands", point=SETPOINT, value=58.0, reason="cold")
            await until(lambda: house.outcome(view["id"]) is not None)
            assert house.field.get(SETPOINT) == pytest.approx(58.0)
            genuine = house.platform.records.commands.get(view["id"]).command
            before = house.memory
            # Its own id is answered with what was done; nothing is done twice.
            await house.frame("command", command=genuine.to_dict())
            altered = {
                "point": PUMP, "value": 70.0, "mode": "emergency", "gateway": "GW0002",
                "issued": genuine.issued + 1.0, "expires": genuine.expires + 600.0,
                "nonce": "0" * 32, "counter": genuine.counter + 1, "key_id": "0" * 16,
                "signature": "00" * 64, "id": "another",
            }  # fmt: skip
            for n, (name, value) in enumerate(altered.items()):
                spoilt = replace(genuine, **{"id": f"spoilt{n}", name: value})
                await house.frame("command", command=spoilt.to_dict())
            other = SigningKey.generate()
            stranger = replace(
                genuine, id="stranger", counter=genuine.counter + 5, key_id=other.key_id
            )
            signature = other.sign(stranger.signed_bytes()).hex()
            await house.frame("command", command=replace(stranger, signature=signature).to_dict())
            # Signed by the platform, and still not to be obeyed.
            now_s = house.clock.now_s()
            signing = house.platform.keys.signing

            def signed(**fields):
                made = Command(
                    **{
                        **genuine.to_dict(), "value": 60.0, "issued": now_s,
                        "expires": now_s + 300.0, "nonce": f"{fields['id']:0>32}",
                        "key_id": signing.key_id, "counter": genuine.counter + 10, **fields,
                    }
                )  # fmt: skip
                return replace(made, signature=signing.sign(made.signed_bytes()).hex())

            told = house.agent._kept.memory.outcomes
            for command in (
                signed(id="old", issued=now_s - 400.0, expires=now_s - 100.0),
                signed(id="foreign", gateway="GW0002"),
                signed(id="counter", counter=genuine.counter),
                signed(id="nonce", nonce=genuine.nonce),
                signed(id="life", expires=now_s + 7200.0),
            ):
                await house.frame("command", command=command.to_dict())
            stats = house.agent.stats._refused
            await until(lambda: sum(stats.values()) >= len(altered) + 6)
            assert stats["signature"] == len(altered) + 1
            assert {"expired", "foreign_gateway", "counter_not_rising", "replayed"} <= {*stats}
            assert stats["life_too_long"] == 1
            assert house.memory == before, "nothing moved"
            assert "spoilt0" not in told
            await until(lambda: "command_refused" in house.raised())
            await house.platform.security_events.settle()
            assert "security.command_forged" in house.raised()
            # One alarm for the whole flood of bad signatures, not one each.
            _, alarms = house.platform.records.alarms.list(limit=100)
            bad = [a for a in alarms if "reason=signature" in a.alarm.detail]
            assert 1 <= len(bad) <= 2

    asyncio.run(scene())


def test_6_1_3_e_2_privilege_escalation_at_the_door_fails(tmp_path):
    """Customer service, another branch, a program without the right, a stolen token."""

    async def scene():
        async with contextlib.AsyncExitStack() as stack:
            house = await stack.enter_async_context(door_house(tmp_path))
            enter = stack.enter_async_context
            wang = await enter(house.town.client("wang", Role.DISPATCHER))
            zhao = await enter(house.town.client("zhao", Role.DISPATCHER))
            service = await enter(house.town.client("cs", Role.CUSTOMER_SERVICE))
            machine = await enter(house.town.client("erp", Role.INTEGRATOR))
            far = await enter(house.town.client("far", Role.DISPATCHER, scope="CO01/BR02"))
            before = house.memory
            for client, wanted in ((service, 403), (machine, 403), (far, 404)):
                status, _ = await post(client, "/commands", point=SETPOINT, value=57.0)
                assert status == wanted
                status, _ = await post(
                    client, "/emergency/stop", subject="SS0001", reason="because"
                )
                assert status == wanted
            _, proposal = await post(wang, "/commands", point=PUMP, value=0.0)
            path, token = f"/commands/{proposal['id']}/confirm", proposal["token"]
            assert (await post(zhao, path, token=token))[0] == 403
            _, stop = await post(wang, "/emergency/stop", subject="SS0001", reason="a test")
            stolen = await post(zhao, f"/emergency/{stop['id']}/confirm", token=stop["token"])
            assert stolen[1]["error"]["code"] == "confirm_token"
            await asyncio.sleep(0.3)
            assert house.memory == before
            assert house.platform.records.commands.list()[0] == 0
            records = house.platform.records.audit
            assert records.list(action="command.abuse")[0] == 2
            assert records.list(action="access.refused")[0] >= 2
            assert "command_abuse" in house.raised()

    asyncio.run(scene())


def test_7_3_b_1_every_step_of_a_dangerous_command_is_in_the_record(tmp_path):
    """From the proposal to the read-back, on a real device."""

    async def scene():
        async with (
            door_house(tmp_path) as house,
            house.town.client("wang", Role.DISPATCHER) as wang,
        ):
            _, proposal = await post(wang, "/commands", point=PUMP, value=0.0, reason="repair")
            assert house.field.get(PUMP) == pytest.approx(42.0)
            _, done = await post(
                wang, f"/commands/{proposal['id']}/confirm", token=proposal["token"]
            )
            command = done["commands"][0]["id"]

            async def view():
                return (await wang.get(f"{API}/commands/{command}")).json()

            async with asyncio.timeout(20):
                while (await view())["state"] != "verified":
                    await asyncio.sleep(0.1)
            kept = await view()
            assert [s["step"] for s in kept["passed"]] == [
                "proposed", "bounds", "physics", "confirmed", "proved", "signed",
            ]  # fmt: skip
            assert [e["state"] for e in kept["events"]] == [
                "queued", "sent", "acknowledged", "verified",
            ]  # fmt: skip
            assert house.field.get(PUMP) == 0.0

    asyncio.run(scene())


def test_7_3_b_3_an_emergency_stop_works_without_database_historian_and_workers(tmp_path, program):
    """PostgreSQL killed, the historian gone, no worker: the stop reaches the device in seconds."""
    server = PostgresServer(program("postgres"))
    server.start()

    async def scene():
        async with (
            door_house(tmp_path, storage={"records_url": server.url}) as house,
            house.town.client("wang", Role.DISPATCHER) as wang,
        ):
            assert (await wang.get(f"{API}/session")).status_code == 200
            server.kill()
            house.engine.dead = True
            # A session is touched once a minute; that the records are away must not matter.
            house.platform.sessions._touched.clear()
            await house.platform.workers.close()
            await house.platform.twin.close()
            began = machine_s()
            status, plan = await post(
                wang, "/emergency/stop", subject="SS0001", cause="burst", reason="a burst pipe"
            )
            assert status == 200, plan
            assert plan["state"] == "proposed"
            assert {s["point"]: s["value"] for a in plan["assets"] for s in a["steps"]} == {
                MODE: 1.0, VALVE: 10.0, PUMP: 0.0, f"{UNIT}.makeup_pump_command": 0.0,
            }  # fmt: skip
            status, done = await post(wang, f"/emergency/{plan['id']}/confirm", token=plan["token"])
            assert status == 200, done
            await until(lambda: house.field.get(PUMP) == 0.0 and house.field.get(VALVE) == 10.0)
            took_s = machine_s() - began
            assert took_s < 5.0
            # On this machine's disk, signed, before the gateway heard of it.
            lines = house.platform.audit.journal.lines()
            assert [line.wish.action for line in lines if line.good][-1] == "emergency.stop"
            await until(lambda: house.platform.emergency.stopped(UNIT))
            server.start()
            house.engine.dead = False
            # What could not be written then is in the chain now.
            trail = house.platform.records.audit
            async with asyncio.timeout(30):
                while not trail.list(action="emergency.stop")[0]:
                    await asyncio.sleep(0.2)
            print(f"stop without database, historian and workers: {took_s:.2f} s")

    try:
        asyncio.run(scene())
    finally:
        server.stop()


def test_7_3_b_3_the_whole_network_is_stopped_by_two_people_and_released_slowly(tmp_path):
    """A second person agrees; the release brings everything back; a restart forgets nothing."""

    async def scene():
        async with contextlib.AsyncExitStack() as stack:
            # So fast that a release of six minutes is over in six seconds.
            house = await stack.enter_async_context(door_house(tmp_path, speed=60.0))
            wang = await stack.enter_async_context(house.town.client("wang", Role.DISPATCHER))
            zhao = await stack.enter_async_context(house.town.client("zhao", Role.DISPATCHER))
            _, plan = await post(wang, "/emergency/stop", subject="CO01", reason="a test")
            assert plan["network"] is True
            path = f"/emergency/{plan['id']}"
            _, waits = await post(wang, f"{path}/confirm", token=plan["token"])
            assert waits["state"] == "waiting_second"
            same = await post(wang, f"{path}/second", agree=True)
            assert same[1]["error"]["code"] == "same_person"
            mine = (await zhao.get(f"{API}/emergency")).json()["waiting"]
            assert [order["id"] for order in mine] == [plan["id"]]
            await post(zhao, f"{path}/second", agree=True)
            await until(lambda: house.field.get(VALVE) == 10.0)
            await until(lambda: "emergency_stop" in house.raised())
            refused = await post(wang, "/commands", point=VALVE, value=60.0)
            assert refused[1]["error"]["code"] == "stop_holds"

            async def held():
                return (await wang.get(f"{API}/emergency")).json()

            async with asyncio.timeout(20):
                while UNIT not in [
                    a["asset"]
                    for o in (await held())["orders"]
                    for a in o["assets"]
                    if a["state"] == "holding"
                ]:
                    await asyncio.sleep(0.1)
            # What a restarted platform knows, before any gateway or database answers.
            from heatloop.app.emergency_orders import OrderFile

            file = OrderFile(tmp_path / "emergency" / "orders.json")
            await until(lambda: file.load()[1][plan["id"]].assets[UNIT].state == "holding")
            # Without screens: the platform's own account releases it at its socket.
            cli = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "heatloop", "stop", "--data", str(tmp_path),
                "--station", "SS0001", "--release", "--reason", "mended", "--confirm", "SS0001",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, err = await cli.communicate()
            assert cli.returncode == 0, err.decode()
            assert "released" in out.decode()
            assert house.field.get(VALVE) == pytest.approx(40.0)
            assert house.field.get(MODE) == 2.0
            assert UNIT not in (await held())["held"]

    asyncio.run(scene())
