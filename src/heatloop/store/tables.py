"""The only reader and writer of Excel and CSV: sheets of rows in, sheets of rows out.

A workbook has one sheet a table; as CSV that is one file a table, in a zip or in a folder. Row 1
holds headings. Text that a spreadsheet would run as a formula is kept as text.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException

from heatloop.kernel.errors import InputError

MAX_BYTES = 256 * 1024 * 1024
"""A file may not unpack to more."""
MAX_SHEETS = 200
XLSX, CSV = "xlsx", "csv"

Row = dict[str, Any]
Sheets = dict[str, list[Row]]

_FORMULA = tuple("=+-@\t\r\n")
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - a fixed mark, so that equal tables make equal files


def read_tables(source: Path | bytes, kind: str = "") -> Sheets:
    """Return every sheet as rows by heading; empty cells are None, empty rows at the end left out.

    Args:
        source: A workbook, a zip of CSV files, a folder of CSV files, or one CSV file by path.
        kind: `xlsx` or `csv`; empty: told from the name or the content.

    Raises:
        InputError: The file cannot be read, is too large, or a heading stands twice.
    """
    if isinstance(source, Path):
        if source.is_dir():
            files = {path.stem: path.read_bytes() for path in sorted(source.glob("*.csv"))}
            return {name: _csv_rows(name, data) for name, data in files.items()}
        if source.suffix.lower() == ".csv":
            return {source.stem: _csv_rows(source.stem, source.read_bytes())}
        source = source.read_bytes()
    names = _unpacked(source)
    if kind == XLSX or (not kind and "[Content_Types].xml" in names):
        return _read_xlsx(source)
    with zipfile.ZipFile(io.BytesIO(source)) as archive:
        tables = [name for name in names if name.lower().endswith(".csv")]
        stems = [PurePosixPath(name).stem for name in tables]
        if not tables or len(set(stems)) != len(stems):
            raise InputError(
                "no tables in the file, or two of one name", fix="put one CSV file a table in it"
            )
        return {
            stem: _csv_rows(stem, archive.read(name))
            for stem, name in zip(stems, tables, strict=True)
        }


def write_tables(sheets: Mapping[str, Sequence[Mapping[str, Any]]], kind: str = XLSX) -> bytes:
    """Return sheets as a workbook or as a zip of CSV files.

    Args:
        sheets: Rows by sheet; a column for every key of any row, in the order first met.
        kind: `xlsx` or `csv`.

    Raises:
        InputError: There is no such kind, or a sheet cannot have its name.
    """
    if kind == XLSX:
        return _write_xlsx(sheets)
    if kind != CSV:
        raise InputError("no such kind of table file", thing=kind, fix="use xlsx or csv")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in sheets.items():
            made = zipfile.ZipInfo(f"{_safe_name(name)}.csv", _MADE.timetuple()[:6])
            made.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(made, _csv_bytes(rows))
    return out.getvalue()


def _unpacked(data: bytes) -> list[str]:
    """Return the names in a zip after checking what it would unpack to."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise InputError(
            "neither a workbook nor a zip of CSV files", fix="send .xlsx or .zip"
        ) from error
    if len(infos) > MAX_SHEETS * 4 or sum(info.file_size for info in infos) > MAX_BYTES:
        raise InputError("file unpacks to too much", fix=f"send at most {MAX_BYTES >> 20} MB")
    return [info.filename for info in infos]


def _read_xlsx(data: bytes) -> Sheets:
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            return {
                sheet.title: _rows(sheet.title, sheet.iter_rows(values_only=True))
                for sheet in book.worksheets
            }
        finally:
            book.close()
    except InputError:
        raise
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
        # SyntaxError is what the XML parser raises.
        raise InputError(
            f"workbook cannot be read: {error}", fix="save it again as .xlsx"
        ) from error


def _csv_rows(name: str, data: bytes) -> list[Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:  # what Chinese editions of spreadsheet programs write
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise InputError(
                "neither UTF-8 nor GB 18030 text", thing=name, fix="save it as UTF-8"
            ) from error
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        return _rows(name, ([_from_csv(cell) for cell in line] for line in lines))
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", thing=name, fix="save it again as CSV") from error


def _rows(name: str, lines: Iterable[Sequence[Any]]) -> list[Row]:
    """Return rows by heading."""
    each: Iterator[Sequence[Any]] = iter(lines)
    headings = [str(cell).strip() if cell is not None else "" for cell in next(each, ())]
    named = [heading for heading in headings if heading]
    twice = sorted({heading for heading in named if named.count(heading) > 1})
    if twice:
        raise InputError(
            "heading stands twice", thing=twice[0], place=f"{name} row 1", fix="rename one"
        )
    rows: list[Row] = []
    filled = 0
    for line in each:
        row = {
            heading: (cell if cell != "" else None)
            for heading, cell in zip(headings, line, strict=False)
            if heading
        }
        rows.append(row)
        if any(cell is not None for cell in row.values()):
            filled = len(rows)
    return rows[:filled]


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _safe_name(name: str) -> str:
    if not name or len(name) > 31 or any(letter in name for letter in "[]:*?/\\'"):
        raise InputError("a sheet cannot have this name", thing=name, fix="use up to 31 letters")
    return name


def _csv_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    columns = _columns(rows)
    writer.writerow([_to_csv(column) for column in columns])
    for row in rows:
        writer.writerow([_to_csv(row.get(column)) for column in columns])
    # The mark at the start tells spreadsheet programs that this is UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _to_csv(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return repr(cell)
    text = cell.isoformat() if isinstance(cell, date) else str(cell)
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def _from_csv(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'")) else cell


def _write_xlsx(sheets: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    out = io.BytesIO()
    as_text = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, {"in_memory": True, **as_text}) as book:
        book.set_properties({"created": _MADE})
        bold = book.add_format({"bold": True})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(_safe_name(name))
            sheet.freeze_panes(1, 0)
            for at, column in enumerate(_columns(rows)):
                sheet.set_column(at, at, max(10, min(2 * len(column), 40)))
                sheet.write_string(0, at, column, bold)
                for line, row in enumerate(rows, 1):
                    _write_cell(sheet, line, at, row.get(column))
    return out.getvalue()


def _write_cell(sheet: Any, line: int, at: int, cell: Any) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_boolean(line, at, cell)
    elif isinstance(cell, int | float):
        sheet.write_number(line, at, cell)
    else:
        sheet.write_string(line, at, cell.isoformat() if isinstance(cell, date) else str(cell))
