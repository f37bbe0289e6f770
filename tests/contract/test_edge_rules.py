"""Rules deployed to a gateway over its link: signed, checked, run alone, taken back."""

import contextlib

import pytest

from heatloop.edge.rules import FAIL_LIMIT
from heatloop.kernel.clock import machine_s
from heatloop.security.keys import SigningKey, sign_document
from tests.contract.edge_peers import START, Publisher, World, until

PUMP = "UN0001.circulation_pump_frequency_setpoint"
SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
HEAT = {
    "name": "heat", "asset": "UN0001", "unit": "kW",
    "expr": "heat_kw(UN0001.secondary_flow, UN0001.secondary_supply_temperature,"
            " UN0001.secondary_return_temperature)",
}  # fmt: skip
SLOW = {
    "name": "slow_pump", "point": PUMP, "every_s": 60,
    "expr": "if_else(SS0001.primary_supply_temperature < 60, 35, 40)",
}  # fmt: skip
COLD = {
    "name": "cold_primary", "subject": "SS0001", "for_s": 30, "priority": 3,
    "when": "SS0001.primary_supply_temperature < 60",
    "zh": "一次供水偏冷", "en": "primary supply is cold",
}  # fmt: skip


@pytest.fixture
async def world(tmp_path, unused_tcp_port_factory):
    async with contextlib.AsyncExitStack() as stack:
        world = World(tmp_path, [unused_tcp_port_factory()])
        await stack.enter_async_context(world.field)
        world.server = await world.listen(stack)
        world.clock = await stack.enter_async_context(
            Publisher(tmp_path / "city.sock", start=START, origin_machine_s=machine_s())
        )
        world.stack = stack
        world.field.put("UN0001.secondary_flow", 100.0)
        await world.start()
        await until(world.clock.done.is_set)
        yield world
        await world.stop()


def document(version, gateway="GW0001", **parts):
    return {"format": 1, "gateway": gateway, "version": version, **parts}


async def deploy(world, rules, key=None):
    """Send rules as the platform does and let the gateway look at them in its next slot."""
    keeper = world.agent._kept.rules
    signed = dict(sign_document(key or world.platform_key, rules))
    await world.platform.say(world.platform.links[-1], "rules", "GW0001", document=signed)
    await until(lambda: keeper.offered is not None)
    await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)


def states(world):
    return [(note["version"], note["state"]) for note in world.platform.notes_of("rules")]


async def test_rules_tell_write_and_raise_and_go_on_with_the_link_cut(world):
    report = [{"of": "heat", "band": 50, "max_interval_s": 3600}]
    await deploy(world, document(1, derived=[HEAT], report=report, outputs=[SLOW], alarms=[COLD]))
    assert states(world) == [(1, "active")]
    assert world.field.get(PUMP) == pytest.approx(40.0)
    (event,) = world.platform.notes_of("event")
    assert event["asset"] == "UN0001"
    assert event["text"].startswith("heat=1626")
    assert event["text"].endswith(" kW")
    world.server.close()
    await world.server.wait_closed()
    world.agent._pace.patience_s = 0.0
    world.field.put("SS0001.primary_supply_temperature", 55.0)
    for _ in range(3):
        await world.clock.step()
    assert world.field.get(PUMP) == pytest.approx(35.0)
    world.server = await world.listen(world.stack, world.port)
    await until(lambda: world.platform.notes_of("alarm"), 30)
    (alarm,) = world.platform.notes_of("alarm")
    assert (alarm["subject"], alarm["rule"]) == ("SS0001", "edge_rule.cold_primary")
    assert "一次供水偏冷" in alarm["detail"]
    world.field.put("SS0001.primary_supply_temperature", 95.0)
    await world.clock.step()
    await until(lambda: world.platform.notes_of("alarm_clear"))
    assert world.field.get(PUMP) in (pytest.approx(35.0), pytest.approx(40.0))


async def test_a_rule_cannot_write_what_the_optimiser_could_not(world):
    """Beyond the envelope it fails; at a local station it waits."""
    hot = {"name": "hot", "point": SETPOINT, "expr": "64 + 20", "every_s": 60}
    await deploy(world, document(1, outputs=[hot]))
    assert world.field.get(SETPOINT) == pytest.approx(55.0)
    await deploy(world, document(2, outputs=[{**hot, "expr": "60"}]))
    assert world.field.get(SETPOINT) == pytest.approx(60.0)
    world.field.put("UN0001.station_mode", 0.0)
    await world.clock.step()
    await deploy(world, document(3, outputs=[{**hot, "expr": "62"}]))
    for _ in range(FAIL_LIMIT + 1):
        await world.clock.step()
    assert world.field.get(SETPOINT) == pytest.approx(60.0)
    assert world.agent._kept.rules.version == 3
    # What a rule wrote is an order in force: nobody else's write, so no alarm.
    foreign = [a for a in world.platform.notes_of("alarm") if a["subject"] == SETPOINT]
    assert foreign == []


async def test_rules_that_keep_failing_are_taken_back_to_the_version_before(world):
    await deploy(world, document(1, outputs=[SLOW]))
    bad = {**SLOW, "name": "bad", "expr": "40 / (UN0001.secondary_flow - 100)"}
    await deploy(world, document(2, outputs=[bad]))
    assert world.agent._kept.rules.version == 2
    for _ in range(FAIL_LIMIT):
        await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)
    assert states(world) == [(1, "active"), (2, "active"), (2, "rolled_back"), (1, "active")]
    assert world.agent._kept.rules.version == 1
    (alarm,) = world.platform.notes_of("alarm")
    assert (alarm["subject"], alarm["rule"]) == ("GW0001", "edge_rules")
    # What was taken back cannot be sent again; a newer one settles the alarm.
    await deploy(world, document(2, outputs=[bad]))
    assert world.agent._kept.rules.version == 1
    await deploy(world, document(3, outputs=[SLOW]))
    assert world.agent._kept.rules.version == 3
    assert [c["id"] for c in world.platform.notes_of("alarm_clear")] == [alarm["id"]]


async def test_what_is_not_genuine_or_not_right_changes_nothing(world):
    await deploy(world, document(1, outputs=[SLOW]))
    active = world.agent._kept.rules.active
    await deploy(world, document(2, outputs=[]), key=SigningKey.generate())
    await deploy(world, document(3, gateway="GW0002"))
    await deploy(world, document(4, derived=[{**HEAT, "expr": "UN0009.secondary_flow"}]))
    await deploy(world, document(1, outputs=[]))
    assert world.agent._kept.rules.active == active
    assert world.agent._kept.rules.version == 1
    assert [state for _, state in states(world)] == ["active", "refused", "refused", "refused"]
    assert [a["rule"] for a in world.platform.notes_of("alarm")] == ["edge_rules"]


async def test_rules_are_in_force_again_after_a_restart(world):
    await deploy(world, document(1, outputs=[SLOW]))
    await world.stop()
    world.field.put("SS0001.primary_supply_temperature", 50.0)
    world.clock.done.clear()
    await world.start()
    await until(world.clock.done.is_set)
    for _ in range(3):
        await world.clock.step()
    assert world.field.get(PUMP) == pytest.approx(35.0)
    # A document changed on the disk is no longer the platform's: better none than that.
    await world.stop()
    keeper = world.agent._kept.rules
    keeper.active["body"] = keeper.active["body"].replace("35", "45")
    keeper._save()
    world.clock.done.clear()
    await world.start()
    await until(world.clock.done.is_set)
    for _ in range(3):
        await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)
    assert world.field.get(PUMP) == pytest.approx(35.0)
    assert states(world)[-1] == (1, "refused")
