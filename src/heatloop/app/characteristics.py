"""Learned weather curves, valves and exchangers in operation: kept, given out, rolled back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.characteristics_work import CharacteristicAnswer, contest_of, plain_of
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.control.characteristic_cycle import Contest, Decided, Version, roll_back
from heatloop.control.characteristic_error import Kind
from heatloop.control.learning.night import Action
from heatloop.control.learning.registry import Stage
from heatloop.kernel.errors import InputError
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.models import EventRow, StandingRow, VersionRow

_log = structlog.get_logger("heatloop.models")
BY = "learning"
Key = tuple[str, str]


class Characteristics:
    """Keeps who is in force for each kind of each unit.

    Args:
        records: Where they are kept.
        audit: Trail of what changes.
    """

    def __init__(self, records: Records, audit: Audit) -> None:
        self._records, self._audit = records, audit
        self._contests: dict[Key, Contest] = {}
        self.rows: dict[Key, StandingRow] = {}
        """How each last night went, by unit and kind."""

    async def load(self) -> None:
        """Take up who was champion before a restart."""
        for kind in Kind:
            for row in await in_thread(self._records.models.standings, str(kind)):
                key = (row.unit, str(kind))
                try:
                    self._contests[key] = contest_of(row.body["contest"])
                except (KeyError, TypeError, ValueError) as error:
                    _log.error("kept model cannot be read", unit=key, error=repr(error))
                    continue
                self.rows[key] = row

    def contest(self, unit: str, kind: str) -> Contest | None:
        """Return who takes part for a kind of a unit."""
        return self._contests.get((unit, kind))

    def champion(self, unit: str, kind: str) -> Mapping[str, Any] | None:
        """Return the figures in force of a kind of a unit, None while there are none."""
        found = self._contests.get((unit, kind))
        return None if found is None or found.champion is None else found.champion.figures

    async def known(self, unit: str) -> dict[str, tuple[Contest, int]]:
        """Return who takes part and the number of the next version, by kind."""
        found = {}
        for kind in Kind:
            contest = self._contests.get((unit, kind))
            if contest is not None:
                _, rows = await in_thread(self._records.models.versions, unit, str(kind), limit=1)
                found[str(kind)] = contest, (rows[0].version + 1 if rows else 1)
        return found

    async def keep(
        self, unit: str, answers: Mapping[str, CharacteristicAnswer], at_s: float
    ) -> None:
        """Keep what a night decided."""
        for kind, answer in answers.items():
            decided, key = answer.decided, (unit, kind)
            before = self._contests.get(key)
            if before is None and decided.made is None:
                # Nothing to learn from yet is no event.
                continue
            number = _subject(decided, before)
            events = []
            if decided.action is not Action.NONE:
                events.append(
                    EventRow(
                        at=at_s,
                        unit=unit,
                        kind=kind,
                        version=number,
                        action=str(decided.action),
                        reason=str(decided.reason),
                        by=BY,
                        detail=_detail(decided),
                    )
                )
            if decided.action in (Action.PROMOTE, Action.ROLL_BACK) and before is not None:
                await self._audit.add(
                    SYSTEM, f"model.{decided.action}", unit, kind=kind, after=number,
                    reason=str(decided.reason),
                )  # fmt: skip
            row = StandingRow(
                unit=unit,
                kind=kind,
                at=at_s,
                mae_k=answer.error,
                drift=0.0,
                state=str(decided.reason),
                body={"contest": plain_of(answer.contest)},
            )
            await in_thread(
                self._records.models.keep,
                row,
                version=_version_row(unit, kind, answer, at_s, before),
                stages={change.number: str(change.stage) for change in decided.changes},
                events=events,
                days=answer.days,
            )
            self._contests[key], self.rows[key] = answer.contest, row

    async def roll_back(
        self, by: Principal, unit: str, kind: str, reason: str, now_s: float
    ) -> None:
        """Put the former champion of a kind back in force.

        Raises:
            Refused: There is no former champion.
        """
        contest, row = self._contests.get((unit, kind)), self.rows.get((unit, kind))
        if contest is None or contest.champion is None or row is None:
            raise Refused("not_found", thing=unit, detail="no model yet")
        try:
            after, changes = roll_back(contest, now_s)
        except InputError as error:
            raise Refused("no_former_model", thing=unit) from error
        assert after.champion is not None
        number, former = after.champion.number, contest.champion.number
        await self._audit.add(
            by.user, "model.roll_back", unit, kind=kind, before=former, after=number, reason=reason
        )
        event = EventRow(
            at=now_s,
            unit=unit,
            kind=kind,
            version=number,
            action=str(Action.ROLL_BACK),
            reason="by_hand",
            by=by.user,
            detail={"note": reason, "from": former},
        )
        fresh = StandingRow(
            unit=unit, kind=kind, at=now_s, mae_k=None, drift=0.0, state="by_hand",
            body={"contest": plain_of(after)},
        )  # fmt: skip
        stages = {change.number: str(change.stage) for change in changes}
        await in_thread(self._records.models.keep, fresh, stages=stages, events=[event])
        self._contests[unit, kind], self.rows[unit, kind] = after, fresh


def _subject(decided: Decided, before: Contest | None) -> int:
    """Return the version an event is about."""
    if decided.made is not None:
        return decided.made.number
    if decided.action is Action.REJECT and before is not None and before.challenger is not None:
        return before.challenger.number
    champion = decided.contest.champion
    return 0 if champion is None else champion.number


def _version_row(
    unit: str, kind: str, answer: CharacteristicAnswer, at_s: float, before: Contest | None
) -> VersionRow | None:
    made = answer.decided.made
    if made is None:
        return None
    champion: Version | None = answer.contest.champion
    first = champion is not None and champion.number == made.number
    parent = None if before is None else before.champion
    return VersionRow(
        unit=unit,
        kind=kind,
        version=made.number,
        stage=str(Stage.CHAMPION if first else Stage.CHALLENGER),
        learned=True,
        at=at_s,
        begin_s=made.begin_s,
        until_s=made.learned_until_s,
        parent=0 if parent is None else parent.number,
        digest=answer.digest,
        model=dict(made.figures),
        card={
            "days": round((made.learned_until_s - made.begin_s) / 86400.0),
            "reason": str(answer.decided.reason),
            **({} if made.balance is None else {"heat_balance": round(made.balance, 4)}),
        },
    )


def _detail(decided: Decided) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if decided.doubt:
        detail["doubt"] = decided.doubt
    if decided.verdict is not None:
        detail["verdict"] = {
            "days": decided.verdict.days,
            "old_mae_k": round(decided.verdict.old_mae_k, 4),
            "new_mae_k": round(decided.verdict.new_mae_k, 4),
            "p_value": round(decided.verdict.p_value, 5),
            "better": decided.verdict.better,
        }
    return detail
