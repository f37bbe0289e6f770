"""Drawn networks: GeoJSON, tables with coordinates, workbooks in both languages, results."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import water
from heatloop.network.model.kinds import LinkKind
from heatloop.network.steady import solve_steady
from heatloop.network.topology.findings import check_shape
from heatloop.network.topology.places import EARTH_M
from heatloop.store.networks.files import read_network, write_network
from heatloop.store.networks.geojson import from_geojson, to_geojson
from heatloop.store.networks.headings import column_of, read_cells
from heatloop.store.networks.results import export_results, result_tables, write_results
from heatloop.store.networks.wkt import read_points
from heatloop.store.networks.workbook import from_sheets, to_sheets
from heatloop.store.tables import read_tables
from tests.unit.test_network_files import everything, same

LON, LAT = 125.3, 43.9
DEG_LAT = 1.0 / (math.radians(1.0) * EARTH_M)
DEG_LON = DEG_LAT / math.cos(math.radians(LAT))


def at(east: float, north: float) -> list[float]:
    """Return a place in degrees from metres."""
    return [LON + east * DEG_LON, LAT + north * DEG_LAT]


def line(points, **properties):
    coordinates = [at(*point) for point in points]
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def point(place, **properties):
    geometry = {"type": "Point", "coordinates": at(*place)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


def street(gap: float = 0.0, user=(200.0, 0.0), **more):
    return collection(
        line([(0, 0), (100, 0)], name="p1", dn=200, colour="red"),
        line([(100 + gap, 0), (150, 0), (150, 50), (200, 0)], name="p2", DN=100),
        point((0, 0), kind="plant", name="k", lift_kpa=200, supply_temperature=90, return_kpa=300),
        point(user, 类型="用户", name="u", 热负荷=500, 回水温度=45),
        point((100, 0), name="middle", 标高=12.5),
        **more,
    )  # fmt: skip


def ends(file) -> dict[str, tuple[str, str]]:
    network = file.network
    names = network.node_names
    return {
        name: (names[network.from_node[n]], names[network.to_node[n]])
        for name, n in network.link_index().items()
    }


def test_geojson_in_degrees_becomes_a_network() -> None:
    file = from_geojson(street())
    assert file.crs == "EPSG:4326"
    found = ends(file)
    assert found["p1"] == ("N1", "middle")
    assert found["p2"][0] == "middle"
    assert found["p2.return"][1] == "middle.return"
    assert found["u"] == (found["p2"][1], f"{found['p2'][1]}.return")
    assert found["k"] == ("N1.return", "N1")
    network, index = file.network, file.network.link_index()
    assert network.length_m[index["p1"]] == pytest.approx(100.0, rel=1e-6)
    assert network.length_m[index["p2"]] == pytest.approx(100 + 50 * math.sqrt(2), rel=1e-6)
    assert network.diameter_m[index["p1"]] == pytest.approx(0.2071)
    assert network.height_m[network.node_index()["middle"]] == 12.5
    assert check_shape(network, file.operation, degrees=True, shapes=file.shapes) == ()
    assert [(f.kind, f.thing) for f in file.findings] == [("ignored", "colour")]
    state = solve_steady(Solver(network, fluid=water()), file.operation)
    assert state.flow_kgs[index["u"]] == pytest.approx(
        500 / 4.187 / (state.inlet_c[index["u"]] - 45), rel=1e-6
    )


def test_ends_that_nearly_meet_are_told_and_not_joined() -> None:
    joined = from_geojson(street(gap=0.3))
    assert [f.kind for f in joined.findings if f.kind != "ignored"] == []
    apart = from_geojson(street(gap=2.0))
    (near,) = [f for f in apart.findings if f.kind == "nearly_meets"]
    assert "2.00 m" in near.en
    assert "middle" in near.thing
    assert {f.kind for f in check_shape(apart.network, apart.operation)} >= {"island"}
    wide = from_geojson(street(gap=2.0), tolerance_m=2.5)
    assert [f.kind for f in wide.findings if f.kind != "ignored"] == []


def test_a_user_off_its_pipe() -> None:
    near = from_geojson(street(user=(202.0, 0.0)))
    (finding,) = [f for f in near.findings if f.kind == "off_pipe"]
    assert finding.thing == "u"
    assert "2.00 m" in finding.en
    with pytest.raises(InputError, match=r"50\.0 m away") as caught:
        from_geojson(street(user=(250.0, 0.0)), "town.geojson")
    assert (caught.value.thing, caught.value.place) == ("u", "town.geojson feature 4")
    with pytest.raises(InputError, match="nearest end of a pipe") as caught:
        from_geojson(collection(*street()["features"], point((50, 0), name="lost")))
    assert caught.value.thing == "lost"


def test_a_tee_that_was_not_drawn() -> None:
    file = from_geojson(
        collection(*street()["features"], line([(50, 80), (50, 0.2)], name="p3", dn=80))
    )
    told = [f for f in file.findings if f.kind == "end_on_pipe"]
    assert [("p1" in f.en) for f in told] == [True]


def test_supply_and_return_drawn_both() -> None:
    features = [
        line([(0, 0), (100, 0)], name="s", side="supply", dn=100),
        line([(100, 0.4), (0, 0.4)], name="r", side="回水", dn=100),
        point((0, 0), kind="plant", name="k", lift_kpa=100, outlet_c=90, return_kpa=300),
        point((100, 0), kind="consumer", name="u", flow_kgs=1, demand_kw=100),
    ]
    file = from_geojson(collection(*features))
    assert ends(file) == {
        "s": ("S1", "S2"),
        "r": ("R1", "R2"),
        "k": ("R2", "S1"),
        "u": ("S2", "R1"),
    }
    with pytest.raises(InputError, match="only one side"):
        from_geojson(collection(*features[:1], *features[2:]))


def test_projected_coordinates_need_their_name() -> None:
    features = [
        {"type": "Feature", "properties": {"name": "p", "diameter_m": 0.1, "side": side},
         "geometry": {"type": "LineString",
                      "coordinates": [[3416947.0, 5369956.0], [x, 5369956.0]]}}
        for side, x in (("supply", 3417047.0), ("return", 3417048.0))
    ]  # fmt: skip
    features[1]["properties"]["name"] = "q"
    with pytest.raises(InputError, match="longitude") as caught:
        from_geojson(collection(*features))
    assert "crs" in caught.value.fix
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::31467"}}
    file = from_geojson(collection(*features, crs=crs))
    assert file.crs == "urn:ogc:def:crs:EPSG::31467"
    assert file.network.length_m.tolist() == [100.0, 101.0]


@pytest.mark.parametrize("document,message", [
    (collection(point((0, 0), name="a")), "no pipes drawn"),
    (collection({"type": "Feature", "geometry": None, "properties": {}}), "object"),
    (collection({"type": "Feature", "geometry": {"type": "Polygon"}}), "neither a line"),
    (collection(line([(0, 0)], name="x")), "two points"),
    (collection(line([(0, 0), (1, 0)], name="x", side="left")), "unknown side"),
    (collection(line([(0, 0), (100, 0)], name="x")), "diameter_m is missing"),
    (collection(line([(0, 0), (100, 0)], name="x", length="long", dn=100)), "number"),
    (collection(line([(0, 0), (100, 0)], name="x", **{"长度(kg)": 3}, dn=100)), "unknown unit"),
    (collection(line([(0, 0), (0.1, 0)], name="x", dn=100)), "one node"),
    (collection(point((0, 0), kind="zebra")), "unknown kind"),
    ({"type": "FeatureCollection", "features": 3}, "list"),
    (collection({"type": "Feature", "properties": {}, "geometry":
                 {"type": "LineString", "coordinates": [[1, "x"], [2, 3]]}}), "number"),
])  # fmt: skip
def test_wrong_maps_are_refused(document, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        from_geojson(document, "m.geojson")
    assert "m.geojson" in caught.value.place


def test_defaults_fill_what_a_map_lacks() -> None:
    document = collection(line([(0, 0), (100, 0)], name="x"), line([(100, 0), (200, 0)], name="y"))
    file = from_geojson(document, defaults={"diameter_m": 0.1})
    assert set(file.network.diameter_m.tolist()) == {0.1}


def test_geojson_is_written_with_results_and_read_again(tmp_path: Path) -> None:
    file = from_geojson(street())
    state = solve_steady(Solver(file.network, fluid=water()), file.operation)
    path = tmp_path / "out.geojson"
    write_network(file, path, state=state)
    document = json.loads(path.read_text("utf-8"))
    links = {f["properties"]["name"]: f for f in document["features"]
             if f["geometry"]["type"] == "LineString"}  # fmt: skip
    pipe = links["p2"]
    assert pipe["geometry"]["coordinates"] == street()["features"][1]["geometry"]["coordinates"]
    n = file.network.link_index()["p2"]
    assert pipe["properties"]["flow_kgs"] == float(state.flow_kgs[n])
    assert pipe["properties"]["velocity_ms"] > 0.0
    assert links["u"]["properties"]["heat_kw"] == pytest.approx(500.0, rel=1e-6)
    assert links["u"]["properties"]["length_m"] is None
    nodes = [f for f in document["features"] if f["geometry"]["type"] == "Point"]
    assert len(nodes) == file.network.n_node
    assert all(f["properties"]["supplied"] for f in nodes)
    plain = json.loads(to_geojson(file))
    assert "flow_kgs" not in plain["features"][-1]["properties"]


def test_headings_in_two_languages_with_units() -> None:
    for heading, factor in (
        ("length_m", 1.0), ("Length (km)", 1000.0), ("长度(m)", 1.0), ("管长（km）", 1000.0),
        ("length_km", 1000.0), ("长度 [米]", 1.0),
    ):  # fmt: skip
        column, found = column_of("pipes", heading)
        assert (column.name, found) == ("length_m", factor), heading
    assert column_of("pipes", "inner_diameter_mm")[1] == 1e-3
    assert column_of("pipes", "colour") is None
    values, strange = read_cells(
        "plants", {"名称": 7.0, "扬程(MPa)": "0.2", "供水温度(℃)": "1,00", "x": 1}, "p"
    )
    assert values == {"name": "7", "lift_kpa": 200.0, "outlet_c": 100.0}
    assert strange == ["x"]
    with pytest.raises(InputError, match="two headings"):
        read_cells("pipes", {"长度": 1, "length": 2}, "p")


def test_geometry_in_cells() -> None:
    for cell in ("LINESTRING (1 2, 3.5 -4)", "linestring z(1 2 9, 3.5 -4 9)", "[[1, 2], [3.5, -4]]",
                 "SRID=4326;LINESTRING(1 2,3.5 -4)", "MULTILINESTRING ((1 2, 3.5 -4))",
                 [[1, 2], [3.5, -4]]):  # fmt: skip
        assert read_points(cell, "here") == ((1.0, 2.0), (3.5, -4.0))
    for cell in ("LINESTRING (1 2, x y)", "CIRCLE (1 2)", "[[1]]", "[1, 2", "", "LINESTRING ()",
                 "LINESTRING (1e999 2, 3 4)", "[[true, 1], [1, 2]]"):  # fmt: skip
        with pytest.raises(InputError, match="geometry"):
            read_points(cell, "here")
    with pytest.raises(InputError, match="several parts"):
        read_points("MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))", "here")


CORNERS = {"x1": 0, "y1": 0, "x2": 300, "y2": 400}


@pytest.mark.parametrize("pipe", [
    {"WKT": "LINESTRING (0 0, 300 400)"}, CORNERS,
    {"起点X": 0, "起点Y": 0, "终点X": 300, "终点Y": 400},
])  # fmt: skip
def test_tables_with_geometry(pipe) -> None:
    sheets = {
        "管段": [{"编号": "甲", "公称直径": 100, **pipe}],
        "节点": [{"名称": "门口", "x": 300, "y": 400, "标高": 3}],
        "热源": [{"名称": "锅炉", "x": 0, "y": 0, "资用压差(kPa)": 200, "供水温度": 90}],
        "用户": [{"名称": "一号", "x": 300, "y": 400, "流量(t/h)": 3.6, "负荷": 80}],
        "备注": [{"甲": 1}],
    }
    file = from_sheets(sheets, "town.xlsx")
    assert file.network.length_m[file.network.link_index()["甲"]] == pytest.approx(500.0)
    assert ends(file)["一号"] == ("门口", "门口.return")
    assert file.operation.flow_kgs[file.network.link_index()["一号"]] == pytest.approx(1.0)
    assert [(f.kind, f.thing) for f in file.findings] == [("ignored", "备注")]
    assert file.network.height_m[file.network.node_index()["门口"]] == 3.0


def test_one_table_of_pipes_by_name(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(
        "id,from_node,to_node,length_km,inner_diameter_mm,colour\n"
        "1,a,b,0.2,100,red\n2,b,c,0.1,80,blue\n", "utf-8"
    )  # fmt: skip
    file = read_network(path)
    assert file.network.node_names == ("a", "b", "c")
    assert file.network.length_m.tolist() == [200.0, 100.0]
    assert file.network.diameter_m.tolist() == [0.1, 0.08]
    assert [f.thing for f in file.findings] == ["colour"]
    path.write_text("id,from,to,length_m,diameter_m\n1,a,b,x,0.1\n", "utf-8")
    with pytest.raises(InputError, match="number") as caught:
        read_network(path)
    assert caught.value.place == "lines.csv pipes row 2 length_m"


@pytest.mark.parametrize("sheets,message", [
    ({"pipes": [{"name": "p", "from": "a", "to": "b", "length": 1, "dn": 50},
                {"name": "q", "wkt": "LINESTRING (0 0, 9 0)", "dn": 50}]}, "some pipes are drawn"),
    ({"pipes": [{"name": "q", "wkt": "LINESTRING (0 0, 9 0)", "dn": 50}],
      "nodes": [{"name": "a"}]}, "without a place"),
    ({"pipes": [{"name": "q", "wkt": "POINT (0 0)", "dn": 50}]}, "two points"),
    ({"pipes": [{"name": "q", "from": "a", "to": "b", "length": 1, "dn": 5}]}, "nominal"),
    ({"管网": [{"key": "speed", "value": 1}], "pipes": []}, "unknown key"),
])  # fmt: skip
def test_wrong_tables_are_refused(sheets, message) -> None:
    with pytest.raises(InputError, match=message):
        from_sheets(sheets)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("suffix", [".xlsx", ".zip"])
def test_a_workbook_is_read_back(tmp_path: Path, language: str, suffix: str) -> None:
    file = everything()
    path = tmp_path / f"net{suffix}"
    write_network(file, path, language=language)
    again = read_network(path)
    # Sheets keep no order across kinds; by name everything is as it was.
    assert set(again.network.link_names) == set(file.network.link_names)
    old, new = file.network.link_index(), again.network.link_index()
    names = list(old)
    first, second = [old[n] for n in names], [new[n] for n in names]
    for column in ("kind", "length_m", "diameter_m", "kvs_m3h", "shutoff_kpa", "loss_w_mk"):
        a, b = getattr(file.network, column), getattr(again.network, column)
        np.testing.assert_allclose(a[first], b[second], rtol=1e-15, err_msg=column)
    for column in ("shut", "opening_pct", "lift_kpa", "flow_kgs", "demand_kw", "outlet_c",
                   "ambient_c", "speed"):  # fmt: skip
        a, b = getattr(file.operation, column), getattr(again.operation, column)
        # A workbook keeps 16 digits of a number.
        np.testing.assert_allclose(
            a[first].astype(float), b[second].astype(float), rtol=1e-15, err_msg=column
        )
    assert (again.name, again.note, again.crs) == (file.name, file.note, file.crs)
    assert dict(again.shapes) == dict(file.shapes)
    sheets = to_sheets(file, language=language)
    assert ("管道" if language == "zh" else "pipes") in sheets
    same(again, from_sheets(to_sheets(again, language=language)))


def test_results_as_tables(tmp_path: Path) -> None:
    file = from_geojson(street())
    state = solve_steady(Solver(file.network, fluid=water()), file.operation)
    book = tmp_path / "results.xlsx"
    book.write_bytes(export_results(file, state, language="zh"))
    sheets = read_tables(book)
    assert list(sheets) == ["节点", "管件"]
    row = next(row for row in sheets["管件"] if row["名称"] == "p1")
    assert row["类型"] == "管道"
    n = file.network.link_index()["p1"]
    assert row["流量(kg/s)"] == pytest.approx(float(state.flow_kgs[n]))
    assert row["压降(kPa)"] / 100.0 * 1000.0 == pytest.approx(row["比摩阻(Pa/m)"])
    english = result_tables(file, state)
    assert set(english) == {"nodes", "links"}
    kinds = {row["kind"] for row in english["links"]}
    assert kinds == {"pipe", "lift", "heat"}
    assert LinkKind.HEAT.name.lower() in kinds
    write_results(file, state, tmp_path / "out")
    again = read_tables(tmp_path / "out")
    assert {len(again["nodes"]), file.network.n_node} == {file.network.n_node}
    assert float(again["links"][0]["flow_kgs"]) == float(english["links"][0]["flow_kgs"])
    with pytest.raises(InputError, match="language"):
        result_tables(file, state, language="de")
