"""The dispatch problem written down a second time for `linopy`, and solved more sharply."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from heatloop.control.dispatch import DispatchProblem
from heatloop.control.dispatch_start import begin_of

_GAP, _LIMIT_S = 0.0005, 120.0


def peer_cost_yuan(problem: DispatchProblem) -> float:
    """Return the least total cost (bill and penalties) that linopy and HiGHS find.

    Raises:
        ImportError: linopy is not installed.
    """
    with warnings.catch_warnings():
        # Rows before the first step are left out on purpose; linopy warns of each.
        warnings.simplefilter("ignore")
        return _cost_yuan(problem)


def _cost_yuan(problem: DispatchProblem) -> float:
    import linopy
    import pandas as pd
    import xarray as xr

    n, h = problem.n_step, problem.hours
    steps = pd.RangeIndex(n, name="t")
    model: Any = linopy.Model()
    worth = problem.penalties
    zero = np.zeros(n)
    sell = zero if problem.sell_yuan_kwh is None else problem.sell_yuan_kwh
    buy = zero if problem.buy_yuan_kwh is None else problem.buy_yuan_kwh

    def series(values: Any) -> Any:
        return xr.DataArray(np.broadcast_to(values, (n,)).astype(float), coords=[steps])

    def first(value: float) -> Any:
        return series(np.concatenate([[value], np.zeros(n - 1)]))

    z = model.add_variables(lower=0, coords=[steps], name="z")
    w = model.add_variables(lower=0, coords=[steps], name="w")
    cost = (worth.unserved * h * z).sum() + (worth.surplus * h * w).sum()
    given = z - w
    for unit in problem.units:
        begin, name = begin_of(problem, unit), unit.code
        q = model.add_variables(lower=0, coords=[steps], name=f"q{name}")
        u = model.add_variables(binary=True, coords=[steps], name=f"u{name}")
        # Starts and stops both stand here, where the product has only starts.
        s = model.add_variables(binary=True, coords=[steps], name=f"s{name}")
        d = model.add_variables(binary=True, coords=[steps], name=f"d{name}")
        model.add_constraints(q - unit.most_kw * u <= 0, name=f"most{name}")
        model.add_constraints(q - unit.least_kw * u >= 0, name=f"least{name}")
        model.add_constraints(u <= series(~begin.out), name=f"out{name}")
        model.add_constraints(s + d <= 1, name=f"once{name}")
        before, ramp = float(unit.now_on), begin.ramp_kw
        reach, free = max(ramp, unit.least_kw), max(unit.most_kw, begin.heat_kw)
        was_u, was_q = u.shift(t=1), q.shift(t=1)
        model.add_constraints(u - was_u - s + d == first(before), name=f"run{name}")
        model.add_constraints(
            q - was_q - ramp * was_u - reach * s <= first(begin.heat_kw + ramp * before),
            name=f"up{name}",
        )
        model.add_constraints(
            was_q - q - ramp * u - free * d <= first(-begin.heat_kw), name=f"down{name}"
        )
        up, down = min(begin.up_steps, n), min(begin.down_steps, n)
        model.add_constraints(s.rolling(t=up, min_periods=1).sum() - u <= 0, name=f"long{name}")
        model.add_constraints(d.rolling(t=down, min_periods=1).sum() + u <= 1, name=f"rest{name}")
        if begin.held_on:
            model.add_constraints(u.isel(t=slice(0, begin.held_on)) >= 1, name=f"on{name}")
        if begin.held_off:
            model.add_constraints(u.isel(t=slice(0, begin.held_off)) <= 0, name=f"off{name}")
        burnt = unit.fuel_yuan_kwh + unit.fuel_co2_kg_kwh * problem.co2_yuan_t / 1000.0
        cost = cost + (unit.start_yuan * s).sum() + (unit.other_yuan_kwh * h * q).sum()
        if unit.cone is not None:
            cone = unit.cone
            p = model.add_variables(lower=0, coords=[steps], name=f"p{name}")
            model.add_constraints(p + cone.loss * q - cone.most_kw * u <= 0, name=f"a{name}")
            model.add_constraints(p + cone.loss * q - cone.least_kw * u >= 0, name=f"b{name}")
            model.add_constraints(p - cone.ratio * q >= 0, name=f"c{name}")
            fuel = cone.idle_fuel_kw * u + cone.fuel_per_heat * q + cone.fuel_per_power * p
            cost = cost + (burnt * h * fuel).sum() - (series(sell * h) * p).sum()
        else:
            power = unit.power_per_heat if unit.cop is None else -1.0 / unit.cop
            money = burnt * unit.fuel_per_heat + np.where(
                np.asarray(power) > 0.0, -sell * power, -buy * power
            )
            cost = cost + (series(money * h) * q).sum()
        given = given + q
    for tank in problem.storages:
        name, kept = tank.code, 1.0 - tank.loss_per_h * h
        c = model.add_variables(
            lower=-tank.discharge_kw, upper=tank.charge_kw, coords=[steps], name=f"c{name}"
        )
        level = model.add_variables(
            lower=0, upper=tank.capacity_kwh, coords=[steps], name=f"l{name}"
        )
        model.add_constraints(
            level - h * c - kept * level.shift(t=1) == first(kept * tank.now_kwh), name=f"k{name}"
        )
        short = model.add_variables(lower=0, name=f"e{name}")
        model.add_constraints(level.isel(t=n - 1) + short >= tank.end_kwh, name=f"end{name}")
        cost = cost + worth.storage_end * short
        given = given - c
    model.add_constraints(given == series(problem.demand_kw), name="balance")
    model.add_objective(cost)
    model.solve(
        "highs", mip_rel_gap=_GAP, time_limit=_LIMIT_S, threads=1, output_flag=False,
        io_api="direct", progress=False,
    )  # fmt: skip
    return float(model.objective.value)
