"""`/metrics`: what it says, in the format, to whom, and at what cost; and the interfaces page."""

from __future__ import annotations

import math
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from heatloop.app.settings import load_settings
from heatloop.bridge.metrics import MOST_SERIES, Metric, by, counter, exposition, gauge
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.security.access import Role
from tests.unit.app_town import START_S, town

SLOT = int(START_S)
TOKEN = "a-token-of-some-length"


def families(text):
    return {f.name: f for f in text_string_to_metric_families(text)}


async def test_the_figures_are_right_and_the_format_is_read_by_prometheus(tmp_path):
    async with town(tmp_path / "town") as here:
        gateway = await here.enrol()
        await gateway.connect()
        rows = [("SS0001.primary_flow", SLOT - 60, 12.0), ("SS0001.primary_heat_power", SLOT, 9.0)]
        await gateway.acknowledged(await gateway.samples(*rows))
        async with here.client("all", Role.MANAGER) as client:
            for path in ("/metrics", "/api/v1/metrics"):
                reply = await client.get(path)
                assert reply.status_code == 200
                assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = families(reply.text)
        value = lambda name, n=0: found[name].samples[n].value  # noqa: E731
        assert value("heatloop_ingest_samples") == 2
        assert value("heatloop_newest_sample_age_seconds") == 0
        assert value("heatloop_gateways_connected") == 1
        assert value("heatloop_points") == len(here.platform.world.ledger.points)
        up = {s.labels["gateway"]: s.value for s in found["heatloop_gateway_up"].samples}
        assert up == {"GW0001": 1, "GW0002": 0}
        good = next(s for s in found["heatloop_points_by_quality"].samples
                    if s.labels["quality"] == "good")  # fmt: skip
        assert good.value == 2
        assert value("heatloop_historian_up") == 1
        assert 0 < value("heatloop_disk_free_bytes") <= value("heatloop_disk_size_bytes")
        assert value("process_resident_memory_bytes") > 1e7
        # Few series, and nobody's name: the town has a person and a signed-in user.
        assert sum(len(family.samples) for family in found.values()) < 150
        assert "站长" not in reply.text
        assert "PE0001" not in reply.text
        here.platform.outside.metrics._made_s = 0.0
        began = time.perf_counter()
        await here.platform.outside.metrics.text()
        assert time.perf_counter() - began < 0.5


