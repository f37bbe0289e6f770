"""Clauses of acquisition: 6.1.2 d #1, 6.1.2 e #1, 6.1.3 a, over real sockets throughout."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from math import lcm
from random import Random

import pytest
import uvicorn

from bench.edge import Run, errors, slowdown_pct, together
from heatloop.app.gateways import Gateways
from heatloop.app.ledger_admin import create_gateway_token, install_ledger
from heatloop.app.process import uvicorn_config
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.cli.field_loop import StandIns, check
from heatloop.demo.ledger import demo_ledger
from heatloop.edge.agent import Agent
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity
from heatloop.kernel.clock import SharedClock
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.proof.loop_check import PROTOCOLS, crossed, markers
from heatloop.security.access import Role
from heatloop.security.keys import KeyRing, SigningKey
from tests.contract.edge_peers import Publisher, until
from tests.contract.link_peers import free_port
from tests.unit.app_town import START_S, town


def free_ports(devices):
    """Give the Modbus devices of a ledger addresses nobody has."""
    return [replace(d, port=free_port()) if d.protocol in PROTOCOLS else d for d in devices]


@contextlib.asynccontextmanager
async def served(made):
    config = uvicorn_config(made.platform.settings, made.app)
    config.port = 0
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


async def gateway(made, url, code, folder, clock):
    """Return a running gateway that is enrolled and has its profile."""
    key, platform = SigningKey.generate(), made.platform
    assert isinstance(platform.gateways, Gateways)
    token = create_gateway_token(platform.records, code)
    enrolled = await platform.gateways.enrol(code, key.public, token)
    ring = KeyRing([bytes.fromhex(enrolled.platform_public_key)])
    version = platform.gateways.profile_version()
    profile = make_edge_profile(platform.world.ledger, code, version)
    # What is no stand-in is not there: its slots are gaps.
    wanted = tuple(d for d in profile.devices if d.protocol in PROTOCOLS)
    codes = {d.code for d in wanted}
    bindings = tuple(b for b in profile.bindings if b.device in codes)
    profile = replace(profile, devices=wanted, bindings=bindings)
    folder.mkdir()
    config = EdgeConfig(
        gateway=code, platform_url=url, data=folder, clock_socket=clock, timeout_s=2.0
    )
    agent = Agent(config, Identity(key, ring, profile, folder), SharedClock(), Random(1))
    return agent, asyncio.create_task(agent.run())


async def test_6_1_3_a_every_point_of_the_tiny_city_shows_its_own_marker(tmp_path):
    """A marker of its own in every register of every Modbus device comes out at its point."""
    assets, devices, gateways = demo_ledger("tiny")
    folder = tmp_path / "town"
    records, _ = open_records(load_settings(folder))
    ledger = install_ledger(records, assets, free_ports(devices), gateways)
    records.close()
    chosen = [d for d in ledger.devices.values() if d.protocol in PROTOCOLS]
    longest = lcm(*(b.period_s for d in chosen for b in ledger.bindings_of_device(d.code)))
    async with contextlib.AsyncExitStack() as stack:
        made = await stack.enter_async_context(town(folder, fresh=False))
        url = await stack.enter_async_context(served(made))
        stand_ins = await stack.enter_async_context(StandIns(chosen))
        clock = await stack.enter_async_context(
            Publisher(tmp_path / "city.sock", start=int(START_S) - 30)
        )
        client = await stack.enter_async_context(made.client("chen", Role.OPERATION_ENGINEER))
        agents = [await gateway(made, url, g.code, tmp_path / g.code, clock.path) for g in gateways]

        async def tick():
            """Go to a slot in which everything is read, and let it arrive."""
            slot = (clock.slot // longest + 1) * longest
            made.clock.advance(slot - made.clock.now_s())
            clock.slot = slot - 30
            await clock.step()
            for agent, _ in agents:
                await until(lambda a=agent: a._last_slot >= clock.slot and a.spool.rows == 0, 30.0)

        async def read(codes):
            await tick()
            shown = {}
            for start in range(0, len(codes), 300):
                some = ",".join(codes[start : start + 300])
                points = (await client.get(f"/api/v1/points/latest?codes={some}")).json()
                shown |= {point["code"]: point["value"] for point in points}
            return shown

        try:
            result = await check(ledger, chosen, stand_ins.put, read, rounds=2, wait_s=0.0)
        finally:
            for _, task in agents:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
    assert result.wrong == [], result.wrong[:5]
    assert result.match_pct == 100.0
    assert result.points == sum(len(ledger.bindings_of_device(d.code)) for d in chosen) > 100


def test_6_1_3_a_crossed_points_are_found():
    assets, devices, gateways = demo_ledger("tiny")
    from heatloop.plant.build import build_ledger

    ledger = build_ledger(assets, devices, gateways, version=1, keys={})
    chosen = [d for d in ledger.devices.values() if d.protocol in PROTOCOLS]
    found = markers(ledger, chosen, 0)
    shown = {marker.point: marker.value for marker in found}
    assert crossed(found, shown) == []
    raws = {marker.words for marker in found}
    assert len(raws) == len(found)  # no two points have one marker
    one, two = found[3].point, found[40].point
    shown[one], shown[two] = shown[two], shown[one]
    shown[found[7].point] = None
    wrong = crossed(found, shown)
    assert {row["point"] for row in wrong} == {one, two, found[7].point}
    by_point = {row["point"]: row["shows_marker_of"] for row in wrong}
    assert (by_point[one], by_point[two], by_point[found[7].point]) == (two, one, "")


@pytest.mark.timeout(120)
def test_6_1_2_d_1_a_dead_slave_of_50_leaves_the_others_their_period():
    """The gateway of `bench.edge`, which has all variants; 6.1.2 e #1: each point every 30 s."""
    like = {"devices": 50, "cycles": 4, "speed": 10.0}
    whole = Run(**like)
    (gateway_log, field), (dead_log, dead) = together([whole, Run(**like, silent=(7,))])
    assert slowdown_pct(dead, field) <= 10.0
    assert errors(whole, gateway_log) == 0
    assert gateway_log.widest_s <= 30.0
    assert min(len(reads) for reads in field.reads) == 4
    # The dead one itself is told, and only it.
    assert set(dead_log.notes) == {"gap", "alarm"}
    assert sum(dead_log.rows.values()) == 49 * 60 * 4
