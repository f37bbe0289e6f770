"""Who is behind a change of the records: set where a request comes in, read where rows change.

The actor travels with the task or thread (a context variable), so no repository has to pass it
on. Engines are told by an application function (SQLite) or a transaction's setting (PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from heatloop.kernel.clock import machine_s

SYSTEM = "system"
"""Who changes what nobody asked for."""

_ACTOR: ContextVar[str] = ContextVar("heatloop_actor", default=SYSTEM)


def actor() -> str:
    """Return who is behind what happens now."""
    return _ACTOR.get()


@contextmanager
def acting(user: str) -> Iterator[None]:
    """Have changes within the block be this user's."""
    token = _ACTOR.set(user)
    try:
        yield
    finally:
        _ACTOR.reset(token)


@event.listens_for(Engine, "connect")
def _introduce(connection: Any, _: Any) -> None:
    """Give a new SQLite connection the functions the journal's triggers call."""
    if hasattr(connection, "create_function"):
        connection.create_function("heatloop_actor", 0, actor)
        connection.create_function("heatloop_at", 0, machine_s)


@event.listens_for(Engine, "begin")
def _tell(connection: Connection) -> None:
    """Tell a PostgreSQL transaction who it is for; the system need not be named."""
    if connection.dialect.name == "postgresql" and actor() != SYSTEM:
        named = text("SELECT set_config('heatloop.actor', :actor, true)")
        connection.execute(named, {"actor": actor()})
