"""Security labels the security administrator gave to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select

from heatloop.store.records.database import Database
from heatloop.store.records.personal_schema import user_label
from heatloop.store.records.values import from_text, words


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRow:
    """The label of one person."""

    name: str
    """Login name."""
    level: str
    """L1 to L4."""
    categories: tuple[str, ...]
    """What he may deal with."""
    reason: str
    """Why he has it."""
    user: str
    """Who gave it."""
    at: float
    """Machine time."""


class UserLabels:
    """Labels by login name; who has none has what follows from his roles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> LabelRow | None:
        """Return a person's own label, or None."""
        query = select(user_label).where(user_label.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _label(dict(row._mapping))

    def all(self) -> dict[str, LabelRow]:
        """Return every label by login name."""
        with self._database.read() as connection:
            rows = connection.execute(select(user_label)).all()
        return {row.name: _label(dict(row._mapping)) for row in rows}

    def put(
        self, name: str, *, level: str, categories: Iterable[str], reason: str, user: str, at: float
    ) -> None:
        """Give somebody a label."""
        row = {"name": name, "level": level, "categories": words(categories), "reason": reason,
               "user": user, "at": at}  # fmt: skip
        with self._database.write() as connection:
            self._database.put(connection, user_label, row)

    def remove(self, name: str) -> bool:
        """Take a label away; return whether there was one."""
        gone = delete(user_label).where(user_label.c.name == name)
        with self._database.write() as connection:
            return connection.execute(gone).rowcount == 1


def _label(plain: dict[str, object]) -> LabelRow:
    plain["categories"] = tuple(from_text(str(plain["categories"])))
    return LabelRow(**plain)  # type: ignore[arg-type]
