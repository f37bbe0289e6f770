"""What a night goes by: sensors that can be believed, drift, and whether a model is itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.control.learning.daily import DayErrors, day_of, modelled_room_c
from heatloop.control.learning.drift import Drift, watch
from heatloop.control.learning.emitters import emitter_room_c
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Held
from heatloop.control.learning.sensors import Judged, judge_sensors, wander_k
from heatloop.control.learning.unit import Learnt, emitters_of, judge

DAY_S = 86400.0
_MOST_ROOMS_APART_K = 0.8
_SAME_SIGMAS, _SAME_LEAST = 3.0, 0.05
"""A model is still itself within so many sigmas, or within this share of its loss."""


def believed_sensors(history: UnitHistory, champion: Held) -> Judged:
    """Return the sensors as this history, the champion and its emitters let them appear."""
    model = champion.model
    if not champion.learned:
        return judge(history, None, model.exponent)
    first = judge(history, model, model.exponent, champion.levels_k)
    if len(first.used) >= 3 or not first.used:
        judged = first
    else:
        modelled = modelled_room_c(model, history, first.room_c)
        judged = judge(history, model, model.exponent, champion.levels_k, modelled)
    if judged.used and abs(apart_k(history, champion, judged)) > _MOST_ROOMS_APART_K:
        return replace(judged, doubt="rooms and emitters moved apart")
    return judged


def apart_k(history: UnitHistory, champion: Held, judged: Judged) -> float:
    """Return how far believed rooms moved against what the champion's emitters tell, K."""
    told = emitter_room_c(history, emitters_of(champion.model))
    return wander_k(history.times_s(), judged.room_c - told)


def drift_of(history: UnitHistory, champion: Held, errors: DayErrors) -> Drift:
    """Return the watch over the champion's daily errors."""
    # A model that follows from the design stands nowhere: it waits to be replaced anyway.
    if champion.usual is None or not champion.learned:
        return Drift(score=0.0, found=False, since_day=None)
    since = later(errors, day_of(champion.learned_until_s, history))
    return watch(since, champion.usual)


def change_s(drift: Drift, history: UnitHistory) -> float | None:
    """Return the midnight behind the day the house changed on, None if it did not."""
    if not drift.found or drift.since_day is None:
        return None
    return (drift.since_day + 1) * DAY_S - history.local_offset_s


def later(errors: DayErrors, day: int) -> DayErrors:
    """Return the days from `day` on: midnight at which learning ended begins the first of them."""
    return errors.between(day, np.inf)


def same_model(challenger: Held, again: Learnt) -> bool:
    """Return whether a model learned again lies within what both leave open."""
    apart = abs(np.log(again.model.loss_kw_k() / challenger.model.loss_kw_k()))
    sigma = float(np.hypot(challenger.loss_sigma, again.loss_sigma))
    return bool(apart < max(_SAME_SIGMAS * sigma, _SAME_LEAST))


def only_sensors(history: UnitHistory, used: list[int]) -> UnitHistory:
    """Return a history with some of its room sensors, by number."""
    names = tuple(history.sensors[k] for k in used)
    return replace(history, sensors_c=history.sensors_c[:, used], sensors=names)


def only_judged(own: Judged, part: UnitHistory, whole: Judged) -> Judged:
    """Return what sensors believed over the whole history tell of a part of it."""
    again = judge_sensors(part.times_s(), part.sensors_c, part.sensors, sun_kw_m2=part.sun_kw_m2)
    return Judged(
        room_c=again.room_c,
        used=again.used,
        rejected={**whole.rejected, **again.rejected},
        levels_k={k: v for k, v in own.levels_k.items() if k in again.used},
        doubt=again.doubt,
    )
