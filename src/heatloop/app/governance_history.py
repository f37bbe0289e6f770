"""The history of records: every change with actor, time, old and new, and checks of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Refused
from heatloop.app.views.governance import (
    ChangeView,
    HistoryCheck,
    HistoryFinding,
    HistoryTable,
    HistoryTables,
    RecordHistory,
)
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import asset_kinds, secret_attributes
from heatloop.plant.data_classes import Level, grade_of, readable
from heatloop.plant.personal_register import masked_value
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.governance import ChangeRow, misfits
from heatloop.store.records.governance_journal import JOURNAL, kept_by, table_named
from heatloop.store.records.schema import metadata

_HIDDEN = "***"
_LEDGER_ROW = "ledger_row"


class Histories:
    """Puts the changes of records together."""

    def __init__(self, records: Records) -> None:
        self._records = records

    @classmethod
    def of(cls, platform: Platform) -> Histories:
        """Return the histories of a platform's records."""
        return cls(platform.records)

    async def tables(self) -> HistoryTables:
        """Return every table and how it keeps its history."""
        return await in_thread(self._tables)

    def _tables(self) -> HistoryTables:
        return HistoryTables(
            items=[
                HistoryTable(
                    table=table.name,
                    kept_by=kept_by(table.name),
                    key=[column.name for column in table.primary_key],
                    records=self._records.governance.count(table.name),
                )
                for table in metadata.sorted_tables
            ]
        )

    async def of_record(self, by: Principal, table: str, id: str) -> RecordHistory:  # noqa: A002
        """Return everything that happened to a record, hidden where the reader is not cleared.

        Raises:
            Refused: There is no such table, or nothing is known of such a record.
        """
        return await in_thread(self._of_record, by, table, id)

    def _of_record(self, by: Principal, table: str, id: str) -> RecordHistory:  # noqa: A002
        if not by.scope.holds(""):
            raise Refused("forbidden", thing=table, detail="the whole company")
        try:
            columns = [column.name for column in table_named(table).columns]
        except InputError as error:
            raise Refused("not_found", thing=table) from error
        changes, present = self._read(table, id)
        if not changes and present is None:
            raise Refused("not_found", thing=id, place=table)
        if table == _LEDGER_ROW:
            hidden = _hidden_in_sheet(by, id.partition("|")[0])
        else:
            hidden = {name for name in columns if not _cleared(by, "records", table, name)}
        return RecordHistory(
            table=table,
            id=id,
            kept_by=kept_by(table),
            present=_masked(present, hidden, _sheet(table, id)),
            complete=not list(misfits(changes, present)),
            hidden=sorted(hidden),
            changes=[_view(change, hidden, _sheet(table, id)) for change in changes],
        )

    def _read(self, table: str, id: str) -> tuple[Sequence[ChangeRow], dict[str, Any] | None]:  # noqa: A002
        if table == _LEDGER_ROW:
            return self._of_ledger(id)
        store = self._records.governance
        return store.changes(table, id), store.present(table, id)

    def _of_ledger(self, id: str) -> tuple[Sequence[ChangeRow], dict[str, Any] | None]:  # noqa: A002
        """Return a ledger row's versions as changes; the version names author and time."""
        sheet, _, code = id.partition("|")
        versions = {row.version: row for row in self._records.ledger.versions()}
        held: dict[str, Any] | None = None
        until: int | None = None
        found: list[ChangeRow] = []
        for row in reversed(self._records.ledger.history(sheet, code)):
            if held is not None and until is not None and row.first_version > until + 1:
                found.append(self._ended(versions, until, held))
                held = None
            made = versions[row.first_version]
            operation = "insert" if held is None else "update"
            found.append(
                ChangeRow(
                    number=row.first_version,
                    operation=operation,
                    at=made.at,
                    user=made.user,
                    before=held,
                    after=dict(row.row),
                )
            )
            held, until = dict(row.row), row.last_version
        if held is not None and until is not None:
            found.append(self._ended(versions, until, held))
            held = None
        return found, held

    @staticmethod
    def _ended(versions: Mapping[int, Any], last: int, held: dict[str, Any]) -> ChangeRow:
        gone = versions[last + 1]
        return ChangeRow(
            number=last + 1, operation="delete", at=gone.at, user=gone.user, before=held, after=None
        )

    async def check(self, count: int, seed: int) -> HistoryCheck:
        """Draw records at random and check that their history leads to what they are."""
        return await in_thread(self._check, count, seed)

    def _check(self, count: int, seed: int) -> HistoryCheck:
        store = self._records.governance
        names = [t.name for t in metadata.sorted_tables if kept_by(t.name) == JOURNAL]
        weights = [store.count(name) for name in names]
        ledger = [
            f"{sheet}|{row['code']}"
            for sheet, rows in self._records.ledger.load().sheets.items()
            for row in rows
        ]
        names, weights = [*names, _LEDGER_ROW], [*weights, len(ledger)]
        total = sum(weights)
        # Drawn by a seed that is in the answer, so that an auditor can draw the same again.
        draw = random.Random(seed)
        picks = sorted(draw.sample(range(total), min(count, total)))
        findings: list[HistoryFinding] = []
        at, below = 0, 0
        for pick in picks:
            while pick >= below + weights[at]:
                below += weights[at]
                at += 1
            table, number = names[at], pick - below
            known = ledger[number] if table == _LEDGER_ROW else store.nth_id(table, number)
            if known is None:
                continue
            wrong = list(misfits(*self._read(table, known)))
            if wrong:
                findings.append(HistoryFinding(table=table, id=known, detail="; ".join(wrong)))
        return HistoryCheck(
            seed=seed, checked=len(picks), passed=len(picks) - len(findings), findings=findings
        )


def _cleared(by: Principal, place: str, dataset: str, field: str) -> bool:
    grade = grade_of(place, dataset, field)
    return grade.level < Level.L4 and readable(by, grade)


def _hidden_in_sheet(by: Principal, sheet: str) -> set[str]:
    if sheet not in asset_kinds():
        return set()
    return {name for name in secret_attributes(sheet) if not _cleared(by, "ledger", sheet, name)}


def _sheet(table: str, id: str) -> str:  # noqa: A002
    return id.partition("|")[0] if table == _LEDGER_ROW else ""


def _masked(row: dict[str, Any] | None, hidden: set[str], sheet: str) -> dict[str, object] | None:
    """Return a row without what the reader is not cleared for, personal data masked for all."""
    if row is None:
        return None
    shown = row if sheet not in asset_kinds() else {
        name: masked_value(sheet, name, value) for name, value in row.items()
    }  # fmt: skip
    return {name: _HIDDEN if name in hidden else value for name, value in shown.items()}


def _view(change: ChangeRow, hidden: set[str], sheet: str) -> ChangeView:
    before, after = change.before or {}, change.after or {}
    return ChangeView(
        number=change.number,
        at=utc(change.at),
        user=change.user,
        operation=change.operation,
        before=_masked(change.before, hidden, sheet),
        after=_masked(change.after, hidden, sheet),
        changed=sorted(n for n in {*before, *after} if before.get(n) != after.get(n)),
    )
