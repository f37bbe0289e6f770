"""The demo's control routes over a real city and its socket."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from heatloop.demo.city import City
from heatloop.demo.field import Field
from heatloop.demo.runner import Runner
from heatloop.demo.web import demo_router
from heatloop.kernel.clock import ClockState, machine_s
from heatloop.kernel.errors import LinkError
from tests.contract.test_demo_process import free_block


def anybody():
    """Let everybody pass."""


def nobody():
    raise HTTPException(403)


def client_of(socket, demonstrator):
    app = FastAPI()
    app.include_router(demo_router(socket, anybody, demonstrator), prefix="/api/v1")
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://city/api/v1/demo")


@pytest.fixture
async def runner(tmp_path):
    base = free_block(8)
    city = City(2, "tiny", 1767571200.0, base_port=base)
    clock = ClockState(epoch=1, origin_machine_s=machine_s(), origin_plant_s=city.now_s, speed=1.0)
    field = Field(city, tmp_path / "city", coap_port=base + 6)
    runner = Runner(city, field, tmp_path, clock)
    running = asyncio.create_task(runner.run())
    socket = tmp_path / "run" / "city.sock"
    async with asyncio.timeout(20):
        while not socket.exists():
            await asyncio.sleep(0.01)
    yield runner, socket
    runner.stop()
    await asyncio.wait_for(running, 20)


async def test_status_speed_weather_and_faults_go_through(runner):
    city, socket = runner[0].city, runner[1]
    async with client_of(socket, anybody) as client:
        status = (await client.get("/status")).json()
        assert status["plant_time"].startswith("2026-01-05T00:0")
        assert status["plant_time"].endswith("Z")
        assert (await client.put("/speed", json={"speed": 20})).json()["speed"] == 20.0
        changed = await client.put("/weather", json={"offset_k": -4})
        assert changed.json()["weather"]["offset_k"] == -4.0
        assert city.weather_settings.offset_k == -4.0
        fault = status["faults"][0]["id"]
        after = (await client.put(f"/faults/{fault}", json={"active": True})).json()
        assert [f["id"] for f in after["faults"] if f["active"]] == [fault]
        assert list(city.faults.active) == [fault]


async def test_numbers_out_of_bounds_are_refused(runner):
    async with client_of(runner[1], anybody) as client:
        for path, body in (
            ("/speed", {"speed": 0}),
            ("/speed", {"speed": 61}),
            ("/weather", {"offset_k": 1e9}),
            ("/faults/x", {"active": "perhaps"}),
        ):
            assert (await client.put(path, json=body)).status_code == 422


async def test_who_may_only_look_changes_nothing(runner):
    async with client_of(runner[1], nobody) as client:
        assert (await client.get("/status")).status_code == 200
        assert (await client.put("/speed", json={"speed": 20})).status_code == 403
    assert runner[0].service.state.speed == 1.0


async def test_without_a_city_the_link_is_named(tmp_path):
    async with client_of(tmp_path / "none.sock", anybody) as client:
        with pytest.raises(LinkError):
            await client.get("/status")
