"""Models, devices, purchases, their records, tests and files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, select, update

from heatloop.kernel.errors import InputError
from heatloop.store.records.database import Database
from heatloop.store.records.device_life_schema import (
    device_item,
    device_model,
    device_purchase,
    device_record,
    stored_file,
)
from heatloop.store.records.values import from_text, page, to_text


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemRow:
    """One device."""

    serial: str
    """Serial number."""
    model: str
    """Model code."""
    asset: str
    """Asset (or gateway) it belongs to."""
    device: str
    """Ledger device it is or is read by; empty: not named."""
    point_kind: str
    """What an instrument measures; empty for others."""
    purchase: str
    """Purchase list it came with; empty: none."""
    state: str
    """`LifeState`."""
    auto_ready: bool
    """Whether its loop test passed."""
    body: Mapping[str, Any]
    """Duty told for it, and whether it stands outdoors."""
    changed_at: float
    """Plant time of the last change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRow:
    """Something recorded of a device or model."""

    number: int
    """Number, rising."""
    subject: str
    """Serial number, model or purchase code."""
    kind: str
    """`receipt`, `document`, `installation`, `waiver`, `evidence`, `failure` or `spot_check`."""
    body: Mapping[str, Any]
    """What was recorded, plain values."""
    user: str
    """Who."""
    at: float
    """Plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRow:
    """A kept file."""

    sha256: str
    """Digest, its name in the folder."""
    name: str
    """Name it was sent under."""
    media: str
    """Media type, found from its content."""
    size_bytes: int
    """Size."""
    user: str
    """Who sent it first."""
    at: float
    """Plant time."""


def _item(row: Row[Any]) -> ItemRow:
    plain = dict(row._mapping)
    plain["body"] = from_text(plain["body"])
    return ItemRow(**plain)


def _record(row: Row[Any]) -> RecordRow:
    plain = dict(row._mapping)
    plain["body"] = from_text(plain["body"])
    return RecordRow(**plain)


class DeviceLife:
    """Everything kept of devices but their tests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_models(
        self, bodies: Mapping[str, Mapping[str, Any]], *, by: str, at: float, only_new: bool = False
    ) -> int:
        """Keep models by code, older versions staying in the history; return how many changed."""
        held = self.models()
        changed = 0
        with self._database.write() as connection:
            for code, body in bodies.items():
                if held.get(code) == dict(body) or (only_new and code in held):
                    continue
                old = update(device_model).where(
                    device_model.c.code == code, device_model.c.current
                )
                connection.execute(old.values(current=False))
                row = {"code": code, "body": to_text(dict(body)), "user": by, "at": at}
                connection.execute(device_model.insert().values(**row, current=True))
                changed += 1
        return changed

    def models(self) -> dict[str, dict[str, Any]]:
        """Return the bodies of all models by code."""
        query = select(device_model.c.code, device_model.c.body).where(device_model.c.current)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(device_model.c.code))
            return {row.code: from_text(row.body) for row in rows}

    def add(self, new: ItemRow) -> None:
        """Keep a new device.

        Raises:
            InputError: There is one of this serial number.
        """
        row = {name: getattr(new, name) for name in ItemRow.__slots__}
        row["body"] = to_text(dict(new.body))
        with self._database.write() as connection:
            if not self._database.insert_new(connection, device_item, row):
                raise InputError("device exists", thing=new.serial, fix="correct the serial number")

    def change(self, serial: str, *, at: float, **changes: Any) -> ItemRow:
        """Change a device and return it.

        Raises:
            InputError: There is none.
        """
        held = self.get(serial)
        if held is None:
            raise InputError("no such device", thing=serial, fix="check the serial number")
        new = replace(held, changed_at=at, **changes)
        values = {name: getattr(new, name) for name in changes} | {"changed_at": at}
        if "body" in values:
            values["body"] = to_text(dict(values["body"]))
        mine = update(device_item).where(device_item.c.serial == serial)
        with self._database.write() as connection:
            connection.execute(mine.values(**values))
        return new

    def move(self, serial: str, source: str, to: str, *, at: float) -> bool:
        """Move a device to another state if it is in `source`; of several callers one does."""
        mine = update(device_item).where(
            device_item.c.serial == serial, device_item.c.state == source
        )
        with self._database.write() as connection:
            return connection.execute(mine.values(state=to, changed_at=at)).rowcount == 1

    def get(self, serial: str) -> ItemRow | None:
        """Return a device, or None."""
        query = select(device_item).where(device_item.c.serial == serial)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _item(row)

    def list(
        self,
        *,
        assets: Collection[str] | None = None,
        state: str = "",
        model: str = "",
        purchase: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[ItemRow]]:
        """Return how many devices there are at these assets, and a page of them by serial."""
        query = select(device_item).order_by(device_item.c.serial)
        if assets is not None:
            query = query.where(self._database.among(device_item.c.asset, assets))
        for column, value in (
            (device_item.c.state, state),
            (device_item.c.model, model),
            (device_item.c.purchase, purchase),
        ):
            if value:
                query = query.where(column == value)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_item(row) for row in rows]

    def put_purchase(self, code: str, body: Mapping[str, Any], *, by: str, at: float) -> None:
        """Keep a purchase list; an older one of this code is replaced."""
        row = {"code": code, "body": to_text(dict(body)), "user": by, "at": at}
        with self._database.write() as connection:
            self._database.put(connection, device_purchase, row)

    def purchases(self) -> dict[str, dict[str, Any]]:
        """Return purchase lists by code."""
        query = select(device_purchase.c.code, device_purchase.c.body)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(device_purchase.c.code))
            return {row.code: from_text(row.body) for row in rows}

    def note(self, subject: str, kind: str, body: Mapping[str, Any], *, by: str, at: float) -> None:
        """Record something; earlier records stay."""
        row = {"subject": subject, "kind": kind, "body": to_text(dict(body)), "user": by, "at": at}
        with self._database.write() as connection:
            connection.execute(device_record.insert().values(row))

    def notes(self, subject: str, kind: str = "") -> Sequence[RecordRow]:
        """Return what was recorded of a subject, oldest first."""
        return self._notes(select(device_record).where(device_record.c.subject == subject), kind)

    def notes_of(self, subjects: Collection[str], kind: str = "") -> Sequence[RecordRow]:
        """Return what was recorded of several subjects, oldest first."""
        wanted = self._database.among(device_record.c.subject, subjects)
        return self._notes(select(device_record).where(wanted), kind)

    def _notes(self, query: Select[Any], kind: str) -> Sequence[RecordRow]:
        if kind:
            query = query.where(device_record.c.kind == kind)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(device_record.c.number))
            return [_record(row) for row in rows]

    def add_file(self, new: FileRow) -> None:
        """Note a kept file; one known already gets one use more."""
        row = {name: getattr(new, name) for name in FileRow.__slots__}
        mine = update(stored_file).where(stored_file.c.sha256 == new.sha256)
        with self._database.write() as connection:
            if not self._database.insert_new(connection, stored_file, row | {"uses": 1}):
                connection.execute(mine.values(uses=stored_file.c.uses + 1))

    def file(self, sha256: str) -> FileRow | None:
        """Return what is known of a file, or None."""
        columns = [column for column in stored_file.c if column.name != "uses"]
        query = select(*columns).where(stored_file.c.sha256 == sha256)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else FileRow(**row._mapping)
