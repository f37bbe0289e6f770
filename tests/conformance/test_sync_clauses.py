"""Clause 6.1.2 h: production, customer service and billing share their data."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.kernel.clock import machine_s
from heatloop.security.access import Role
from tests.contract.weather_provider import provider
from tests.unit.app_town import Town, town
from tests.unit.test_sync_api import API, CONTRACT, SYNC, _drop, contract, push, told

WITHIN_S = 300.0
_STEP_S = 30.0


async def shown_within_s(
    here: Town, client: httpx.AsyncClient, code: str, name: str, value: Any
) -> float:
    """Return the plant time until the plant API shows a value; only the clock is moved."""
    begun = here.clock.now_s()
    while here.clock.now_s() - begun <= WITHIN_S:
        for _ in range(20):
            reply = await client.get(f"{API}/assets/{code}")
            if reply.is_success and reply.json()["asset"]["attributes"].get(name) == value:
                return here.clock.now_s() - begun
            await asyncio.sleep(0.05)
        here.clock.advance(_STEP_S)
    return here.clock.now_s() - begun


@pytest.mark.parametrize("way", ["push", "drop", "pull"])
async def test_6_1_2_h_2_a_change_in_billing_shows_within_five_minutes(
    tmp_path: Path, way: str
) -> None:
    first = told("B-1", 1, parent="FL00001", fields=CONTRACT)
    change = told("B-1", 2, fields={"heat_off": True, "area_m2": 91.5})
    folder = tmp_path / "drop"
    folder.mkdir()
    with provider() as server:
        server.say("/changes", {"records": [], "cursor": "0", "more": False})
        settings = {"drop_folder": str(folder), "pull_url": f"{server.url}/changes"}
        async with (
            town(tmp_path / "data", sync=settings) as here,
            here.client("bill", Role.INTEGRATOR) as billing,
            here.client("guo", Role.CUSTOMER_SERVICE) as viewer,
        ):
            await push(billing, first)
            assert (await contract(viewer))["attributes"]["stopped"] is False
            begun = machine_s()
            match way:
                case "push":
                    await push(billing, change)
                case "drop":
                    _drop(folder, "billing.2.json", json.dumps([change]))
                case _:
                    server.only("/changes", {"records": [change], "cursor": "1", "more": False})
            took_s = await shown_within_s(here, viewer, "CT00001", "stopped", True)
            assert took_s <= WITHIN_S
            assert took_s <= (0.0 if way == "push" else 90.0)
            assert machine_s() - begun < WITHIN_S
            assert (await contract(viewer))["attributes"]["area_m2"] == 91.5
            changes = (await billing.get(f"{SYNC}/changes?system=customer")).json()
            assert changes["items"][-1]["fields"] == {"area_m2": 91.5, "heat_off": True}


async def test_6_1_2_h_2_a_ticket_of_the_customer_system_shows_in_the_platform(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here, here.client("crm", Role.INTEGRATOR) as crm:
        fields = {"kind": "complaint", "state": "open", "subject": "卧室不热", "room_c": 15.5}
        ticket = told("T-77", 1, "ticket", code="FL00001", fields=fields)
        await push(crm, ticket, system="customer")
        async with here.client("guo", Role.CUSTOMER_SERVICE) as viewer:
            (item,) = (await viewer.get(f"{SYNC}/tickets?code=FL00001")).json()["items"]
            assert (item["source_id"], item["fields"]["subject"]) == ("T-77", "卧室不热")
        done = told("T-77", 2, "ticket", fields={"state": "done", "satisfaction": 5})
        await push(crm, done, system="customer")
        async with here.client("ma", Role.CUSTOMER_SERVICE) as viewer:
            (item,) = (await viewer.get(f"{SYNC}/tickets")).json()["items"]
            assert (item["fields"]["state"], item["fields"]["subject"]) == ("done", "卧室不热")
            assert item["code"] == "FL00001"


async def test_6_1_2_h_2_conflict_rules_say_who_owns_what(tmp_path: Path) -> None:
    async with (
        town(tmp_path) as here,
        here.client("bill", Role.INTEGRATOR, Role.CUSTOMER_SERVICE) as client,
    ):
        rules = (await client.get(f"{SYNC}/rules")).json()
        owner = {(rule["entity"], rule["field"]): rule["owner"] for rule in rules}
        assert owner["contract", "area_m2"] == owner["contract", "heat_off"] == "billing"
        assert owner["flat", "valve_open"] == owner["building", "year"] == "heatloop"
        assert owner["flat", "occupied"] == "newest"
        await push(client, told("B-1", 1, parent="FL00001", fields=CONTRACT))
        # Billing changes what is its own, customer service what is not; the valve is ours.
        await push(client, told("B-1", 2, fields={"area_m2": 90.0}))
        await push(client, told("C-1", 1, code="CT00001", fields={"area_m2": 50.0}),
                   system="customer")  # fmt: skip
        await push(client, told("F-1", 1, "flat", code="FL00001", fields={"metered": False}))
        assert (await contract(client))["attributes"]["area_m2"] == 90.0
        assert (await contract(client, "FL00001"))["attributes"]["metered"] is True
        conflicts = (await client.get(f"{SYNC}/conflicts")).json()["items"]
        assert {(c["system"], c["field"], c["kind"]) for c in conflicts} == {
            ("customer", "area_m2", "not_owner"), ("billing", "metered", "not_owner")}  # fmt: skip
        assert here.platform.records.audit.list(action="sync.run")[0] == 4
