"""Wrong shapes are found and named; a good one has no finding."""

from __future__ import annotations

import numpy as np
import pytest

from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.topology.findings import check_shape
from heatloop.network.topology.joining import join_ends
from tests.unit.topology_nets import looped


def found(net, **options):
    network, operation = net.build()
    return {
        (finding.kind, finding.thing, finding.other)
        for finding in check_shape(network, operation, **options)
    }


def test_a_good_network_has_none() -> None:
    assert found(looped()) == set()


def test_each_mistake_is_named() -> None:
    net = looped()
    net.flow("both supply", "C", "D", flow_kgs=1.0, demand_kw=10.0)
    net.flow("backwards", "Er", "E", flow_kgs=1.0, demand_kw=10.0)
    assert found(net) == {("same_side", "both supply", ""), ("reversed", "backwards", "")}


def test_a_short_circuit() -> None:
    net = looped()
    net.pipe("bypass", "E", "Er", length_m=1.0, diameter_m=0.1)
    assert ("short_circuit", "bypass", "") in found(net)


def test_dead_end_and_duplicate() -> None:
    net = looped()
    net.node("stub", x_m=300.0, y_m=-200.0)
    net.pipe("p6", "E", "stub", length_m=100.0, diameter_m=0.1)
    net.pipe("p1 again", "A", "B", length_m=101.0, diameter_m=0.2)
    net.pipe("p2 other way", "B", "C", length_m=190.0, diameter_m=0.15)
    assert found(net) == {("dead_end", "stub", ""), ("parallel", "p1 again", "p1")}


def test_pipes_that_widen_or_jump() -> None:
    net = looped()
    for node, y in (("G", -200.0), ("H", -300.0), ("K", -400.0)):
        net.node(node, x_m=300.0, y_m=y)
    net.pipe("wide", "E", "G", length_m=100.0, diameter_m=0.15)
    net.pipe("narrow", "G", "H", length_m=100.0, diameter_m=0.05)
    net.pipe("again", "H", "K", length_m=100.0, diameter_m=0.06)
    net.flow("uK", "K", "Er", flow_kgs=0.1, demand_kw=10.0)
    kinds = found(net)
    # At E a consumer stands as well, so it is not plain that p5 alone feeds `wide`.
    assert kinds == {("jump", "narrow", "wide")}
    net.pipe("too wide", "G", "K", length_m=250.0, diameter_m=0.25)
    assert ("widens", "too wide", "wide") in found(net)


def test_crossing_without_a_junction() -> None:
    net = looped()
    net.node("G", x_m=150.0, y_m=50.0)
    net.node("H", x_m=150.0, y_m=-50.0)
    net.pipe("across", "G", "H", length_m=100.0, diameter_m=0.1)
    net.pipe("joins", "C", "G", length_m=80.0, diameter_m=0.1)
    net.flow("uH", "H", "Dr", flow_kgs=0.1, demand_kw=10.0)
    assert found(net) == {("crossing", "p2", "across")}


def test_too_short_and_off_its_pipe_and_island() -> None:
    net = looped()
    net.node("far", x_m=400.0, y_m=-100.0)
    net.pipe("short", "E", "far", length_m=20.0, diameter_m=0.1)
    net.flow("uF", "far", "Er", flow_kgs=0.1, demand_kw=10.0)
    net.node("lone1")
    net.node("lone2")
    net.pipe("nowhere", "lone1", "lone2", length_m=10.0, diameter_m=0.1)
    shapes = {"short": [(300.0, -100.0), (350.0, -90.0), (390.0, -100.0)]}
    kinds = found(net, shapes=shapes)
    assert ("too_short", "short", "") in kinds
    assert ("node_off_pipe", "far", "short") in kinds
    assert ("island", "lone1", "") in kinds


def test_degrees_are_turned_into_metres() -> None:
    """100 m drawn in degrees are 100 m: a pipe of 20 m is too short, one of 105 m is not."""

    def drawn(length: float):
        deg = 100.0 / 111_195.0
        net = NetworkBuilder()
        net.node("a", x_m=120.0, y_m=0.0, held_kpa=300.0)
        net.node("b", x_m=120.0 + deg, y_m=0.0)
        net.pipe("p", "a", "b", length_m=length, diameter_m=0.1)
        net.flow("u", "b", "a", flow_kgs=1.0, demand_kw=1.0)
        return found(net, degrees=True)

    assert ("too_short", "p", "") in drawn(20.0)
    assert ("too_short", "p", "") not in drawn(105.0)


def test_findings_speak_both_languages() -> None:
    net = looped()
    net.node("stub")
    net.pipe("p6", "E", "stub", length_m=100.0, diameter_m=0.1)
    (one,) = check_shape(*net.build())
    assert "末端" in one.zh
    assert "dead end" in one.en


@pytest.mark.parametrize("gap,nodes,near", [(0.3, 3, 0), (0.7, 4, 1), (9.0, 4, 0)])
def test_ends_join_within_the_tolerance(gap: float, nodes: int, near: int) -> None:
    ends = np.array([[0.0, 0.0], [10.0, 0.0], [10.0 + gap, 0.0], [100.0, 0.0]])
    joined = join_ends(ends, 0.5, 5.0)
    assert len(joined.place) == nodes
    assert len(joined.near) == near
    assert (joined.node[1] == joined.node[2]) == (nodes == 3)
