"""From what was found of all units to the level of each: shifts common to a kind, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import reduce
from operator import add

from heatloop.control.room_levels import (
    LEAST_COLLECTORS,
    NOTHING,
    Account,
    Shifts,
    choose_shifts,
)
from heatloop.control.room_look import LEAST_DAYS, LEAST_KEPT, UnitLook
from heatloop.store.historian.port import DAY_S
from heatloop.store.records.room_levels import LevelPoint, NewLevel

LEARNT, UNSHIFTED, RENEWED = "learnt", "few_collectors", "renewed"
BASIS_S = 90.0 * DAY_S
"""How old what a level was learnt from may grow while a unit has no new days on its curve."""


def found_of(
    looks: Mapping[str, UnitLook],
    without: Mapping[str, str],
    *,
    floor: AbstractSet[str],
    former: Mapping[str, NewLevel],
    at: float,
    window_s: tuple[float, float],
) -> list[NewLevel]:
    """Return what a night found of every unit, by unit code.

    Args:
        looks: What each unit's past shows.
        without: Why nothing can be said of other units.
        floor: Which units heat by floors.
        former: What the last night found.
        at: Plant time of the night.
        window_s: Begin and end of what was looked at.
    """
    states = {code: _state(look) for code, look in looks.items()}
    shifts = _shifts({c: k for c, k in looks.items() if states[c] == LEARNT}, floor)
    found = [
        _level(code, why, UnitLook(days=0, collectors=0, stretches=()), at, window_s)
        for code, why in without.items()
    ]
    for code, look in looks.items():
        state, kept = states[code], former.get(code)
        if (
            state == "few_days"
            and kept is not None
            and kept.points
            and at - kept.until_s <= BASIS_S
        ):
            # Nothing newer to learn from: what was learnt before goes on.
            found.append(
                NewLevel(
                    unit=code,
                    at=at,
                    state=RENEWED,
                    begin_s=kept.begin_s,
                    until_s=kept.until_s,
                    days=kept.days,
                    collectors=kept.collectors,
                    off_k=kept.off_k,
                    points=kept.points,
                )
            )
            continue
        kind = shifts.get(code in floor) if state == LEARNT else None
        found.append(_level(code, state, look, at, window_s, kind))
    return sorted(found, key=lambda each: each.unit)


def _state(look: UnitLook) -> str:
    if look.collectors < LEAST_KEPT:
        return "no_collectors"
    if look.days < LEAST_DAYS or not any(look.stretches):
        return "few_days"
    known = [each.account.collectors for each in look.stretches if each is not None]
    return LEARNT if min(known) >= LEAST_COLLECTORS else UNSHIFTED


def _shifts(
    looks: Mapping[str, UnitLook], floor: AbstractSet[str]
) -> dict[bool, tuple[tuple[float, ...], float]]:
    """Return (shift by stretch, what collectors are off) by whether units heat by floors."""
    kinds = sorted({code in floor for code in looks})
    if not kinds:
        return {}
    n = max(len(look.stretches) for look in looks.values())
    accounts = [
        [_together([k for c, k in looks.items() if (c in floor) == kind], at) for at in range(n)]
        for kind in kinds
    ]
    chosen: Shifts = choose_shifts(accounts)
    return {
        kind: (tuple(row.tolist()), float(off))
        for kind, row, off in zip(kinds, chosen.shift_k, chosen.off_k, strict=True)
    }


def _together(looks: list[UnitLook], at: int) -> Account:
    accounts = [
        one.account for look in looks for one in look.stretches[at : at + 1] if one is not None
    ]
    return reduce(add, accounts, NOTHING)


def _level(
    code: str,
    state: str,
    look: UnitLook,
    at: float,
    window_s: tuple[float, float],
    kind: tuple[tuple[float, ...], float] | None = None,
) -> NewLevel:
    points: list[LevelPoint] = []
    if state in (LEARNT, UNSHIFTED):
        for number, each in enumerate(look.stretches):
            if each is None:
                continue
            shift = 0.0 if kind is None else kind[0][number]
            before, after = each.account.cold_shares(shift)
            points.append(
                LevelPoint(
                    outdoor_c=round(each.outdoor_c, 2),
                    before_c=round(each.before_c, 3),
                    shift_k=shift,
                    cold_before_pct=None if kind is None else round(100.0 * before, 2),
                    cold_expected_pct=None if kind is None else round(100.0 * after, 2),
                )
            )
    return NewLevel(
        unit=code,
        at=at,
        state=state,
        begin_s=window_s[0],
        until_s=window_s[1],
        days=look.days,
        collectors=look.collectors,
        off_k=0.0 if kind is None else kind[1],
        points=tuple(points),
    )
