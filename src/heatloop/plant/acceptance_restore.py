"""Putting a unit back as it was before a test, without a bump."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial

from heatloop.plant.acceptance_script import LOOK, Outcome, Request, Script, Seen, ordered, until
from heatloop.plant.acceptance_steps import MANUAL, TrialSettings
from heatloop.plant.acceptance_target import TrialTarget, TrialUnit

_SAME = 0.051
_FRESH_S = 180.0
_VALVE = "valve_opening_setpoint"
_ORDER = ("secondary_supply_temperature_setpoint", "circulation_pump_frequency_setpoint")


def restore(
    target: TrialTarget,
    settings: TrialSettings,
    originals: Mapping[str, float],
    problems: list[tuple[str, str]],
) -> Script:
    """Put every unit back: set-points, then the valve where it stood, then the mode.

    Args:
        target: What was tested.
        settings: How long orders may take.
        originals: What points showed before, by code; points that were not touched may be there.
        problems: Gets what could not be put back, in Chinese and English.
    """
    seen = yield LOOK
    for unit in target.units:
        if unit.at["station_mode"] in originals:
            # After a restart, or a fault that cut the line, nothing can be put back blindly.
            seen, _ = yield from until(seen, partial(_heard, unit), settings.recover_s)
            seen = yield from _unit(seen, unit, settings, originals, problems)
    return Outcome(passed=not problems, zh="已恢复", en="put back")


def _heard(unit: TrialUnit, now: Seen) -> bool:
    return now.number(unit.at["station_mode"], now.now_s - _FRESH_S) is not None


def _unit(
    seen: Seen,
    unit: TrialUnit,
    settings: TrialSettings,
    originals: Mapping[str, float],
    problems: list[tuple[str, str]],
) -> Generator[Request, Seen, Seen]:
    mode = unit.at["station_mode"]
    for kind in _ORDER:
        seen = yield from _put(seen, unit.at.get(kind, ""), settings, originals, problems)
    if seen.number(mode) == MANUAL:
        # Regulation starts from where the valve stands, so it must stand where it stood.
        stood = originals.get(unit.at.get("valve_opening", ""))
        asked = originals.get(unit.at.get(_VALVE, ""))
        goal = asked if originals[mode] == MANUAL else stood
        if goal is not None:
            wanted = {unit.at[_VALVE]: round(goal, 1)}
            seen = yield from _put(seen, unit.at[_VALVE], settings, wanted, problems)
            feedback = unit.at["valve_opening"]
            seen, _ = yield from until(
                seen,
                lambda now: abs((now.number(feedback) or 0.0) - goal) <= settings.feedback_pct,
                unit.stroke_s + settings.extra_s,
            )
    return (yield from _put(seen, mode, settings, originals, problems))


def _put(
    seen: Seen,
    point: str,
    settings: TrialSettings,
    wanted: Mapping[str, float],
    problems: list[tuple[str, str]],
) -> Generator[Request, Seen, Seen]:
    if point not in wanted:
        return seen
    shown = seen.number(point)
    if shown is not None and abs(shown - wanted[point]) <= _SAME:
        return seen
    seen, why = yield from ordered(seen, point, wanted[point], settings.order_s)
    if why is not None:
        problems.append(why)
    return seen
