"""One night of a unit's learning: watch the champion, run the challenger beside it, decide.

A challenger is learned, then foretells days it has not seen beside the champion. It becomes
champion only if it wins significantly and nothing casts doubt on the sensors; the former champion
goes on foretelling, and comes back if it would have been better.
"""

from __future__ import annotations

import numpy as np

from heatloop.control.learning.daily import daily_errors, day_of
from heatloop.control.learning.drift import Usual, usual_after
from heatloop.control.learning.evidence import (
    DAY_S,
    apart_k,
    believed_sensors,
    change_s,
    drift_of,
    later,
    only_judged,
    only_sensors,
    same_model,
)
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Action, Held, Night, Reason, Standing
from heatloop.control.learning.trial import LEAST_GAIN_PCT, Verdict, compare
from heatloop.control.learning.unit import Learnt, identify_unit, judge
from heatloop.kernel.errors import InputError
from heatloop.station.curve import CurveDesign

LEARN_DAYS = 28
SHADOW_DAYS, SHADOW_DAYS_DRIFT = 7, 5
LEAST_LEARN_DAYS = 3
RETRY_DAYS = 7
WATCH_DAYS = 21
"""How long a former champion goes on foretelling."""
_PLAUSIBLE = 1.8
"""A loss this many times larger or smaller than before is not believed by a machine."""
_CLEAR_GAIN_PCT = 15.0
_CLEAR_DAYS, _CLEAR_P, _CLEAR_DRIFT_PCT = 3, 0.005, 50.0
"""After a drift three days will do if the errors are halved beyond doubt."""
_SAME_CHANGE_S = 2.0 * DAY_S
"""The day of a change is not known more closely."""
_FEW_SENSORS, _FEW_GAIN_PCT = 3, 20.0
"""Fewer sensors cannot vouch for each other: a mere renewal must then gain this much."""
_FEW_APART_K = 0.4
"""And those few must stand by what the emitters tell this closely."""


def learn_night(
    history: UnitHistory,
    standing: Standing,
    *,
    design: CurveDesign,
    design_heat_kw: float | None = None,
    area_m2: float | None = None,
) -> Night:
    """Return what a night decides for a unit; nothing is changed.

    Args:
        history: Some weeks of the unit, up to last midnight.
        standing: Who takes part.
        design: Design state of its curve.
        design_heat_kw: Design load of the books.
        area_m2: Heated floor of the books.
    """
    return _Night(history, standing, design, design_heat_kw, area_m2).decide()


