"""Platform instances over one set of records: one works by a lease, the others stand by.

Whoever holds the lease has a token that rises with every change of holder. While a fence is up,
every transaction of the records first proves that its token is still the newest, so an instance
that was paused and comes back writes nothing: no command, no acknowledgement, no audit line.
All times are the database's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, event, select, text, update

from heatloop.kernel.errors import ConfigError, UnsafeError
from heatloop.store.records.database import Database
from heatloop.store.records.instances_schema import (
    command_counter,
    platform_instance,
    platform_lease,
)

ACTIVE = "active"
# Of PostgreSQL's advisory locks, the one this program uses for its lease.
_LOCK = 0x4845_4154_4C45
_FORGET_S = 7 * 86400.0
_POSTGRES_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")
_SQLITE_NOW = text("SELECT (julianday('now') - 2440587.5) * 86400.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Who works, as the records have it."""

    holder: str
    """Name of the instance."""
    token: int
    """Fencing token: rises with every change of holder."""
    since: float
    """When it began to work, database time."""
    renewed_at: float
    """When it last said that it lives, database time."""
    expires_at: float
    """Until when nobody else may begin, database time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceRow:
    """One instance as it last told about itself."""

    name: str
    """Name."""
    url: str
    """Address gateways and people reach it at."""
    key_id: str
    """Signing key it speaks to gateways with."""
    version: str
    """Version of the program."""
    active: bool
    """Whether it took itself for the active one."""
    started_at: float
    """When it started, database time."""
    seen_at: float
    """When it last said that it lives, database time."""
    lag_s: float | None
    """How far its view of the values was behind, seconds; None before the first look."""


class Instances:
    """Instances, the lease, and what only its holder may count up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> float:
        """Return the database's time."""
        with self._database.read() as connection:
            return _now(connection)

    def announce(self, name: str, *, url: str, key_id: str, version: str) -> None:
        """Write down that an instance started.

        Raises:
            ConfigError: Another one speaks to gateways with another key.
        """
        with self._database.write(fenced=False) as connection:
            now = _now(connection)
            connection.execute(
                delete(platform_instance).where(platform_instance.c.seen_at < now - _FORGET_S)
            )
            others = select(platform_instance).where(
                platform_instance.c.name != name, platform_instance.c.key_id != key_id
            )
            other = connection.execute(others).first()
            if other is not None:
                raise ConfigError(
                    "instances have different keys, gateways would trust only one of them",
                    thing=f"{name} and {other.name}",
                    place="keys",
                    fix="copy the folder `keys` of the first instance to every other one",
                )
            row = {"name": name, "url": url, "key_id": key_id, "version": version}
            times = {"active": False, "started_at": now, "seen_at": now, "lag_s": None}
            self._database.put(connection, platform_instance, row | times)

    def beat(self, name: str, *, active: bool, lag_s: float | None) -> None:
        """Write down that an instance lives."""
        own = update(platform_instance).where(platform_instance.c.name == name)
        with self._database.write(fenced=False) as connection:
            seen = _now(connection)
            connection.execute(own.values(active=active, lag_s=lag_s, seen_at=seen))

    def leave(self, name: str, token: int | None) -> None:
        """Give the lease back at once, if it is held with this token, and say good-bye."""
        with self._database.write(fenced=False) as connection:
            now = _now(connection)
            if token is not None:
                own = (platform_lease.c.holder == name) & (platform_lease.c.token == token)
                connection.execute(update(platform_lease).where(own).values(expires_at=now))
            connection.execute(
                update(platform_instance)
                .where(platform_instance.c.name == name)
                .values(active=False, seen_at=now)
            )

    def take(self, name: str, *, token: int | None, lease_s: float) -> Lease | None:
        """Renew the lease held with `token`, or take one that ran out; None: somebody works.

        Args:
            name: Who asks.
            token: Token of the lease it holds; None when it holds none.
            lease_s: How long the lease is to hold, seconds.
        """
        with self._database.write(fenced=False) as connection:
            if token is None and not self._free(connection):
                return None  # Without the exclusive lock, which would hold up whoever works.
            if token is None:
                _exclude(connection)
            now = _now(connection)
            row = connection.execute(select(platform_lease).with_for_update()).first()
            mine = row is not None and (row.holder, row.token) == (name, token)
            if row is not None and not mine and (token is not None or row.expires_at > now):
                return None
            lease = Lease(
                holder=name,
                token=row.token if row is not None and mine else (row.token + 1 if row else 1),
                since=row.since if row is not None and mine else now,
                renewed_at=now,
                expires_at=now + lease_s,
            )
            self._database.put(connection, platform_lease, {"name": ACTIVE, **_plain(lease)})
            return lease

    def lease(self) -> Lease | None:
        """Return the lease that was last taken, also one that ran out."""
        with self._database.read() as connection:
            row = connection.execute(select(platform_lease)).first()
        return None if row is None else _lease(row)

    def list(self) -> tuple[float, Sequence[InstanceRow]]:
        """Return the database's time and the instances, by name."""
        query = select(platform_instance).order_by(platform_instance.c.name)
        with self._database.read() as connection:
            rows = [InstanceRow(**row._mapping) for row in connection.execute(query)]
            return _now(connection), rows

    def next_counter(self, gateway: str, *, token: int, floor: int) -> int:
        """Return a gateway's next command counter, above all that were ever given.

        Args:
            gateway: Gateway code.
            token: Fencing token of whoever asks.
            floor: The counter is at least this.

        Raises:
            UnsafeError: The lease went to somebody else.
        """
        with self._database.write(fenced=False) as connection:
            hold(connection, token)
            query = select(command_counter.c.counter).where(command_counter.c.gateway == gateway)
            last = connection.execute(query.with_for_update()).scalar() or 0
            counter = max(last + 1, floor)
            row = {"gateway": gateway, "counter": counter, "token": token}
            self._database.put(connection, command_counter, row)
            return counter

    def fence(self, token: int | None) -> None:
        """From now on let no transaction through that does not hold the lease with `token`."""
        self._database.fence = None if token is None else partial(hold, token=token)

    def guard_sessions(self, idle_s: float) -> None:
        """Have the server end a transaction whose process was paused in the middle of it.

        Its locks would hold up the instance that takes over.
        """
        if self._database.engine.dialect.name != "postgresql":
            return

        def prepare(connection: Any, record: Any) -> None:
            del record
            connection.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', %s, false)",
                [f"{max(int(idle_s * 1000), 1)}ms"],
            )
            connection.commit()

        event.listen(self._database.engine, "connect", prepare)
        self._database.engine.dispose()

    @staticmethod
    def _free(connection: Connection) -> bool:
        row = connection.execute(select(platform_lease.c.expires_at)).first()
        return row is None or bool(row.expires_at <= _now(connection))


def hold(connection: Connection, token: int) -> None:
    """Prove inside a transaction that a token is the newest, and keep it so until its end.

    Raises:
        UnsafeError: It is not: somebody else works.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": _LOCK})
    newest = connection.execute(select(platform_lease.c.token)).scalar()
    if newest != token:
        raise UnsafeError(
            "another instance took over",
            thing=f"token {token}",
            place=f"newest {newest}",
            fix="this one ends and comes back as standby",
        )


def _exclude(connection: Connection) -> None:
    # Waits for transactions that proved an older token; SQLite's writer is alone anyway.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _now(connection: Connection) -> float:
    if connection.dialect.name == "postgresql":
        return float(connection.execute(_POSTGRES_NOW).scalar_one())
    return float(connection.execute(_SQLITE_NOW).scalar_one())


def _plain(lease: Lease) -> dict[str, Any]:
    names = ("holder", "token", "since", "renewed_at", "expires_at")
    return {name: getattr(lease, name) for name in names}


def _lease(row: Any) -> Lease:
    return Lease(
        holder=row.holder,
        token=row.token,
        since=row.since,
        renewed_at=row.renewed_at,
        expires_at=row.expires_at,
    )
