"""The demo city's books: what stands where, in real proportions, the same every time."""

import pytest

from heatloop.demo.ledger import demo_ledger
from heatloop.demo.streets import draw_streets
from heatloop.kernel.errors import InputError
from heatloop.plant.build import build_ledger
from heatloop.plant.completeness import missing_points


@pytest.fixture(scope="module")
def ledger():
    return build_ledger(*demo_ledger(), version=1, keys={})


def test_the_small_city_has_the_promised_size(ledger):
    count = {k: len(ledger.of_kind(k)) for k in ("substation", "unit", "building", "flat")}
    assert count["substation"] == 12
    assert count["unit"] == 24
    assert 110 <= count["building"] <= 130
    assert 7_500 <= count["flat"] <= 8_500
    assert 750 <= len(ledger.of_kind("room_collector")) <= 850
    assert [len(ledger.of_kind(k)) for k in ("heat_source", "boiler", "pump")] == [1, 2, 2]


def test_proportions_are_those_of_real_substations():
    streets = draw_streets()
    for station in streets.substations:
        assert 40_000 <= station.area_m2 <= 120_000
    for unit in streets.units:
        assert 30.0 <= unit.load_kw * 1000.0 / unit.area_m2 <= 45.0
        kgs = unit.load_kw / (4.187 * (unit.supply_c - unit.return_c))
        assert 2.5 <= kgs * 3600.0 / unit.area_m2 <= 3.5
        tallest = max(b.floors for b in streets.buildings if streets.units[b.unit] is unit)
        assert unit.static_head_m == pytest.approx(2.9 * tallest + 4.0)
    kinds = {(u.zone, u.emitter) for u in streets.units}
    assert {("high", "radiator"), ("low", "radiator"), ("high", "floor")} <= kinds
    assert [u.use for u in streets.units].count("school") == 1
    assert [u.use for u in streets.units].count("hospital") == 1


def test_half_of_each_branch_is_driven_by_its_gateway(ledger):
    controllers = [d for d in ledger.devices.values() if d.profile == "substation_controller"]
    for gateway in ledger.gateways:
        own = [d.regulates for d in controllers if d.gateway == gateway]
        assert sorted(own) == ["edge"] * 3 + ["plc"] * 3


def test_every_device_has_its_own_address(ledger):
    asked = [d for d in ledger.devices.values() if d.port]
    places = [(d.port, d.unit_id, d.address) for d in asked]
    assert len(set(places)) == len(places)
    # One line a controller and one for a station's meters; six stations have valves on a DTU
    # of their own.
    assert len({d.port for d in asked}) == 2 + 12 + 12 + 6
    assert min(d.port for d in asked) == 15020
    own = [d.port for d in asked if d.protocol == "modbus_tcp"]
    assert len(set(own)) == len(own)
    assert {d.word_order for d in asked} == {"ABCD", "CDAB"}
    assert {d.protocol for d in asked} == {"modbus_tcp", "modbus_rtu_tcp", "mbus", "cjt188"}
    rest = {d.protocol for d in ledger.devices.values() if not d.port}
    assert rest == {"coap", "http", "lorawan"}
    shifted = build_ledger(*demo_ledger("tiny", 1, 40000), version=1, keys={})
    assert min(d.port for d in shifted.devices.values() if d.port) == 40000


def test_the_same_seed_gives_the_same_books_and_another_does_not():
    assert demo_ledger("tiny", 3) == demo_ledger("tiny", 3)
    assert demo_ledger("tiny", 3) != demo_ledger("tiny", 4)


def test_no_required_point_of_source_stations_buildings_and_weather_is_missing(ledger):
    lacking = {asset[:2] for asset in (gap.asset for gap in missing_points(ledger))}
    assert not lacking & {"HS", "SS", "UN", "BD", "WS"}


def test_flats_are_corner_top_middle_and_bottom_and_collectors_hang_in_all(ledger):
    flats = {a.code: str(a.attributes["position"]) for a in ledger.of_kind("flat")}
    assert set(flats.values()) == {"corner", "top", "middle", "bottom"}
    hung = {flats[a.parent] for a in ledger.of_kind("room_collector")}
    assert hung == {"corner", "top", "middle", "bottom"}


def test_mains_lead_from_the_source_to_every_station(ledger):
    ends = {str(a.attributes["to_node"]): a for a in ledger.of_kind("pipe_segment")}
    for station in ledger.of_kind("substation"):
        at, steps = station.code, 0
        while at != "HS0001":
            at, steps = str(ends[at].attributes["from_node"]), steps + 1
            assert steps < 20


def test_an_unknown_size_is_refused():
    with pytest.raises(InputError):
        demo_ledger("enormous")


@pytest.fixture(scope="module")
def medium():
    return build_ledger(*demo_ledger("medium"), version=1, keys={})


def test_the_medium_city_has_what_a_city_has(medium):
    count = {
        kind: len(medium.of_kind(kind))
        for kind in ("heat_source", "chp", "storage_tank", "boiler", "substation", "unit")
    }
    assert count == {
        "heat_source": 2,
        "chp": 1,
        "storage_tank": 1,
        "boiler": 4,
        "substation": 40,
        "unit": 80,
    }
    assert [a.code for a in medium.of_kind("isolation_station")] == ["IS0001"]
    assert [a.code for a in medium.of_kind("booster_station")] == ["BS0001"]
    fed = [a.parent for a in medium.of_kind("substation")]
    assert {code: fed.count(code) for code in set(fed)} == {
        "HS0001": fed.count("HS0001"),
        "HS0002": 22 - fed.count("HS0001"),
        "BS0001": 8,
        "IS0001": 10,
    }
    names = [a.zh for a in medium.of_kind("community")]
    assert len(set(names)) == 40
    lacking = {gap.asset[:2] for gap in missing_points(medium)}
    assert not lacking & {"HS", "SS", "UN", "BD", "WS", "IS", "BS"}


@pytest.mark.parametrize("size", ["medium", "large"])
def test_every_pipe_joins_two_places_and_all_hang_together(size):
    assets, _, _ = demo_ledger(size)
    codes = {a.code for a in assets}
    beside = {}
    for asset in assets:
        if asset.kind == "pipe_segment":
            start, end = str(asset.attributes["from_node"]), str(asset.attributes["to_node"])
            assert {start, end} <= codes
            assert asset.attributes["length_m"] > 0.0
            beside.setdefault(start, []).append(end)
            beside.setdefault(end, []).append(start)
    seen, waiting = {"HS0001"}, ["HS0001"]
    while waiting:
        fresh = set(beside[waiting.pop()]) - seen
        seen |= fresh
        waiting += fresh
    stations = {a.code for a in assets if a.kind == "substation"}
    assert stations <= seen
    assert {a.code for a in assets if a.kind == "heat_source"} <= seen
    assert len(stations) == {"medium": 40, "large": 520}[size]


def test_a_gateway_reads_no_more_than_sixty_stations_of_one_branch():
    assets, devices, gateways = demo_ledger("large")
    branch = {a.code: a.organisation[2:4] for a in assets if a.kind == "substation"}
    own = {}
    for device in devices:
        if device.profile == "substation_controller":
            own.setdefault(device.gateway, []).append(branch[device.asset])
    assert len(gateways) == len(own) == 10
    assert max(len(stations) for stations in own.values()) <= 60
    assert all(len(set(stations)) == 1 for stations in own.values())
    assert {device.gateway for device in devices} == {g.code for g in gateways}
    assert len(demo_ledger("medium")[2]) == 2
