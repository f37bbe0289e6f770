"""A record of another system: what it must hold, its checksum, and how files hold it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from heatloop.bridge.sync.rules import ENTITIES, Unfit, Value, of_entity, typed
from heatloop.kernel.canonical import canonical

_HEADS = ("entity", "id", "code", "parent", "revision", "changed", "checksum", "deleted")
_CODE = re.compile(r"^[A-Za-z0-9_-]{0,40}$")
_LONGEST_ID = 64
_MOST_REVISION = 2**53


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """One record as it came."""

    entity: str
    """What it is about."""
    source_id: str
    """Its id in the other system."""
    code: str = ""
    """Asset code here, if the other system knows it."""
    parent: str = ""
    """Flat or building of a new contract: asset code, or the other system's id of it."""
    revision: int
    """Rises with every change in the other system."""
    changed_s: float
    """When it was changed there."""
    checksum: str = ""
    """SHA-256, hexadecimal; may be empty in files alone."""
    deleted: bool = False
    """Whether it is gone there."""
    fields: dict[str, Value] = field(default_factory=dict)
    """Its fields; those left out stay as they are."""


def checksum_of(record: Incoming) -> str:
    """Return the checksum a record must carry.

    Raises:
        InputError: A value cannot be written as JSON.
    """
    told = {
        "entity": record.entity,
        "id": record.source_id,
        "revision": record.revision,
        "deleted": record.deleted,
        "fields": record.fields,
    }
    return hashlib.sha256(canonical(told)).hexdigest()


def checked(record: Incoming) -> Incoming:
    """Return a record whose fields are known, typed and in range, and whose checksum holds.

    Raises:
        Unfit: It is not to be taken.
    """
    if record.entity not in ENTITIES:
        raise Unfit("entity", f"未知类别 {record.entity[:40]}", f"unknown: {record.entity[:40]}")
    if not 0 < len(record.source_id) <= _LONGEST_ID:
        raise Unfit("id", "编号为空或过长", "the id is empty or too long")
    if not _CODE.match(record.code):
        raise Unfit("code", "不是编码", "not a code")
    if not 0 <= record.revision <= _MOST_REVISION:
        raise Unfit("revision", "版本号超出范围", "the revision is out of range")
    if record.checksum and not hmac.compare_digest(record.checksum, checksum_of(record)):
        raise Unfit("checksum", "校验和不符", "the checksum does not fit")
    known = of_entity(record.entity)
    unknown = sorted(set(record.fields) - set(known))
    if unknown:
        raise Unfit(unknown[0][:40], "未知字段", "unknown field")
    fields = {name: typed(known[name], value) for name, value in record.fields.items()}
    return Incoming(
        entity=record.entity,
        source_id=record.source_id,
        code=record.code,
        parent=record.parent[:_LONGEST_ID],
        revision=record.revision,
        changed_s=record.changed_s,
        # What is compared later is what was taken, however it was written.
        checksum=checksum_of(_with(record, fields)),
        deleted=record.deleted,
        fields=fields,
    )


def _with(record: Incoming, fields: dict[str, Value]) -> Incoming:
    return Incoming(
        entity=record.entity,
        source_id=record.source_id,
        revision=record.revision,
        changed_s=record.changed_s,
        deleted=record.deleted,
        fields=fields,
    )


def from_plain(row: Mapping[str, Any]) -> Incoming:
    """Return a record of a JSON file or answer: like the body of `POST /sync/records`.

    Raises:
        Unfit: Its shape is another one.
    """
    if not isinstance(row.get("fields", {}), Mapping):
        raise Unfit("", "记录不是对象", "the record is no object")
    fields: dict[str, Value] = {}
    for name, value in row.get("fields", {}).items():
        if value is not None and not isinstance(value, bool | int | float | str):
            raise Unfit(str(name)[:40], "不是简单值", "not a plain value")
        fields[str(name)[:40]] = value
    return _of(row, fields)


def from_row(row: Mapping[str, Any]) -> Incoming:
    """Return a record of a table row: the heads, and one column a field; empty cells are left out.

    A row's checksum, where the table has one, is over the other cells' text, in the order of the
    columns, joined by `|`.

    Raises:
        Unfit: Its shape is another one.
    """
    told = str(row.get("checksum") or "").strip().lower()
    if told:
        text = "|".join("" if row[name] is None else str(row[name])
                        for name in row if name != "checksum")  # fmt: skip
        if not hmac.compare_digest(told, hashlib.sha256(text.encode()).hexdigest()):
            raise Unfit("checksum", "校验和不符", "the checksum does not fit")
    fields: dict[str, Value] = {
        name: value for name, value in row.items() if name not in _HEADS and value is not None
    }
    return _of({**row, "checksum": ""}, fields)


def _of(row: Mapping[str, Any], fields: dict[str, Value]) -> Incoming:
    try:
        revision = int(str(row["revision"]))
        changed = datetime.fromisoformat(str(row["changed"]))
        entity, source_id = str(row["entity"]), str(row["id"])
    except (KeyError, ValueError) as error:
        raise Unfit(
            str(error).strip("'")[:40],
            "entity、id、revision、changed 缺失或无法读取",
            "entity, id, revision or changed is missing or cannot be read",
        ) from error
    if changed.tzinfo is None:
        raise Unfit("changed", "时间缺少时区", "a time without a zone")
    deleted = str(row.get("deleted") or "false").strip().lower()
    if deleted not in ("true", "false", "0", "1"):
        raise Unfit("deleted", "不是 true 或 false", "neither true nor false")
    return Incoming(
        entity=entity,
        source_id=source_id,
        code=str(row.get("code") or "").strip(),
        parent=str(row.get("parent") or "").strip(),
        revision=revision,
        changed_s=changed.timestamp(),
        checksum=str(row.get("checksum") or "").strip().lower(),
        deleted=deleted in ("true", "1"),
        fields=fields,
    )


def newest_of(records: Iterable[Incoming]) -> list[Incoming]:
    """Return the newest revision of each thing in a batch, in the order things first appear."""
    found: dict[tuple[str, str], Incoming] = {}
    for record in records:
        place = (record.entity, record.source_id)
        held = found.get(place)
        if held is None or record.revision > held.revision:
            found[place] = record
    return list(found.values())
