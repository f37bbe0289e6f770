"""`heatloop simulate pipe`: one pipe through measured or planned inlet values."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import numpy as np

from heatloop.cli.simulate_progress import LateProgress
from heatloop.cli.simulate_series import Series, read_series, renamed, shown, write_columns
from heatloop.cli.simulate_spec import PipeFile, read_pipe_file
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.heat.pipe_materials import loss_w_mk
from heatloop.network.heat.single_pipe import FlowUnit, PipeRun, run_single_pipe

MEASURED = "outlet_measured_c"
FLOWS = {"flow_kgs": 1.0, "flow_m3h": 1.0, "flow_lh": 0.001}
_LOW_C, _HIGH_C = -50.0, 250.0
_STAGES = 3


def run(options: argparse.Namespace) -> int:
    """Simulate, write the table and print what came out."""
    started = machine_s()
    progress = LateProgress("simulate pipe", _STAGES)
    pipe = read_pipe_file(options.spec)
    series = read_series(options.inlet, options.tz, renamed(options.column))
    progress.show(1)
    inlet = series.number("inlet_c", _LOW_C, _HIGH_C)
    heading, flow, unit = _flow(series, pipe)
    measured = series.gappy(MEASURED) if MEASURED in series.columns else None
    try:
        found = run_single_pipe(
            pipe.spec,
            series.t_s,
            inlet,
            flow,
            _ambient(series, pipe),
            unit=unit,
            start_c=_start(pipe, inlet, measured),
        )
    except InputError as error:
        raise InputError(
            error.message, thing=series.name, place=error.place, fix=error.fix
        ) from None
    progress.show(2)
    _write(options, series, inlet, heading, found, measured)
    progress.show(_STAGES)
    progress.end()
    _answer(options, _summary(pipe, series, inlet, found, measured, machine_s() - started))
    return 0


def _flow(series: Series, pipe: PipeFile) -> tuple[str, Floats, FlowUnit]:
    given = [heading for heading in FLOWS if heading in series.columns]
    if len(given) != 1:
        raise InputError(
            "需要一个流量列 exactly one flow column is needed",
            thing=series.name,
            place=f"columns: {', '.join(series.columns)}",
            fix=f"one of {', '.join(FLOWS)}; or --column flow_kgs=YOURS",
        )
    unit = FlowUnit.KGS if given[0] == "flow_kgs" else pipe.meter
    return given[0], series.number(given[0]) * FLOWS[given[0]], unit


def _ambient(series: Series, pipe: PipeFile) -> Floats | float:
    if "ambient_c" in series.columns:
        return series.number("ambient_c", -60.0, 100.0)
    if math.isnan(pipe.ambient_c):
        raise InputError(
            "缺少环境温度 no ambient temperature",
            thing=series.name,
            fix="add a column ambient_c, or ambient_c to the pipe's file",
        )
    return pipe.ambient_c


def _start(
    pipe: PipeFile, inlet: Floats, measured: Floats | None
) -> float | tuple[float, float] | None:
    """Return first temperatures: as the file says, else between both ends if both are measured."""
    if pipe.start_c is None and measured is not None and not math.isnan(measured[0]):
        return float(inlet[0]), float(measured[0])
    return pipe.start_c


def _write(
    options: argparse.Namespace,
    series: Series,
    inlet: Floats,
    heading: str,
    found: PipeRun,
    measured: Floats | None,
) -> None:
    headings = [series.time_column, "inlet_c", heading, "outlet_c"]
    columns: list[Any] = [
        series.labels,
        shown(inlet, 3),
        series.columns[heading],
        shown(found.outlet_c, 4),
    ]
    if measured is not None:
        headings += [MEASURED, "error_k"]
        columns += [shown(measured, 3), shown(found.outlet_c - measured, 4)]
    write_columns(options.out, headings, columns)


def _summary(
    pipe: PipeFile,
    series: Series,
    inlet: Floats,
    found: PipeRun,
    measured: Floats | None,
    seconds: float,
) -> dict[str, Any]:
    spec = pipe.spec
    loss = spec.loss_w_mk if spec.loss_w_mk is not None else loss_w_mk(spec.materials)
    books = found.held_first_kj + found.entered_kj - found.left_kj - found.lost_kj
    size = max(abs(found.entered_kj), abs(found.held_first_kj), 1e-9)
    summary: dict[str, Any] = {
        "pipe": pipe.name,
        "rows": len(series.t_s),
        "duration_s": float(series.t_s[-1]),
        "loss_w_mk": round(loss, 5),
        "inlet_mean_c": round(float(inlet.mean()), 3),
        "outlet_mean_c": round(float(found.outlet_c.mean()), 3),
        "outlet_last_c": round(float(found.outlet_c[-1]), 3),
        "lost_kwh": round(found.lost_kj / 3600.0, 6),
        "energy_closure": abs(books - found.held_last_kj) / size,
    }
    if measured is not None:
        error = (found.outlet_c - measured)[~np.isnan(measured)]
        if not len(error):
            raise InputError("测量列为空 the measured column is empty", thing=series.name)
        summary |= {
            "compared_rows": len(error),
            "rmse_k": round(float(np.sqrt(np.mean(error**2))), 4),
            "bias_k": round(float(error.mean()), 4),
            "max_error_k": round(float(np.abs(error).max()), 4),
        }
    return summary | {"seconds": round(seconds, 3)}


def _answer(options: argparse.Namespace, summary: dict[str, Any]) -> None:
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
        return
    print(
        f"{summary['pipe']}: {summary['rows']} rows, {summary['duration_s']:g} s; "
        f"出口 outlet {summary['outlet_mean_c']:.2f} degC mean, "
        f"{summary['outlet_last_c']:.2f} degC at the end; "
        f"散热 lost {summary['lost_kwh']:.4g} kWh"
    )
    if "rmse_k" in summary:
        print(
            f"对比实测 against measured: RMSE {summary['rmse_k']:.3f} K, "
            f"bias {summary['bias_k']:+.3f} K, max {summary['max_error_k']:.2f} K "
            f"({summary['compared_rows']} rows)"
        )
    print(f"{options.out}")
