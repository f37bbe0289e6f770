"""The two zones (8.2 b, 6.3 d): no way from the customer zone to a command, by any road."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from fastapi.routing import APIRoute

from heatloop.bridge.feed_schema import FEED_SCHEMAS, GATE_SCHEMAS
from heatloop.security.access import Role
from heatloop.web.factory import api_router, bare_app
from heatloop.web.rights import route_rights
from heatloop.web.zones import CONTROL_LEAVES_OUT, CUSTOMER_ROUTES, customer_api
from tests.contract.test_zones import client_of, customer_zone, pair_folders

FORBIDDEN = (
    "heatloop.app.commands", "heatloop.app.command_door", "heatloop.app.command_gate",
    "heatloop.app.gateways", "heatloop.app.links", "heatloop.app.intake", "heatloop.app.loop",
    "heatloop.app.curve_job", "heatloop.app.wiring", "heatloop.app.ledger_admin",
    "heatloop.app.edge_rules", "heatloop.app.zone_send", "heatloop.app.zone_gate",
    "heatloop.control", "heatloop.edge", "heatloop.demo", "heatloop.cli", "heatloop.web.factory",
    "heatloop.web.routes.commands", "heatloop.web.routes.gateways", "heatloop.web.routes.plant",
    "pymodbus", "aiocoap", "asyncua",
)  # fmt: skip
MAY_WRITE = {
    "session", "users", "alarms", "audit", "zone",
}  # fmt: skip


def _paths(app_or_router) -> dict[str, set[str]]:
    schema = app_or_router.openapi()["paths"]
    return {path: {method.upper() for method in methods} for path, methods in schema.items()}


def test_8_2_b_the_customer_zone_serves_a_closed_list_without_command_ledger_or_device():
    served = _paths(customer_api())
    assert served
    assert len(CUSTOMER_ROUTES) == 7
    for path, methods in served.items():
        first = path.removeprefix("/api/v1/").split("/")[0]
        assert first in {*MAY_WRITE, "health", "info"}, path
        for word in ("command", "gateway", "ledger", "device", "stage", "emergency", "demo"):
            assert word not in path
        if methods - {"GET"}:
            assert first in MAY_WRITE, path
    written = {p for p, m in served.items() if m - {"GET"} and p.startswith("/api/v1/zone")}
    assert written == {
        f"/api/v1/zone/{each}" for each in ("wishes", "labels", "billing", "readings", "forecasts")
    }


async def test_8_2_b_a_dispatcher_finds_no_command_route_in_the_customer_zone(tmp_path):
    pair_folders(tmp_path / "control", tmp_path / "customer")
    everything = _paths(bare_app())
    own = _paths(customer_api())
    foreign = {path: methods for path, methods in everything.items() if path not in own}
    assert any(path.endswith("/commands") for path in foreign)
    async with (
        customer_zone(tmp_path) as customer,
        client_of(customer, "dispatcher", Role.DISPATCHER) as client,
    ):
        assert (await client.get("/api/v1/session")).status_code == 200
        for path, methods in foreign.items():
            # A name no route of the customer zone could take for a parameter of its own.
            real = path.replace("{", "").replace("}", "")
            for method in methods:
                answer = await client.request(method, real, json={})
                assert answer.status_code in (404, 405), (method, path)
        for route in client._transport.app.routes:
            if isinstance(route, APIRoute):
                assert not route.endpoint.__module__.startswith("heatloop.web.routes.commands")


def test_8_2_b_the_code_of_the_command_path_is_not_even_loaded_in_the_customer_process():
    code = "import sys, json, heatloop.web.customer; print(json.dumps(sorted(sys.modules)))"
    made = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    loaded = json.loads(made.stdout)
    bad = [
        name
        for name in loaded
        if any(name == each or name.startswith(each + ".") for each in FORBIDDEN)
    ]
    assert bad == []


def test_8_2_b_the_customer_zone_opens_no_connection(tmp_path):
    pair_folders(tmp_path / "control", tmp_path / "customer")
    code = """
import sys
seen = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"):
        seen.append((event, repr(arguments)))
import asyncio
from pathlib import Path
from heatloop.app.settings import load_settings
from heatloop.app.zone_customer import build_customer, running_customer
folder = Path(sys.argv[1])
zones = {"zone": "customer", "feed_folder": str(folder / "feed"), "feed_udp": "127.0.0.1:0",
         "gate_folder": str(folder / "gate")}
async def main():
    loop = asyncio.get_running_loop()
    sys.addaudithook(hook)
    platform = build_customer(load_settings(folder / "customer", overrides={"zones": zones}))
    async with running_customer(platform):
        async with asyncio.timeout(20):
            while platform.zones.receiver.listening is None:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
asyncio.run(main())
print(seen)
"""
    made = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    assert made.stdout.strip().splitlines()[-1] == "[]"


def test_6_3_d_2_the_control_zone_leaves_the_exchange_with_billing_to_the_other():
    assert CONTROL_LEAVES_OUT == ("sync",)
    paths = {each.path for each in route_rights(api_router().routes)}
    kept = {each.path for each in route_rights(api_router(CONTROL_LEAVES_OUT).routes)}
    assert len(kept) > 100
    assert {path.split("/")[3] for path in paths - kept} == {"sync"}


@pytest.mark.parametrize("schemas", [FEED_SCHEMAS, GATE_SCHEMAS])
def test_6_3_d_2_nothing_that_crosses_is_a_command_or_names_a_person(schemas):
    words = ("command", "setpoint", "device", "gateway", "register", "phone", "name", "person")
    for schema in schemas.values():
        for each in (schema.kind, *schema.fields):
            assert not any(word in each for word in words), each
