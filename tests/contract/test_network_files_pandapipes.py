"""Networks written by pandapipes itself are read, and give the answers pandapipes gives."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import water
from heatloop.network.model.kinds import Friction, LinkKind
from heatloop.network.steady import solve_steady
from heatloop.store.networks.files import read_network, write_network
from tests.unit.test_network_files import same

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pp = pytest.importorskip("pandapipes", reason="lacks pandapipes: pip install pandapipes")

pytestmark = pytest.mark.filterwarnings("ignore")


def junctions(net, count: int, **more):
    return [
        pp.create_junction(
            net, pn_bar=5, tfluid_k=350, name=f"J{n}", geodata=(10.0 * n, 1.0), **more
        )
        for n in range(count)
    ]


def pipe(net, start, end, **more):
    values = {"length_km": 0.4, "inner_diameter_mm": 100.0, "k_mm": 0.1, "u_w_per_m2k": 0.8,
              "text_k": 283.15, **more}  # fmt: skip
    return pp.create_pipe_from_parameters(net, start, end, **values)


def loop(side: bool = True):
    """Return a circuit with a pressure-controlled plant, a consumer of each kind, and a valve."""
    net = pp.create_empty_network(fluid="water")
    j = junctions(net, 8 if side else 7)
    pipe(net, j[0], j[1], name="first")
    pipe(net, j[1], j[2], outer_diameter_mm=120.0, name="first")
    pipe(net, j[3], j[4], geodata=[(30, 1), (35, 9), (40, 1)])
    pipe(net, j[4], j[5])
    pp.create_circ_pump_const_pressure(
        net, j[5], j[0], p_flow_bar=6, plift_bar=2, t_flow_k=363.15, name="boiler"
    )
    pp.create_valve(net, j[2], j[6], et="ju", inner_diameter_mm=80.0, loss_coefficient=3.0)
    pp.create_heat_consumer(net, j[6], j[3], qext_w=100000.0, treturn_k=320.0, name="by return")
    pp.create_heat_consumer(net, j[6], j[3], qext_w=60000.0, controlled_mdot_kg_per_s=0.6)
    pp.create_heat_exchanger(
        net, j[6], j[3], qext_w=10000.0, loss_coefficient=100000, inner_diameter_mm=100.0
    )
    pp.create_flow_control(net, j[1], j[4], 0.5)
    if side:
        pp.create_pipe(net, j[2], j[7], std_type="80_GGG", length_km=0.05)
        pp.create_sink(net, j[7], 0.05, scaling=2.0)
    return net


def read(net, tmp_path: Path):
    path = tmp_path / "peer.json"
    pp.to_json(net, str(path))
    return read_network(path)


def solved(file, friction=Friction.NIKURADSE_SUM):
    return solve_steady(Solver(file.network, fluid=water(), friction=friction), file.operation)


def test_what_pandapipes_writes_is_read(tmp_path: Path) -> None:
    file = read(loop(), tmp_path)
    network, operation = file.network, file.operation
    at = network.link_index()
    assert network.node_names == tuple(f"J{n}" for n in range(8))
    assert set(at) == {
        "first", "first (pipe 1)", "pipe 2", "pipe 3", "pipe 4", "boiler", "valve 0", "by return",
        "heat_consumer 1", "heat_exchanger 0", "flow_control 0",
    }  # fmt: skip
    assert network.diameter_m[at["pipe 4"]] == pytest.approx(0.086)
    assert network.loss_w_mk[at["first"]] == pytest.approx(0.8 * np.pi * 0.1)
    assert network.loss_w_mk[at["first (pipe 1)"]] == pytest.approx(0.8 * np.pi * 0.12)
    assert operation.ambient_c[at["first"]] == pytest.approx(10.0)
    assert network.kind[at["by return"]] == LinkKind.HEAT
    assert network.kind[at["heat_consumer 1"]] == LinkKind.FLOW
    assert operation.held_kpa[0] == 600.0
    assert operation.outflow_kgs[7] == pytest.approx(0.1)
    assert file.shapes == {"pipe 2": ((30, 1), (35, 9), (40, 1))}
    assert network.x_m.tolist() == [10.0 * n for n in range(8)]
    write_network(file, tmp_path / "own.json")
    same(file, read_network(tmp_path / "own.json"))


def test_the_same_network_gives_the_same_answers(tmp_path: Path) -> None:
    net = loop(side=False)
    file = read(net, tmp_path)
    state = solved(file)
    pp.pipeflow(net, mode="bidirectional", friction_model="nikuradse", iter=300, tol_T=1e-6)
    at = file.network.link_index()
    peer = net.res_junction
    # The peer's heat capacity and density follow temperature: half a percent of flow.
    assert state.pressure_kpa == pytest.approx(peer.p_bar.to_numpy() * 100.0, abs=0.1)
    assert state.node_c == pytest.approx(peer.t_k.to_numpy() - 273.15, abs=0.15)
    ours = state.flow_kgs[[at[name] for name in ("first", "first (pipe 1)", "pipe 2", "pipe 3")]]
    assert ours == pytest.approx(net.res_pipe.mdot_from_kg_per_s.to_numpy()[:4], rel=6e-3)
    heat = state.flow_kgs[at["heat_exchanger 0"]]
    assert heat == pytest.approx(float(net.res_heat_exchanger.mdot_from_kg_per_s[0]), rel=1e-2)


def test_hydraulics_alone_agree_closely(tmp_path: Path) -> None:
    """With one temperature everywhere only friction, valve and pump are left to compare."""
    net = pp.create_empty_network(fluid="water")
    j = [pp.create_junction(net, pn_bar=5, tfluid_k=333.15, height_m=h) for h in (0, 0, 4, 4)]
    pp.create_ext_grid(net, j[0], p_bar=5.0, t_k=333.15)
    pp.create_pump(net, j[0], j[1], std_type="P1")
    pipe(net, j[1], j[2], u_w_per_m2k=0.0)
    pp.create_valve(net, j[2], j[3], et="ju", inner_diameter_mm=60.0, loss_coefficient=8.0)
    pp.create_sink(net, j[3], 6.0)
    file = read(net, tmp_path)
    solver = Solver(file.network, fluid=water(), friction=Friction.NIKURADSE_SUM)
    found = solver.solve(file.operation, mean_c=np.full(file.network.n_link, 60.0))
    pp.pipeflow(net, friction_model="nikuradse", iter=100, tol_p=1e-9, tol_m=1e-9)
    peer = net.res_junction.p_bar.to_numpy() * 100.0
    assert found.pressure_kpa == pytest.approx(peer, abs=0.2)


def test_a_valve_at_a_pipes_end_and_things_out_of_service(tmp_path: Path) -> None:
    net = loop()
    index = pp.create_valve(net, 4, 3, et="pi", inner_diameter_mm=100.0, opened=False)
    net.pipe.loc[0, "in_service"] = False
    net.sink.loc[0, "in_service"] = False
    file = read(net, tmp_path)
    at, names = file.network.link_index(), file.network.node_names
    valve = at[f"valve {index}"]
    assert file.operation.shut[valve]
    assert names[file.network.from_node[valve]] == "J4"
    assert names[file.network.to_node[valve]] == names[file.network.from_node[at["pipe 3"]]]
    assert file.operation.shut[at["first"]]
    assert not file.operation.outflow_kgs.any()


def test_a_plant_of_given_flow_and_the_five_forms_of_consumers(tmp_path: Path) -> None:
    net = pp.create_empty_network(fluid="water")
    j = junctions(net, 4)
    pipe(net, j[0], j[1])
    pipe(net, j[2], j[3])
    pp.create_circ_pump_const_mass_flow(net, j[3], j[0], p_flow_bar=6, mdot_flow_kg_per_s=3.0,
                                        t_flow_k=360.0)  # fmt: skip
    forms = ({"qext_w": 5e4, "controlled_mdot_kg_per_s": 0.5}, {"qext_w": 5e4, "treturn_k": 320.0},
             {"qext_w": 5e4, "deltat_k": 20.0},
             {"controlled_mdot_kg_per_s": 0.5, "treturn_k": 320.0},
             {"controlled_mdot_kg_per_s": 0.5, "deltat_k": 20.0})  # fmt: skip
    for form in forms:
        pp.create_heat_consumer(net, j[1], j[2], **form)
    file = read(net, tmp_path)
    at = file.network.link_index()
    operation = file.operation
    assert operation.flow_kgs[at["circ_pump_mass 0"]] == 3.0
    assert operation.outlet_c[at["circ_pump_mass 0"]] == pytest.approx(86.85)
    users = [at[f"heat_consumer {n}"] for n in range(5)]
    assert operation.demand_kw[users].tolist() == pytest.approx([50, 50, 50, 0, 0.5 * 4.187 * 20])
    assert operation.flow_kgs[users].tolist() == pytest.approx([0.5, 0, 50 / 4.187 / 20, 0.5, 0.5])
    assert operation.outlet_c[users[1]] == operation.outlet_c[users[3]] == pytest.approx(46.85)


def test_one_place_of_a_zone_holds_its_pressure(tmp_path: Path) -> None:
    net = pp.create_empty_network(fluid="water")
    j = junctions(net, 4)
    for a, b in ((0, 1), (2, 3)):
        pipe(net, j[a], j[b])
        for _ in range(2):
            pp.create_circ_pump_const_pressure(
                net, j[b], j[a], p_flow_bar=6 + a, plift_bar=2, t_flow_k=363.15
            )
    file = read(net, tmp_path)
    assert file.network.pressure_held.tolist() == [True, False, True, False]
    assert file.operation.held_kpa[[0, 2]].tolist() == [600.0, 800.0]
    assert [f.thing for f in file.findings] == ["circ_pump_pressure 1", "circ_pump_pressure 3"]


def controlled(net, j) -> None:
    pp.create_pressure_control(net, j[1], j[2], j[2], 3.0, name="reducer")


def compressed(net, j) -> None:
    pp.create_compressor(net, j[1], j[2], pressure_ratio=1.1)


def stored(net, j) -> None:
    pp.create_mass_storage(net, j[1], 0.1)


@pytest.mark.parametrize("add,thing,place", [
    (controlled, "reducer", "press_control 0"),
    (compressed, "compressor", "compressor 0"),
    (stored, "mass_storage", "mass_storage 0"),
])  # fmt: skip
def test_what_does_not_map_is_named(tmp_path: Path, add, thing: str, place: str) -> None:
    net = pp.create_empty_network(fluid="water")
    j = junctions(net, 3)
    pipe(net, j[0], j[1])
    add(net, j)
    with pytest.raises(InputError, match="no counterpart") as caught:
        read(net, tmp_path)
    assert caught.value.thing == thing
    assert place in caught.value.place


@pytest.mark.parametrize("edit,message", [
    (lambda o: o["junction"].update(_object="{broken"), "not JSON"),
    (lambda o: o["pipe"].update(_object='{"columns":["a"],"index":[0],"data":[[1,2]]}'), "width"),
    (lambda o: o["pipe"].update(_object='{"columns":["a"],"index":[0],"data":[[1]]}'), "diameter"),
    (lambda o: o["pipe"].update(_object='{"columns":[],"index":["x"],"data":[[]]}'), "no number"),
    (lambda o: o.update(junction=7), "object"),
])  # fmt: skip
def test_damaged_files_are_refused(tmp_path: Path, edit, message: str) -> None:
    path = tmp_path / "peer.json"
    pp.to_json(loop(), str(path))
    document = json.loads(path.read_text("utf-8"))
    edit(document["_object"])
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError, match=message):
        read_network(path)
