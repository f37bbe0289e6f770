"""What the historian needs of ClickHouse, embedded in this process or behind HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class Connection(Protocol):
    """One engine: the same SQL, Arrow tables in by keyword, Arrow tables out.

    A table given as `rows=...` stands in the SQL as `Python(rows)`. Any thread may call. Every
    call raises `LinkError` when the engine is away, `InputError` when the question is too large
    for it, and `HeatloopError` when it refuses.
    """

    @property
    def engine(self) -> str:
        """Return the engine's name for health pages."""
        ...

    @property
    def sealed(self) -> bool:
        """Return whether the engine encrypts what it stores."""
        ...

    def read(self, sql: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query; it is bounded in memory and time."""
        ...

    def long_read(self, sql: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query that carries its own settings, beside the readers."""
        ...

    def write(self, sql: str, /, **tables: pa.Table) -> None:
        """Run a statement that carries its own settings; durable on return."""
        ...

    def maintain(self, sql: str, /, **tables: pa.Table) -> None:
        """Run a long statement that carries its own settings, beside the writer."""
        ...

    def upgrade(self, database: str) -> list[int]:
        """Make the database if needed, run the migrations it has not had, return their numbers."""
        ...

    def close(self) -> None:
        """Give back sessions or sockets."""
        ...
