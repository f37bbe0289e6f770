"""Clauses about the way from device to platform: the right point, and interruptions seen."""

import contextlib
import math

import pytest

from heatloop.protocols.link import topic, topic_gateway
from tests.contract.edge_peers import START, Publisher, World, until


@pytest.fixture
async def plant(tmp_path, unused_tcp_port_factory):
    async with contextlib.AsyncExitStack() as stack:
        world = World(tmp_path, [unused_tcp_port_factory() for _ in range(2)])
        await stack.enter_async_context(world.field)
        await world.listen(stack)
        world.clock = await stack.enter_async_context(
            Publisher(tmp_path / "city.sock", start=START)
        )
        await world.start()
        yield world
        await world.stop()


async def step(world, count=1):
    await until(world.clock.done.is_set)
    for _ in range(count):
        await world.clock.step()
    await until(lambda: world.agent.spool.rows == 0)


async def test_6_1_3_a_a_marker_of_its_own_at_every_point_arrives_at_that_point(plant):
    """Each point's register holds its own number; each arrives under its own key, all of them."""
    field = plant.field
    read_only = [b for b in field.bindings if b.access == "r" and b.kind != "station_mode"]
    markers = {}
    for n, binding in enumerate(read_only):
        # A number of its own that the register can hold, whatever its scale.
        raw = (n + 1) * 7 if binding.words == 1 else 100_000 + 13 * n
        markers[binding.point] = raw * binding.factor + binding.offset
        field.put(binding.point, markers[binding.point])
    await step(plant)
    wrong = [
        point
        for point, marker in markers.items()
        if not math.isclose(plant.value(point, plant.clock.slot) or 0.0, marker, rel_tol=1e-6)
    ]
    assert wrong == []
    assert len(markers) > 60


def test_6_1_3_a_topics_follow_one_schema():
    assert topic("GW0001", "up") == "heatloop/v1/GW0001/up"
    assert topic_gateway(topic("GW0001", "down")) == "GW0001"
    for wrong in ("heatloop/v1/GW0001", "heatloop/v2/GW0001/up", "x/v1/GW0001/up",
                  "heatloop/v1/GW0001/sideways", "heatloop/v1/GW/0001/up", ""):  # fmt: skip
        assert topic_gateway(wrong) == ""


async def test_6_1_2_d_2_an_unplugged_device_alarms_within_two_periods_and_recovers(plant):
    await step(plant, 2)
    unplugged = plant.clock.slot  # just after this slot was read
    await plant.field.stop("DV0001")
    await step(plant, 2)
    (alarm,) = [n for n in plant.platform.notes_of("alarm") if n["rule"] == "link.DV0001"]
    assert alarm["subject"] == "SS0001"
    assert plant.clock.slot - unplugged <= 60
    assert plant.value("UN0002.valve_opening", plant.clock.slot) is not None
    await plant.field.start("DV0001")
    for _ in range(25):  # a dead device is left alone for longer and longer, to ten minutes
        await step(plant)
        if plant.platform.notes_of("alarm_clear"):
            break
    (clear,) = plant.platform.notes_of("alarm_clear")
    assert clear["id"] == alarm["id"]
    closed = [n for n in plant.platform.notes_of("gap") if n["slots_to"] is not None]
    assert [(n["device"], n["slots_from"], n["cause"]) for n in closed] == [
        ("DV0001", unplugged + 30, "device_unreachable")
    ]
    slots = plant.slots("UN0001.valve_opening")
    missing = set(range(START, plant.clock.slot + 30, 30)) - set(slots)
    assert missing == set(range(closed[0]["slots_from"], closed[0]["slots_to"] + 30, 30))
