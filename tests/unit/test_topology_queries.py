"""Queries over the plant's ledger respect what the reader may see."""

from __future__ import annotations

from functools import cache

import pytest

from heatloop.app.queries import network_places, network_shape
from heatloop.app.queries import sizing as sizing_query
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.demo.ledger import demo_ledger
from heatloop.kernel.scope import Scope
from heatloop.plant.build import build_ledger
from heatloop.plant.sizing import SizingSettings
from heatloop.store.tables import read_tables
from tests.unit.app_town import TownClock

ALL = Scope.everything()
EAST = Scope.of(["CO01/BR01"])
# Chain of a branch: source - PN1 - PN2 - ..., a station at each; stations 1-6 east, 7-12 west.
_SQUARE = [[125.32, 43.86], [125.345, 43.86], [125.345, 43.90], [125.32, 43.90]]


@cache
def world() -> World:
    assets, devices, gateways = demo_ledger("small", 1)
    return World(TownClock(), build_ledger(assets, devices, gateways, version=1, keys={}))


def place(code: str) -> tuple[float, float]:
    at = world().ledger.asset(code).attributes
    return float(at["lat"]), float(at["lon"])


def codes(found) -> list[str]:
    return [each.code for each in found]


def test_stations_in_a_polygon() -> None:
    geometry = {"type": "Polygon", "coordinates": [_SQUARE]}
    expected = [
        f"SS{n:04d}" for n in range(1, 13)
        if 43.86 <= place(f"SS{n:04d}")[0] <= 43.90 and 125.32 <= place(f"SS{n:04d}")[1] <= 125.345
    ]  # fmt: skip
    assert 0 < len(expected) < 12
    assert codes(network_places.stations_in(world(), ALL, geometry)) == expected
    lat, lon = place(expected[0])
    hole = [[lon - d, lat - d] for d in (1e-4,)] + [[lon + 1e-4, lat - 1e-4], [lon, lat + 1e-4]]
    holed = {"type": "MultiPolygon", "coordinates": [[_SQUARE, hole]]}
    assert codes(network_places.stations_in(world(), ALL, holed)) == expected[1:]
    west = Scope.of(["CO01/BR02"])
    assert codes(network_places.stations_in(world(), west, geometry)) == []
    sources = network_places.stations_in(world(), ALL, geometry, kinds=("heat_source",))
    assert codes(sources) == ["HS0001"]


@pytest.mark.parametrize("geometry", [
    {}, {"type": "Point", "coordinates": [1, 2]}, {"type": "Polygon"},
    {"type": "Polygon", "coordinates": [[[1, 2]]]}, {"type": "Polygon", "coordinates": []},
    {"type": "Polygon", "coordinates": [[["a", 2], [1, 2], [3, 4]]]},
    {"type": "Polygon", "coordinates": 7}, {"type": "MultiPolygon", "coordinates": [[7]]},
    {"type": "Polygon", "coordinates": [[[0, 0]] * 20_000]},
])  # fmt: skip
def test_no_polygon_is_refused(geometry) -> None:
    with pytest.raises(Refused):
        network_places.stations_in(world(), ALL, geometry)


def test_stations_near_a_point_and_a_pipe() -> None:
    lat, lon = place("SS0003")
    found = network_places.stations_near(world(), ALL, lat, lon, 700.0)
    assert codes(found)[0] == "SS0003"
    assert found[0].distance_m == pytest.approx(0.0, abs=0.01)
    assert [each.distance_m for each in found] == sorted(each.distance_m for each in found)
    assert codes(network_places.stations_near(world(), ALL, lat, lon, 1.0)) == ["SS0003"]
    near = network_places.stations_near_pipe(world(), ALL, "PS00002", 5.0)
    assert codes(near) == ["SS0001"]
    for wrong in (-1.0, float("nan"), 1e9):
        with pytest.raises(Refused):
            network_places.stations_near(world(), ALL, lat, lon, wrong)
    with pytest.raises(Refused):
        network_places.stations_near_pipe(world(), ALL, "SS0001", 5.0)


