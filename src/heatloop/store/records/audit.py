"""The audit trail: one chain of hashes, written by one at a time, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.security.chain import (
    ALGORITHM_CHANGED,
    DIGESTS,
    FIRST_FORM,
    SHA256,
    chain_hash,
    may_follow,
)
from heatloop.store.records.audit_check import check
from heatloop.store.records.audit_rows import (
    AuditHead,
    AuditQuery,
    AuditRow,
    AuditWish,
    Verdict,
    plain,
    read,
)
from heatloop.store.records.audit_schema import audit_journal_mark
from heatloop.store.records.database import Database
from heatloop.store.records.values import page, to_text
from heatloop.store.records.work_schema import audit_entry, audit_head

__all__ = ["Audit", "AuditQuery", "AuditRow", "AuditWish"]
SYSTEM = "system"
_CHUNK = 5000


class Audit:
    """The trail, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._algorithm = SHA256

    def use_algorithm(self, name: str) -> None:
        """Hash further entries so; the first of them says that it changed.

        Raises:
            ConfigError: There is no such algorithm.
        """
        if name not in DIGESTS or name == FIRST_FORM:
            raise ConfigError(
                "no such chain algorithm", thing=f"audit.algorithm = {name}", fix="sha256 or sm3"
            )
        self._algorithm = name

    def append(
        self, *, at: float, user: str, action: str, subject: str, detail: Mapping[str, Any]
    ) -> tuple[int, str]:
        """Write one entry; return its place and hash.

        Raises:
            InputError: The detail holds more than plain, finite values.
        """
        wish = AuditWish(at=at, user=user, action=action, subject=subject, detail=detail)
        return self.append_many([wish])[-1]

    def append_many(
        self,
        wishes: Sequence[AuditWish],
        *,
        journal: tuple[str, int] | None = None,
        keep: bool = True,
    ) -> Sequence[tuple[int, str]]:
        """Write several entries in one commit, all or none; return place and hash of each.

        Args:
            wishes: What to write.
            journal: (journal, line) these entries were read up to; noted in the same commit.
            keep: False: only try, and take it back.

        Raises:
            InputError: A detail holds more than plain, finite values.
            LinkError: The records cannot be written.
        """
        bodies = [to_text(dict(wish.detail)) for wish in wishes]
        with self._database.write() as connection:
            # The head row is locked until the commit: the chain has one writer at a time.
            head = connection.execute(select(audit_head).with_for_update()).one()
            chained = self._chained(head, wishes, bodies)
            if chained:
                connection.execute(audit_entry.insert(), chained)
                last = {name: chained[-1][name] for name in ("seq", "hash", "alg")}
                done = connection.execute(update(audit_head).values(last)).rowcount
                if done != 1:
                    raise LinkError("the head of the audit trail is gone", fix="restore it")
            if journal is not None:
                at = max((wish.at for wish in wishes), default=0.0)
                row = {"journal": journal[0], "through": journal[1], "at": at}
                self._database.put(connection, audit_journal_mark, row)
            if not keep:
                connection.rollback()
        return [(row["seq"], row["hash"]) for row in chained[len(chained) - len(wishes) :]]

    def _chained(
        self, head: Row[Any], wishes: Sequence[AuditWish], bodies: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return rows behind the head, the mark of a new algorithm before them."""
        seq, previous, alg = int(head.seq), str(head.hash), self._algorithm
        todo = list(zip(wishes, bodies, strict=True))
        if todo and seq and not may_follow(str(head.alg), alg, ""):
            told = to_text({"before": head.alg or SHA256, "after": alg})
            mark = AuditWish(
                at=wishes[0].at, user=SYSTEM, action=ALGORITHM_CHANGED, subject=alg, detail={}
            )
            todo.insert(0, (mark, told))
        rows = []
        for wish, body in todo:
            seq += 1
            row = {
                "seq": seq,
                "at": float(wish.at),
                "user": wish.user,
                "action": wish.action,
                "subject": wish.subject,
                "detail": body,
                "alg": alg,
                "role": wish.role,
                "address": wish.address,
                "request": wish.request,
                "result": wish.result,
            }
            previous = chain_hash(previous, row, alg)
            row["hash"] = previous
            rows.append(row)
        return rows

    def journal_through(self, journal: str) -> int:
        """Return the last line of a journal that is in the trail."""
        query = select(audit_journal_mark.c.through).where(audit_journal_mark.c.journal == journal)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def head(self) -> AuditHead:
        """Return where the chain ends."""
        with self._database.read() as connection:
            row = connection.execute(select(audit_head)).one()
        return AuditHead(seq=int(row.seq), hash=str(row.hash), alg=str(row.alg))

    def list(
        self,
        *,
        user: str = "",
        action: str = "",
        subject: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[AuditRow]]:
        """Return how many entries fit exactly, and a page of them, newest first."""
        query = select(audit_entry)
        if subject:
            query = query.where(audit_entry.c.subject == subject)
        asked = AuditQuery(user=user, action=action)
        return self._page(_where(query, asked), offset, limit)

    def search(
        self, query: AuditQuery, *, offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[AuditRow]]:
        """Return how many entries fit, and a page of them, newest first."""
        return self._page(_where(select(audit_entry), query), offset, limit)

    def _page(self, query: Select[Any], offset: int, limit: int) -> tuple[int, Sequence[AuditRow]]:
        ordered = query.order_by(audit_entry.c.seq.desc())
        with self._database.read() as connection:
            total, rows = page(connection, ordered, offset=offset, limit=limit)
        return total, [read(row) for row in rows]

    def get(self, seq: int) -> AuditRow | None:
        """Return an entry."""
        with self._database.read() as connection:
            query = select(audit_entry).where(audit_entry.c.seq == seq)
            row = connection.execute(query).one_or_none()
        return None if row is None else read(row)

    def after(self, seq: int, limit: int = _CHUNK) -> Sequence[tuple[dict[str, Any], str]]:
        """Return entries behind one as they were hashed, each with its hash, oldest first."""
        query = select(audit_entry).where(audit_entry.c.seq > seq).order_by(audit_entry.c.seq)
        with self._database.read() as connection:
            return [plain(row) for row in connection.execute(query.limit(limit))]

    def verify(self) -> tuple[int, int | None]:
        """Compute every hash again; return how many entries there are and the first broken one.

        An entry is broken when it was changed, when one before it is missing, or when the chain
        does not end where the head says.
        """
        found = self.examine()
        return found.entries, found.broken

    def examine(
        self,
        *,
        told: Callable[[int, int], None] | None = None,
        trusted: Mapping[str, str] | None = None,
    ) -> Verdict:
        """Compute every hash and check every signature again.

        Args:
            told: Called now and then with entries checked and entries in all.
            trusted: Public keys (hexadecimal) by id that checkpoints may be signed with; None:
                whatever key a checkpoint names.
        """
        with self._database.read() as connection:
            return check(connection, _all(connection), told=told, trusted=trusted)


def _where(query: Select[Any], asked: AuditQuery) -> Select[Any]:
    c = audit_entry.c
    if asked.user:
        query = query.where(c.user == asked.user)
    if asked.action.endswith("."):
        query = query.where(c.action.startswith(asked.action, autoescape=True))
    elif asked.action:
        query = query.where(c.action == asked.action)
    if asked.subject:
        query = query.where(c.subject.contains(asked.subject, autoescape=True))
    if asked.address:
        query = query.where(c.address.startswith(asked.address, autoescape=True))
    if asked.result:
        query = query.where(c.result == asked.result)
    if asked.request:
        query = query.where(c.request == asked.request)
    if asked.since is not None:
        query = query.where(c.at >= asked.since)
    if asked.until is not None:
        query = query.where(c.at < asked.until)
    return query


def _all(connection: Connection) -> Iterator[Row[Any]]:
    last = 0
    while True:
        query = select(audit_entry).where(audit_entry.c.seq > last).order_by(audit_entry.c.seq)
        rows = connection.execute(query.limit(_CHUNK)).all()
        yield from rows
        if len(rows) < _CHUNK:
            return
        last = rows[-1].seq
