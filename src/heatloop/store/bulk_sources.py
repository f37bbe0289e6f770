"""Foreign tables in pieces: CSV, Parquet, Excel, JSON and SQL, cells as they stand in the file.

A piece is the same whenever the same file is read again, so an interrupted import can go on.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.store.tables import MAX_BYTES, read_tables

AUTO = "auto"
CSV_KINDS, PARQUET_KINDS = (".csv", ".txt", ".tsv", ".dat"), (".parquet", ".pq")
EXCEL_KINDS, JSON_KINDS = (".xlsx", ".xlsm"), (".json", ".jsonl", ".ndjson")
_BLOCK = 16 * 1024 * 1024
_PARQUET_CELLS = 2_000_000
_LOOK = 1024 * 1024
_MOST_BAD_TEXT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Rows of a table, read at once."""

    table: pa.Table
    """Columns by heading, each one chunk; cells of CSV are text."""
    first_line: int
    """Line (or row) of the first of them, headings counted."""
    done: float
    """Share of the file that is read with it, 0 .. 1."""
    bad_rows: tuple[tuple[int, str], ...] = ()
    """Rows with the wrong number of columns: line and text; they are not in the table."""

    @property
    def lines(self) -> NDArray[np.int64]:
        """Return the line of each row of the table, shape (n_row,)."""
        every = np.arange(self.first_line, self.first_line + len(self.table) + len(self.bad_rows))
        left_out = np.array([line for line, _ in self.bad_rows], "i8")
        return every[~np.isin(every, left_out)][: len(self.table)]


