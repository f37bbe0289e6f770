"""The ledger's rows with every version they had, and the keys of points, never used twice.

Personal data (fields of that class, attributes the plant tables mark secret) are sealed under the
data key; everything else stands readable, so that an export or a support engineer needs no key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import asset_kinds, secret_attributes
from heatloop.plant.data_classes import personal_fields
from heatloop.store.records.database import Database
from heatloop.store.records.schema import ledger_row, ledger_version, point_key
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.values import from_text, to_text

Sheets = dict[str, list[dict[str, Any]]]
_Plain = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedLedger:
    """The ledger as it was saved."""

    sheets: Sheets
    """Rows by sheet."""
    version: int
    """Version of the ledger; 0 when none was saved."""
    keys: dict[str, int]
    """Key of every point code that ever was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerVersion:
    """One change of the ledger."""

    version: int
    """Version it made."""
    at: float
    """When."""
    user: str
    """Who."""
    note: str
    """Why, or from which file."""
    rows_changed: int
    """Rows added, changed or removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowVersion:
    """What one row was from a version on."""

    first_version: int
    """Version it came with."""
    last_version: int | None
    """Last version it held in; None while it holds."""
    row: dict[str, Any]
    """The row."""


class LedgerRecords:
    """Rows by sheet and code."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def save(
        self,
        sheets: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        version: int,
        keys: Mapping[str, int],
        at: float,
        by: str,
        note: str = "",
    ) -> None:
        """Save the next version, whole or not at all; only rows that differ are written.

        Args:
            sheets: All rows, each with a `code`.
            version: The version after the present one.
            keys: Key of every point code; keys given before must not differ.
            at: Time of the change.
            by: Who.
            note: Why.

        Raises:
            InputError: Somebody saved another version meanwhile, a row has no code or the code
                of another, or a key is not what it was.
        """
        wanted = dict(self._split(sheets))
        with self._database.write() as connection:
            present = _version(connection)
            if version != present + 1:
                raise InputError(
                    f"ledger is at version {present}",
                    thing=f"version {version}",
                    fix="load it again and repeat the change",
                )
            self._keep_keys(connection, keys, version)
            held = {(r.sheet, r.code): r for r in connection.execute(_at(None))}
            ended = {
                place
                for place, row in held.items()
                if place not in wanted or not self._same(row, *wanted[place])
            }
            begun = [place for place in wanted if place not in held or place in ended]
            for place in ended:
                end = update(ledger_row).where(ledger_row.c.number == held[place].number)
                connection.execute(end.values(last_version=present))
            if begun:
                rows = [self._stored(place, *wanted[place], version) for place in begun]
                connection.execute(ledger_row.insert(), rows)
            changed = len(ended | set(begun))
            row = {"version": version, "at": at, "user": by, "note": note}
            connection.execute(ledger_version.insert().values(**row, rows_changed=changed))

    def _stored(
        self, place: tuple[str, str], body: str, secret: _Plain, version: int
    ) -> dict[str, Any]:
        sheet, code = place
        sealed = self._sealer.seal(_aad(sheet, code), secret) if secret else None
        return {
            "sheet": sheet,
            "code": code,
            "first_version": version,
            "body": body,
            "sealed": sealed,
        }

    def load(self, version: int | None = None) -> SavedLedger:
        """Return the present ledger, or as it was at a version."""
        with self._database.read() as connection:
            found = _version(connection)
            sheets: Sheets = {}
            for row in connection.execute(_at(version)):
                sheets.setdefault(row.sheet, []).append(self._row(row))
            keys = {code: key for key, code in connection.execute(_KEYS)}
        return SavedLedger(sheets=sheets, version=found if version is None else version, keys=keys)

    def version(self) -> int:
        """Return the present version, 0 when none was saved."""
        with self._database.read() as connection:
            return _version(connection)

    def versions(self) -> Sequence[LedgerVersion]:
        """Return every change, newest first."""
        query = select(ledger_version).order_by(ledger_version.c.version.desc())
        with self._database.read() as connection:
            return [LedgerVersion(**row._mapping) for row in connection.execute(query)]

    def history(self, sheet: str, code: str) -> Sequence[RowVersion]:
        """Return what one row was over the versions, newest first."""
        mine = (ledger_row.c.sheet == sheet, ledger_row.c.code == code)
        query = select(ledger_row).where(*mine).order_by(ledger_row.c.first_version.desc())
        with self._database.read() as connection:
            return [
                RowVersion(
                    first_version=row.first_version,
                    last_version=row.last_version,
                    row=self._row(row),
                )
                for row in connection.execute(query)
            ]

    def gone(self) -> Sequence[tuple[str, str, float]]:
        """Return (sheet, code, when it went) of rows with sealed values that are gone."""
        r, v = ledger_row.c, ledger_version.c
        last = func.max(r.last_version)
        rows = select(r.sheet, r.code, last.label("last")).group_by(r.sheet, r.code)
        # One version that still holds has no last one, and is counted apart.
        ended = rows.having(
            func.count(r.last_version) == func.count(), func.count(r.sealed) > 0
        ).subquery()
        query = select(ended.c.sheet, ended.c.code, v.at).join(
            ledger_version, v.version == ended.c.last + 1
        )
        with self._database.read() as connection:
            found = connection.execute(query.order_by(ended.c.sheet, ended.c.code)).all()
        return [(str(sheet), str(code), float(at)) for sheet, code, at in found]

    def erase(self, sheet: str, code: str, replaced: Mapping[str, Any]) -> int:
        """Put other values in the place of personal ones in every version of a row, past ones too.

        Args:
            sheet: Kind of asset.
            code: Asset.
            replaced: New value by sealed field; None takes the field away.

        Returns:
            Versions that were changed.
        """
        mine = (ledger_row.c.sheet == sheet, ledger_row.c.code == code)
        changed = 0
        with self._database.write() as connection:
            for row in connection.execute(select(ledger_row).where(*mine)).all():
                secret, plain = self._open(row), from_text(row.body)
                here = {name for name in replaced if name in secret or name in plain}
                if not here:
                    continue
                kept = {name: value for name, value in secret.items() if name not in here}
                kept |= {name: replaced[name] for name in here if replaced[name] is not None}
                # A value from before its field was sealed stands in the open part.
                body = {name: value for name, value in plain.items() if name not in here}
                sealed = self._sealer.seal(_aad(sheet, code), kept) if kept else None
                change = update(ledger_row).where(ledger_row.c.number == row.number)
                connection.execute(change.values(body=to_text(body), sealed=sealed))
                changed += 1
        return changed

    def _split(
        self, sheets: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> Iterator[tuple[tuple[str, str], tuple[str, _Plain]]]:
        """Yield place, open text and secret values of every row."""
        seen = set()
        for sheet, rows in sheets.items():
            secrets = frozenset[str]()
            if sheet in asset_kinds():
                secrets = secret_attributes(sheet) | personal_fields(sheet)
            for row in rows:
                place = (sheet, str(row.get("code") or ""))
                if not place[1] or place in seen:
                    raise InputError(
                        "row without a code of its own",
                        thing=place[1],
                        place=sheet,
                        fix="give every row a code",
                    )
                seen.add(place)
                filled = {name: value for name, value in row.items() if value is not None}
                secret = {name: filled.pop(name) for name in secrets if name in filled}
                yield place, (to_text(filled), secret)

    def _same(self, row: Row[Any], body: str, secret: _Plain) -> bool:
        return bool(row.body == body) and self._open(row) == secret

    def _open(self, row: Row[Any]) -> _Plain:
        if row.sealed is None:
            return {}
        return self._sealer.open(_aad(row.sheet, row.code), row.sealed)

    def _row(self, row: Row[Any]) -> _Plain:
        plain: _Plain = from_text(row.body)
        return plain | self._open(row)

    def _keep_keys(self, connection: Connection, keys: Mapping[str, int], version: int) -> None:
        held = {code: key for key, code in connection.execute(_KEYS)}
        changed = [code for code, key in held.items() if keys.get(code, key) != key]
        new = {code: key for code, key in keys.items() if code not in held}
        taken = sorted(set(new.values()) & set(held.values()))
        if changed or taken or len(set(new.values())) != len(new):
            raise InputError(
                "a point key may never change or be used again",
                thing=(changed or [f"key {key}" for key in taken] or ["key given twice"])[0],
                fix="keep the keys that were loaded and count on",
            )
        if new:
            rows = [{"key": k, "code": c, "since_version": version} for c, k in new.items()]
            connection.execute(point_key.insert(), rows)


_KEYS = select(point_key.c.key, point_key.c.code)


def _version(connection: Connection) -> int:
    return int(connection.execute(select(func.max(ledger_version.c.version))).scalar() or 0)


def _at(version: int | None) -> Select[Any]:
    row = ledger_row.c
    query = select(ledger_row).order_by(row.sheet, row.number)
    if version is None:
        return query.where(row.last_version.is_(None))
    lasts = row.last_version.is_(None) | (row.last_version >= version)
    return query.where(row.first_version <= version, lasts)


def _aad(sheet: str, code: str) -> bytes:
    return f"ledger/{sheet}/{code}".encode()