class _Night:
    """One night's work; every step returns its decision, or None to go on."""

    def __init__(
        self,
        history: UnitHistory,
        standing: Standing,
        design: CurveDesign,
        design_heat_kw: float | None,
        area_m2: float | None,
    ) -> None:
        self.history, self.standing = history, standing
        self.design, self.design_heat_kw, self.area_m2 = design, design_heat_kw, area_m2
        self.champion = standing.champion
        self.end_s = history.start_s + history.step_s * len(history)
        self.judged = believed_sensors(history, self.champion)
        self.errors = daily_errors(self.champion.model, history, self.judged.room_c)
        self.drift = drift_of(history, self.champion, self.errors)
        self.changed_s = change_s(self.drift, history)

    def decide(self) -> Night:
        steps = (self._former, self._sensors, self._shadow, self._challenge)
        return next(night for step in steps if (night := step()) is not None)

    def _told(
        self,
        action: Action,
        reason: Reason,
        verdict: Verdict | None = None,
        learnt: Learnt | None = None,
        usual: Usual | None = None,
    ) -> Night:
        return Night(
            action=action,
            reason=reason,
            judged=self.judged,
            errors=self.errors,
            drift=self.drift,
            verdict=verdict,
            learnt=learnt,
            usual=usual,
        )

    def _former(self) -> Night | None:
        """Bring the former champion back if it would have been better."""
        former = self.standing.former
        if former is None or self.judged.doubt:
            return None
        # What follows from the design alone may fit a changed house by chance, but teaches nothing.
        if self.drift.found and not former.learned:
            return None
        since = later(self.errors, day_of(self.champion.since_s, self.history))
        before = daily_errors(former.model, self.history, self.judged.room_c)
        verdict = compare(since, before)
        # When the house itself changed both are out of date, and a small gain means nothing.
        if verdict.better and (not self.drift.found or verdict.gain_pct > _CLEAR_GAIN_PCT):
            return self._told(Action.ROLL_BACK, Reason.FORMER_BETTER, verdict)
        return None

    def _sensors(self) -> Night | None:
        """Stop where sensors cannot be believed, and learn a challenger that did again without."""
        challenger = self.standing.challenger
        if challenger is not None and set(challenger.sensors) & set(self.judged.rejected):
            again = None
            if not self.judged.doubt:
                # By the same days, so that what it has foretold since is still news to it.
                same = self.history.part(challenger.begin_s, challenger.learned_until_s)
                again = self._learn(same)
            if again is None or not np.isfinite(again.rmse_k):
                return self._told(Action.REJECT, Reason.SENSORS)
            return self._told(Action.CHALLENGE, Reason.SENSORS, None, again)
        return self._told(Action.NONE, Reason.SENSORS) if self.judged.doubt else None

    def _shadow(self) -> Night | None:
        """Judge the challenger by the days it has foretold."""
        challenger = self.standing.challenger
        if challenger is None:
            return None
        history, judged = self.history, self.judged
        if self._straddles(challenger):
            return self._told(Action.REJECT, Reason.DRIFT)
        beside = daily_errors(challenger.model, history, judged.room_c)
        shadow = later(beside, day_of(challenger.learned_until_s, history))
        wanted = SHADOW_DAYS_DRIFT if self.drift.found else SHADOW_DAYS
        alone = len(judged.used) < _FEW_SENSORS and self.champion.learned and not self.drift.found
        verdict = compare(
            self.errors,
            shadow,
            least_days=wanted,
            least_gain_pct=_FEW_GAIN_PCT if alone else LEAST_GAIN_PCT,
        )
        if not verdict.better and self.drift.found and len(judged.used) >= _FEW_SENSORS:
            clear = compare(
                self.errors,
                shadow,
                least_days=_CLEAR_DAYS,
                significance=_CLEAR_P,
                least_gain_pct=_CLEAR_DRIFT_PCT,
            )
            if clear.better:
                verdict, wanted = clear, _CLEAR_DAYS
        if verdict.days < wanted:
            return self._told(Action.NONE, Reason.SHADOW, verdict)
        if not verdict.better:
            return self._told(Action.REJECT, Reason.NOT_BETTER, verdict)
        # Where nothing was learned before, the challenger's own emitters are all there is.
        believed = self.champion if self.champion.learned else challenger
        few = len(judged.used) < _FEW_SENSORS
        if few and abs(apart_k(history, believed, judged)) > _FEW_APART_K:
            return self._told(Action.REJECT, Reason.SENSORS, verdict)
        # What has won is learned once more with the days it won on, and must stay itself.
        begin_s = max(challenger.begin_s, self.end_s - LEARN_DAYS * DAY_S)
        again = self._learn(history.part(begin_s, self.end_s))
        if again is None or not same_model(challenger, again):
            return self._told(Action.REJECT, Reason.UNSTABLE, verdict)
        inside = daily_errors(again.model, history, judged.room_c)
        usual = usual_after(later(inside, day_of(begin_s, history)), shadow)
        return self._told(Action.PROMOTE, Reason.WON, verdict, again, usual)

    def _straddles(self, challenger: Held) -> bool:
        """Return whether a challenger has learned from days on both sides of a change."""
        if self.changed_s is None:
            return False
        early = challenger.begin_s < self.changed_s - _SAME_CHANGE_S
        return early or challenger.learned_until_s <= self.changed_s + DAY_S

    def _challenge(self) -> Night:
        """Learn a challenger if it is time for one."""
        history, champion, end_s = self.history, self.champion, self.end_s
        tried_s = self.standing.tried_s
        if not champion.learned:
            if tried_s > end_s - RETRY_DAYS * DAY_S:
                return self._told(Action.NONE, Reason.STEADY)
            # An imported past holds days enough to be judged at once; a young one waits for them.
            long = history.days() >= SHADOW_DAYS + 2 * LEAST_LEARN_DAYS
            until_s = end_s - SHADOW_DAYS * DAY_S if long else end_s
            reason, begin_s = Reason.FIRST, history.start_s
        elif self.changed_s is not None:
            reason, until_s, begin_s = Reason.DRIFT, end_s, max(self.changed_s, history.start_s)
        elif end_s - max(champion.learned_until_s, tried_s) >= RETRY_DAYS * DAY_S:
            # Days before the champion's own first may belong to the house before a change.
            reason, until_s, begin_s = Reason.RENEWAL, end_s, champion.begin_s
        else:
            return self._told(Action.NONE, Reason.STEADY)
        learnt = self._learn(history.part(max(begin_s, until_s - LEARN_DAYS * DAY_S), until_s))
        if learnt is None or not np.isfinite(learnt.rmse_k):
            return self._told(Action.NONE, Reason.FEW_DATA)
        factor = learnt.model.loss_kw_k() / champion.model.loss_kw_k()
        if champion.learned and not 1.0 / _PLAUSIBLE < factor < _PLAUSIBLE:
            return self._told(Action.NONE, Reason.IMPLAUSIBLE, None, learnt)
        return self._told(Action.CHALLENGE, reason, None, learnt)

    def _learn(self, part: UnitHistory) -> Learnt | None:
        """Return what a part of the history teaches, by the sensors believed over all of it."""
        if part.days() < LEAST_LEARN_DAYS:
            return None
        champion, judged = self.champion, self.judged
        parent = champion.model if champion.learned else None
        own = judge(part, parent, champion.model.exponent, champion.levels_k)
        kept = only_sensors(part, [k for k, name in enumerate(part.sensors) if name in judged.used])
        try:
            return identify_unit(
                kept,
                design=self.design,
                design_heat_kw=self.design_heat_kw,
                area_m2=self.area_m2,
                parent=parent,
                judged=only_judged(own, kept, judged),
            )
        except InputError:
            return None
