"""Random districts solved by pandapipes too: the same answer with the same tables."""

from __future__ import annotations

import numpy as np
import pytest

from bench.nets import SUPPLY_C, consumer_links, make_district, to_network
from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.simulation import Simulation
from heatloop.network.model.kinds import Friction
from heatloop.network.steady import solve_steady

try:
    from bench import pandapipes_peer as peer
except ImportError as error:
    pytest.skip(f"lacks peers: {error}", allow_module_level=True)

LAWS = {
    "nikuradse": Friction.NIKURADSE_SUM,
    "swamee-jain": Friction.SWAMEE_JAIN,
    "colebrook": Friction.COLEBROOK_SUM,
}
pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("heat", [False, True], ids=["flow", "heat"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_flows_pressures_and_temperatures(
    law: str, heat: bool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(peer.OPTIONS, "friction_model", law)
    monkeypatch.setitem(peer.OPTIONS, "tolerance_colebrook", 1e-9)
    district = make_district(30, seed, loop_share=0.1)
    network, operation = to_network(district, heat=heat)
    solver = Solver(network, fluid=peer.shared_fluid(), friction=LAWS[law])
    state = solve_steady(solver, operation)
    net = peer.to_pandapipes(district, heat=heat)
    peer.steady(net, "bidirectional")
    theirs = peer.found(net)
    order = np.concatenate([np.arange(2 * len(district.start)), consumer_links(network)])
    assert np.abs(state.flow_kgs[order] - theirs.flow_kgs).max() < 1e-5
    assert np.abs(state.pressure_kpa - theirs.pressure_kpa).max() < 1e-3
    assert np.abs(state.node_c - theirs.node_c).max() < 1e-4


def test_sequential_is_our_solve_with_properties_as_they_stand() -> None:
    district = make_district(50, 5)
    network, operation = to_network(district, heat=False)
    solver = Solver(network, fluid=peer.shared_fluid(), friction=Friction.NIKURADSE_SUM)
    start_c = np.where([name.startswith("s") for name in network.link_names], SUPPLY_C, 50.0)
    state = solve_steady(solver, operation, fixed_c=start_c)
    net = peer.to_pandapipes(district, heat=False)
    peer.steady(net, "sequential")
    theirs = peer.found(net)
    assert np.abs(state.pressure_kpa - theirs.pressure_kpa).max() < 1e-3


def test_a_long_transient_ends_where_the_peers_does() -> None:
    """A step of supply temperature: both go to the same end; the way there is not the peer's."""
    district = make_district(12, 3)
    network, operation = to_network(district, heat=False)
    solver = Solver(network, fluid=peer.shared_fluid(), friction=Friction.NIKURADSE_SUM)
    state = solve_steady(solver, operation)
    water = Dynamics(network, fluid=peer.shared_fluid())
    water.fill(0.5 * (state.inlet_c + state.outlet_c))
    simulation = Simulation(solver, water)
    net = peer.to_pandapipes(district, heat=False)
    peer.steady(net, "bidirectional")
    net.junction["tfluid_k"] = net.res_junction.t_k
    lower_c = SUPPLY_C - 10.0
    operation.outlet_c[network.link_index()["plant"]] = lower_c
    net.circ_pump_pressure["t_flow_k"] = lower_c + peer.ZERO_C
    for _ in peer.transient_steps(net, 90, 120.0, lambda _: None):
        state = simulation.step(operation, 120.0)
    theirs = peer.found(net)
    assert np.abs(state.node_c - theirs.node_c).max() < 0.02
    assert np.abs(state.pressure_kpa - theirs.pressure_kpa).max() < 0.01
