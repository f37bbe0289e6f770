"""Statements of HTTP clients on an embedded folder: sessions, settings, external tables."""

from __future__ import annotations

import io
import queue
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from heatloop.kernel.errors import ConfigError, HeatloopError, LinkError
from heatloop.store.historian.chdb_folder import SERVER_MEMORY
from heatloop.store.historian.clickhouse_endpoint_guard import STAYING, check_tree, scan

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_CODE = re.compile(r"Code: (\d+)\.")
_COLUMNS = re.compile(r"[A-Za-z0-9_`,\s()'/+-]+")
_ARROW = {"Arrow": pa.ipc.open_file, "ArrowStream": pa.ipc.open_stream}


class EngineError(HeatloopError):
    """The engine's own words, with its code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class External:
    """A table that comes along with a statement."""

    name: str
    """Its name in the statement."""
    format: str
    """ClickHouse's name of its format."""
    structure: str
    """Columns and types."""
    body: bytes
    """The data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One statement of a client."""

    text: str
    """The statement."""
    reader: bool = False
    """Whether the client may only read."""
    database: str = ""
    """Database of unqualified names."""
    format: str = "TabSeparated"
    """Format of the answer, unless the statement names one."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings for this statement alone."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of `{name:Type}` in the statement."""
    tables: tuple[External, ...] = ()
    """External tables."""
    data: tuple[str, bytes] | None = None
    """Format and rows of an INSERT whose rows follow the statement."""


@dataclass(slots=True)
class _Session:
    engine: Any
    """Session of the engine; it keeps settings, database and temporary tables by itself."""
    applied: dict[str, str] = field(default_factory=dict)
    """Settings in force."""
    database: str = ""
    """Database in force."""


class EndpointEngine:
    """The engine on one folder, for a bounded number of statements at a time.

    Readers and writers have sessions of their own, so that long readings keep no writer waiting.
    """

    def __init__(self, path: Path, *, readers: int = 3, writers: int = 2) -> None:
        path.mkdir(parents=True, exist_ok=True)
        options = f"{path}?max_server_memory_usage={SERVER_MEMORY}"
        self._counts = {False: writers, True: readers}
        self._pools: dict[bool, queue.SimpleQueue[_Session]] = {}
        self._open = True
        try:
            for reads, count in self._counts.items():
                self._pools[reads] = queue.SimpleQueue()
                for _ in range(count):
                    self._pools[reads].put(_Session(_open(options)))
            with self._session(True) as session:
                names = _query(session, "SELECT lower(name) FROM system.table_functions")
        except Exception as error:
            raise ConfigError(
                f"historian folder does not open: {error}",
                thing=str(path),
                fix="stop the other process that has it open, or check its permissions",
            ) from error
        self._leaving = frozenset(names.decode().split()) - STAYING - _ALSO_PLAIN
        self._closing = threading.Lock()

    def run(self, request: Request) -> tuple[str, bytes]:
        """Run one statement and return the answer's format and body.

        Raises:
            EngineError: The engine refused or failed.
            UnsafeError: The statement leaves the folder, or writes for one who only reads.
            InputError: It is of a kind that is not served.
        """
        found = scan(request.text)
        if request.reader and not found.reads:
            raise EngineError(164, f"{found.first}: this user only reads (READONLY)")
        given = dict(request.parameters)
        with self._session(found.reads) as session:
            rows = f" FORMAT {request.data[0]}" if request.data else ""
            parse = _query(session, f"EXPLAIN AST {request.text}{rows}", "TSVRaw", given)
            check_tree(parse.decode(errors="replace"), self._leaving)
            _apply(session, request)
            try:
                for table in request.tables:
                    _make(session, table)
                if request.data is not None:
                    return "", _insert(session, request.text, *request.data)
                wanted = found.format or request.format
                return wanted, _query(session, request.text, wanted, given)
            finally:
                for table in request.tables:
                    _query(session, f"DROP TEMPORARY TABLE IF EXISTS {table.name}")

    def close(self) -> None:
        """Close every session; waits for those that are busy."""
        with self._closing:
            if not self._open:
                return
            self._open = False
        for reads, count in self._counts.items():
            for _ in range(count):
                self._pools[reads].get().engine.close()

    @contextmanager
    def _session(self, reads: bool) -> Iterator[_Session]:
        if not self._open:
            raise LinkError("endpoint is stopping", fix="ask again when it is back")
        session = self._pools[reads].get()
        try:
            yield session
        finally:
            self._pools[reads].put(session)


