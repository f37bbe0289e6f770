"""The uplink against a small platform that checks every signature and sequence number itself."""

import asyncio
import contextlib
import json

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import serve

from heatloop.edge.spool import Spool
from heatloop.edge.uplink import Uplink, link_url
from heatloop.edge.uplink_session import (
    MAX_IN_FLIGHT,
    CommandArrived,
    Quarantined,
    UplinkSession,
    Welcomed,
)
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import ConfigError
from heatloop.kernel.messages import Command
from heatloop.security.keys import KeyRing, SigningKey
from tests.contract.edge_peers import Platform, until


def batch(slot, n=4):
    return SampleBatch(range(1, n + 1), [slot] * n, [slot / 7 + i for i in range(n)], [0] * n)


@pytest.fixture
async def world(tmp_path):
    keys = {name: SigningKey.generate() for name in ("GW0001", "GW0002", "GW0003")}
    platform = Platform(KeyRing(key.public for key in keys.values()))
    platform.keys = {name: {key.key_id} for name, key in keys.items()}
    sessions = {
        name: UplinkSession(
            gateway=name, spool=Spool(tmp_path / name), key=key, profile_version=3, ledger_version=2
        )
        for name, key in keys.items()
    }
    async with contextlib.AsyncExitStack() as stack:
        tasks, inbound = [], []

        async def start(port=0):
            server = await stack.enter_async_context(serve(platform, "127.0.0.1", port))
            return server, server.sockets[0].getsockname()[1]

        def link(port, *names, **options):
            url = f"http://127.0.0.1:{port}"
            chosen = [sessions[name] for name in names]
            uplink = Uplink(url, chosen, lambda s, i: inbound.append(i), **options)
            tasks.append(asyncio.create_task(uplink.run()))
            return uplink

        platform.inbound = inbound
        yield platform, sessions, start, link
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for session in sessions.values():
            session.spool.close()