async def test_only_this_machine_and_holders_of_the_token_may_read(tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    settings = {"metrics": {"token_file": str(tmp_path / "token")}}
    async with town(tmp_path / "town", **settings) as here:

        async def ask(address, **headers):
            transport = httpx.ASGITransport(app=here.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
                return (await client.get("/metrics", headers=headers)).status_code

        assert await ask("127.0.0.1") == await ask("::1") == 200
        assert await ask("10.0.0.9") == await ask("testclient") == 401
        # A proxy on this machine does not speak for this machine.
        assert await ask("127.0.0.1", **{"X-Forwarded-For": "10.0.0.9"}) == 401
        assert await ask("10.0.0.9", Authorization=f"Bearer {TOKEN}") == 200
        for wrong in (f"Bearer {TOKEN}x", "Bearer ", f"Basic {TOKEN}", "Bearer é"):
            headers = {"Authorization": wrong.encode()}
            assert await ask("10.0.0.9", **headers) == 401, wrong
        for user, role, scope, status in (
            ("all", Role.MANAGER, "", 200), ("low", Role.MANAGER, "CO01/BR01", 403),
            ("security", Role.SECURITY_ADMIN, "", 403),
        ):  # fmt: skip
            async with here.client(user, role, scope=scope) as client:
                assert (await client.get("/api/v1/metrics")).status_code == status, user
        async with here.client() as client:
            assert (await client.get("/api/v1/metrics")).status_code == 401
        assert here.platform.outside.interfaces.quick()[5].detail == "loopback, token"
    for off, status in (({"loopback": False}, 401), ({"enabled": False}, 404)):
        folder = tmp_path / str(status)
        async with town(folder, metrics=off) as here, here.client() as client:
            assert (await client.get("/metrics")).status_code == status


async def test_a_historian_that_is_away_is_said_and_not_waited_for(tmp_path, monkeypatch):
    from heatloop.kernel.errors import LinkError

    async with town(tmp_path / "town") as here:

        async def away():
            raise LinkError("away")

        monkeypatch.setattr(here.platform.historian._inner, "stats", away)
        found = families(await here.platform.outside.metrics.text())
        assert found["heatloop_historian_up"].samples[0].value == 0


def test_a_token_that_is_none_stops_the_start(tmp_path):
    from heatloop.app.open_metrics import Metrics

    with pytest.raises(ConfigError, match="cannot be read"):
        Metrics(str(tmp_path / "none"))
    (tmp_path / "short").write_text("abc")
    with pytest.raises(ConfigError, match="too short"):
        Metrics(str(tmp_path / "short"))


def test_every_kind_of_number_and_label_comes_through():
    text = exposition(
        [
            gauge("a", "one\nline \\ x", math.nan),
            counter("b_total", "b", 3),
            by("gauge", "c", "c", "job", {'q"u\\o\nte': math.inf, "n": -math.inf, "f": 0.25}),
            Metric("d", "gauge", "none", ()),
        ]
    )
    found = families(text)
    assert math.isnan(found["a"].samples[0].value)
    assert found["b"].samples[0].value == 3
    values = {s.labels["job"]: s.value for s in found["c"].samples}
    assert values == {'q"u\\o\nte': math.inf, "n": -math.inf, "f": 0.25}


@pytest.mark.parametrize(
    "metrics",
    [
        [gauge("a", "", 1), gauge("a", "", 1)], [gauge("a b", "", 1)], [gauge("ä", "", 1)],
        [counter("b", "", 1)], [Metric("a", "histogram", "", ())],
        [by("gauge", "a", "", "n", {str(n): 1.0 for n in range(MOST_SERIES + 1)})],
    ],
)  # fmt: skip
def test_what_prometheus_would_refuse_is_refused_here(metrics):
    with pytest.raises(InputError):
        exposition(metrics)


async def test_interfaces_are_listed_and_other_peoples_subscriptions_hidden(tmp_path):
    async with town(tmp_path / "town") as here:
        async with here.client("peer", Role.INTEGRATOR) as client:
            found = (await client.get("/api/v1/interfaces")).json()
            assert [item["name"] for item in found["items"]] == [
                "subscribe", "stream", "mqtt_out", "opc_ua", "webhooks", "metrics",
            ]  # fmt: skip
            assert all(item["zh"] and item["en"] for item in found["items"])
            enter, wish = here.platform.outside.subscribers.enter, _wish()
            with enter(wish, "other", "sse"), enter(wish, "peer", "sse"):
                mine = (await client.get("/api/v1/interfaces")).json()["subscribers"]
                assert [one["user"] for one in mine] == ["peer"]
        async with here.client() as client:
            assert (await client.get("/api/v1/interfaces")).status_code == 401


def _wish():
    from heatloop.app.open_choice import Wish
    from heatloop.kernel.scope import Scope

    return Wish(scope=Scope.everything())


@pytest.mark.parametrize(
    "wrong",
    [
        {"mqtt_out": {"url": "http://x"}}, {"mqtt_out": {"url": "mqtt://broker.example"}},
        {"mqtt_out": {"url": "mqtts://x", "prefix": "a/#"}},
        {"mqtt_out": {"url": "mqtts://x", "key_file": "k"}}, {"opc_ua": {"port": 70_000}},
        {"webhooks": {"timeout_s": 0.0}}, {"subscribe": {"kept_rows": 1}},
        {"extensions": {"max_failures": 0}}, {"mqtt_out": {"queue": 1}},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_started_with(tmp_path, wrong):
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, overrides=wrong)
    assert caught.value.fix


def test_an_environment_variable_finds_its_section(tmp_path):
    made = load_settings(
        tmp_path,
        environ={"HEATLOOP_MQTT_OUT_PREFIX": "city", "HEATLOOP_MQTT_GROUP": "g",
                 "HEATLOOP_OPC_UA_PORT": "4841", "HEATLOOP_DATA": "x"},
    )  # fmt: skip
    assert (made.mqtt_out.prefix, made.mqtt.group, made.opc_ua.port) == ("city", "g", 4841)
