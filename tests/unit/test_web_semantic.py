"""Points by meaning and place, and by questions in words, over a real platform."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from heatloop.app.queries.semantic import Selection, select
from heatloop.app.world import World
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.scope import Scope
from heatloop.plant.build import build_ledger
from heatloop.plant.kinds import point_kinds
from heatloop.plant.semantic_words import hear, tag_words
from heatloop.plant.semantics import FIELDS, point_tags, si_of
from heatloop.security.access import Role
from tests.unit import twin_town
from tests.unit.app_town import Town, town

API = "/api/v1"
SUPPLY = ["UN0001.secondary_supply_temperature", "UN0002.secondary_supply_temperature"]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def client(here: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with here.client("wang", Role.DISPATCHER) as made:
        yield made


async def found(client: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await client.get(f"{API}/points/query", params={"size": "500", **query})
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json()["items"]]


async def refusal(client: httpx.AsyncClient, **query: str) -> dict[str, str]:
    answer = await client.get(f"{API}/points/query", params=query)
    assert answer.status_code in (404, 422), answer.text
    return dict(answer.json()["error"])


def test_every_kind_has_tags_of_the_vocabulary_and_a_place_in_the_si_table() -> None:
    words = {field: {w.value for w in tag_words() if w.field == field} for field in FIELDS}
    for name, kind in point_kinds().items():
        tags = point_tags()[name]
        for field in FIELDS:
            assert getattr(tags, field) in words[field], (name, field, getattr(tags, field))
        assert si_of(kind.unit).unit in (
            "K",
            "Pa",
            "m3/s",
            "m3",
            "W",
            "J",
            "Hz",
            "1",
            "m",
            "m/s",
            "rad",
            "W/m2",
            "s",
            "A",
            "V",
            "bit/s",
            "kg/s",
        ), kind.unit
    assert point_tags()["primary_heat_total"].quantity == "heat"
    assert point_tags()["station_power_total"].quantity == "electric_energy"
    assert point_tags()["station_voltage"].side == "none"
    supply = point_tags()["secondary_supply_temperature"]
    assert (supply.medium, supply.side, supply.quantity, supply.stage) == (
        "water", "supply", "temperature", "secondary",
    )  # fmt: skip


@pytest.mark.parametrize(
    "unit, value, si",
    [("degC", 20.0, 293.15), ("kPa", 1.0, 1000.0), ("MPa", 1.0, 1e6), ("GJ", 1.0, 1e9),
     ("m3/h", 3600.0, 1.0), ("degF", 32.0, 273.15), ("%", 50.0, 0.5), ("t/h", 3.6, 1.0)],
)  # fmt: skip
def test_units_become_si(unit: str, value: float, si: float) -> None:
    how = si_of(unit)
    assert value * how.factor + how.offset == pytest.approx(si)


async def test_a_question_in_words_needs_no_point_list(client: httpx.AsyncClient) -> None:
    for words in (
        "所有热力站二次供水温度", "secondary supply temperature of all substations",
        "Secondary supply temperatures of the substations", "二次供水温度，全部换热站",
    ):  # fmt: skip
        assert await found(client, q=words) == SUPPLY, words
    for words in ("名SS0002 二次供水温度", "secondary supply temperature of name SS0002",
                  "SS0002 二次供水温度"):  # fmt: skip
        assert await found(client, q=words) == SUPPLY[1:], words


async def test_a_question_is_shown_as_it_was_understood(client: httpx.AsyncClient) -> None:
    answer = (await client.get(f"{API}/points/query", params={"q": "热力站 一次 回水压力"})).json()
    heard = {each["field"]: each["values"] for each in answer["understood"]}
    assert heard["stage"] == ["primary"]
    assert heard["side"] == ["return"]
    assert "setpoint" not in heard["role"]
    assert {item["kind"] for item in answer["items"]} == {"primary_return_pressure"}


async def test_unknown_words_are_named_and_never_guessed(client: httpx.AsyncClient) -> None:
    error = await refusal(client, q="supply temprature of all substations")
    assert "temprature" in error["message_en"]
    assert (await refusal(client, q="北苑二次供温"))["thing"] == "北苑 | 温"
    assert (await refusal(client, q="the of all"))["place"] == "q"
    assert (await refusal(client, medium="wine"))["place"] == "medium"
    assert (await refusal(client))["place"] == "q"


async def test_tags_narrow_and_their_values_are_alternatives(client: httpx.AsyncClient) -> None:
    both = await found(client, stage="secondary", side="supply,return", quantity="temperature",
                       role="measured")  # fmt: skip
    assert {code.split(".")[1] for code in both} == {
        "secondary_supply_temperature", "secondary_return_temperature",
    }  # fmt: skip
    assert await found(client, kind="secondary_supply_temperature", asset="SS0001") == SUPPLY[:1]
    assert await found(client, kind="secondary_supply_temperature",
                       scope="CO01/BR02") == SUPPLY[1:]  # fmt: skip
    rooms = await found(client, q="所有楼栋的室内温度")
    assert rooms == ["RC0001.room_temperature", "RC0002.room_temperature"]

    kind = "secondary_supply_temperature"
    assert await found(client, kind=kind, within="125,43;126,43;126,44.5;125,44.5") == SUPPLY
    assert await found(client, kind=kind, within="0,0;1,0;1,1") == []
    square = {
        "type": "Polygon",
        "coordinates": [[[125, 43], [126, 43], [126, 45], [125, 45], [125, 43]]],
    }
    assert await found(client, kind=kind, within=json.dumps(square)) == SUPPLY
    assert (await refusal(client, kind=kind, within="1,2;3"))["place"] == "within"
    assert (await refusal(client, kind=kind, asset="SS0009"))["code"] == "not_found"


async def test_nobody_finds_points_outside_his_scope(here: Town) -> None:
    async with here.client("li", Role.DISPATCHER, scope="CO01/BR02") as client:
        assert await found(client, kind="secondary_supply_temperature") == SUPPLY[1:]
        assert (await refusal(client, q="SS0001 二次供水温度"))["code"] == "not_found"
        words = (await client.get(f"{API}/points/vocabulary")).json()
        counts = {each["value"]: each["points"] for each in words["kind"]}
        assert counts["secondary_supply_temperature"] == 1


def test_letters_of_one_word_are_never_parted() -> None:
    # `hot` holds no `t`, and `stationary` no `station`.
    assert [each.field for each in hear("stationary")] == [""]
    assert [each.words for each in hear("flow of SS99")] == ["flow", "of", "ss99"]


def test_points_upstream_and_downstream_of_a_pipe() -> None:
    ledger = build_ledger(
        twin_town.assets(), twin_town.devices(), twin_town.gateways(), version=1, keys={}
    )
    world, everything = World(SharedClock(), ledger), Scope.everything()
    below = Selection(kind=("secondary_supply_temperature",), downstream_of="PS00003")
    units = {point.asset for point in select(world, everything, below).points}
    stations = {ledger.assets[code].parent for code in units}
    assert stations == {"SS0002", "SS0003"}
    above = Selection(quantity=("temperature",), upstream_of="SS0003")
    found = {point.asset for point in select(world, everything, above).points}
    assert "HS0001" in found
    assert not found & {"SS0001", "SS0002", "UN0001"}
    only = Selection(kind=("secondary_supply_temperature",), downstream_of="PS00003",
                     scope="CO01/BR02")  # fmt: skip
    assert {ledger.assets[p.asset].parent for p in select(world, everything, only).points} == {
        "SS0003"
    }