async def test_rows_and_notes_arrive_signed_in_order_and_leave_the_spool(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    session.spool.append(batch(30))
    session.spool.append_notes([{"type": "gap", "device": "DV0001"}])
    _, port = await start()
    uplink = link(port, "GW0001")
    session.spool.append(batch(60))
    uplink.wake()
    await until(lambda: session.spool.rows == 0 and len(platform.rows["GW0001"]) == 8)
    assert platform.rows["GW0001"] == [*batch(30).rows(), *batch(60).rows()]
    assert platform.notes == [{"type": "gap", "device": "DV0001"}]


async def test_three_gateways_share_one_link(world):
    platform, sessions, start, link = world
    _, port = await start()
    uplink = link(port, *sessions)
    await until(lambda: uplink.online)
    for slot in (30, 60, 90):
        for session in sessions.values():
            session.spool.append(batch(slot))
        uplink.wake()
    await until(lambda: all(s.spool.rows == 0 for s in sessions.values()))
    assert len(platform.links) == 1
    assert all(len(platform.rows[name]) == 12 for name in sessions)


async def test_nothing_is_lost_when_the_platform_goes_and_comes_back(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    server, port = await start()
    with capture_logs() as log:
        await outage(platform, session, server, port, start, link)
    assert [line["event"] for line in log] == ["link broken, trying on", "link is back"]


async def outage(platform, session, server, port, start, link):
    uplink = link(port, "GW0001")
    await until(lambda: uplink.online)
    platform.hold_acks = True  # stored, but the acknowledgement never gets out
    session.spool.append(batch(30))
    uplink.wake()
    await until(lambda: platform.held)
    server.close()
    await server.wait_closed()
    platform.held.clear()
    platform.hold_acks = False
    for slot in range(60, 600, 30):
        session.spool.append(batch(slot))
    await asyncio.sleep(0.3)
    await start(port)
    await until(lambda: session.spool.rows == 0)
    slots = [row[1] for row in platform.rows["GW0001"]]
    assert slots == sorted(slots)
    assert set(slots) == set(range(30, 600, 30))
    assert len(slots) == len(set(slots)) * 4


async def test_a_backlog_is_merged_and_at_most_64_envelopes_fly(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    for n in range(300):
        session.spool.append(batch(30 * n, n=500))
    platform.hold_acks = True
    _, port = await start()
    uplink = link(port, "GW0001")
    await until(lambda: len(platform.rows["GW0001"]) == 150_000)
    assert max(platform.sizes) == 20_000
    assert len(platform.sizes) == 8
    for n in range(300, 400):
        session.spool.append_notes([{"type": "event", "n": n}])
        session.spool.append(batch(30 * n))
    uplink.wake()
    await until(lambda: session.in_flight == MAX_IN_FLIGHT)
    await platform.release()
    await until(lambda: session.spool.rows == 0)


async def test_new_rows_go_ahead_of_a_long_backlog_four_to_one(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    session._roll_rows = 10_000
    for n in range(100):
        session.spool.append(batch(30 * n, n=10_000))
    old = session.spool.epoch
    platform.hold_acks = True
    _, port = await start()
    uplink = link(port, "GW0001")
    await until(lambda: session.spool.epoch != old)
    for n in range(100, 130):  # sample and note alternate, so live envelopes stay small
        session.spool.append(batch(30 * n))
        session.spool.append_notes([{"type": "event", "n": n}])
    uplink.wake()
    await until(lambda: session.in_flight == MAX_IN_FLIGHT)
    new = session.spool.epoch
    first = platform.epochs.index(new)
    await until(lambda: len(platform.epochs) >= first + 40)
    window = platform.epochs[first : first + 40]
    assert window.count(old) == 8
    await platform.release()
    await until(lambda: session.spool.rows == 0)
    assert session.spool.epochs == (new,)
    assert len({row[1] for row in platform.rows["GW0001"]}) == 130


async def test_an_older_epoch_in_flight_is_sent_again_after_a_break(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    session.spool.append(batch(30))
    session.spool.roll()
    session.spool.append(batch(60))
    server, port = await start()
    platform.deaf = True
    uplink = link(port, "GW0001")
    await until(lambda: session.in_flight == 2)
    server.close()
    await server.wait_closed()
    platform.deaf = False
    await start(port)
    await until(lambda: session.spool.rows == 0)
    assert [row[1] for row in platform.rows["GW0001"]] == [60] * 4 + [30] * 4
    assert uplink.online


async def test_an_old_copy_of_a_spool_starts_a_new_epoch(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    session.spool.append(batch(30))
    old = session.spool.epoch
    platform.through["GW0001", old] = 1000
    _, port = await start()
    uplink = link(port, "GW0001")
    await until(lambda: session.spool.epoch != old)
    session.spool.append(batch(60))
    uplink.wake()
    await until(lambda: any(row[1] == 60 for row in platform.rows["GW0001"]))


async def test_commands_profiles_and_quarantines_reach_the_agent(world):
    platform, _, start, link = world
    _, port = await start()
    uplink = link(port, "GW0001")
    await until(lambda: uplink.online)
    command = Command(
        id="1", point="UN0001.station_mode", value=2, mode="manual", gateway="GW0001",
        issued=1, expires=2, nonce="n", counter=1,
    )  # fmt: skip
    socket = platform.links[0]
    await platform.say(socket, "command", "GW0001", command=command.to_dict())
    await platform.say(socket, "quarantined", "GW0001", first=7, reason="unknown key")
    await until(lambda: len(platform.inbound) >= 3)
    assert platform.inbound == [
        Welcomed(0), CommandArrived(command), Quarantined(7, "unknown key"),
    ]  # fmt: skip


async def test_a_silent_platform_is_left_and_tried_again(world):
    platform, sessions, start, link = world
    session = sessions["GW0001"]
    platform.hold_acks = True
    _, port = await start()
    uplink = link(port, "GW0001", stall_s=0.2)
    await until(lambda: uplink.online)
    session.spool.append(batch(30))
    uplink.wake()
    await until(lambda: platform.held)
    platform.hold_acks = False
    await until(lambda: session.spool.rows == 0, 12)
    assert len(platform.links) == 2


async def test_what_the_platform_refuses_is_tried_again_later(world):
    link = world[3]
    answers = iter(["refused", "welcome"])

    async def once(socket):
        await socket.send(json.dumps({"type": "challenge", "nonce": "00" * 16}))
        await socket.recv()
        kind = next(answers, "welcome")
        await socket.send(json.dumps({"type": kind, "reason": "not enrolled", "through": 0}))
        await socket.wait_closed()

    async with serve(once, "127.0.0.1", 0) as server:
        uplink = link(server.sockets[0].getsockname()[1], "GW0001")
        await until(lambda: uplink.online)


def test_link_address():
    assert link_url("https://heat.example:8443/") == "wss://heat.example:8443/api/v1/gateways/link"
    with pytest.raises(ConfigError):
        link_url("heat.example")