# Table functions whose name is also a harmless plain one.
_ALSO_PLAIN = {"format", "null", "values", "view", "merge"}


def _apply(session: _Session, request: Request) -> None:
    """Bring the session to the settings and the database of this request."""
    wanted = dict(request.settings)
    for name in session.applied.keys() - wanted.keys():
        _query(session, f"SET {name} = DEFAULT")
        del session.applied[name]
    for name, value in wanted.items():
        if not IDENTIFIER.fullmatch(name):
            raise EngineError(115, f"Unknown setting {name[:80]!r} (UNKNOWN_SETTING)")
        if session.applied.get(name) != value:
            _query(session, f"SET {name} = {_quoted(value)}")
            session.applied[name] = value
    database = request.database or "default"
    if session.database != database:
        if not IDENTIFIER.fullmatch(database):
            raise EngineError(81, f"Database {database[:80]!r} does not exist (UNKNOWN_DATABASE)")
        _query(session, f"USE {database}")
        session.database = database


def _make(session: _Session, table: External) -> None:
    """Make a temporary table of what came along."""
    if not IDENTIFIER.fullmatch(table.name):
        raise EngineError(36, f"not a table's name: {table.name[:80]!r} (BAD_ARGUMENTS)")
    if table.format in _ARROW and not table.structure:
        raise EngineError(36, f"{table.name}_structure is missing (BAD_ARGUMENTS)")
    # Its columns are text of the client inside a statement: nothing may follow them.
    if not _COLUMNS.fullmatch(table.structure):
        raise EngineError(62, f"{table.name}_structure is malformed (SYNTAX_ERROR)")
    _query(session, f"CREATE TEMPORARY TABLE {table.name} ({table.structure}) ENGINE = Memory")
    if table.format in _ARROW:
        rows = _arrow(table.format, table.body)
        _query(session, f"INSERT INTO {table.name} SELECT * FROM Python(rows)", rows=rows)
    else:
        _insert(session, f"INSERT INTO {table.name}", table.format, table.body)


def _insert(session: _Session, text: str, kind: str, body: bytes) -> bytes:
    """Insert rows that follow a statement."""
    if not IDENTIFIER.fullmatch(kind):
        raise EngineError(73, f"Unknown format {kind[:80]!r} (UNKNOWN_FORMAT)")
    with tempfile.NamedTemporaryFile(prefix="heatloop-rows-") as file:
        file.write(body)
        file.flush()
        return _query(session, f"{text} FROM INFILE {_quoted(file.name)} FORMAT {kind}")


def _arrow(kind: str, body: bytes) -> pa.Table:
    try:
        with _ARROW[kind](io.BytesIO(body)) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError) as error:
        raise EngineError(117, f"not {kind}: {error} (INCORRECT_DATA)") from error


def _query(
    session: _Session,
    text: str,
    kind: str = "TabSeparated",
    parameters: dict[str, str] | None = None,
    rows: pa.Table | None = None,
) -> bytes:
    # The engine finds `rows` by the name of the variable in this frame.
    try:
        found = session.engine.query(text, kind, params=parameters or {})
    except Exception as error:
        told = str(error)
        code = _CODE.search(told)
        raise EngineError(int(code[1]) if code else 1002, told[:4000]) from error
    body: bytes = found.bytes() if hasattr(found, "bytes") else b""
    return body


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _open(options: str) -> Any:
    # The engine is half a gigabyte: it is loaded when a folder is opened, not at import.
    from chdb.session import Session

    return Session(options)  # type: ignore[no-untyped-call]
