"""Time series files of the `simulate` commands: CSV or Excel in, CSV out, every mistake placed."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats

SECONDS = "t_s"
TIMES = ("time", "timestamp", "datetime")
DELIMITERS = ",;\t"


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Columns over time, as they stand in a file."""

    name: str
    """File, for messages."""
    t_s: Floats
    """Seconds since the first row, shape (n,)."""
    labels: tuple[str, ...]
    """What the file's time column says, row by row."""
    time_column: str
    """Its heading."""
    columns: Mapping[str, tuple[Any, ...]]
    """Cells by heading, in the order of the file."""

    def number(self, heading: str, low: float = -math.inf, high: float = math.inf) -> Floats:
        """Return a column of numbers, every cell filled, shape (n,).

        Args:
            heading: Column.
            low: Least value allowed.
            high: Most value allowed.

        Raises:
            InputError: The column is missing, or a cell is empty, no number or out of range.
        """
        values = self.gappy(heading)
        bad = ~(np.isfinite(values) & (values >= low) & (values <= high))
        for row in np.flatnonzero(bad).tolist():
            cell = self.columns[heading][row]
            if cell is None or cell == "":
                raise self.wrong("缺少数值 no value", row, heading, "fill the cell or drop the row")
            raise self.wrong(
                f"数值超出范围 {cell} is out of range",
                row,
                heading,
                f"give {low:g} to {high:g}",
            )
        return values

    def gappy(self, heading: str) -> Floats:
        """Return a column of numbers, nan where a cell is empty, shape (n,).

        Raises:
            InputError: The column is missing, or a cell is neither a number nor empty.
        """
        if heading not in self.columns:
            raise InputError(
                f"缺少列 no column {heading}",
                thing=self.name,
                place=f"columns: {', '.join(self.columns)}",
                fix=f"name a column {heading}, or give --column {heading}=YOURS",
            )
        out = np.full(len(self.t_s), math.nan)
        for row, cell in enumerate(self.columns[heading]):
            if cell is None or cell == "":
                continue
            try:
                out[row] = float(cell)
            except (TypeError, ValueError):
                raise self.wrong(f"不是数字 {cell!r} is no number", row, heading) from None
        return out

    def wrong(self, message: str, row: int, heading: str, fix: str = "") -> InputError:
        """Return the error of one cell; headings are row 1."""
        place = f"row {row + 2}, column {heading}"
        return InputError(message, thing=self.name, place=place, fix=fix or "correct the cell")


def read_series(
    path: Path, zone: str | None = None, named: Mapping[str, str] | None = None
) -> Series:
    """Return the columns of a CSV (also .gz) or Excel file with a time column.

    Time is `t_s` (seconds) or `time` (ISO 8601). Times without an offset need a zone; an hour that
    the zone has twice or not at all is reported, not guessed.

    Args:
        path: File.
        zone: IANA zone of times that carry no offset.
        named: Heading we look for -> heading in the file.

    Raises:
        InputError: The file cannot be read, has no rows, or its time is missing or does not rise.
    """
    headings, rows = _cells(path)
    ours = {theirs: wanted for wanted, theirs in (named or {}).items()}
    absent = [theirs for theirs in ours if theirs not in headings]
    if absent:
        place = f"columns: {', '.join(headings)}"
        raise InputError(f"缺少列 no column {absent[0]}", thing=path.name, place=place)
    # A column renamed to a heading that is there too takes its place.
    names = [ours.get(h, h if h not in ours.values() else "") for h in headings]
    columns = {
        name: tuple(row[i] if i < len(row) else None for row in rows)
        for i, name in enumerate(names)
        if name
    }
    if len(rows) < 2:
        raise InputError("至少需要两行 fewer than two rows", thing=path.name, fix="give more rows")
    time_column = next((h for h in (SECONDS, *TIMES) if h in columns), "")
    if not time_column:
        raise InputError(
            "缺少时间列 no time column",
            thing=path.name,
            place=f"columns: {', '.join(headings)}",
            fix="name it t_s (seconds) or time (ISO 8601), or give --column t_s=YOURS",
        )
    cells = columns.pop(time_column)
    bare = Series(
        name=path.name,
        t_s=np.zeros(len(rows)),
        labels=tuple("" if c is None else str(c) for c in cells),
        time_column=time_column,
        columns={**columns, time_column: cells},
    )
    t_s = bare.number(SECONDS) if time_column == SECONDS else _instants(bare, zone)
    back = np.flatnonzero(np.diff(t_s) <= 0.0)
    if len(back):
        raise bare.wrong(
            "时间没有递增 time does not rise", int(back[0]) + 1, time_column, "sort the rows"
        )
    return Series(
        name=path.name,
        t_s=t_s - t_s[0],
        labels=bare.labels,
        time_column=time_column,
        columns=columns,
    )


