"""What is wrong with rows of the ledger: every bad row named, in Chinese and English."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from heatloop.kernel.errors import InputError


class Place(NamedTuple):
    """Where a record was read."""

    sheet: str
    """Sheet, which is the asset kind, `device`, `gateway` or `point`."""
    row: int
    """Row as a spreadsheet counts it: 1 is the heading, 2 the first record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """One thing wrong in one cell."""

    sheet: str
    """Sheet."""
    row: int
    """Row as a spreadsheet counts it."""
    column: str
    """Column heading; empty when the whole row is meant."""
    value: str
    """What stands there; empty for personal data."""
    message_zh: str
    """What is wrong, in Chinese."""
    message_en: str
    """What is wrong, in English."""
    fix: str
    """What to do about it, in Chinese and English."""

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.sheet}!{self.row} {self.column}={self.value!r}: "
            f"{self.message_en} ({self.message_zh}); {self.fix}"
        )


class LedgerErrors(InputError):
    """The rows cannot become a ledger; nothing of them was taken.

    Args:
        rows: Every bad row found.
    """

    def __init__(self, rows: list[BadRow]) -> None:
        self.rows = sorted(rows, key=lambda bad: (bad.sheet, bad.row, bad.column))
        first = self.rows[0]
        super().__init__(
            f"台账有{len(rows)}处错误 / {len(rows)} errors in the ledger, the first: {first}",
            thing=first.value,
            place=f"{first.sheet} row {first.row} column {first.column}",
            fix=first.fix,
        )


class Findings:
    """Collects bad rows while a ledger is checked."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(
        self, place: Place, column: str, value: object, zh: str, en: str, fix: tuple[str, str]
    ) -> None:
        """Note one bad cell; `fix` is what to do, in Chinese and in English."""
        self.rows.append(
            BadRow(
                sheet=place.sheet,
                row=place.row,
                column=column,
                value=str(value),
                message_zh=zh,
                message_en=en,
                fix=f"{fix[0]} / {fix[1]}",
            )
        )

    def stop_if_any(self) -> None:
        """Return if nothing is wrong.

        Raises:
            LedgerErrors: Something is.
        """
        if self.rows:
            raise LedgerErrors(self.rows)
