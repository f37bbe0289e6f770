"""What `heatloop identify building` does."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatloop.cli.clean_files import numbers, read
from heatloop.cli.clean_times import time_heading, times
from heatloop.control.learning.building import BuildingFound, identify_building
from heatloop.control.learning.heat_unit import heat_kw
from heatloop.control.learning.regular import Floats, Grid, binned, grid_of
from heatloop.control.learning.sensors import judge_sensors
from heatloop.control.learning.usual_sky import LATITUDE, usual_sun_kw_m2
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.network.room_model import RoomInputs

_FIT_SHARE = 2.0 / 3.0
_WATTS_M2_ABOVE = 2.0
_WIDE_SIGMA = 2.0
"""Of what nothing is said before, as in `network.identify`."""
_FIRST_DATED_S = 315_532_800.0
"""1980; times before it are counted from the start of something."""
_LOSS_KW_K = (0.003, 100.0)
"""One room, and a house of 80,000 m2."""
_MANY = 0.05
_LATITUDES = 75.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Table:
    """The table on even steps."""

    grid: Grid
    inputs: RoomInputs
    room_c: Floats
    notes: list[str]


def run(options: argparse.Namespace) -> int:
    """Learn from a table and print what was found.

    Raises:
        InputError: The table cannot be read, or holds too little to learn from.
    """
    table = _even(options)
    until = _until(options, table)
    sky = None if options.sun else _sky(options, table)
    found = identify_building(table.inputs, table.room_c, until, order=options.order, sky_kw_m2=sky)
    loss = found.found.model.loss_kw_k()
    if not _LOSS_KW_K[0] < loss < _LOSS_KW_K[1]:
        table.notes.append(
            f"a loss of {loss:.3g} kW/K is that of no usual building: is the unit of heat right? "
            "Say it with --heat-unit"
        )
    for name, number in found.removed.items():
        if number > _MANY * table.grid.count:
            table.notes.append(f"{number} values of {name} cannot be true and were left out")
    after = found.after
    if after is not None and after.rmse_k() >= found.constant_rmse_k:
        table.notes.append("the model foretells no better than the last week's mean")
    facts = _facts(found, table, until)
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _tell(facts)
    return 0


def _even(options: argparse.Namespace) -> _Table:
    raw = read(options.data)
    stamps = times(raw, time_heading(raw, options.time), options.tz)
    seconds = stamps.seconds.copy()
    notes: list[str] = []
    if stamps.unreadable:
        notes.append(f"{stamps.unreadable} rows left out: their time cannot be read")
    for text, before in ((options.begin, True), (options.end, False)):
        if text:
            at = _moment(text, options.tz)
            seconds[(seconds < at) if before else (seconds >= at)] = np.nan
    order = np.argsort(seconds, kind="stable")
    order = order[np.isfinite(seconds[order])]
    if len(order) < 2:
        raise InputError(
            "fewer than two rows with a time are left",
            thing=str(options.data),
            fix="check the file, --from and --to",
        )
    t = seconds[order]
    doubled = int(np.sum(np.diff(t) == 0.0))
    if doubled:
        notes.append(f"{doubled} rows share their time with another: their mean is used")
    grid = grid_of(t)

    def column(name: str) -> Floats:
        values = _column(raw, name)[order]
        if not np.isfinite(values).any():
            raise InputError("holds no numbers", thing=name, fix="name another column")
        return values

    def even(name: str) -> Floats:
        return binned(t, column(name), grid)

    rooms = np.column_stack([_sensible(even(name)) for name in options.room])
    room_c = rooms[:, 0]
    if rooms.shape[1] > 1:
        judged = judge_sensors(grid.times_s(), rooms, tuple(options.room))
        room_c = judged.room_c
        notes += [f"sensor {name} not used: {why}" for name, why in judged.rejected.items()]
    heats = [heat_kw(name, t, column(name), grid, options.heat_unit) for name in options.heat]
    for name, heat in zip(options.heat, heats, strict=True):
        if heat.guessed:
            notes.append(f"heat {name} taken as {heat.guessed}; say otherwise with --heat-unit")
        if heat.counter:
            notes.append(f"heat {name} is a rising register: its differences are used")
    outdoor = even(options.outdoor)
    sun = np.empty((grid.count, 0))
    if options.sun:
        sun = np.column_stack([_sun(name, even(name), notes) for name in options.sun])
    near = np.empty((grid.count, 0))
    if options.neighbour:
        near = np.column_stack([even(name) for name in options.neighbour])
    inputs = RoomInputs(
        dt_s=grid.step_s,
        heat_kw=np.sum([heat.kw for heat in heats], axis=0),
        outdoor_c=outdoor,
        sun_kw_m2=sun,
        boundary_c=near,
        supply_air_c=outdoor,
    )
    return _Table(grid=grid, inputs=inputs, room_c=room_c, notes=notes)


def _sky(options: argparse.Namespace, table: _Table) -> Floats | None:
    times_s = table.grid.times_s()
    if times_s[-1] < _FIRST_DATED_S:
        table.notes.append("no --sun, and times that tell no date: the sun is left out")
        return None
    middle = datetime.fromtimestamp(float(times_s[len(times_s) // 2]), ZoneInfo(options.tz))
    summer_s = (middle.dst() or timedelta()).total_seconds()
    offset_s = (middle.utcoffset() or timedelta()).total_seconds() - summer_s
    at = LATITUDE if options.latitude is None else options.latitude
    if not abs(at) <= _LATITUDES:
        raise InputError("no heated building stands there", thing=f"--latitude {at:g}",
                         fix="give degrees north, -75 to 75")  # fmt: skip
    table.notes.append(
        f"no --sun: the usual sky of {abs(at):g} degrees {'north' if at >= 0 else 'south'} stands "
        "in; a measured one, or --latitude, is better"
    )
    return usual_sun_kw_m2(times_s, table.inputs.outdoor_c, at, offset_s)


def _column(raw: pa.Table, name: str) -> Floats:
    if name not in raw.column_names:
        raise InputError(
            "没有这一列 no such column",
            thing=name,
            fix=f"use one of: {', '.join(map(str, raw.column_names[:20]))}",
        )
    if raw.column_names.count(name) > 1:
        raise InputError("stands twice in the table", thing=name, fix="rename one of the columns")
    values = numbers(raw, name)
    kind = raw.schema.field(name).type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Half of the world writes 21,5.
        point = pc.replace_substring(raw.column(name), pattern=",", replacement=".")
        again = numbers(pa.table({name: point}), name)
        if np.isfinite(again).sum() > np.isfinite(values).sum():
            return again
    return values


def _sensible(values: Floats) -> Floats:
    return np.where((values < 2.0) | (values > 45.0), np.nan, values)


def _sun(name: str, values: Floats, notes: list[str]) -> Floats:
    high = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    if high > _WATTS_M2_ABOVE:
        notes.append(f"sun {name} taken as W/m2, because values reach {high:.0f}")
        return values / 1000.0
    notes.append(f"sun {name} taken as kW/m2, because values reach only {high:.2f}")
    return values


def _moment(text: str, zone: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        try:
            number = float(text)
        except ValueError:
            raise InputError(
                "无法识别的日期 not a date", thing=text, fix="write 2025-02-01 or 2025-02-01 06:00"
            ) from error
        # As in a column of numbers, milliseconds would lie far in the future.
        return number / 1000.0 if number > 1e11 else number
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.timestamp()


def _until(options: argparse.Namespace, table: _Table) -> int:
    measured = np.flatnonzero(np.isfinite(table.room_c))
    if len(measured) == 0:
        raise InputError("no room temperature between 2 and 45 degC", thing=options.room[0])
    if options.fit_until:
        until = table.grid.at(_moment(options.fit_until, options.tz))
        if not measured[0] < until:
            raise InputError(
                "nothing is measured before it",
                thing=options.fit_until,
                place=f"the table runs from {_iso(table.grid.start_s)}",
                fix="give a later --fit-until",
            )
        return until
    until = int(measured[int(len(measured) * _FIT_SHARE)])
    table.notes.append("--fit-until not given: the first two thirds were learned from")
    return until


def _iso(at_s: float) -> str:
    return utc(at_s).isoformat().replace("+00:00", "Z")


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _facts(found: BuildingFound, table: _Table, until: int) -> dict[str, Any]:
    one, model, grid = found.found, found.found.model, table.grid
    parameters = {}
    for at, name in enumerate(one.names):
        low, high = one.interval(name)
        sigma = float(np.sqrt(one.ln_covariance[at, at]))
        parameters[_told(name, found)] = {
            "value": _rounded(float(one.values[at])),
            "low95": _rounded(low),
            "high95": _rounded(high),
            "relative_sigma": _rounded(sigma),
            "from_data": sigma < 0.5 * found.prior_sigma.get(name, _WIDE_SIGMA),
        }
    near = 0.0 if found.held_c is not None else float(model.boundary_kw_k.sum())
    rates = -np.log(model.modes(grid.step_s).decay) / (grid.step_s / 3600.0)
    measured = np.isfinite(table.room_c)
    facts: dict[str, Any] = {
        "model": {
            "kind": f"{model.order}R{model.order}C",
            "order": model.order,
            "usual_sky": "sun_0_m2" in found.prior_sigma,
            "held_c": None if found.held_c is None else _rounded(found.held_c),
            "loss_kw_k": _rounded(model.loss_kw_k()),
            "loss_with_neighbours_kw_k": _rounded(model.loss_kw_k() + near),
            "loss_relative_sigma": _rounded(one.loss_sigma()),
            "capacity_kwh_k": _rounded(float(model.capacity_kj_k.sum()) / 3600.0),
            "time_constants_h": [_rounded(1.0 / r) for r in sorted(rates, reverse=True) if r > 0],
        },
        "parameters": parameters,
        "fit": {
            "from": _iso(grid.start_s),
            "until": _iso(grid.start_s + until * grid.step_s),
            "step_s": grid.step_s,
            "moments": int(measured[:until].sum()),
            "rmse_k": _rounded(one.rmse_k),
            "independent_moments": _rounded(one.independent),
            "tried_rmse_k": {name: _rounded(value) for name, value in found.tried.items()},
        },
        "free_run": None,
        "left_out": found.removed,
        "notes": table.notes,
    }
    if found.after is not None:
        after = found.after
        facts["free_run"] = {
            "from": _iso(grid.start_s + until * grid.step_s),
            "until": _iso(grid.start_s + grid.count * grid.step_s),
            "moments": int(np.isfinite(after.error_k).sum()),
            "starts": after.starts,
            "rmse_k": _rounded(after.rmse_k()),
            "mae_k": _rounded(after.mae_k()),
            "bias_k": _rounded(after.bias_k()),
            "constant_rmse_k": None
            if np.isnan(found.constant_rmse_k)
            else _rounded(found.constant_rmse_k),
        }
    return facts


def _told(name: str, found: BuildingFound) -> str:
    """Return what a parameter is called: an assumed neighbour is what holds the room."""
    return "held_kw_k" if found.held_c is not None and name == "boundary_0_kw_k" else name


def _tell(facts: dict[str, Any]) -> None:
    model, fit, after = facts["model"], facts["fit"], facts["free_run"]
    print(f"model 模型: {model['kind']}   "
          f"loss 热损失 {model['loss_kw_k']:g} kW/K +-{100 * model['loss_relative_sigma']:.1f} %   "
          f"capacity 热容 {model['capacity_kwh_k']:g} kWh/K")  # fmt: skip
    if model["held_c"] is not None:
        held = facts["parameters"]["held_kw_k"]["value"]
        print(f"  held at 维持于 {model['held_c']:.1f} degC by {held:g} kW/K: flats around it, "
              "people, valves 邻室与用户调节")  # fmt: skip
    for name, p in facts["parameters"].items():
        mark = "" if p["from_data"] else "   (not fixed by the data 数据不足)"
        print(f"  {name:18} {p['value']:>12g}   95 %: {p['low95']:g} .. {p['high95']:g}{mark}")
    print(f"learned from 拟合: {fit['from']} .. {fit['until']}, RMSE {fit['rmse_k']:g} K")
    if after is None:
        print("free simulation 自由模拟: nothing measured after it")
    else:
        print(f"free simulation 自由模拟: {after['from']} .. {after['until']}: "
              f"RMSE {after['rmse_k']:g} K, MAE {after['mae_k']:g} K, "
              f"bias 偏差 {after['bias_k']:+g} K")  # fmt: skip
        if after["constant_rmse_k"] is not None:
            print(f"  last week's mean instead 以上周均值代替: RMSE {after['constant_rmse_k']:g} K")
    for note in facts["notes"]:
        print(f"note 说明: {note}", file=sys.stderr)
