"""Graph answers on random networks against plain, slow ways of getting them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.topology.graph import adjacency, cut_links, distances, parts, reached
from heatloop.network.topology.outage import affected, isolate
from heatloop.network.topology.paths import supply_path
from heatloop.network.topology.places import in_polygon
from heatloop.network.topology.weak import bridges

NODES = 7


@st.composite
def graphs(draw):
    """Return a network of pipes, parallel ones and several parts allowed."""
    net = NetworkBuilder()
    for node in range(NODES):
        net.node(f"n{node}")
    pairs = [(a, b) for a in range(NODES) for b in range(NODES) if a != b]
    for number, (a, b) in enumerate(
        draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=14))
    ):
        length = draw(st.integers(1, 9))
        net.pipe(f"p{number}", f"n{a}", f"n{b}", length_m=float(length), diameter_m=0.1)
    return net.build()[0]


def without(network, link: int):
    usable = np.ones(network.n_link, np.bool_)
    usable[link] = False
    return adjacency(network, usable)


@given(graphs())
def test_parts_are_what_can_be_reached(network) -> None:
    near = adjacency(network)
    label = parts(near)
    for node in range(NODES):
        assert np.array_equal(reached(near, [node]), label == label[node])


@given(graphs())
def test_a_bridge_is_a_link_whose_loss_makes_one_part_more(network) -> None:
    near = adjacency(network)
    cut, _, _ = cut_links(near, network.n_link)
    count = parts(near).max()
    slow = [parts(without(network, link)).max() > count for link in range(network.n_link)]
    assert cut.tolist() == slow


@given(graphs(), st.integers(0, NODES - 1))
def test_distances_are_those_of_relaxation(network, seed) -> None:
    weight = network.length_m.tolist()
    far, via, root = distances(adjacency(network), weight, [seed])
    slow = np.full(NODES, np.inf)
    slow[seed] = 0.0
    for _ in range(NODES):
        for a, b, w in zip(network.from_node, network.to_node, weight, strict=True):
            slow[a], slow[b] = min(slow[a], slow[b] + w), min(slow[b], slow[a] + w)
    assert np.array_equal(far, slow)
    assert np.array_equal(root >= 0, np.isfinite(far))
    assert np.array_equal(via >= 0, np.isfinite(far) & (np.arange(NODES) != seed))


@st.composite
def cities(draw):
    """Return a supply-and-return network: a random tree with some loops, valves and consumers."""
    count = draw(st.integers(2, 7))
    net = NetworkBuilder()
    pipes = [(draw(st.integers(0, node - 1)), node) for node in range(1, count)]
    pairs = list(combinations(range(count), 2))
    pipes += draw(st.lists(st.sampled_from(pairs), max_size=3))
    for node in range(count):
        net.node(f"n{node}")
        net.node(f"n{node}r", held_kpa=300.0 if node == 0 else float("nan"))
    net.lift("plant", "n0r", "n0", lift_kpa=300.0, outlet_c=100.0)
    for number, (a, b) in enumerate(pipes):
        size = {"length_m": float(draw(st.integers(1, 9))), "diameter_m": 0.1}
        for side in ("", "r"):
            start = f"n{a}{side}"
            if draw(st.booleans()):
                net.node(f"v{number}{side}")
                net.valve(f"v{number}{side}", start, f"v{number}{side}", kvs_m3h=100.0)
                start = f"v{number}{side}"
            net.pipe(f"p{number}{side}", start, f"n{b}{side}", **size)
    for node in range(1, count):
        net.flow(f"u{node}", f"n{node}", f"n{node}r", flow_kgs=1.0, demand_kw=100.0)
    return net.build()


@given(cities(), st.data())
@settings(max_examples=60)
def test_no_smaller_set_of_valves_isolates_a_burst(city, data) -> None:
    network, operation = city
    names = [name for name in network.link_names if name.startswith("p")]
    burst = data.draw(st.sampled_from([name for name in names if name != "plant"]))
    found = isolate(network, operation, burst)
    feeds = [network.node_index()[name] for name in ("n0", "n0r")]
    link = network.link_index()[burst]
    valves = [n for n, name in enumerate(network.link_names) if name.startswith("v")]

    def dry(closed) -> bool:
        usable = np.ones(network.n_link, np.bool_)
        usable[list(closed)] = False
        ends = [int(network.from_node[link]), int(network.to_node[link])]
        return not reached(adjacency(network, usable), ends)[feeds].any()

    assert found.possible == dry(valves)
    if found.possible:
        closed = [network.link_index()[name] for name in found.valves]
        assert dry(closed)
        for size in range(min(len(closed), 4)):
            assert not any(dry(chosen) for chosen in combinations(valves, size))


@given(cities(), st.data())
@settings(max_examples=60)
def test_bridges_and_outages_agree(city, data) -> None:
    """A bridge is exactly a link whose closing costs somebody supply, and the same people."""
    network, operation = city
    known = {bridge.link: set(bridge.consumers) for bridge in bridges(network, operation)}
    names = [name for name in network.link_names if name[0] in "pv" and name != "plant"]
    link = data.draw(st.sampled_from(names))
    assert set(affected(network, operation, [link]).lost) == known.get(link, set())


@given(cities(), st.data())
@settings(max_examples=60)
def test_ways_are_joined_up_and_their_loss_is_felt(city, data) -> None:
    network, operation = city
    users = [name for name in network.link_names if name.startswith("u")]
    user = data.draw(st.sampled_from(users))
    way = supply_path(network, operation, user)
    index = network.link_index()
    at = network.node_index()["n0"]
    for name, node in zip(way.links, way.nodes[1:], strict=True):
        ends = {int(network.from_node[index[name]]), int(network.to_node[index[name]])}
        assert at in ends
        at = network.node_index()[node]
        assert at in ends
    assert at == network.from_node[index[user]]
    for name in way.links:
        outage = affected(network, operation, [name])
        alternatives = set(outage.lost) | set(outage.rerouted)
        # Of two equally short ways the other one may serve as well.
        operation.shut[index[name]] = True
        try:
            same = user not in outage.lost and (
                supply_path(network, operation, user).length_m == way.length_m
            )
        finally:
            operation.shut[index[name]] = False
        assert same or user in alternatives


@given(
    st.lists(st.tuples(st.floats(-10, 10), st.floats(-10, 10)), min_size=1, max_size=20),
    st.floats(0.5, 8.0),
    st.floats(0.5, 8.0),
)
def test_a_box_holds_what_lies_between_its_sides(points, wide, high) -> None:
    box = [(-wide, -high), (wide, -high), (wide, high), (-wide, high)]
    at = np.array(points)
    inside = (np.abs(at[:, 0]) <= wide) & (np.abs(at[:, 1]) <= high)
    assert in_polygon(at, [box], degrees=False).tolist() == inside.tolist()
