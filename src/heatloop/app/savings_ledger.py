"""The chain of the savings ledger as it is kept: entries added, and checked from the first on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from heatloop.app.views.savings import SavingsCheck
from heatloop.kpi.savings_chain import Entry, first_broken, next_entry
from heatloop.store.records import Records
from heatloop.store.records.savings import EntryRow
from heatloop.store.records.savings_baselines import Approval, BaselineRow

ALL = "all"
DAYS, ASSESSMENT, BASELINES, APPROVAL = "days", "assessment", "baselines", "approval"
BY = "savings"
Told = dict[tuple[str, str, int], tuple[int, dict[str, Any]]]


class SavingsLedger:
    """Adds entries to the chain and checks it; blocking, to be called in a thread.

    Args:
        records: Where it is kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._one_at_a_time = threading.Lock()

    def add(
        self,
        at: float,
        subject: str,
        kind: str,
        content: dict[str, Any],
        *,
        who: str = BY,
        days: Sequence[dict[str, Any]] = (),
        gains: Sequence[dict[str, Any]] = (),
        baselines: Sequence[BaselineRow] = (),
        approval: Approval | None = None,
    ) -> None:
        """Add the next entry with what it tells, all or nothing.

        Raises:
            InputError: Another entry was added meanwhile.
        """
        with self._one_at_a_time:
            last = self._records.savings.last()
            entry = next_entry(
                None if last is None else entry_of(last),
                at=at,
                who=who,
                subject=subject,
                kind=kind,
                content=content,
            )
            row = EntryRow(**{name: getattr(entry, name) for name in EntryRow.__slots__})
            self._records.savings.add(
                row, days, gains=gains, baselines=baselines, approval=approval
            )

    def verified(self) -> SavingsCheck:
        """Return whether every entry fits and everything kept stands as its entry told it."""
        count, last = 0, ""
        told: Told = {}

        def passing() -> Iterable[Entry]:
            nonlocal count, last
            for row in self._records.savings.chain():
                count, last = count + 1, row.digest
                _hear(told, row)
                yield entry_of(row)

        broken = first_broken(passing())
        if broken is None:
            wrong = []
            for what, entry, content in self._kept():
                heard = told.pop(what, None)
                if heard is None or heard[1] != content:
                    wrong.append(entry)
            broken = min(wrong + [entry for entry, _ in told.values()], default=None)
        return SavingsCheck(whole=broken is None, entries=count, broken=broken, last=last)

    def _kept(self) -> Iterator[tuple[tuple[str, str, int], int, dict[str, Any]]]:
        """Yield (what, entry, content) of all that stands outside the chain."""
        savings = self._records.savings
        for code in savings.subjects():
            for day in savings.days(code, 0):
                yield (DAYS, code, day["day"]), day["entry"], dict(day)
            for gain in savings.gains(code, 0):
                yield ("gains", code, gain["day"]), gain["entry"], dict(gain)
        for row in self._records.baselines.all():
            yield (
                (BASELINES, row.subject, row.version),
                row.entry,
                row.told() | {"entry": row.entry},
            )
            if row.approval:
                decided = _decided(row.approval, row.decided_by, row.decided_at, row.note)
                yield (APPROVAL, row.subject, row.version), row.entry, decided


def _hear(told: Told, row: EntryRow) -> None:
    """Take down what an entry tells; what was tampered with may hold anything, hashes say so."""
    content, number = row.content, row.number
    if row.kind == DAYS:
        for name in ("rows", "gains"):
            for one in content.get(name, ()):
                what = DAYS if name == "rows" else name
                told[what, one.get("subject", ""), one.get("day", 0)] = (
                    number,
                    {**one, "entry": number},
                )
    elif row.kind == BASELINES:
        for one in content.get("rows", ()):
            key = (BASELINES, one.get("subject", ""), one.get("version", 0))
            told[key] = number, {**one, "entry": number}
    elif row.kind == APPROVAL:
        # A later decision on the same curve takes the place of the one before.
        told[APPROVAL, row.subject, content.get("version", 0)] = (
            number,
            _decided(content.get("approval", ""), row.who, row.at, content.get("note", "")),
        )


def _decided(approval: str, by: str, at: float | None, note: str) -> dict[str, Any]:
    return {"approval": approval, "by": by, "at": at, "note": note}


def entry_of(row: EntryRow) -> Entry:
    """Return a kept entry as the chain reads it."""
    return Entry(**{name: getattr(row, name) for name in EntryRow.__slots__})