def test_nearest_pipe_and_station() -> None:
    lat, lon = place("SS0002")
    pipe, far = network_places.nearest_pipe(world(), ALL, lat, lon) or ("", 1e9)
    assert world().ledger.asset(pipe).attributes["to_node"] == "SS0002"
    assert far < 1.0
    west = network_places.nearest_pipe(world(), Scope.of(["CO01/BR02"]), lat, lon)
    assert west is not None
    assert world().ledger.org_path(west[0]).startswith("CO01/BR02")
    station = network_places.nearest_station(world(), ALL, lat + 1e-5, lon)
    assert station is not None
    assert station.code == "SS0002"
    assert network_places.nearest_station(world(), Scope.of([]), lat, lon) is None


def test_trace_along_the_chain() -> None:
    below = network_shape.network_trace(world(), ALL, "PN00003")
    assert below.stations == ["SS0003", "SS0004", "SS0005", "SS0006"]
    assert below.nodes == ["PN00004", "PN00005", "PN00006"]
    assert below.sources == []
    above = network_shape.network_trace(world(), ALL, "PN00003", "upstream")
    assert above.nodes == ["PN00001", "PN00002"]
    assert above.sources == ["HS0001"]
    assert above.stations == []
    pipe = world().ledger.asset("PS00001")
    assert (pipe.attributes["from_node"], pipe.attributes["to_node"]) == ("HS0001", "PN00001")
    everyone = network_shape.network_trace(world(), ALL, "PS00001")
    assert everyone.stations == [f"SS{n:04d}" for n in range(1, 7)]
    west = network_shape.network_trace(world(), Scope.of(["CO01/BR02"]), "PN00009", "upstream")
    # The source belongs to the other branch: it is not told.
    assert (west.nodes, west.sources) == (["PN00007", "PN00008"], [])
    with pytest.raises(Refused):
        network_shape.network_trace(world(), ALL, "PN00003", "sideways")
    with pytest.raises(Refused):
        network_shape.network_trace(world(), EAST, "PN00012")
    with pytest.raises(Refused):
        network_shape.network_trace(world(), ALL, "BL0001")


def test_who_is_affected_and_the_way_there() -> None:
    shut = network_shape.affected_users(world(), ALL, ["PS00002"])
    units = [a.code for a in world().ledger.children("SS0001") if a.kind == "unit"]
    assert shut.lost == units
    assert shut.stations == ["SS0001"]
    assert shut.area_m2 == world().ledger.asset("SS0001").attributes["heated_area_m2"]
    assert shut.flats == sum(a.kind == "flat" for a in world().ledger.below("SS0001"))
    way = network_shape.way_to(world(), ALL, units[0])
    assert way.source == "HS0001"
    assert way.pipes == ["PS00001", "PS00002"]
    lengths = [float(world().ledger.asset(p).attributes["length_m"]) for p in way.pipes]
    assert way.length_m == pytest.approx(sum(lengths))
    with pytest.raises(Refused):
        network_shape.affected_users(world(), ALL, [])
    with pytest.raises(Refused):
        network_shape.affected_users(world(), ALL, ["BD0001"])
    burst = network_shape.burst_valves(world(), ALL, "PS00002")
    # The demo's ledger has no valves in the line: only its source stops that burst.
    assert (burst.possible, burst.closed) == (False, [])
    assert burst.stop == ["HS0001"]


def test_sizing_in_scope_and_as_a_workbook(tmp_path) -> None:
    report = sizing_query.report(world(), ALL)
    assert (report.stations, len(report.cards)) == (12, 12)
    assert sum(report.counts.values()) == 12
    assert sizing_query.report(world(), EAST).stations == 6
    listed = sizing_query.report(world(), ALL, only_listed=True)
    assert {card.worst for card in listed.cards} <= {"undersized", "oversized", "missing"}
    assert sizing_query.station(world(), ALL, "SS0001").code == "SS0001"
    with pytest.raises(Refused):
        sizing_query.station(world(), EAST, "SS0007")
    with pytest.raises(Refused):
        sizing_query.station(world(), ALL, "HS0001")
    for language, sheet, heading in (("zh", "选型校核", "结论"), ("en", "sizing", "verdict")):
        path = tmp_path / f"{language}.xlsx"
        path.write_bytes(sizing_query.workbook(report, language))
        rows = read_tables(path)[sheet]
        assert len(rows) == sum(len(card.items) for card in report.cards)
        assert rows[0][heading]
    loose = sizing_query.report(world(), ALL, SizingSettings(low=0.01, high=100.0))
    assert loose.counts["undersized"] == 0
    with pytest.raises(Refused):
        sizing_query.workbook(report, "de")
