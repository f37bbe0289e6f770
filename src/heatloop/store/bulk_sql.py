"""The rows of an SQL query on a foreign database, in pieces; nothing is ever written there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from heatloop.kernel.errors import InputError
from heatloop.store.bulk_sources import Piece, table_of

_ROWS = 100_000
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_KINDS = ("sqlite", "postgresql+psycopg")


@dataclass(slots=True)
class SqlSource:
    """A query that can be read in pieces.

    The query is the user's own and is run as it stands, in a transaction that may only read.
    """

    url: str
    """SQLAlchemy URL."""
    query: str
    """What to select; order it, so that pieces are the same each time."""
    headings: list[str] = field(default_factory=list)
    """Names of the columns, known after `open`."""
    _engine: sa.Engine | None = None

    @property
    def name(self) -> str:
        """Return the URL without its password."""
        try:
            return sa.make_url(self.url).render_as_string(hide_password=True)
        except SQLAlchemyError:
            return "SQL"

    def open(self) -> SqlSource:
        """Connect and find out the columns.

        Raises:
            InputError: There is no such database, or the query is wrong.
        """
        try:
            url = sa.make_url(self.url)
            url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
            if url.drivername not in _KINDS:
                raise InputError(
                    "不支持的数据库 unknown kind of database",
                    thing=url.drivername,
                    fix="use sqlite:///file or postgresql://user@host/database",
                )
            self._engine = sa.create_engine(url, poolclass=sa.NullPool)
            with self._engine.connect() as connection:
                self._read_only(connection)
                with connection.execution_options(stream_results=True).execute(
                    sa.text(self.query)
                ) as found:
                    self.headings = list(found.keys())
        except (SQLAlchemyError, ImportError) as error:
            raise self._wrong(error) from error
        return self

    def pieces(self) -> Iterator[Piece]:
        """Yield the rows from the first.

        Raises:
            InputError: The query fails.
        """
        if self._engine is None:
            raise InputError(
                "查询未打开 the query is not open", thing=self.name, fix="open it first"
            )
        try:
            with self._engine.connect() as connection:
                self._read_only(connection)
                streamed = connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
                with streamed.execute(sa.text(self.query)) as found:
                    line = 1
                    while rows := found.fetchmany(_ROWS):
                        cells: list[dict[str, Any]] = [dict(row._mapping) for row in rows]
                        yield Piece(table=table_of(cells, self.name), first_line=line, done=0.0)
                        line += len(rows)
        except SQLAlchemyError as error:
            raise self._wrong(error) from error

    def _read_only(self, connection: sa.Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        else:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    def _wrong(self, error: Exception) -> InputError:
        text = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
        return InputError(f"查询失败 the query failed: {text}", thing=self.name,
                          fix="check the URL and the query")  # fmt: skip
