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

from heatloop.network.heat.pipe_materials import PipeMaterials
from heatloop.network.heat.single_pipe import FlowUnit, PipeRun, PipeSpec, run_single_pipe

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

    The test bench is a closed loop; its flow meter stands where water has cooled down, as the
    flow it shows does not fall when warm water arrives.

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
