"""Upstream, downstream, ways, outages, bursts, bridges and islands on networks drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.topology.outage import affected, isolate
from heatloop.network.topology.paths import link_loss_kpa, source_distance_m, supply_path
from heatloop.network.topology.roles import RETURN, SUPPLY, roles
from heatloop.network.topology.trace import flow_direction, laid_direction, trace
from heatloop.network.topology.weak import bridges, islands
from tests.unit.topology_nets import CONSUMERS, PLACES, built, looped, two_zones


def shut(pair, *names):
    network, operation = pair
    for name in names:
        operation.shut[network.link_index()[name]] = True
    return network, operation


def test_roles_and_sides() -> None:
    network, operation = built()
    found = roles(network, operation)
    sides = dict(zip(network.node_names, found.side.tolist(), strict=True))
    assert {sides[name] for name in PLACES} == {SUPPLY}
    assert {sides[f"{name}r"] for name in PLACES} == {RETURN}
    names = np.array(network.link_names)
    assert names[found.plant].tolist() == ["plant"]
    assert names[found.consumer].tolist() == list(CONSUMERS)
    assert len(found.shorts) == 0


def test_a_dosing_pump_with_the_hotter_outlet_is_the_plant() -> None:
    net = NetworkBuilder()
    for name in ("s", "r"):
        net.node(name, held_kpa=300.0 if name == "r" else float("nan"))
    net.flow("plant", "r", "s", flow_kgs=3.0, outlet_c=90.0)
    net.flow("user", "s", "r", flow_kgs=3.0, outlet_c=50.0)
    network, operation = net.build()
    found = roles(network, operation)
    assert [network.link_names[n] for n in np.flatnonzero(found.plant)] == ["plant"]
    assert [network.link_names[n] for n in np.flatnonzero(found.consumer)] == ["user"]


def test_shortest_way_by_length_and_by_loss() -> None:
    network, operation = built()
    by_length = supply_path(network, operation, "uD")
    assert by_length.links == ("p1", "p2", "p4")
    assert by_length.nodes == ("A", "B", "C", "D")
    assert (by_length.plant, by_length.length_m) == ("plant", 300.0)
    assert np.isnan(by_length.loss_kpa)
    loss = np.zeros(network.n_link)
    index = network.link_index()
    loss[[index["p1"], index["p2"], index["p3"], index["p4"]]] = 5.0, 9.0, 10.0, 9.0
    by_loss = supply_path(network, operation, "uD", loss_kpa=loss, by_loss=True)
    assert by_loss.links == ("p1", "p3")
    assert by_loss.loss_kpa == 15.0
    back = supply_path(network, operation, "uD", back=True)
    assert back.links == ("p4r", "p2r", "p1r")
    assert back.nodes == ("Dr", "Cr", "Br", "Ar")
    with pytest.raises(InputError, match="pressure losses"):
        supply_path(network, operation, "uD", by_loss=True)
    with pytest.raises(InputError, match="no such consumer"):
        supply_path(network, operation, "nobody")
    with pytest.raises(InputError, match="no open way"):
        supply_path(*shut(built(), "p1"), "uD")


def test_losses_follow_the_flow() -> None:
    network, _ = built()
    pressure = np.arange(float(network.n_node))
    flow = np.where(network.to_node > network.from_node, -1.0, 1.0)
    fall = link_loss_kpa(network, pressure, flow)
    assert np.all(fall == np.abs(network.from_node - network.to_node))
    assert np.all(link_loss_kpa(network, pressure, -flow) == 0.0)


def test_distance_from_the_source() -> None:
    network, operation = built()
    far = dict(zip(network.node_names, source_distance_m(network, operation), strict=True))
    assert (far["A"], far["B"], far["C"], far["D"], far["E"]) == (0, 100, 200, 300, 400)
    assert far["Er"] == 400


def test_trace_as_laid_and_by_flow() -> None:
    network, operation = built()
    stop = roles(network, operation).crossing
    laid = laid_direction(network, operation)
    below = trace(network, laid, "p4", stop=stop)
    assert set(below.nodes) == {"D", "F", "E"}
    assert set(below.links) == {"p4", "v", "p5", "uD", "uE"}
    above = trace(network, laid, "D", upstream=True, stop=stop)
    assert set(above.nodes) == {"A", "B", "C", "D"}
    assert {"p1", "p2", "p3", "p4", "plant"} == set(above.links)
    returned = trace(network, laid, "Dr", stop=stop)
    assert set(returned.nodes) == {"Dr", "Cr", "Br", "Ar"}
    # Flow the other way round the loop: C is now fed through D.
    index = network.link_index()
    flow = laid.astype(float)
    flow[index["p4"]] = -1.0
    flow[index["p2"]] = 0.0
    turned = trace(network, flow_direction(flow), "p4", stop=stop)
    assert set(turned.nodes) == {"C"}
    assert set(turned.links) == {"p4", "uC"}
    with pytest.raises(InputError, match="no such node or link"):
        trace(network, laid, "nothing")


def test_who_is_affected() -> None:
    network, operation = built()
    assert affected(network, operation, ["v"]).lost == ("uE",)
    loop_cut = affected(network, operation, ["p2"])
    assert loop_cut.lost == ()
    assert set(loop_cut.rerouted) == {"uC", "uD", "uE"}
    # p3 is the longer way: nobody's shortest way used it.
    assert affected(network, operation, ["p3"]).rerouted == ()
    # A shut return pipe stops the water as well, though supply still reaches the door.
    assert set(affected(network, operation, ["p1r"]).lost) == set(CONSUMERS)
    assert affected(network, operation, ["p2", "p3"]).lost == ("uC", "uD", "uE")
    with pytest.raises(InputError, match="no such link"):
        affected(network, operation, ["p9"])
    already = shut(built(), "v")
    again = affected(*already, ["p5"])
    assert (again.lost, again.unserved) == ((), ("uE",))


def test_a_zone_behind_exchangers_falls_with_what_feeds_it() -> None:
    network, operation = two_zones()
    found = affected(network, operation, ["p1"])
    assert set(found.lost) == {"hot", "user"}
    assert affected(network, operation, ["p2r"]).lost == ("user",)


def test_burst_behind_valves() -> None:
    network, operation = built()
    found = isolate(network, operation, "p5")
    assert found.possible
    assert found.valves == ("v", "vr")
    assert found.outage.lost == ("uE",)
    assert set(found.links) == {"p5", "p5r", "uE"}


def test_burst_in_a_loop_with_and_without_valves() -> None:
    network, operation = built()
    bare = isolate(network, operation, "p2")
    assert not bare.possible
    assert bare.plants == ("plant", "Ar")
    assert set(bare.outage.lost) == set(CONSUMERS)
    # Valves at the start of p2, p3 and p4: of equally many, those nearest to the burst.
    near = isolate(*built(("p2", "p3", "p4")), "p2")
    assert near.possible
    assert near.valves == ("p2.v", "p2r.v", "p4.v", "p4r.v")
    assert near.outage.lost == ("uC",)
    assert near.outage.rerouted == ("uD", "uE")


def test_fewest_valves_or_fewest_users() -> None:
    network, operation = built(("p1", "p2", "p4"))
    few = isolate(network, operation, "p2")
    assert few.valves == ("p1.v", "p1r.v")
    assert set(few.outage.lost) == set(CONSUMERS)
    near = isolate(network, operation, "p2", nearest=True)
    assert near.valves == ("p2.v", "p2r.v", "p4.v", "p4r.v")
    assert near.outage.lost == ("uC",)


def test_two_ways_that_share_a_valve_at_first() -> None:
    """The shortest way to the plant takes `cross`; only giving it back shows that two do."""
    net = NetworkBuilder()
    names = ("s", "a", "b", "t", "plant.r", *(f"m{n}" for n in range(4)))
    for name in names:
        net.node(name, held_kpa=300.0 if name == "t" else float("nan"))
    net.node("end")
    net.pipe("burst", "s", "end", length_m=1.0, diameter_m=0.1)
    for valve, start, end in (("va", "s", "a"), ("cross", "a", "b"), ("vt", "b", "t"),
                              ("vb", "m1", "b"), ("long", "m3", "t")):  # fmt: skip
        net.valve(valve, start, end, kvs_m3h=10.0)
    for pipe, start, end in (("p1", "s", "m0"), ("p2", "m0", "m1"), ("p3", "a", "m2"),
                             ("p4", "m2", "m3")):  # fmt: skip
        net.pipe(pipe, start, end, length_m=1.0, diameter_m=0.1)
    net.lift("plant", "plant.r", "t", lift_kpa=100.0, outlet_c=90.0)
    network, operation = net.build()
    found = isolate(network, operation, "burst")
    assert found.possible
    assert found.valves == ("va", "vb")


def test_only_the_valves_named_may_be_closed() -> None:
    network, operation = built(("p1",))
    can = np.zeros(network.n_link, np.bool_)
    for name in ("p1.v", "p1r.v"):
        can[network.link_index()[name]] = True
    found = isolate(network, operation, "p5", closable=can)
    assert found.valves == ("p1.v", "p1r.v")
    assert set(found.outage.lost) == set(CONSUMERS)


def test_bridges() -> None:
    network, operation = built()
    found = {bridge.link: set(bridge.consumers) for bridge in bridges(network, operation)}
    everyone, last = set(CONSUMERS), {"uE"}
    assert found == {
        "p1": everyone, "p1r": everyone, "v": last, "vr": last, "p5": last, "p5r": last,
    }  # fmt: skip
    # With the loop open, its pipes are bridges as well.
    opened = shut(built(), "p3", "p3r")
    assert {"p2", "p4"} <= {bridge.link for bridge in bridges(*opened)}


def test_a_second_plant_gives_redundancy() -> None:
    net = looped()
    net.lift("second", "Er", "E", lift_kpa=300.0, outlet_c=100.0)
    assert bridges(*net.build()) == ()


def test_islands() -> None:
    network, operation = shut(built(), "v", "vr")
    (island,) = islands(network, operation)
    assert set(island.nodes) == {"F", "E", "Fr", "Er"}
    assert island.consumers == ("uE",)
    assert islands(*built()) == ()
