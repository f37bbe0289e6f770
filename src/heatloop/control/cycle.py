"""One pass of control over all units: propose, arbitrate, and say what is to be written now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from heatloop.control.arbiter import Bounds, Decision, Proposal, arbitrate
from heatloop.control.curve_strategy import (
    PUMP,
    SUPPLY,
    UnitState,
    next_trim,
    propose,
)
from heatloop.control.strategy import Stage, WriteRules, may_write, start_value, write_reason
from heatloop.control.wishes import propose_wish, room_shift_k
from heatloop.kernel.messages import Plan
from heatloop.station.envelope import bounds as envelope_bounds

RAMP_K_PER_H = {SUPPLY: 12.0, PUMP: 20.0}
RULES = {SUPPLY: WriteRules(), PUMP: WriteRules(deadband=0.5, refresh_s=1800.0)}
_FOLLOWED_S = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What control wants of one point, and whether it is written."""

    plan: Plan
    """Shown from stage `advise` on, recorded always."""
    decision: Decision
    """How the value came about."""
    write: str | None
    """Why it is to be written as an automatic command now, or None."""


class ControlCycle:
    """Runs the curve strategy, with what it must remember of each unit between passes."""

    def __init__(self) -> None:
        self._trims: dict[str, float] = {}
        self._decided: dict[str, float] = {}
        self._written_s: dict[str, float] = {}
        self._last_s: float | None = None

    def written(self, point: str, at_s: float) -> None:
        """Remember that a command for this point was issued."""
        self._written_s[point] = at_s

    def restore(self, trims: Mapping[str, float], written_s: Mapping[str, float]) -> None:
        """Take up the trims (by unit) and write times (by point) of before a restart."""
        self._trims.update(trims)
        self._written_s.update(written_s)

    @property
    def trims(self) -> Mapping[str, float]:
        """The learnt corrections by unit, to be kept over a restart."""
        return self._trims

    def step(
        self,
        units: Iterable[UnitState],
        outdoor_c: float,
        now_s: float,
        others: Iterable[Proposal] = (),
        wishes: Mapping[str, float] = MappingProxyType({}),
        wish_most_k: float = 0.0,
    ) -> list[Outcome]:
        """Return what is wanted of every unit's set-points now.

        Args:
            units: State of the units; their `trim_k` is kept here and need not be given.
            outdoor_c: Outdoor temperature; not finite when unknown: nothing is decided.
            now_s: Plant time.
            others: Proposals of other strategies and capacity limits.
            wishes: By how much heat users' wishes would move a unit's supply temperature, K.
            wish_most_k: How far they may.
        """
        dt_s = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        states = {
            unit.code: self._trimmed(unit, dt_s, wishes.get(unit.code, 0.0)) for unit in units
        }
        by_point: dict[str, list[Proposal]] = {}
        for proposal in (*propose(list(states.values()), outdoor_c, now_s), *others):
            by_point.setdefault(proposal.point, []).append(proposal)
        for code in states:
            point = f"{code}.{SUPPLY}"
            wish = propose_wish(by_point.get(point, ()), point, wishes.get(code, 0.0), wish_most_k)
            if wish is not None:
                by_point[point].append(wish)
        outcomes = []
        for point, proposals in by_point.items():
            unit_code, _, kind = point.partition(".")
            if unit_code in states and kind in RULES:
                outcomes.append(
                    self._decide(states[unit_code], point, kind, proposals, now_s, dt_s)
                )
        return [outcome for outcome in outcomes if outcome is not None]

    def _trimmed(self, unit: UnitState, dt_s: float, wish_k: float = 0.0) -> UnitState:
        known = replace(unit, trim_k=self._trims.get(unit.code, unit.trim_k))
        # Learnt only where the curve is obeyed: else the error is somebody else's.
        if may_write(unit.stage, unit.mode):
            # Rooms that are warmer because people wished so must not teach the curve to be colder.
            wished = replace(known, target_room_c=known.target_room_c + room_shift_k(wish_k))
            known = replace(known, trim_k=next_trim(wished, min(dt_s, 3600.0)))
        self._trims[unit.code] = known.trim_k
        return known

    def _decide(
        self,
        unit: UnitState,
        point: str,
        kind: str,
        proposals: list[Proposal],
        now_s: float,
        dt_s: float,
    ) -> Outcome | None:
        present = unit.setpoint_c if kind == SUPPLY else unit.setpoint_hz
        acts = may_write(unit.stage, unit.mode)
        current = self._decided.get(point) if acts else None
        if current is None:
            written = self._written_s.get(point)
            followed = written is not None and now_s - written <= _FOLLOWED_S
            measured = unit.supply_c if kind == SUPPLY else present
            current = start_value(present, measured, followed)
        found = envelope_bounds(kind, {"limit_supply_temperature_high": unit.supply_high_c + 2.0})
        bounds = None if found is None else Bounds(low=found[0], high=found[1])
        ramp = RAMP_K_PER_H[kind]
        # Advice says where to go; only what is written is walked there step by step.
        decision = arbitrate(proposals, bounds, current if acts else None, ramp, dt_s)
        if decision.value is None:
            return None
        value = round(decision.value, 1)
        if acts:
            self._decided[point] = decision.value
        else:
            self._decided.pop(point, None)
        write = None
        if acts:
            write = write_reason(value, present, self._written_s.get(point), now_s, RULES[kind])
        plan = Plan(
            subject=unit.code,
            point=point,
            issued=now_s,
            start=now_s,
            step_s=600,
            values=[value],
            reason=decision.reason,
        )
        return Outcome(plan=plan, decision=decision, write=write)


def shown(outcome: Outcome, stage: Stage) -> bool:
    """Return whether people are to see what control wants (not while it only observes)."""
    return stage is not Stage.OBSERVE and bool(outcome.plan.values)
