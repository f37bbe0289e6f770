"""Tables as old control systems export them: unknown encoding, separator and decimal sign.

UTF-8, UTF-16 with its mark, or GB 18030; parted by `;`, tab, `|` or `,`; numbers with a point or
a comma. What can be read in two ways (`1,234`) is refused, not guessed, until a parameter of the
device says which.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from heatloop.kernel.errors import InputError

THING = "table"
MAX_COLUMNS = 2000
_SEPARATORS = (";", "\t", "|", ",")
_PROBE_LINES = 50
_NOTHING = frozenset(
    ("", "-", "--", "---", "null", "none", "nan", "n/a", "#n/a", "na", "bad", "无", "坏点", "坏值")
)
_WORDS = {
    "on": 1.0,
    "off": 0.0,
    "true": 1.0,
    "false": 0.0,
    "开": 1.0,
    "关": 0.0,
    "是": 1.0,
    "否": 0.0,
}
_POINT = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?|[+-]?\.\d+")
_COMMA = re.compile(r"[+-]?\d*,\d+")
_GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_GROUPED_POINT = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d*")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TextTable:
    """A table as text."""

    header: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    """Line number and cells; a row may be shorter or longer than the header."""
    decimal: str
    """`.`, `,`, or empty where the file does not tell."""


def text_of(data: bytes) -> str:
    """Return the text of a file.

    Raises:
        InputError: It is in none of the encodings, or no text at all.
    """
    encodings = ["utf-8", "gb18030"]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif data.startswith(codecs.BOM_UTF8):
        encodings = ["utf-8-sig"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    fix = "save it as UTF-8 or GB 18030"
    raise InputError("file is no text of a known encoding", thing=THING, fix=fix)


def _rows(text: str, separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if len(cells) > MAX_COLUMNS:
                raise InputError(f"more than {MAX_COLUMNS} columns", thing=THING)
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        place = f"line {reader.line_num}"
        raise InputError(f"table is malformed: {error}", thing=THING, place=place) from error


def _separator(text: str) -> str:
    """Return the separator that gives most lines as many cells as the header."""
    head = "\n".join(text.splitlines()[:_PROBE_LINES])
    best, most = "", 0
    for separator in _SEPARATORS:
        try:
            widths = [len(cells) for _, cells in _rows(head, separator)]
        except InputError:
            continue
        same = widths.count(widths[0]) if widths and widths[0] > 1 else 0
        if same > most:
            best, most = separator, same
    if not best:
        fix = "part columns by ; tab | or ,"
        raise InputError("no columns can be made out", thing=THING, place="line 1", fix=fix)
    return best


def read_table(data: bytes, decimal: str = "") -> TextTable:
    """Read a file as a table.

    Args:
        data: The file.
        decimal: `.` or `,` where it is known.

    Raises:
        InputError: It is no table, or has no rows.
    """
    text = text_of(data)
    separator = _separator(text)
    rows = tuple(_rows(text, separator))
    if len(rows) < 2:
        raise InputError("a table has a header and rows", thing=THING, fix="export it with both")
    header = rows[0][1]
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    if twice:
        raise InputError("two columns have one name", thing=twice[0], place="line 1")
    return TextTable(header=header, rows=rows[1:], decimal=decimal or _decimal(rows[1:]))


def _decimal(rows: tuple[tuple[int, tuple[str, ...]], ...]) -> str:
    """Return the decimal sign that the numbers of a file prove, or empty."""
    point = comma = False
    for _, cells in rows[:5000]:
        for cell in cells:
            if "," in cell:
                grouped = _GROUPED_COMMA.fullmatch(cell) and ("." in cell or cell.count(",") > 1)
                point = point or bool(grouped)
                plain = _COMMA.fullmatch(cell) and not _EITHER.fullmatch(cell)
                comma = comma or bool(plain or _GROUPED_POINT.fullmatch(cell))
            elif "." in cell and _POINT.fullmatch(cell):
                point = True
    if point and comma:
        raise InputError("numbers have both points and commas", thing=THING, fix="use one of them")
    return "," if comma else "." if point else ""


def read_number(cell: str, decimal: str) -> float | None:
    """Return the number in a cell; None where it says that there is none.

    Raises:
        InputError: It is no number, or can be read in two ways.
    """
    text = cell.strip().replace("\u00a0", "").replace("\u2212", "-")
    if text.casefold() in _NOTHING:
        return None
    if text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    if decimal == ",":
        fits = _COMMA.fullmatch(text) or _GROUPED_POINT.fullmatch(text)
        text = text.replace(".", "").replace(",", ".") if fits else text
        if not fits and "." in text:
            raise InputError("a point among decimal commas", thing=cell[:40])
    elif "," in text:
        if not decimal and _EITHER.fullmatch(text):
            fix = "give the device decimal=, or decimal=."
            raise InputError("can be read in two ways", thing=cell[:40], fix=fix)
        if _GROUPED_COMMA.fullmatch(text):
            text = text.replace(",", "")
    if not _POINT.fullmatch(text) or not isfinite(float(text)):
        raise InputError("no number", thing=cell[:40])
    return float(text)
