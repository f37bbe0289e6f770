"""The same district and the same tables in pandapipes, with its fastest settings."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.nets import GROUND_C, HELD_KPA, RETURN_C, ROUGHNESS_MM, SUPPLY_C, District
from bench.peers import use_peers
from heatloop.network.fluid import Fluid, tabled_fluid
from heatloop.network.water import CP_KJ_KGK

use_peers()
pp: Any = importlib.import_module("pandapipes")
_fluids: Any = importlib.import_module("pandapipes.properties.fluids")
logging.getLogger("pandapipes").setLevel(logging.ERROR)

Floats = NDArray[np.float64]
ZERO_C = 273.15
KPA_IN_BAR = 100.0
# Tolerances of its own: change of pressure (bar), flow (kg/s), temperature (K), and residual.
TOLERANCES = {"tol_p": 1e-6, "tol_m": 1e-6, "tol_T": 1e-4, "tol_res": 1e-3}
TOLERANCES_TEXT = "pandapipes tol_p 1e-6 bar, tol_m 1e-6 kg/s, tol_T 1e-4 K"
OPTIONS: dict[str, Any] = {
    "friction_model": "nikuradse",
    "use_numba": True,
    "check_connectivity": False,
    "max_iter_hyd": 60,
    "max_iter_therm": 30,
    "max_iter_bidirect": 60,
    **TOLERANCES,
}


def peer_tables() -> tuple[Floats, Floats, Floats]:
    """Return temperature (degC), density and viscosity of pandapipes' water at all its points."""
    water = _fluids.get_fluid(pp.create_empty_network(fluid="water"))
    density = water.all_properties["density"].prop_getter
    viscosity = water.all_properties["viscosity"].prop_getter
    kelvin = np.union1d(density.x, viscosity.x)
    kelvin = kelvin[(kelvin >= density.x[0]) & (kelvin <= density.x[-1])]
    return kelvin - ZERO_C, density(kelvin), viscosity(kelvin)


def shared_fluid() -> Fluid:
    """Return pandapipes' water as ours: its density and viscosity, one heat capacity."""
    celsius, density, viscosity = peer_tables()
    cp = np.full(len(celsius), CP_KJ_KGK)
    return tabled_fluid("water of pandapipes", celsius, density, viscosity, cp)


def _peer_fluid() -> Any:
    celsius, density, viscosity = peer_tables()
    kelvin = celsius + ZERO_C
    return _fluids.Fluid(
        "shared_water",
        "liquid",
        density=_fluids.FluidPropertyInterExtra(kelvin, density),
        viscosity=_fluids.FluidPropertyInterExtra(kelvin, viscosity),
        heat_capacity=_fluids.FluidPropertyConstant(1000.0 * CP_KJ_KGK),
        compressibility=_fluids.FluidPropertyConstant(1.0),
        der_compressibility=_fluids.FluidPropertyConstant(0.0),
        molar_mass=_fluids.FluidPropertyConstant(18.015),
    )


def to_pandapipes(district: District, *, heat: bool) -> Any:
    """Return the district as a pandapipes net; junction i is supply, n_place + i is return."""
    net = pp.create_empty_network(fluid="water", add_stdtypes=False)
    _fluids._add_fluid_to_net(net, _peer_fluid())
    n = len(district.x_m)
    start_k = np.repeat([SUPPLY_C + ZERO_C, RETURN_C + ZERO_C], n)
    pp.create_junctions(net, 2 * n, pn_bar=HELD_KPA / KPA_IN_BAR, tfluid_k=start_k)
    ends = (
        np.concatenate([district.start, n + district.end]),
        np.concatenate([district.end, n + district.start]),
    )
    diameter_m = np.tile(district.diameter_m, 2)
    pp.create_pipes_from_parameters(
        net,
        *ends,
        length_km=np.tile(district.length_m, 2) / 1000.0,
        inner_diameter_mm=1000.0 * diameter_m,
        k_mm=ROUGHNESS_MM,
        u_w_per_m2k=np.tile(district.loss_w_mk, 2) / (np.pi * diameter_m),
        text_k=GROUND_C + ZERO_C,
        sections=1,
    )
    flows: dict[str, Any] = {"treturn_k": RETURN_C + ZERO_C}
    if not heat:
        flows = {"controlled_mdot_kg_per_s": district.design_kgs}
    pp.create_heat_consumers(
        net, district.consumer, n + district.consumer, qext_w=1000.0 * district.demand_kw, **flows
    )
    pp.create_circ_pump_const_pressure(
        net,
        return_junction=n,
        flow_junction=0,
        p_flow_bar=HELD_KPA / KPA_IN_BAR,
        plift_bar=district.lift_kpa / KPA_IN_BAR,
        t_flow_k=SUPPLY_C + ZERO_C,
    )
    return net


def steady(net: Any, mode: str) -> None:
    """Solve once; `sequential` takes water properties as they stand, `bidirectional` closes them.

    Raises:
        PipeflowNotConverged: It did not converge.
    """
    pp.pipeflow(net, mode=mode, **OPTIONS)


def transient_steps(
    net: Any, steps: int, dt_s: float, change: Callable[[int], None]
) -> Iterator[int]:
    """Yield after each transient step; `change` sets what is new before it."""
    for step in range(steps):
        change(step)
        pp.pipeflow(
            net, mode="sequential", transient=True, dt=dt_s, simulation_time_step=step, **OPTIONS
        )
        yield step


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerState:
    """What a solve found, in our units and order of nodes and links."""

    flow_kgs: Floats
    """Supply pipes, return pipes, consumers."""
    pressure_kpa: Floats
    """Supply nodes, return nodes."""
    node_c: Floats
    """Supply nodes, return nodes."""


def found(net: Any) -> PeerState:
    """Return the last result in our units."""
    flows = (net.res_pipe.mdot_from_kg_per_s, net.res_heat_consumer.mdot_from_kg_per_s)
    return PeerState(
        flow_kgs=np.concatenate([f.to_numpy() for f in flows]),
        pressure_kpa=KPA_IN_BAR * net.res_junction.p_bar.to_numpy(),
        node_c=net.res_junction.t_k.to_numpy() - ZERO_C,
    )
