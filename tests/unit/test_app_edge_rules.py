"""Edge rules from the platform: permissions, versions, signature, what the gateway says."""

import pytest

from heatloop.security.access import Role
from heatloop.security.keys import KeyRing, open_document
from tests.unit.app_town import START_S as NOW
from tests.unit.app_town import town

URL = "/api/v1/gateways/GW0001/rules"
DERIVED = {
    "name": "dt", "asset": "UN0001", "unit": "K",
    "expr": "UN0001.secondary_supply_temperature - UN0001.secondary_return_temperature",
}  # fmt: skip
OUTPUT = {
    "name": "slow", "point": "UN0001.circulation_pump_frequency_setpoint", "expr": "40",
    "every_s": 60,
}  # fmt: skip


@pytest.fixture
async def here(tmp_path):
    async with town(tmp_path) as made:
        made.add_user("eng", Role.OPERATION_ENGINEER)
        made.add_user("sys", Role.SYSTEM_ADMIN)
        made.add_user("dis", Role.DISPATCHER)
        made.add_user("far", Role.OPERATION_ENGINEER, scope="nowhere")
        yield made


def opened(here, frame):
    ring = KeyRing([here.platform.keys.signing.public])
    return open_document(ring, frame["document"])


async def test_rules_are_checked_versioned_signed_sent_and_taken_back(here):
    gateway = await here.enrol()
    await gateway.connect()
    async with here.client("eng") as client:
        first = await client.put(URL, json={"derived": [DERIVED], "note": "look"})
        assert first.status_code == 200, first.text
        await gateway.until(lambda: len(gateway.of("rules")) == 1)
        second = await client.put(URL, json={"derived": [DERIVED], "outputs": [OUTPUT]})
        assert [v["version"] for v in second.json()["versions"]] == [2, 1]
        back = await client.post(f"{URL}/rollback")
        assert back.json()["versions"][0]["back_to"] == 1
        again = await client.post(f"{URL}/rollback")
        assert again.status_code == 404
        bad = await client.put(URL, json={"derived": [DERIVED | {"expr": "UN0099.flow"}]})
        assert bad.status_code == 422
        await gateway.until(lambda: len(gateway.of("rules")) == 3)
        documents = [opened(here, frame) for frame in gateway.of("rules")]
        assert [d["version"] for d in documents] == [1, 2, 3]
        assert documents[2]["derived"] == documents[0]["derived"] == [DERIVED]
        assert documents[0]["gateway"] == "GW0001"
        await gateway.acknowledged(
            await gateway.notes(
                {"type": "rules", "version": 2, "state": "rolled_back", "reason": "x", "at": NOW},
                {"type": "rules", "version": 3, "state": "active", "reason": "", "at": NOW},
            )
        )
        found = (await client.get(URL)).json()
        assert found["in_force"] == 3
        assert [v["state"] for v in found["versions"]] == ["active", "rolled_back", "sent"]
    total, rows = here.platform.records.audit.list(user="eng", action="edge_rules.put")
    assert total == 2
    assert rows[0].subject == "GW0001"
    assert here.platform.records.audit.list(user="eng", action="edge_rules.rollback")[0] == 1


async def test_a_gateway_that_comes_back_gets_the_newest(here):
    async with here.client("eng") as client:
        await client.put(URL, json={"derived": [DERIVED]})
        await client.put(URL, json={"derived": [DERIVED | {"name": "rise"}]})
    gateway = await here.enrol()
    await gateway.connect()
    await gateway.until(lambda: gateway.of("rules"))
    (frame,) = gateway.of("rules")
    assert opened(here, frame)["derived"][0]["name"] == "rise"


@pytest.mark.parametrize(
    "user, method, body, status",
    [
        ("dis", "PUT", {"derived": [DERIVED]}, 403),
        ("sys", "PUT", {"outputs": [OUTPUT]}, 403),
        ("sys", "PUT", {"derived": [DERIVED]}, 200),
        ("dis", "GET", None, 200),
        ("dis", "POST", None, 403),
        ("far", "GET", None, 404),
        ("far", "PUT", {"derived": [DERIVED]}, 404),
        ("eng", "PUT", {"loops": []}, 422),
        ("eng", "PUT", {"derived": [DERIVED] * 201}, 422),
    ],
)
async def test_who_may_do_what(here, user, method, body, status):
    async with here.client(user) as client:
        url = URL + ("/rollback" if method == "POST" else "")
        assert (await client.request(method, url, json=body)).status_code == status
