"""Versions of a unit's model: who is champion, who challenges, and how a night changes that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from heatloop.control.learning.cycle import WATCH_DAYS
from heatloop.control.learning.daily import day_of
from heatloop.control.learning.drift import usual_of
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Action, Held, Night, Standing
from heatloop.control.learning.unit import Learnt
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.errors import InputError

_DAY_S = 86400.0


class Stage(StrEnum):
    """What a version is."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    FORMER = "former"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class StageChange:
    """A version that became something else."""

    number: int
    """The version."""
    stage: Stage
    """What it is now."""


def first_standing(model: UnitModel, at_s: float) -> Standing:
    """Return the start of a unit: a champion that follows from the design, version 1."""
    held = Held(number=1, model=model, learned_until_s=at_s, since_s=at_s, learned=False)
    return Standing(champion=held)


def held_of(learnt: Learnt, number: int, at_s: float) -> Held:
    """Return what was learned as a version.

    Args:
        learnt: What was learned.
        number: Its number.
        at_s: Now.
    """
    return Held(
        number=number,
        model=learnt.model,
        learned_until_s=learnt.end_s,
        since_s=at_s,
        levels_k=learnt.judged.levels_k,
        sensors=learnt.judged.used,
        loss_sigma=learnt.loss_sigma,
        begin_s=learnt.begin_s,
    )


def advance(
    standing: Standing, night: Night, history: UnitHistory, next_number: int
) -> tuple[Standing, Held | None, tuple[StageChange, ...]]:
    """Return the standing after a night, the new version if there is one, and who changed.

    Args:
        standing: Before.
        night: What was decided.
        history: What it was decided on.
        next_number: Number of the next version.
    """
    at_s = history.start_s + history.step_s * len(history)
    champion, challenger, former = standing.champion, standing.challenger, standing.former
    changes: list[StageChange] = []
    made: Held | None = None
    if night.action is Action.CHALLENGE and night.learnt is not None:
        if challenger is not None:
            changes.append(StageChange(number=challenger.number, stage=Stage.REJECTED))
        made = challenger = held_of(night.learnt, next_number, at_s)
        standing = replace(standing, challenger=made, tried_s=at_s)
    elif night.action is Action.REJECT and challenger is not None:
        changes.append(StageChange(number=challenger.number, stage=Stage.REJECTED))
        standing = replace(standing, challenger=None)
    elif night.action is Action.PROMOTE and night.learnt is not None:
        if challenger is not None:
            changes.append(StageChange(number=challenger.number, stage=Stage.FORMER))
        if former is not None:
            changes.append(StageChange(number=former.number, stage=Stage.FORMER))
        changes.append(StageChange(number=champion.number, stage=Stage.FORMER))
        made = replace(held_of(night.learnt, next_number, at_s), usual=night.usual)
        standing = Standing(
            champion=made, former=replace(champion, since_s=at_s), tried_s=standing.tried_s
        )
    elif night.action is Action.ROLL_BACK and former is not None:
        standing, changes = _rolled_back(standing, at_s)
    champion = standing.champion
    if champion.usual is None:
        # Where its errors stand is seen on the first days it has not learned from.
        since = night.errors.between(day_of(champion.learned_until_s, history), float("inf"))
        if len(since.day) >= 5 and champion.number != (made.number if made else -1):
            standing = replace(standing, champion=replace(champion, usual=usual_of(since)))
    if standing.former is not None and at_s - standing.champion.since_s > WATCH_DAYS * _DAY_S:
        standing = replace(standing, former=None)
    return standing, made, tuple(changes)


def roll_back(standing: Standing, at_s: float) -> tuple[Standing, tuple[StageChange, ...]]:
    """Return the standing with the former champion back in force: the one action of a person.

    Raises:
        InputError: There is no former champion.
    """
    if standing.former is None:
        raise InputError("there is no former model to go back to", thing="model")
    made, changes = _rolled_back(standing, at_s)
    return made, tuple(changes)


def _rolled_back(standing: Standing, at_s: float) -> tuple[Standing, list[StageChange]]:
    former = standing.former
    assert former is not None
    changes = [
        StageChange(number=standing.champion.number, stage=Stage.ROLLED_BACK),
        StageChange(number=former.number, stage=Stage.CHAMPION),
    ]
    if standing.challenger is not None:
        changes.append(StageChange(number=standing.challenger.number, stage=Stage.REJECTED))
    back = replace(former, since_s=at_s)
    return Standing(champion=back, tried_s=at_s), changes
