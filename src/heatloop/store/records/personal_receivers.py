"""Receivers outside the company, and the data sets made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from heatloop.store.records.database import Database
from heatloop.store.records.personal_schema import third_party, third_party_job
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.values import from_text, page, to_text, words


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverRow:
    """Somebody outside who may be given data."""

    code: str
    """Code, unique."""
    name: str
    """Name."""
    contract: str
    """Contract or instruction he gets them by."""
    purposes: tuple[str, ...]
    """What for."""
    fields: tuple[str, ...]
    """Fields he may get."""
    public_key: str
    """His X25519 key, hexadecimal; what he gets is sealed for it."""
    valid_from: float
    """Machine time."""
    valid_until: float
    """Machine time."""
    active: bool
    """Whether the authorisation stands."""
    user: str
    """Who authorised him."""
    at: float
    """Machine time of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """A data set made for a receiver, or refused."""

    id: str
    """Id."""
    receiver: str
    """Who gets it."""
    purpose: str
    """What for."""
    reason: str
    """Why now; or why it was refused."""
    fields: tuple[str, ...]
    """Fields in it."""
    start_s: int
    """Begin of the time window, seconds since 1970 UTC."""
    end_s: int
    """End of it."""
    k: int
    """Least number of households that look alike, as asked."""
    state: str
    """`done` or `refused`."""
    permit: str
    """Approval ticket."""
    user: str
    """Who made it."""
    at: float
    """Machine time."""
    rows: int = 0
    """Rows in it."""
    suppressed: int = 0
    """Rows left out so that nobody stands alone."""
    left_out: int = 0
    """Rows left out because the person objected."""
    k_reached: int = 0
    """Least number of households that look alike."""
    loss_pct: float = 0.0
    """Information lost in what could betray somebody."""
    steps: dict[str, int]
    """How many steps each field was made coarser."""
    sha256: str = ""
    """Of the sealed file."""
    size_bytes: int = 0
    """Of the sealed file."""


class Receivers:
    """Who may get data, and what they got."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def put(self, row: ReceiverRow, new_key: bytes) -> None:
        """Keep a receiver; the key of his pseudonyms stays what it was.

        Args:
            row: The receiver.
            new_key: Key of his pseudonyms if he is new.
        """
        plain: dict[str, Any] = asdict(row)
        plain |= {"purposes": words(row.purposes), "fields": words(row.fields)}
        with self._database.write() as connection:
            held = connection.execute(
                select(third_party.c.pseudonym_key).where(third_party.c.code == row.code)
            ).scalar()
            sealed = held or self._sealer.seal(_aad(row.code), {"key": new_key.hex()})
            self._database.put(connection, third_party, plain | {"pseudonym_key": sealed})

    def get(self, code: str) -> ReceiverRow | None:
        """Return a receiver, or None."""
        return next((row for row in self.all() if row.code == code), None)

    def all(self) -> Sequence[ReceiverRow]:
        """Return every receiver by code."""
        with self._database.read() as connection:
            rows = connection.execute(select(third_party).order_by(third_party.c.code)).all()
        found = []
        for row in rows:
            plain = dict(row._mapping)
            plain.pop("pseudonym_key")
            for name in ("purposes", "fields"):
                plain[name] = tuple(from_text(plain[name]))
            found.append(ReceiverRow(**plain))
        return found

    def pseudonym_key(self, code: str) -> bytes:
        """Return the key of a receiver's pseudonyms.

        Raises:
            UnsafeError: It was changed in the database.
        """
        query = select(third_party.c.pseudonym_key).where(third_party.c.code == code)
        with self._database.read() as connection:
            blob = connection.execute(query).scalar_one()
        return bytes.fromhex(self._sealer.open(_aad(code), blob)["key"])

    def add_job(self, row: JobRow) -> None:
        """Write down a data set that was made or refused."""
        plain = asdict(row) | {"fields": words(row.fields), "steps": to_text(row.steps)}
        with self._database.write() as connection:
            connection.execute(third_party_job.insert().values(**plain))

    def job(self, id: str) -> JobRow | None:  # noqa: A002 - the column's name
        """Return a data set's entry, or None."""
        query = select(third_party_job).where(third_party_job.c.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _job(dict(row._mapping))

    def jobs(self, *, offset: int = 0, limit: int = 50) -> tuple[int, Sequence[JobRow]]:
        """Return how many data sets there are, and a page of them, newest first."""
        query = select(third_party_job)
        query = query.order_by(third_party_job.c.at.desc(), third_party_job.c.id)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_job(dict(row._mapping)) for row in rows]


def _job(plain: dict[str, Any]) -> JobRow:
    plain["fields"], plain["steps"] = (
        tuple(from_text(plain["fields"])),
        from_text(plain["steps"]),
    )
    return JobRow(**plain)


def _aad(code: str) -> bytes:
    return f"third-party/{code}".encode()
