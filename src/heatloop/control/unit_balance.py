"""Secondary balance of one unit's buildings, from hourly means of what their inlets show.

Only hours count in which the unit heated and all valves stood as they stand now. Where flows are
measured they decide, else return temperatures; a building whose valve nobody reads is told how
far it is from its share, without a proposed opening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.control.balance import balance_by_flow, balance_by_return
from heatloop.network.arrays import Floats

FINE, OPEN_MORE, THROTTLE = "fine", "open_more", "throttle"
AT_STOP, UNKNOWN = "at_stop", "unknown"
NO_BUILDINGS, FEW_KNOWN = "no_buildings", "few_known"
NOT_HEATING, VALVES_MOVED = "not_heating", "valves_moved"
Flags = NDArray[np.bool_]
LEAST_HOURS = 3
"""Hours a reading must cover."""
_LEAST_DROP_K = 1.0
_LEAST_FLOW_M3H = 0.05
_MOVED_PCT = 3.0
_FINE_SHARE = 0.05
_WORTH_PCT = 1.0
"""A valve is not visited for less."""
_OPEN_PCT = 98.0
"""Valves that show this stand fully open."""
_NO_VALVE_PCT = 60.0
"""Stands in for an opening nobody reads; what is proposed from it is not told."""
_USUAL_ROOM_C = 20.0
_ROOM_RANGE_C = (5.0, 35.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InletHours:
    """What is known of a unit's buildings by hours, oldest first; nan where nothing good is."""

    unit_supply_c: Floats
    """Supply temperature of the unit, shape (n_hour,)."""
    unit_return_c: Floats
    """Its return temperature, shape (n_hour,)."""
    unit_flow_m3h: Floats
    """Its circulation, shape (n_hour,)."""
    supply_c: Floats
    """Supply temperature at each inlet, shape (n_hour, n_building)."""
    return_c: Floats
    """Return temperature at each inlet, same shape."""
    flow_m3h: Floats
    """Flow of each inlet, same shape."""
    opening_pct: Floats
    """Opening of each inlet's valve, same shape."""
    room_c: Floats
    """Mean of the rooms measured in each, same shape."""
    share: Floats
    """Area, or area by heat index, of each, above 0, shape (n_building,)."""
    exponent: float = 0.3
    """B of the emitters: 0.3 radiators, 0.05 floors."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UnitBalance:
    """How a unit's buildings share its water; arrays of shape (n_building,), nan: not known."""

    reason: str
    """Why there is none: `no_buildings`, `few_known`, `not_heating`, `valves_moved`; or empty."""
    method: str
    """`flow` or `return`; empty: nothing is proposed."""
    hours: int
    """Hours that counted."""
    spread: float
    """Standard deviation of the factor's logarithm; nan: nothing is proposed."""
    opening_pct: Floats
    """Present openings."""
    supply_c: Floats
    """Mean supply temperatures."""
    return_c: Floats
    """Mean return temperatures."""
    flow_m3h: Floats
    """Mean flows."""
    room_c: Floats
    """Mean rooms."""
    factor: Floats
    """Flow each should have over what it has."""
    proposed_pct: Floats
    """Proposed openings; the present one where it is fine, nan where no valve is read."""
    states: tuple[str, ...]
    """`fine`, `open_more`, `throttle`, `at_stop` (fully open and short) or `unknown`."""


def balance_unit(hours: InletHours) -> UnitBalance:
    """Return the proposal for a unit, or why there is none.

    Args:
        hours: What is known of it.

    Raises:
        InputError: A share is not above 0.

    Reference: Petitjean, Total Hydronic Balancing, 3rd ed., ch. 3 and 4; EN 14336:2004 annex B.
    """
    count = len(hours.share)
    if not count:
        return _refused(hours, NO_BUILDINGS, np.zeros(len(hours.unit_supply_c), bool))
    heating = _heating(hours)
    if heating is None:
        return _refused(hours, FEW_KNOWN, np.zeros(len(hours.unit_supply_c), bool))
    if not heating[np.flatnonzero(np.isfinite(_drop_k(hours)))[-1]] or heating.sum() < LEAST_HOURS:
        return _refused(hours, NOT_HEATING, heating)
    still = heating & _standing(hours.opening_pct)
    if still.sum() < LEAST_HOURS:
        return _refused(hours, VALVES_MOVED, still)
    return _proposed(hours, still)


def _drop_k(hours: InletHours) -> Floats:
    """Return supply less return of the unit, else of its middle building, shape (n_hour,)."""
    own = hours.unit_supply_c - hours.unit_return_c
    return np.asarray(
        np.where(np.isfinite(own), own, _lower_middle(hours.supply_c - hours.return_c))
    )


def _heating(hours: InletHours) -> Flags | None:
    """Return the hours in which the unit heated, None where no hour tells."""
    drop = _drop_k(hours)
    if not np.isfinite(drop).any():
        return None
    turning = ~(hours.unit_flow_m3h < _LEAST_FLOW_M3H)
    return np.asarray(np.nan_to_num(drop) > _LEAST_DROP_K) & turning


