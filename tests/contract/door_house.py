"""A platform served over real sockets, a whole gateway on its link, and devices behind it."""

import asyncio
import contextlib
import socket
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import uvicorn

from heatloop.app.history import ThreadedHistorian
from heatloop.app.ledger_admin import create_gateway_token, install_ledger
from heatloop.app.process import running, uvicorn_config
from heatloop.app.settings import load_settings
from heatloop.app.wiring import build_platform, open_records
from heatloop.edge.agent import Agent
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import enrol
from heatloop.kernel.clock import ClockState, SharedClock, machine_s
from heatloop.store.historian.memory import MemoryHistorian
from tests.contract.edge_peers import Field, Publisher, until
from tests.unit.app_town import START_S, Town, assets, devices, gateways

SPEED = 10.0
UNIT = "UN0001"


class MortalHistorian(MemoryHistorian):
    """A historian that can be taken away: then it takes nothing and says nothing."""

    dead = False

    def append(self, columns):
        if self.dead:
            raise ConnectionError("the historian is gone")
        return super().append(columns)


class DoorHouse:
    """What the attack tests work with."""

    def __init__(self, town, field, agent, engine, clock, folder):
        self.town, self.field, self.agent, self.engine = town, field, agent, engine
        self.clock, self.platform, self.folder = clock, town.platform, folder

    @property
    def memory(self):
        """The registers of the station's device."""
        return bytes(self.field.memory["DV0001"])

    async def frame(self, kind, **rest):
        """Put a frame on the gateway's link, as whoever has the link could."""
        await self.platform.links.line("GW0001").send({"type": kind, **rest})

    def outcome(self, command):
        found = self.agent._kept.memory.outcomes.get(command)
        return None if found is None else found[0]

    def raised(self):
        return {each.alarm.rule for each in self.platform.alarming._open.values()}


def _port():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@contextlib.asynccontextmanager
async def served(platform, app):
    config = uvicorn_config(platform.settings, app)
    config.port = 0
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def door_house(folder, speed=SPEED, **overrides):
    """Run the house; `overrides` are sections of settings."""
    port = _port()
    own = [replace(d, port=port) if d.code == "DV0001" else d for d in devices()]
    own = [d for d in own if d.code != "DV0003"]
    plain = {"identity": {"second_factor": "off"}, "twin": {"enabled": False}}
    settings = load_settings(folder, overrides=plain | overrides)
    records, _ = open_records(settings)
    install_ledger(records, assets(), own, gateways())
    token = create_gateway_token(records, "GW0001")
    records.close()
    began = machine_s()
    clock = SharedClock(
        ClockState(
            epoch=1, origin_machine_s=began, origin_plant_s=START_S, speed=speed, lockstep=False
        )
    )
    engine = MortalHistorian(zone=ZoneInfo("Asia/Shanghai"))
    platform = build_platform(settings, clock=clock, historian=ThreadedHistorian(engine))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(platform))
        town = Town(platform, clock, folder)
        url = await stack.enter_async_context(served(platform, town.app))
        field = Field([port])
        field.devices[0] = replace(field.devices[0], word_order=own[0].word_order)
        await stack.enter_async_context(field)
        edge = folder / "edge"
        edge.mkdir()
        (edge / "token").write_text(token)
        publisher = Publisher(
            edge / "city.sock", start=START_S, speed=speed, origin_machine_s=began
        )
        await stack.enter_async_context(publisher)
        config = EdgeConfig(
            gateway="GW0001", platform_url=url, data=edge, token_file=edge / "token",
            clock_socket=edge / "city.sock", timeout_s=0.3,
        )  # fmt: skip
        identity = await asyncio.to_thread(enrol, config)
        agent = Agent(config, identity, SharedClock(), Random(1))
        task = asyncio.create_task(agent.run())
        house = DoorHouse(town, field, agent, engine, clock, folder)
        house.url = url
        house.config, house.identity = config, identity
        try:
            await until(lambda: agent._works is not None and agent._uplink.online, 20.0)
            await until(lambda: agent._kept.door.book.plans, 20.0)
            mode = platform.world.ledger.points[f"{UNIT}.station_mode"].key
            await until(lambda: platform.world.latest.value(mode) == 2.0, 30.0)
            yield house
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
