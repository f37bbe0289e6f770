"""Network files: what is written is read back exactly, and every mistake is named."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import water
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import LinkKind
from heatloop.network.steady import solve_steady
from heatloop.network.topology.findings import check_shape
from heatloop.store.networks.files import read_network, write_network
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.own_json import from_own_json, to_own_json

EXAMPLE = {
    "heatloop_network": 1,
    "name": "two houses",
    "ambient_c": 8.0,
    "nodes": [
        {"name": "s0", "x_m": 0, "y_m": 0}, {"name": "s1", "x_m": 100, "y_m": 0},
        {"name": "r1", "x_m": 100, "y_m": 0}, {"name": "r0", "x_m": 0, "y_m": 0},
    ],
    "pipes": [
        {"name": "supply", "from": "s0", "to": "s1", "length_m": 100, "diameter_m": 0.1,
         "loss_w_mk": 0.3},
        {"name": "return", "from": "r1", "to": "r0", "length_m": 100, "diameter_m": 0.1,
         "ambient_c": 6.5},
    ],
    "plants": [
        {"name": "boiler", "from": "r0", "to": "s0", "lift_kpa": 120, "outlet_c": 80,
         "return_kpa": 300},
    ],
    "consumers": [
        {"name": "house 1", "from": "s1", "to": "r1", "flow_kgs": 0.5, "demand_kw": 50},
        {"name": "house 2", "from": "s1", "to": "r1", "demand_kw": 40, "outlet_c": 45},
        {"name": "house 3", "from": "s1", "to": "r1", "kvs_m3h": 4, "opening_pct": 60,
         "resistance_kpa_kgs2": 30, "demand_kw": 45},
    ],
}  # fmt: skip


def same(one: NetworkFile, other: NetworkFile) -> None:
    """Assert that two files are equal to the last bit."""
    for part in ("network", "operation"):
        a, b = getattr(one, part), getattr(other, part)
        for field in dataclasses.fields(a):
            left, right = getattr(a, field.name), getattr(b, field.name)
            if isinstance(left, tuple):
                assert left == right, field.name
            else:
                assert left.dtype == right.dtype, field.name
                np.testing.assert_array_equal(left, right, err_msg=field.name)
    assert (one.name, one.note, one.crs) == (other.name, other.note, other.crs)
    assert dict(one.shapes) == dict(other.shapes)


def everything() -> NetworkFile:
    """Return a network of every kind of link, with odd numbers, in no order of sections."""
    net = NetworkBuilder(ambient_c=7.3)
    net.node("a", height_m=1 / 3, x_m=0.1, y_m=0.2, held_kpa=300.1)
    for name in "bcdefgh":
        net.node(name, source_c=50.5 if name == "b" else float("nan"), outflow_kgs=0.0)
    net.flow("flow", "b", "c", flow_kgs=0.1 + 0.2, demand_kw=1 / 7)
    net.pipe(
        "pipe",
        "a",
        "b",
        length_m=np.pi,
        diameter_m=0.1,
        roughness_mm=0.05,
        minor=0.7,
        loss_w_mk=0.21,
        wall_kj_mk=4.4,
        ambient_c=-3.0,
    )
    net.valve("valve", "b", "c", kvs_m3h=12.5, opening_pct=33.3, rangeability=0.0, demand_kw=2.0)
    net.check_valve("check", "c", "d", kvs_m3h=9.0)
    net.pump(
        "pump",
        "d",
        "e",
        shutoff_kpa=300.0,
        fall_kpa_kgs2=0.2,
        fall_kpa_kgs=0.01,
        speed=0.9,
        efficiency=0.66,
        outlet_c=90.0,
    )
    net.lift("lift", "e", "f", lift_kpa=120.0, resistance_kpa_kgs2=0.003, outlet_c=95.0)
    net.resistance("resistance", "f", "g", resistance_kpa_kgs2=3.3, demand_kw=5.0)
    net.resistance("other side", "g", "a", resistance_kpa_kgs2=4.4, outlet_c=44.0)
    net.heat("heat", "g", "a", demand_kw=77.0, outlet_c=40.0)
    net.dp_control("dp", "g", "h", kvs_m3h=6.3, sensed="a", lift_kpa=50.0)
    net.pipe("last", "h", "a", length_m=10.0, diameter_m=0.05)
    net.exchanger("plates", hot="resistance", cold="other side", kw_k=12.0, hot_design_kgs=1.5,
                  cold_design_kgs=2.5, fouling=0.1)  # fmt: skip
    network, operation = net.build()
    operation.shut[3] = True
    operation.leak_kgs_kpa05[2] = 0.004
    operation.outflow_kgs[4] = -0.25
    operation.demand_kw[1] = 3.0
    return NetworkFile(
        network=network,
        operation=operation,
        name="各种",
        note="every kind",
        crs="EPSG:4528",
        shapes={"pipe": ((0.1, 0.2), (1.5, 2.5), (3.0, 0.0))},
    )


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    file = everything()
    kinds = {LinkKind(kind) for kind in file.network.kind.tolist()}
    assert kinds == set(LinkKind)
    path = tmp_path / "net.json"
    write_network(file, path)
    again = read_network(path)
    same(file, again)
    assert to_own_json(again) == path.read_text("utf-8")


def test_the_three_forms_of_consumers() -> None:
    file = from_own_json(EXAMPLE)
    network, operation = file.network, file.operation
    at = network.link_index()
    kinds = {name: LinkKind(int(network.kind[n])).name for name, n in at.items()}
    assert kinds == {
        "supply": "PIPE", "return": "PIPE", "boiler": "LIFT", "house 1": "FLOW",
        "house 2": "HEAT", "house 3": "RESISTANCE", "house 3.valve": "VALVE",
    }  # fmt: skip
    assert operation.opening_pct[at["house 3.valve"]] == 60.0
    assert operation.demand_kw[at["house 3"]] == 45.0
    assert operation.held_kpa[network.node_index()["r0"]] == 300.0
    assert operation.ambient_c[at["return"]] == 6.5
    assert operation.ambient_c[at["supply"]] == 8.0
    same(file, from_own_json(json.loads(to_own_json(file))))
    assert check_shape(network, operation) == ()


def test_a_mirrored_return_side() -> None:
    document = {
        "heatloop_network": 1,
        "mirror_return": True,
        "nodes": [{"name": "a", "x_m": 0, "y_m": 0}, {"name": "b", "x_m": 50, "y_m": 9}],
        "pipes": [{"name": "p", "from": "a", "to": "b", "length_m": 60, "diameter_m": 0.1,
                   "points": [[0, 0], [50, 0], [50, 9]]}],
        "valves": [{"name": "v", "from": "b", "to": "a", "kvs_m3h": 10, "shut": True}],
        "plants": [{"name": "k", "node": "a", "lift_kpa": 99, "outlet_c": 80, "return_kpa": 200}],
        "consumers": [{"name": "u", "node": "b", "flow_kgs": 1.0, "demand_kw": 100}],
    }  # fmt: skip
    file = from_own_json(document)
    network = file.network
    at, names = network.link_index(), network.node_names
    ends = {
        name: (names[network.from_node[n]], names[network.to_node[n]]) for name, n in at.items()
    }
    assert ends["p"] == ("a", "b")
    assert ends["p.return"] == ("b.return", "a.return")
    assert ends["u"] == ("b", "b.return")
    assert ends["k"] == ("a.return", "a")
    assert file.operation.shut[at["v.return"]]
    assert file.shapes["p.return"] == ((50, 9), (50, 0), (0, 0))
    assert file.operation.held_kpa[network.node_index()["a.return"]] == 200.0
    assert check_shape(network, file.operation) == ()
    same(file, from_own_json(json.loads(to_own_json(file))))
    document["mirror_return"] = False
    with pytest.raises(InputError, match="one node only"):
        from_own_json(document)


def change(*path, value):
    """Return the example with one thing changed; `...` removes it."""
    document = copy.deepcopy(EXAMPLE)
    at = document
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


@pytest.mark.parametrize("document,message,place,thing", [
    (change("heatloop_network", value=2), "version 1", "n.json", "heatloop_network"),
    (change("heatloop_network", value=True), "version 1", "n.json", "heatloop_network"),
    (change("pipe", value=[]), "unknown key", "n.json", "pipe"),
    (change("pipes", 1, "lenght_m", value=5), "'lenght_m'", "pipes row 2", "return"),
    (change("pipes", 0, "length_m", value=...), "length_m is missing", "pipes row 1", "supply"),
    (change("pipes", 0, "length_m", value="100"), "number", "pipes row 1 length_m", "supply"),
    (change("pipes", 0, "length_m", value=True), "number", "pipes row 1 length_m", "supply"),
    (change("pipes", 0, "length_m", value=float("inf")), "finite", "row 1 length_m", "supply"),
    (change("pipes", 0, "length_m", value=10**400), "finite", "row 1 length_m", "supply"),
    (change("pipes", 0, "length_m", value=-3), "above 0", "pipes row 1", "supply"),
    (change("pipes", 0, "to", value="nowhere"), "unknown node", "pipes row 1 to", "nowhere"),
    (change("pipes", 0, "to", value="s0"), "two different ends", "pipes row 1", "supply"),
    (change("pipes", 0, "shut", value="yes"), "true or false", "pipes row 1 shut", "supply"),
    (change("pipes", 0, "points", value=[[1]]), "line", "pipes row 1 points", "supply"),
    (change("pipes", 1, "name", value="supply"), "taken", "pipes row 2", "supply"),
    (change("pipes", 1, "name", value=["x"]), "text", "pipes row 2 name", "['x']"),
    (change("pipes", value={}), "must be a list", "pipes", "pipes"),
    (change("pipes", 0, value=7), "must be an object", "pipes row 1", "pipes"),
    (change("nodes", 0, "name", value="s1"), "twice", "nodes row 2", "s1"),
    (change("nodes", 0, "name", value=""), "text", "nodes row 1 name", ""),
    (change("nodes", value=[]), "unknown node", "plants row 1", "r0"),
    (change("consumers", 1, "outlet_c", value=...), "flow, its heat", "row 2", "house 2"),
    (change("consumers", 0, "kvs_m3h", value=3), "one form", "consumers row 1", "house 1"),
    (change("consumers", 2, "resistance_kpa_kgs2", value=...), "resistance", "row 3", "house 3"),
    (change("consumers", 1, "opening_pct", value=3), "another form", "row 2", "house 2"),
    (change("consumers", 0, "to", value=...), "two ends", "consumers row 1", "house 1"),
    (change("consumers", 0, "node", value="s1"), "ends as well", "consumers row 1", "house 1"),
    (change("plants", 0, "supply_kpa", value=500), None, "", ""),
    (change("nodes", 3, "held_kpa", value=1), "another pressure", "plants row 1", "r0"),
    (change("link_order", value=["supply"]), "every link once", "link_order", "boiler"),
    (change("exchangers", value=[{"name": "x", "hot": "house 1", "cold": "?", "kw_k": 1,
     "hot_design_kgs": 1, "cold_design_kgs": 1}]), "unknown link", "exchangers row 1 cold", "?"),
    ([], "must be an object", "n.json", "n.json"),
])  # fmt: skip
def test_mistakes_are_named(document, message, place, thing) -> None:
    if message is None:
        from_own_json(document, "n.json")
        return
    with pytest.raises(InputError) as caught:
        from_own_json(document, "n.json")
    error = caught.value
    assert message in error.message
    assert place in error.place
    assert error.thing == thing
    assert error.fix


def test_files_that_are_none(tmp_path: Path) -> None:
    for name, text, message in (
        ("a.json", "{", "not JSON"),
        ("b.json", '{"x": 1}', "no known kind"),
        ("c.json", "[" * 100_000, "not JSON|deeply"),
        ("d.geojson", '{"type": "Feature"}', "no known kind"),
    ):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        with pytest.raises(InputError, match=message) as caught:
            read_network(path)
        assert name in caught.value.place
    (tmp_path / "e.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="UTF-8"):
        read_network(tmp_path / "e.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_network(tmp_path / "absent.json")
    with pytest.raises(InputError, match="no such kind"):
        write_network(everything(), tmp_path / "net.docx")


def test_numbers_that_json_has_not(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(change("pipes", 0, "length_m", value=float("nan"))), "utf-8")
    with pytest.raises(InputError, match="must be a number"):
        read_network(path)


def test_the_documented_examples_work(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "network-files.md").read_text("utf-8")
    path = tmp_path / "net.json"
    path.write_text(text.split("```json\n")[1].split("```")[0], "utf-8")
    file = read_network(path)
    assert check_shape(file.network, file.operation) == ()
    state = solve_steady(Solver(file.network, fluid=water()), file.operation)
    at = file.network.link_index()
    users = [at[name] for name in ("school", "block 1", "block 2")]
    heat = state.flow_kgs[users] * 4.187 * (state.inlet_c[users] - state.outlet_c[users])
    assert heat == pytest.approx([250.0, 180.0, 160.0], rel=1e-6)
    table = tmp_path / "street.csv"
    table.write_text(text.split("```csv\n")[1].split("```")[0], "utf-8")
    street = read_network(table)
    assert street.network.node_names == ("热源", "一号井", "北苑")
    assert street.network.length_m.tolist() == [420.0, 180.0]
