"""What if: the fitted model of the last estimate, solved again with something set otherwise."""

from __future__ import annotations

import numpy as np

from heatloop.app.twin_fit import Fitted
from heatloop.app.twin_state import WhatIf, WhatIfAnswer
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.network.model.kinds import LinkKind
from heatloop.network.steady import solve_steady
from heatloop.network.twin.scenario import Change, changed


def answer(fitted: Fitted, what: WhatIf) -> WhatIfAnswer:
    """Return what a change would do to every unit.

    Raises:
        InputError: An asset is not in the network or cannot be changed so, or the network
            does not settle.
    """
    began = machine_s()
    operation = changed(fitted.made.network, fitted.operation, _change(fitted, what))
    then = solve_steady(fitted.solver, operation, start=fitted.before, fixed_c=fitted.mean_c)
    now = fitted.before
    units = tuple(fitted.units)
    link = np.array([fitted.links[unit] for unit in units], np.intp)
    ahead = np.array([fitted.nodes[f"{s}.s"] for s in fitted.units.values()], np.intp)
    behind = np.array([fitted.nodes[f"{s}.r"] for s in fitted.units.values()], np.intp)
    shut = operation.shut[link] | ~(then.supplied[ahead] & then.supplied[behind])
    dp = then.pressure_kpa[ahead] - then.pressure_kpa[behind]
    sources = tuple(a.code for a in fitted.ledger.of_kind("heat_source") if a.code in fitted.links)
    plants = np.array([fitted.links[code] for code in sources], np.intp)
    return WhatIfAnswer(
        units=units,
        flow_kgs=now.flow_kgs[link],
        flow_after_kgs=then.flow_kgs[link],
        dp_kpa=now.pressure_kpa[ahead] - now.pressure_kpa[behind],
        dp_after_kpa=np.where(shut, np.nan, dp),
        supply_kpa=now.pressure_kpa[ahead],
        supply_after_kpa=np.where(then.supplied[ahead], then.pressure_kpa[ahead], np.nan),
        supply_c=now.node_c[ahead],
        supply_after_c=then.node_c[ahead],
        sources=sources,
        source_kgs=now.flow_kgs[plants],
        source_after_kgs=then.flow_kgs[plants],
        took_s=machine_s() - began,
    )


def _change(fitted: Fitted, what: WhatIf) -> Change:
    shut: list[str] = []
    for code in what.close:
        shut += _closed(fitted, code)
    opening: dict[str, float] = {}
    for code, value in what.opening.items():
        names = [code] if f"{code}.valve" in fitted.links else _of_station(fitted, code)
        for name in names:
            opening[f"{name}.valve"] = value
    speed: dict[str, float] = {}
    lift: dict[str, float] = dict(what.source_dp_kpa)
    for code, value in what.pump_speed.items():
        link = fitted.links.get(code)
        if link is not None and fitted.made.network.kind[link] == LinkKind.LIFT:
            # The head of a pump goes with the square of its speed.
            lift[code] = float(fitted.operation.lift_kpa[link]) * value**2
        else:
            speed[_pump_of(fitted, code)] = value
    for code in (*what.source_dp_kpa, *what.source_supply_c):
        if code not in fitted.links or _kind(fitted, code) != "heat_source":
            raise InputError("no heat source of the network", thing=code)
    return Change(
        shut=tuple(shut),
        # A valve without flow was taken to be shut.
        opened=tuple(name for name, value in opening.items() if value > 0.0),
        opening_pct=opening,
        speed=speed,
        lift_kpa=lift,
        outlet_c=dict(what.source_supply_c),
    )


def _kind(fitted: Fitted, code: str) -> str:
    asset = fitted.ledger.assets.get(code)
    return "" if asset is None else asset.kind


def _of_station(fitted: Fitted, code: str) -> list[str]:
    found = [unit for unit, station in fitted.units.items() if station == code]
    if not found:
        raise InputError("not part of the network, or not to be set so", thing=code)
    return found


def _closed(fitted: Fitted, code: str) -> list[str]:
    if code in fitted.made.links:
        return list(fitted.made.links[code])
    return [name for unit in _of_station(fitted, code) for name in fitted.made.links[unit]]


def _pump_of(fitted: Fitted, code: str) -> str:
    for name in (code, f"{code}.pump"):
        link = fitted.links.get(name)
        if link is not None and fitted.made.network.kind[link] == LinkKind.PUMP:
            return name
    raise InputError("no pump of the network", thing=code)
