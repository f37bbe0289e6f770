"""Measured pipes against the engine: root mean square errors of outlet temperatures.

Geometry and materials are those of the published descriptions; density of steel and the heat
transfer outside are given with the data; copper and insulation have handbook values. Nothing is
fitted. Data: GersHub case 1 (MIT; Schweiger et al. 2018, doi 10.1016/j.energy.2018.08.193) and the
Liege bench (ibpsa/modelica-ibpsa, BSD-3).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.pipe_materials import PipeMaterials
from heatloop.network.heat.single_pipe import FlowUnit, PipeRun, PipeSpec, run_single_pipe
from heatloop.network.model.builder import NetworkBuilder

GERSHUB_ROWS = 1842
"""Case 1; the rows after it belong to case 2."""
COPPER = PipeMaterials(
    inner_m=0.020,
    outer_m=0.022,
    wall_kg_m3=8930.0,
    wall_kj_kgk=0.385,
    insulation_m=0.013,
    insulation_w_mk=0.0442,
    insulation_at_c=54.0,
    insulation_second_w_mk=0.0389,
    insulation_second_at_c=14.0,
)
STEEL = PipeMaterials(
    inner_m=0.05248,
    outer_m=0.0603,
    wall_kg_m3=7900.0,
    wall_kj_kgk=0.49,
    insulation_m=0.013,
    insulation_w_mk=0.04,
    outer_w_m2k=5.0,
)


def _read(path: Path) -> NDArray[np.float64]:
    return np.genfromtxt(path, delimiter=",", skip_header=1)


def _rmse(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def gershub(
    data: Path, unit: FlowUnit = FlowUnit.M3H_AT_END, cells: int | None = None
) -> tuple[float, PipeRun]:
    """Return the RMSE of GersHub case 1 and the run.

    The column is a mass flow by its name (mdot) and litres an hour by its unit. Mass is what is
    the same all along a loop, so litres count by the density where water leaves, as in a heat
    meter in the return; as litres of inlet water the front comes 2 % late (0.25 K).

    Args:
        data: Folder `pipe_gershub`.
        unit: Where the flow was measured.
        cells: Cells of wall.
    """
    time_s, inlet, outlet, litres_h, ambient = _read(data / "case1_measured.csv.gz").T[
        :, :GERSHUB_ROWS
    ]
    spec = PipeSpec(length_m=60.33, materials=COPPER)
    run = run_single_pipe(
        spec, time_s, inlet, litres_h / 1000.0, ambient, unit=unit, cells=cells,
        start_c=(float(inlet[0]), float(outlet[0])),
    )  # fmt: skip
    return _rmse(run.outlet_c, outlet), run


def ulg(data: Path, run_name: str, cells: int | None = None) -> tuple[float, PipeRun]:
    """Return the RMSE of one run of the Liege bench and the run.

    Args:
        data: Folder `pipe_ulg`.
        run_name: "150801" or "151202".
        cells: Cells of wall.
    """
    table = _read(data / f"PipeDataULg{run_name}.csv")
    time_s, flow, outlet, inlet = table[:, 0], table[:, 1], table[:, 3], table[:, 5]
    spec = PipeSpec(length_m=39.0, materials=STEEL)
    run = run_single_pipe(
        spec, time_s, inlet, flow, 18.0, cells=cells, start_c=(float(inlet[0]), float(outlet[0]))
    )
    return _rmse(run.outlet_c, outlet), run


def energy_closure(run: PipeRun) -> float:
    """Return the heat that is unaccounted for, over the heat that entered."""
    came = run.held_first_kj + run.entered_kj
    return abs(came - run.left_kj - run.lost_kj - run.held_last_kj) / run.entered_kj


def network_closure(steps: int = 1440) -> float:
    """Return the heat unaccounted for over throughput: a day of a loop whose flow reverses.

    Args:
        steps: Steps of 60 s.
    """
    builder = NetworkBuilder(ambient_c=5.0)
    names = [str(i) for i in range(6)]
    for name in names:
        builder.node(name, held_kpa=500.0 if name == "0" else np.nan)
    for i, name in enumerate(names[:-1]):
        builder.pipe(
            f"p{i}", name, names[i + 1], length_m=40.0 * (i + 1), diameter_m=0.08,
            loss_w_mk=0.3, wall_kj_mk=4.0,
        )  # fmt: skip
    builder.flow("use", "5", "0", flow_kgs=1.0, demand_kw=40.0)
    network, operation = builder.build()
    operation.source_c[0] = 70.0
    water = Dynamics(network)
    rng = np.random.default_rng(7)
    first, gain, through = water.stored_kj(), 0.0, 0.0
    for k in range(steps):
        m = float(3.0 * np.sin(k / 40.0) + rng.normal())
        operation.demand_kw[-1] = 40.0 * abs(np.sin(k / 40.0)) - 20.0
        moved = water.push(np.full(network.n_link, m), operation, 60.0)
        gain += float(moved.given_kj.sum() - moved.taken_kj.sum() - moved.lost_kj.sum())
        gain += float(moved.outside_kj.sum())
        through += abs(m) * 60.0 * water.cp_kj_kgk * 60.0
    return abs(water.stored_kj() - first - gain) / through


def truth(data: Path) -> dict[str, float]:
    """Return the figures of the truth benchmark: K, K, K and the worst closure.

    Args:
        data: Folder of all public data.
    """
    copper_k, copper = gershub(data / "pipe_gershub")
    warm_k, warm = ulg(data / "pipe_ulg", "150801")
    slow_k, slow = ulg(data / "pipe_ulg", "151202")
    closures = [energy_closure(run) for run in (copper, warm, slow)]
    return {
        "gershub1_rmse_k": copper_k,
        "ulg_150801_rmse_k": warm_k,
        "ulg_151202_rmse_k": slow_k,
        "energy_closure": max(*closures, network_closure()),
    }