def _last(values: Floats) -> Floats:
    """Return the last finite value of each column, shape (n_building,)."""
    found = np.full(values.shape[1], np.nan)
    for row in values:
        found = np.where(np.isfinite(row), row, found)
    return found


def _standing(opening_pct: Floats) -> Flags:
    """Return the hours since which no valve of the unit was moved: what one gets is every one's."""
    elsewhere = np.abs(opening_pct - _last(opening_pct)) > _MOVED_PCT
    moved = np.flatnonzero(elsewhere.any(axis=1))
    first = int(moved[-1]) + 1 if len(moved) else 0
    return np.arange(len(opening_pct)) >= first


def _lower_middle(values: Floats) -> Floats:
    """Return the (lower) middle of the known values of each row, nan where there is none."""
    count = np.isfinite(values).sum(axis=1)
    ordered = np.sort(values, axis=1)  # What is not known comes last.
    middle = ordered[np.arange(len(values)), np.maximum(count - 1, 0) // 2]
    return np.asarray(np.where(count > 0, middle, np.nan))


def _mean(values: Floats, least: int = LEAST_HOURS) -> Floats:
    """Return the mean of each column that has enough hours, shape (n_building,)."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count >= least, total / np.maximum(count, 1), np.nan)


def _means(hours: InletHours, of: Flags) -> dict[str, Floats]:
    """Return the means of some hours; supply and return over the same ones."""
    supply = np.where(np.isfinite(hours.supply_c), hours.supply_c, hours.unit_supply_c[:, None])
    both = np.isfinite(supply) & np.isfinite(hours.return_c) & of[:, None]
    return {
        "opening_pct": _last(hours.opening_pct),
        "supply_c": _mean(np.where(both, supply, np.nan)),
        "return_c": _mean(np.where(both, hours.return_c, np.nan)),
        "flow_m3h": _mean(np.where(of[:, None], hours.flow_m3h, np.nan)),
        "room_c": _mean(np.where(of[:, None], hours.room_c, np.nan)),
    }


def _refused(hours: InletHours, reason: str, of: Flags) -> UnitBalance:
    count = len(hours.share)
    nothing = np.full(count, np.nan)
    return UnitBalance(
        reason=reason,
        method="",
        hours=int(of.sum()),
        spread=float("nan"),
        factor=nothing,
        proposed_pct=nothing,
        states=(UNKNOWN,) * count,
        **_means(hours, of),
    )


def _proposed(hours: InletHours, of: Flags) -> UnitBalance:
    means = _means(hours, of)
    opening, flow = means["opening_pct"], means["flow_m3h"]
    room = means["room_c"]
    good = (room > _ROOM_RANGE_C[0]) & (room < _ROOM_RANGE_C[1])
    elsewhere = float(np.mean(room[good])) if good.any() else _USUAL_ROOM_C
    # Water cooled below its own rooms, or not at all, says nothing of emitters.
    standing = np.where(opening >= _OPEN_PCT, 100.0, opening)
    usable = np.where(np.isfinite(opening), standing, _NO_VALVE_PCT)
    by_flow = np.isfinite(flow) & (flow > 0.0)
    by_return = np.isfinite(means["supply_c"]) & np.isfinite(means["return_c"])
    if by_flow.sum() >= max(2, int(by_return.sum())):
        method = "flow"
        wanted = hours.share / hours.share.sum() * float(flow[by_flow].sum())
        step = balance_by_flow(usable, flow_kgs=flow, wanted_kgs=wanted, raise_all=False)
    else:
        method = "return"
        step = balance_by_return(
            usable,
            supply_c=means["supply_c"],
            return_c=means["return_c"],
            room_c=np.where(good, room, elsewhere),
            share=hours.share,
            exponent=hours.exponent,
            raise_all=False,
        )
    if np.isfinite(step.factor).sum() < 2:
        return _refused(hours, FEW_KNOWN, of)
    proposed = np.where(np.isfinite(opening), step.opening_pct, np.nan)
    states = tuple(
        AT_STOP if at in step.at_stop else _state(standing[at], proposed[at], step.factor[at])
        for at in range(len(opening))
    )
    fine = np.array([state in (FINE, AT_STOP) for state in states])
    proposed = np.where(fine, opening, proposed)
    return UnitBalance(
        reason="",
        method=method,
        hours=int(of.sum()),
        spread=step.spread,
        factor=step.factor,
        proposed_pct=np.where(np.isfinite(step.factor), proposed, np.nan),
        states=states,
        **means,
    )


def _state(opening: float, proposed: float, factor: float) -> str:
    if not np.isfinite(factor):
        return UNKNOWN
    if np.isfinite(opening):
        move = proposed - opening
        return FINE if abs(move) < _WORTH_PCT else OPEN_MORE if move > 0.0 else THROTTLE
    if abs(factor - 1.0) <= _FINE_SHARE:
        return FINE
    return OPEN_MORE if factor > 1.0 else THROTTLE
