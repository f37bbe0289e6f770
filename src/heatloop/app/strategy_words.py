"""Why a strategy is what it is, in words the screens translate, and whether it is news."""

from __future__ import annotations

import numpy as np

from heatloop.app.strategy_inputs import Ahead
from heatloop.app.strategy_worker import UnitWork
from heatloop.control.mpc_task import MpcPlan
from heatloop.store.records.strategy import NewStrategy

_NEWS_K, _LEFT_S = 1.0, 1800.0
_SUN_KW_M2, _OUTDOOR_K, _ROOM_K = 0.15, 3.0, 0.5


def reason_of(work: UnitWork, plan: MpcPlan, ahead: Ahead) -> str:
    """Return the chief reason of a plan."""
    if plan.fallback:
        return "weather_curve"
    if "plant_cap" in plan.relaxed:
        return "plant_cap"
    off = work.state.room_c - float(np.mean(work.task.target_c))
    if abs(off) >= _ROOM_K:
        return "rooms_warm" if off > 0 else "rooms_cold"
    soon, later = ahead.outdoor_c[:8].mean(), ahead.outdoor_c[24:48].mean()
    if float(ahead.sun_kw_m2[:32].mean()) >= _SUN_KW_M2:
        return "sun_ahead"
    if abs(later - soon) >= _OUTDOOR_K:
        return "mild_ahead" if later > soon else "cold_ahead"
    return "keeps_target"


def same(kept: NewStrategy, made: NewStrategy) -> bool:
    """Return whether a strategy says what the kept one says for the same time."""
    if kept.valid_until - made.made_at < _LEFT_S:
        return False
    if (kept.state, kept.fallback, kept.relaxed, kept.model, kept.regulation) != (
        made.state,
        made.fallback,
        made.relaxed,
        made.model,
        made.regulation,
    ):
        return False
    gone = int((made.start_s - kept.start_s) // kept.step_s)
    for name, most in (("supply_c", _NEWS_K), ("pump_hz", _NEWS_K)):
        then, now = kept.values.get(name, [])[gone : gone + 4], made.values.get(name, [])[:4]
        if len(then) < len(now) or any(abs(a - b) > most for a, b in zip(then, now, strict=False)):
            return False
    return True