def write_columns(path: Path, headings: Sequence[str], columns: Iterable[Iterable[Any]]) -> None:
    """Write columns as a CSV file that spreadsheet programs read.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(headings)
            writer.writerows(zip(*columns, strict=True))
    except OSError as error:
        raise InputError(f"无法写入 cannot be written: {error}", thing=str(path)) from error


def shown(values: Floats, digits: int) -> list[str]:
    """Return numbers as a file shows them, nan as an empty cell."""
    return ["" if math.isnan(v) else f"{v:.{digits}f}" for v in values.tolist()]


def renamed(pairs: Sequence[str]) -> dict[str, str]:
    """Return `--column OURS=YOURS` options as a mapping.

    Raises:
        InputError: One has no `=`.
    """
    out: dict[str, str] = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not (ours and sign and theirs):
            raise InputError(
                "不是 OURS=YOURS", thing=f"--column {pair}", fix="example: inlet_c=Twater_in"
            )
        out[ours.strip()] = theirs.strip()
    return out


def _cells(path: Path) -> tuple[list[str], list[Sequence[Any]]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"无法读取 cannot be read: {error.strerror}", thing=str(path), fix="check the path"
        ) from error
    if path.suffix.lower() == ".xlsx":
        from heatloop.store.tables import read_tables

        sheets = read_tables(data, "xlsx")
        rows = next(iter(sheets.values()), [])
        headings = list(rows[0]) if rows else []
        return headings, [[row[h] for h in headings] for row in rows]
    if path.suffix.lower() == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise InputError(f"not gzip: {error}", thing=str(path)) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    while lines and not any(cell.strip() for cell in lines[-1]):
        lines.pop()
    if not lines:
        raise InputError("文件为空 the file is empty", thing=str(path))
    headings = [cell.strip() for cell in lines[0]]
    twice = {h for h in headings if h and headings.count(h) > 1}
    if twice:
        raise InputError("列名重复 heading stands twice", thing=str(path), place=min(twice))
    # With semicolons between cells a comma is the decimal sign.
    if delimiter == ";":
        return headings, [[cell.strip().replace(",", ".") for cell in line] for line in lines[1:]]
    return headings, [[cell.strip() for cell in line] for line in lines[1:]]


def _instants(series: Series, zone: str | None) -> Floats:
    try:
        local = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            "没有这个时区 no such time zone", thing=f"--tz {zone}", fix="example: Asia/Shanghai"
        ) from error
    column = series.time_column
    out = np.zeros(len(series.labels))
    for row, text in enumerate(series.labels):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise series.wrong(
                f"不是时间 {text!r} is no time", row, column, "example: 2026-01-15T08:00:00+08:00"
            ) from None
        if moment.tzinfo is None:
            if local is None:
                raise series.wrong(
                    "时间没有时区 time without a zone", row, column, "give --tz Asia/Shanghai"
                )
            moment = _placed(moment, local, series, row)
        out[row] = moment.timestamp()
    return out


def _placed(moment: datetime, zone: ZoneInfo, series: Series, row: int) -> datetime:
    """Return a local time as an instant; hours that come twice or never are refused."""
    early, late = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    there_and_back = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if there_and_back != moment:
        raise series.wrong(
            "该时区没有这个时刻 the zone has no such hour", row, series.time_column, "write offsets"
        )
    if early.utcoffset() != late.utcoffset():
        raise series.wrong(
            "该时区有两个这样的时刻 the zone has this hour twice",
            row,
            series.time_column,
            "write the time with its offset",
        )
    return early
