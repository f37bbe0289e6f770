"""What is sealed under which key, re-sealing under another, and certificates of gateways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, and_, func, or_, select, update

from heatloop.security.keys import seal_key_id
from heatloop.store.records.crypto_schema import crypto_reseal, gateway_certificate
from heatloop.store.records.database import Database
from heatloop.store.records.sealed_columns import SEALED, SealedColumn
from heatloop.store.records.sealing import Sealer

RUNNING, DONE, BROKEN = "running", "done", "broken"
_BATCH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ResealRow:
    """A run over all sealed values."""

    number: int
    """Number of the run."""
    key_id: str
    """Key everything is to be sealed with."""
    user: str
    """Who asked for it."""
    state: str
    """`running`, `done` or `broken`."""
    done: int
    """Values looked at."""
    total: int
    """Values there were at the start."""
    started_at: float
    """Machine time."""
    ended_at: float | None
    """Machine time."""
    note: str
    """What went wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateRow:
    """A certificate of a gateway."""

    serial: str
    """Serial number, hexadecimal."""
    gateway: str
    """Gateway code."""
    fingerprint: str
    """SHA-256 over the certificate, hexadecimal."""
    not_before: float
    """Machine time from which it holds."""
    not_after: float
    """Machine time until which it holds."""
    issued_at: float
    """Machine time."""
    issued_by: str
    """`enrol`, `renew`, or who issued it."""
    revoked_at: float | None
    """Machine time; None while it holds."""
    reason: str
    """Why it was revoked."""


class CryptoRecords:
    """Seals by key, runs, certificates."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def usage(self) -> Counter[str]:
        """Return how many sealed values stand under each key; a glance at their heads."""
        found: Counter[str] = Counter()
        for sealed in SEALED:
            head = func.substr(sealed.column, 1, 300)
            query = select(head).where(sealed.column.is_not(None))
            with self._database.read() as connection:
                rows = connection.execute(query.execution_options(yield_per=2000))
                found.update(_key_of(bytes(row[0])) for row in rows)
        return found

    def count(self) -> int:
        """Return how many sealed values there are."""
        with self._database.read() as connection:
            return sum(
                int(
                    connection.execute(
                        select(func.count()).select_from(s.table).where(s.column.is_not(None))
                    ).scalar_one()
                )
                for s in SEALED
            )

    def reseal(self, told: Callable[[int], None] = lambda done: None) -> int:
        """Seal everything under the key in use; return how many values were changed.

        Each batch is one transaction and a value is replaced only if it is still what was read:
        whatever kills the process leaves every value under the old key or the new one.

        Args:
            told: Called with the number of values looked at so far.
        """
        looked = changed = 0
        for sealed in SEALED:
            for rows in self._batches(sealed):
                changed += self._turn(sealed, rows)
                looked += len(rows)
                told(looked)
        return changed

    def _batches(self, sealed: SealedColumn) -> Iterator[Sequence[Row[Any]]]:
        keys = list(sealed.table.primary_key.columns)
        after: tuple[Any, ...] = ()
        while True:
            query = select(sealed.table).where(sealed.column.is_not(None)).order_by(*keys)
            if after:
                query = query.where(_behind(keys, after))
            with self._database.read() as connection:
                rows = connection.execute(query.limit(_BATCH)).all()
            if not rows:
                return
            yield rows
            after = tuple(getattr(rows[-1], key.name) for key in keys)

    def _turn(self, sealed: SealedColumn, rows: Sequence[Row[Any]]) -> int:
        changed: list[tuple[Any, ...]] = []
        keys = list(sealed.table.primary_key.columns)
        for row in rows:
            blob = bytes(getattr(row, sealed.column.name))
            new = self._sealer.reseal(sealed.bound(row).encode(), blob)
            if new is not None:
                place = and_(*(key == getattr(row, key.name) for key in keys))
                changed.append((place, blob, new))
        if changed:
            with self._database.write() as connection:
                for place, blob, new in changed:
                    same = and_(place, sealed.column == blob)
                    values = {sealed.column.name: new}
                    connection.execute(update(sealed.table).where(same).values(values))
        return len(changed)

    def begin_reseal(self, key_id: str, *, user: str, total: int, at: float) -> int:
        """Write down that a run begins; return its number. Runs that broke off are said so."""
        row = {
            "key_id": key_id, "user": user, "state": RUNNING, "done": 0, "total": total,
            "started_at": at, "note": "",
        }  # fmt: skip
        with self._database.write() as connection:
            broken = update(crypto_reseal).where(crypto_reseal.c.state == RUNNING)
            connection.execute(broken.values(state=BROKEN, ended_at=at))
            made = connection.execute(
                crypto_reseal.insert().values(**row).returning(crypto_reseal.c.number)
            )
            return int(made.scalar_one())

    def note_reseal(
        self, number: int, *, done: int, state: str = RUNNING, at: float | None = None,
        note: str = "",
    ) -> None:  # fmt: skip
        """Write down how far a run is."""
        change = update(crypto_reseal).where(crypto_reseal.c.number == number)
        values = {"done": done, "state": state, "ended_at": at, "note": note[:400]}
        with self._database.write() as connection:
            connection.execute(change.values(**values))

    def reseals(self, limit: int = 20) -> Sequence[ResealRow]:
        """Return the latest runs, newest first."""
        query = select(crypto_reseal).order_by(crypto_reseal.c.number.desc()).limit(limit)
        with self._database.read() as connection:
            return [ResealRow(**row._mapping) for row in connection.execute(query)]

    def add_certificate(self, row: CertificateRow) -> None:
        """Keep a certificate that was issued."""
        values = {name: getattr(row, name) for name in CertificateRow.__slots__}
        with self._database.write() as connection:
            connection.execute(gateway_certificate.insert().values(**values))

    def certificates(self, gateway: str = "") -> Sequence[CertificateRow]:
        """Return the certificates of a gateway, or of all, newest first."""
        c = gateway_certificate.c
        query = select(gateway_certificate).order_by(c.issued_at.desc(), c.serial)
        if gateway:
            query = query.where(c.gateway == gateway)
        with self._database.read() as connection:
            return [CertificateRow(**row._mapping) for row in connection.execute(query)]

    def revoke(self, gateway: str, *, at: float, reason: str, serial: str = "") -> int:
        """Revoke a gateway's certificates, or one of them; return how many held until now."""
        c = gateway_certificate.c
        change = update(gateway_certificate).where(c.gateway == gateway, c.revoked_at.is_(None))
        if serial:
            change = change.where(c.serial == serial)
        with self._database.write() as connection:
            return int(
                connection.execute(change.values(revoked_at=at, reason=reason[:400])).rowcount
            )


def _key_of(head: bytes) -> str:
    # A seal's end is not here: only its beginning is looked at.
    return seal_key_id(head + bytes(64))


def _behind(keys: Sequence[Column[Any]], after: Sequence[Any]) -> Any:
    """Return the condition that a row comes after this primary key."""
    steps = []
    for number, key in enumerate(keys):
        same = [k == v for k, v in zip(keys[:number], after[:number], strict=True)]
        steps.append(and_(*same, key > after[number]))
    return or_(*steps)
