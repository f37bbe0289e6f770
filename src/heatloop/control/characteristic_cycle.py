"""One night of a unit's curve, valve or exchanger: champion and challenger as for its building.

A challenger foretells days it has not seen beside the champion and takes its place only when it
wins significantly, stays plausible, and no meter is in doubt; the former one comes back if it
would have been better (`control.learning.cycle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from heatloop.control.characteristic_error import Kind, balance, day_errors, frozen
from heatloop.control.learning.characteristics import learn_curve, learn_exchanger, learn_valve
from heatloop.control.learning.cycle import LEARN_DAYS, RETRY_DAYS, SHADOW_DAYS, WATCH_DAYS
from heatloop.control.learning.daily import DayErrors, day_of
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Action, Reason
from heatloop.control.learning.registry import Stage, StageChange
from heatloop.control.learning.trial import Verdict, compare
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.errors import InputError

_DAY_S = 86400.0
LARGEST_ERROR = {Kind.CURVE: 3.0, Kind.VALVE: 15.0, Kind.EXCHANGER: 15.0}
"""The first version is taken if its days off are no worse, in the unit of its kind."""
_CHIEF = {Kind.VALVE: "kvs_m3h", Kind.EXCHANGER: "ua_kw_k"}
_PLAUSIBLE = 1.8
"""A chief figure this many times larger or smaller than before is not believed by a machine."""
_METERS_APART = 0.05
"""Two heat meters that moved apart by this share cast doubt on one of them."""
_LEAST_DAYS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version that takes part."""

    number: int
    """Its number."""
    figures: Mapping[str, Any]
    """Plain figures, as `learning.characteristics` names them."""
    begin_s: float
    """First moment it learned from."""
    learned_until_s: float
    """It has learned from nothing later."""
    since_s: float
    """Since when it is what it is."""
    balance: float | None = None
    """Primary over secondary heat while it learned; None: unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """Who takes part for one kind of a unit."""

    champion: Version | None = None
    """In force; None: none is good enough yet."""
    challenger: Version | None = None
    """Foretelling beside it."""
    former: Version | None = None
    """The champion before, while it is watched."""
    tried_s: float = 0.0
    """When something was learned last."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Decided:
    """What a night decided for one kind."""

    contest: Contest
    """Who takes part now."""
    action: Action
    """What was done."""
    reason: Reason
    """Why."""
    made: Version | None = None
    """A version that was made."""
    changes: tuple[StageChange, ...] = ()
    """Versions that became something else."""
    verdict: Verdict | None = None
    """Of a comparison."""
    doubt: str = ""
    """What is doubted."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Basis:
    """What a night of one kind works from."""

    kind: Kind
    """What is learned."""
    history: UnitHistory
    """Some weeks of the unit, up to last midnight, believed sensors only."""
    model: UnitModel | None
    """Its learned building model; None: the curve cannot be learned."""
    model_until_s: float
    """Until when that learned."""
    target_c: float
    """Room temperature the curve keeps."""
    outdoor_c: float
    """Outdoor temperature of the design day."""

    @property
    def end_s(self) -> float:
        """Return the midnight it ends at."""
        return self.history.start_s + self.history.step_s * len(self.history)

    def learn(self, until_s: float, number: int) -> Version | None:
        """Return what the weeks up to a time teach, None if too little."""
        begin_s = max(self.history.start_s, until_s - LEARN_DAYS * _DAY_S)
        part = self.history.part(begin_s, until_s)
        figures: dict[str, Any] | None = None
        if self.kind is Kind.CURVE:
            if self.model is None:
                return None
            try:
                learned = learn_curve(self.model, self.target_c, self.outdoor_c)
            except InputError:
                return None
            figures, until_s = asdict(learned) | {"target_c": self.target_c}, self.model_until_s
        else:
            found = learn_valve(part) if self.kind is Kind.VALVE else learn_exchanger(part)
            figures = None if found is None else asdict(found)
        if figures is None:
            return None
        level = balance(part)
        return Version(
            number=number,
            figures=figures,
            begin_s=begin_s,
            learned_until_s=until_s,
            since_s=self.end_s,
            balance=level if np.isfinite(level) else None,
        )

    def errors(self, version: Version) -> DayErrors:
        """Return a version's errors on days it has not learned from."""
        whole = day_errors(self.kind, version.figures, self.history)
        return whole.between(day_of(version.learned_until_s, self.history), np.inf)


def decide(basis: Basis, contest: Contest, next_number: int) -> Decided:
    """Return what a night decides for one kind of a unit.

    Args:
        basis: What it works from.
        contest: Who takes part.
        next_number: Number of the next version.
    """
    doubt = _doubt(basis, contest)
    if doubt:
        return _doubted(contest, doubt)
    champion = contest.champion
    if champion is None:
        return _first(basis, contest, next_number)
    back = _former(basis, contest)
    if back is not None:
        return back
    if contest.former is not None and basis.end_s - champion.since_s > WATCH_DAYS * _DAY_S:
        contest = replace(contest, former=None)
    if contest.challenger is not None:
        return _shadow(basis, contest, champion, contest.challenger)
    if basis.end_s - max(champion.learned_until_s, contest.tried_s) < RETRY_DAYS * _DAY_S:
        return Decided(contest=contest, action=Action.NONE, reason=Reason.STEADY)
    return _challenge(basis, contest, champion, next_number)


