"""Tables of measured series as files: read with nothing lost, written with columns added."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.store.tables import read_tables, write_tables

Floats = NDArray[np.float64]
_MOST_EXCEL_ROWS = 1_048_575


def read(path: Path) -> pa.Table:
    """Return a file as a table; cells of CSV files stay text, so that nothing is lost.

    Raises:
        InputError: The file cannot be read, or is of a kind that is not known.
    """
    kind = path.suffix.lower()
    try:
        if kind in (".parquet", ".pq"):
            return pq.read_table(path)
        if kind in (".csv", ".txt", ".tsv"):
            return _read_csv(path)
        if kind in (".xlsx", ".xlsm"):
            return _read_excel(path)
    except FileNotFoundError as error:
        raise InputError(
            "没有这个文件 no such file", thing=str(path), fix="check the path"
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"无法读取 cannot be read: {error}", thing=str(path), fix="check the file"
        ) from error
    raise InputError(
        "不支持的文件类型 unknown kind of file", thing=str(path), fix="use .parquet, .csv or .xlsx"
    )


def _read_csv(path: Path) -> pa.Table:
    data = path.read_bytes()
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:  # what Chinese editions of spreadsheet programs write
            data = data.decode("gb18030").encode()
        except UnicodeDecodeError as error:
            raise InputError(
                "既不是 UTF-8 也不是 GB 18030 neither UTF-8 nor GB 18030", thing=str(path)
            ) from error
    first = data[:100_000].decode("utf-8-sig", "ignore").split("\n", 1)[0]
    sign = max((",", ";", "\t"), key=first.count)
    headings = next(csv.reader([first.rstrip("\r")], delimiter=sign), [])
    if len(set(headings)) != len(headings) or not headings:
        raise InputError(
            "表头为空或重复 headings are missing or stand twice", thing=str(path), place="row 1"
        )
    return pa_csv.read_csv(
        io.BytesIO(data),
        parse_options=pa_csv.ParseOptions(delimiter=sign),
        convert_options=pa_csv.ConvertOptions(
            column_types={heading: pa.string() for heading in headings}, strings_can_be_null=False
        ),
    )


def _read_excel(path: Path) -> pa.Table:
    sheets = read_tables(path.read_bytes(), "xlsx")
    rows = next(iter(sheets.values()), [])
    if not rows:
        raise InputError("第一个工作表为空 the first sheet is empty", thing=str(path))
    columns: dict[str, pa.Array] = {}
    for heading in rows[0]:
        cells = [row.get(heading) for row in rows]
        try:
            columns[heading] = pa.array(cells)
        except (pa.ArrowException, TypeError, ValueError):
            columns[heading] = pa.array([None if cell is None else str(cell) for cell in cells])
    return pa.table(columns)


def numbers(table: pa.Table, heading: str) -> Floats:
    """Return a column as numbers, nan where a cell holds none, shape (n_row,)."""
    column = table.column(heading).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([])
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        text = pc.utf8_trim_whitespace(column)
        plain = pc.match_substring_regex(text, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
        column = pc.cast(pc.if_else(plain, text, None), pa.float64())
    elif pa.types.is_boolean(kind):
        column = pc.cast(pc.cast(column, pa.int8()), pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return np.full(len(column), np.nan)
    else:
        column = pc.cast(column, pa.float64(), safe=False)
    values = np.array(column.to_numpy(zero_copy_only=False), dtype="f8")
    values[~np.isfinite(values)] = np.nan
    return values


def check_target(path: Path) -> None:
    """Return when a table can be written there, before any work is done.

    Raises:
        InputError: The kind is not known, or there is no such folder.
    """
    if path.suffix.lower() not in (".parquet", ".pq", ".csv", ".txt", ".xlsx"):
        raise InputError(
            "不支持的文件类型 unknown kind of file",
            thing=str(path),
            fix="use .parquet, .csv, .xlsx",
        )
    if not path.absolute().parent.is_dir():
        raise InputError(
            "无法写入 cannot be written: no such folder", thing=str(path), fix="make the folder"
        )


def write(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet, CSV or Excel, by the ending of its name.

    Raises:
        InputError: The kind is not known, or the file cannot be written.
    """
    kind = path.suffix.lower()
    try:
        if kind in (".parquet", ".pq"):
            pq.write_table(table, path, compression="zstd")
        elif kind in (".csv", ".txt"):
            with path.open("wb") as file:
                file.write("﻿".encode())
                pa_csv.write_csv(table, file)
        elif kind == ".xlsx":
            if table.num_rows > _MOST_EXCEL_ROWS:
                raise InputError(
                    "Excel 行数超限 too many rows for Excel", thing=str(path), fix="write .parquet"
                )
            path.write_bytes(write_tables({"data": _plain_rows(table)}))
        else:
            raise InputError(
                "不支持的文件类型 unknown kind of file",
                thing=str(path),
                fix="use .parquet, .csv, .xlsx",
            )
    except OSError as error:
        raise InputError(f"无法写入 cannot be written: {error}", thing=str(path)) from error


def _plain_rows(table: pa.Table) -> list[dict[str, Any]]:
    return [
        {name: None if cell != cell else cell for name, cell in row.items()}
        for row in table.to_pylist()
    ]