@dataclass(slots=True)
class Source:
    """A file that can be read in pieces."""

    path: Path
    """Where it is."""
    encoding: str = AUTO
    """Encoding of text; found when `auto`."""
    separator: str = AUTO
    """Separator of columns; found when `auto`."""
    skip_rows: int = 0
    """Lines before the headings."""
    sheet: str = ""
    """Sheet of a workbook; empty: the first."""
    headings: list[str] = field(default_factory=list)
    """Headings, known after `open`."""

    def open(self) -> Source:
        """Find out encoding, separator and headings.

        Raises:
            InputError: The file cannot be read.
        """
        try:
            if self._kind in CSV_KINDS:
                self._open_csv()
            elif self._kind in PARQUET_KINDS:
                self.headings = list(pq.read_schema(self.path).names)
            elif self._kind in (*EXCEL_KINDS, *JSON_KINDS):
                self.headings = self._small().column_names
            else:
                raise InputError("不支持的文件类型 unknown kind of file", thing=self.path.name,
                                 fix="use .csv, .parquet, .xlsx, .json")  # fmt: skip
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(self.path, error) from error
        return self

    @property
    def _kind(self) -> str:
        return self.path.suffix.lower()

    def pieces(self) -> Iterator[Piece]:
        """Yield the rows from the first.

        Raises:
            InputError: The file is damaged or changes its form.
        """
        try:
            if self._kind in CSV_KINDS:
                yield from self._csv_pieces()
            elif self._kind in PARQUET_KINDS:
                yield from self._parquet_pieces()
            else:
                yield Piece(table=self._small(), first_line=2, done=1.0)
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise _unreadable(self.path, error) from error

    def _open_csv(self) -> None:
        with self.path.open("rb") as file:
            beginning = file.read(_LOOK)
        if self.encoding == AUTO:
            self.encoding = encoding_of(beginning, self.path.name)
        text = beginning.decode(self.encoding, "ignore").lstrip("\ufeff")
        lines = text.split("\n")[self.skip_rows :]
        if not lines or not lines[0].strip():
            raise InputError("文件为空 the file is empty", thing=self.path.name)
        if self.separator == AUTO:
            self.separator = max((",", ";", "\t", "|"), key=lines[0].count)
        rows = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=self.separator)
        self.headings = [cell.strip().lstrip("\ufeff") for cell in next(rows)]
        _check_headings(self.headings, self.path.name)

    def _csv_pieces(self) -> Iterator[Piece]:
        bad: list[tuple[int, str]] = []

        def bad_row(row: Any) -> str:
            bad.append((int(row.number or 0), str(row.text)[:_MOST_BAD_TEXT]))
            return "skip"

        size = max(self.path.stat().st_size, 1)
        with pa.OSFile(str(self.path)) as file:
            reader = pa_csv.open_csv(
                file,
                read_options=pa_csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK,
                    skip_rows=self.skip_rows + 1,
                    column_names=self.headings,
                    encoding=self.encoding,
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self.separator,
                    newlines_in_values=False,
                    invalid_row_handler=bad_row,
                    ignore_empty_lines=False,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types={name: pa.string() for name in self.headings},
                    strings_can_be_null=False,
                ),
            )
            line = self.skip_rows + 2
            for batch in reader:
                # The parser works ahead: rows it left out may belong to a later piece.
                end, mine = line + batch.num_rows, 0
                while mine < len(bad) and bad[mine][0] < end:
                    mine, end = mine + 1, end + 1
                left_out, bad[:mine] = tuple(bad[:mine]), []
                yield Piece(
                    table=pa.Table.from_batches([batch]),
                    first_line=line,
                    done=min(file.tell() / size, 1.0),
                    bad_rows=left_out,
                )
                line = end
            if bad:
                empty = reader.schema.empty_table()
                yield Piece(table=empty, first_line=line, done=1.0, bad_rows=tuple(bad))

    def _parquet_pieces(self) -> Iterator[Piece]:
        with pq.ParquetFile(self.path) as file:
            rows, total = 0, max(file.metadata.num_rows, 1)
            size = max(_PARQUET_CELLS // max(len(self.headings), 1), 1_000)
            for batch in file.iter_batches(size):
                first = rows + 1
                rows += batch.num_rows
                table = pa.Table.from_batches([batch])
                yield Piece(table=table, first_line=first, done=rows / total)

    def _small(self) -> pa.Table:
        if self.path.stat().st_size > MAX_BYTES:
            raise InputError("文件过大 the file is too large", thing=self.path.name,
                             fix=f"at most {MAX_BYTES >> 20} MB; use .csv or .parquet")  # fmt: skip
        data = self.path.read_bytes()
        if self._kind in JSON_KINDS:
            rows = json_rows(data, self.path.name)
        else:
            sheets = read_tables(data, "xlsx")
            if self.sheet and self.sheet not in sheets:
                raise InputError("没有这个工作表 no such sheet", thing=self.sheet,
                                 fix=f"use {', '.join(sheets)}")  # fmt: skip
            rows = sheets[self.sheet] if self.sheet else next(iter(sheets.values()), [])
        return table_of(rows, self.path.name)


def encoding_of(beginning: bytes, name: str) -> str:
    """Return the encoding a text seems to have: UTF-8, UTF-16 by its mark, or GB 18030.

    Raises:
        InputError: It is none of them.
    """
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for encoding in ("utf-8", "gb18030"):
        # The last letter may be cut.
        for cut in range(4):
            try:
                beginning[: len(beginning) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return encoding
    raise InputError("既不是 UTF-8 也不是 GB 18030 neither UTF-8 nor GB 18030", thing=name,
                     fix="give file.encoding in the mapping")  # fmt: skip


def json_rows(data: bytes, name: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON document as flat rows, nested names joined by `.`.

    A list of objects, an object that holds one such list, or an object a line.

    Raises:
        InputError: It holds no list of objects.
    """
    try:
        text = data.decode("utf-8-sig")
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"不是 JSON not JSON: {error}", thing=name, fix="check the file"
        ) from error
    if isinstance(found, dict):
        lists = [each for each in found.values() if isinstance(each, list) and each
                 and isinstance(each[0], dict)]  # fmt: skip
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InputError("没有对象列表 no list of objects", thing=name, fix="give [{..}, {..}]")
    return [_flat(each) for each in found]


def _flat(given: dict[str, Any], above: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in given.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            out |= _flat(value, f"{name}.")
        elif isinstance(value, list):
            out[name] = json.dumps(value, ensure_ascii=False)
        else:
            out[name] = value
    return out


def table_of(rows: list[dict[str, Any]], name: str) -> pa.Table:
    """Return rows as a table; a column of several types becomes text.

    Raises:
        InputError: There are no rows.
    """
    headings = list(dict.fromkeys(key for row in rows for key in row))
    if not rows or not headings:
        raise InputError("没有数据行 there are no rows", thing=name)
    columns = {}
    for heading in headings:
        cells = [row.get(heading) for row in rows]
        try:
            columns[heading] = pa.array(cells)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            columns[heading] = pa.array([None if cell is None else str(cell) for cell in cells])
    return pa.table(columns)


def _check_headings(headings: list[str], name: str) -> None:
    twice = sorted({each for each in headings if headings.count(each) > 1})
    if twice or not any(headings):
        place = repr(twice[0]) if twice else "headings"
        raise InputError("表头为空或重复 headings are missing or stand twice", thing=name,
                         place=place, fix="rename one")  # fmt: skip


def _unreadable(path: Path, error: Exception) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError("没有这个文件 no such file", thing=str(path), fix="check the path")
    return InputError(f"无法读取 cannot be read: {error}"[:400], thing=path.name,
                      fix="check the file, file.encoding and file.separator")  # fmt: skip