def roll_back(contest: Contest, at_s: float) -> tuple[Contest, tuple[StageChange, ...]]:
    """Return the contest with the former champion back in force.

    Raises:
        InputError: There is no former champion.
    """
    if contest.former is None or contest.champion is None:
        raise InputError("there is no former model to go back to", thing="model")
    changes = [
        StageChange(number=contest.champion.number, stage=Stage.ROLLED_BACK),
        StageChange(number=contest.former.number, stage=Stage.CHAMPION),
    ]
    if contest.challenger is not None:
        changes.append(StageChange(number=contest.challenger.number, stage=Stage.REJECTED))
    back = replace(contest.former, since_s=at_s)
    return Contest(champion=back, tried_s=at_s), tuple(changes)


def _doubt(basis: Basis, contest: Contest) -> str:
    """Return which meter is in doubt, empty without one."""
    still = frozen(basis.kind, basis.history)
    if still:
        return f"{still} stands still"
    champion = contest.champion
    if basis.kind is Kind.CURVE or champion is None or champion.balance is None:
        return ""
    week = basis.history.part(basis.end_s - SHADOW_DAYS * _DAY_S, basis.end_s)
    now = balance(week)
    if np.isfinite(now) and abs(now / champion.balance - 1.0) > _METERS_APART:
        return "primary and secondary heat moved apart"
    return ""


def _doubted(contest: Contest, doubt: str) -> Decided:
    if contest.challenger is None:
        return Decided(contest=contest, action=Action.NONE, reason=Reason.SENSORS, doubt=doubt)
    gone = StageChange(number=contest.challenger.number, stage=Stage.REJECTED)
    return Decided(
        contest=replace(contest, challenger=None),
        action=Action.REJECT,
        reason=Reason.SENSORS,
        changes=(gone,),
        doubt=doubt,
    )


def _first(basis: Basis, contest: Contest, number: int) -> Decided:
    """Take the first version that is good enough on days it has not seen."""
    nothing = Decided(contest=contest, action=Action.NONE, reason=Reason.FEW_DATA)
    version = basis.learn(basis.end_s - SHADOW_DAYS * _DAY_S, number)
    if version is None:
        return nothing
    errors = basis.errors(version)
    if len(errors.day) < _LEAST_DAYS:
        return nothing
    if float(np.median(errors.mae_k)) > LARGEST_ERROR[basis.kind]:
        return replace(nothing, reason=Reason.NOT_BETTER)
    return Decided(
        contest=Contest(champion=version, tried_s=basis.end_s),
        action=Action.PROMOTE,
        reason=Reason.FIRST,
        made=version,
    )


def _former(basis: Basis, contest: Contest) -> Decided | None:
    """Bring the former champion back if it would have been better."""
    if contest.former is None or contest.champion is None:
        return None
    since = basis.errors(contest.champion).between(
        day_of(contest.champion.since_s, basis.history), np.inf
    )
    verdict = compare(since, basis.errors(contest.former))
    if not verdict.better:
        return None
    after, changes = roll_back(contest, basis.end_s)
    return Decided(
        contest=after,
        action=Action.ROLL_BACK,
        reason=Reason.FORMER_BETTER,
        changes=changes,
        verdict=verdict,
    )


def _shadow(basis: Basis, contest: Contest, champion: Version, challenger: Version) -> Decided:
    """Judge the challenger by the days it has foretold."""
    verdict = compare(basis.errors(champion), basis.errors(challenger), least_days=SHADOW_DAYS)
    if verdict.days < SHADOW_DAYS:
        return Decided(contest=contest, action=Action.NONE, reason=Reason.SHADOW, verdict=verdict)
    if not verdict.better:
        gone = StageChange(number=challenger.number, stage=Stage.REJECTED)
        return Decided(
            contest=replace(contest, challenger=None),
            action=Action.REJECT,
            reason=Reason.NOT_BETTER,
            changes=(gone,),
            verdict=verdict,
        )
    changes = [StageChange(number=challenger.number, stage=Stage.CHAMPION)]
    changes.append(StageChange(number=champion.number, stage=Stage.FORMER))
    after = Contest(
        champion=replace(challenger, since_s=basis.end_s),
        former=replace(champion, since_s=basis.end_s),
        tried_s=contest.tried_s,
    )
    return Decided(
        contest=after,
        action=Action.PROMOTE,
        reason=Reason.WON,
        changes=tuple(changes),
        verdict=verdict,
    )


def _challenge(basis: Basis, contest: Contest, champion: Version, number: int) -> Decided:
    """Learn a challenger."""
    version = basis.learn(basis.end_s, number)
    contest = replace(contest, tried_s=basis.end_s)
    if version is None or dict(version.figures) == dict(champion.figures):
        return Decided(contest=contest, action=Action.NONE, reason=Reason.FEW_DATA)
    chief = _CHIEF.get(basis.kind)
    if chief is not None:
        factor = version.figures[chief] / champion.figures[chief]
        if not 1.0 / _PLAUSIBLE < factor < _PLAUSIBLE:
            return Decided(contest=contest, action=Action.NONE, reason=Reason.IMPLAUSIBLE)
    return Decided(
        contest=replace(contest, challenger=version),
        action=Action.CHALLENGE,
        reason=Reason.RENEWAL,
        made=version,
    )
