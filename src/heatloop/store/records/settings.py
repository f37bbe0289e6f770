"""Settings that operators change while the platform runs: value, source, history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.schema import setting
from heatloop.store.records.values import from_text, to_text


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingRow:
    """One value a setting had or has."""

    name: str
    """Dotted name."""
    value: Any
    """Plain value."""
    source: str
    """Where the value is from: `standard`, `field`, `operator` ..."""
    user: str
    """Who set it."""
    at: float
    """When."""
    current: bool
    """Whether it holds now."""


def _read(row: Row[Any]) -> SettingRow:
    plain = dict(row._mapping)
    del plain["number"]
    plain["value"] = from_text(plain["value"])
    return SettingRow(**plain)


class Settings:
    """Settings by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, name: str, value: Any, *, source: str, by: str, at: float) -> None:
        """Give a setting a new value; the old one stays in the history."""
        old = update(setting).where(setting.c.name == name, setting.c.current)
        row = {"name": name, "value": to_text(value), "source": source, "user": by, "at": at}
        with self._database.write() as connection:
            connection.execute(old.values(current=False))
            connection.execute(setting.insert().values(**row, current=True))

    def get(self, name: str) -> SettingRow | None:
        """Return the value that holds, or None."""
        query = select(setting).where(setting.c.name == name, setting.c.current)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def all(self) -> dict[str, SettingRow]:
        """Return every setting that holds, by name."""
        query = select(setting).where(setting.c.current).order_by(setting.c.name)
        with self._database.read() as connection:
            return {row.name: _read(row) for row in connection.execute(query)}

    def history(self, name: str) -> Sequence[SettingRow]:
        """Return every value a setting had, newest first."""
        query = select(setting).where(setting.c.name == name).order_by(setting.c.number.desc())
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]
