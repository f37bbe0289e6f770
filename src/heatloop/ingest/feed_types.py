"""What the cells of an unknown feed are: numbers, times, words, codes for missing (6.2 c #2).

Cells come as text or plain values, a few thousand of a column; nothing is read or written here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

Cell = object
TIME, NUMBER, INTEGER, BOOLEAN = "time", "number", "integer", "boolean"
CATEGORY, IDENTIFIER, TEXT, EMPTY = "category", "identifier", "text", "empty"
FORMS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日%H时%M分", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日",
)  # fmt: skip
"""How times are written, apart from ISO 8601 with a zone and seconds since 1970."""
ISO_ZONED, EPOCH_S, EPOCH_MS, NATIVE = "iso", "epoch_s", "epoch_ms", "native"
_MISSING = frozenset(("", "-", "--", "---", "nan", "null", "none", "n/a", "na", "#n/a", "无", "/"))
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)?|[.,]\d+)([eE][-+]?\d+)?")
_TRUE = frozenset(("true", "false", "yes", "no", "on", "off", "是", "否", "开", "关"))
# What devices and old historians write where they have nothing.
_CODES = (-9999.0, -999.0, -99.0, -999.9, -9999.9, -99.9, -99999.0, 9999.0, 99999.0, 999990.0,
          999999.0, -32768.0, 32767.0, 65535.0, 1e30)  # fmt: skip
_EPOCH = (946_684_800.0, 4_102_444_800.0)
_WORDS = 60
_SHARE = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnType:
    """What a column holds."""

    type: str
    """`time`, `number`, `integer`, `boolean`, `category`, `identifier`, `text` or `empty`."""
    filled: int
    """Cells that hold something."""
    form: str = ""
    """Of times: how they are written; several ways that fit are joined by ` | `."""
    zoned: bool = False
    """Of times: whether they carry a zone."""
    decimal: str = ""
    """Of numbers in text: decimal sign, empty where none has one."""
    low: float | None = None
    """Least number, codes for missing left out."""
    high: float | None = None
    """Greatest number, codes for missing left out."""
    bad_codes: tuple[float, ...] = ()
    """Numbers that look like codes for a missing value."""
    counter: bool = False
    """Whether it only ever rises, like a meter."""
    words: tuple[str, ...] = ()
    """Of categories: the words, the most frequent first."""


def missing(cell: Cell) -> bool:
    """Return whether a cell holds nothing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    return isinstance(cell, str) and cell.strip().casefold() in _MISSING


def column_type(cells: Sequence[Cell]) -> ColumnType:
    """Return what a column holds, told from its cells in the order of the file."""
    filled = [cell for cell in cells if not missing(cell)]
    if not filled:
        return ColumnType(type=EMPTY, filled=0)
    found = _times(filled)
    if found is not None:
        return found
    numbers, decimal = _numbers(filled)
    if len(numbers) >= _SHARE * len(filled):
        return _number_column(numbers, decimal, len(filled))
    words = Counter(str(cell).strip() for cell in filled)
    if all(isinstance(cell, bool) for cell in filled) or {w.casefold() for w in words} <= _TRUE:
        return ColumnType(type=BOOLEAN, filled=len(filled), words=tuple(words))
    if len(words) <= _WORDS and len(words) * 2 <= len(filled):
        ordered = tuple(word for word, _ in words.most_common())
        return ColumnType(type=CATEGORY, filled=len(filled), words=ordered)
    short = all(len(word) <= 80 and "\n" not in word for word in words)
    coded = sum(bool(re.search(r"\d", word)) and " " not in word for word in words)
    kind = IDENTIFIER if short and coded >= _SHARE * len(words) else TEXT
    return ColumnType(type=kind, filled=len(filled))


def _number_column(numbers: list[float], decimal: str, filled: int) -> ColumnType:
    codes = bad_codes(numbers)
    good = [each for each in numbers if each not in codes]
    low, high = (min(good), max(good)) if good else (None, None)
    # Times written as numbers are told from other numbers by rising within reason.
    rising = all(b >= a for a, b in pairwise(good))
    if low is not None and high is not None and rising and low < high:
        for form, scale in ((EPOCH_S, 1.0), (EPOCH_MS, 1e3)):
            if _EPOCH[0] * scale <= low <= high <= _EPOCH[1] * scale:
                return ColumnType(type=TIME, filled=filled, form=form, zoned=True)
    whole = all(each == int(each) for each in good if abs(each) < 1e15)
    return ColumnType(
        type=INTEGER if whole else NUMBER,
        filled=filled,
        decimal=decimal,
        low=low,
        high=high,
        bad_codes=codes,
        counter=_counts(good),
    )


def _counts(good: list[float]) -> bool:
    """Return whether numbers behave as a meter: they rise on and on and hardly ever fall."""
    if len(set(good)) < 20 or good[0] < 0 or good[-1] < 0.9 * max(good):
        return False
    steps = [b - a for a, b in pairwise(good)]
    return sum(step < 0 for step in steps) <= len(steps) // 1000


def bad_codes(numbers: Sequence[float]) -> tuple[float, ...]:
    """Return the numbers that look like codes for missing: known ones, or one far-off extreme.

    A known code counts when it stands outside the rest; any other number when it comes at least
    three times, is the least or greatest, and the next one is far away.
    """
    counts = Counter(numbers)
    known = [code for code in _CODES if code in counts]
    rest = sorted(each for each in numbers if each not in known)
    if not rest:
        return ()
    at = len(rest) // 100
    low, high = rest[at], rest[-1 - at]
    span = max(high - low, 1e-9)
    wide = max(span, abs(high), abs(low), 1.0)
    found = [code for code in known if not low - 0.5 * wide <= code <= high + 0.5 * wide]
    levels = sorted(set(rest))
    if len(levels) > 20:
        for extreme, beside in ((levels[0], levels[1]), (levels[-1], levels[-2])):
            # Zero is what a thing at rest shows, so it is never taken for a code.
            if extreme and counts[extreme] >= 3 and abs(extreme - beside) > 0.3 * span:
                found.append(extreme)
    return tuple(found)


def _numbers(filled: Sequence[Cell]) -> tuple[list[float], str]:
    """Return the cells that are numbers, and the decimal sign they are written with."""
    plain = [float(c) for c in filled if isinstance(c, int | float) and not isinstance(c, bool)]
    texts = [c.strip() for c in filled if isinstance(c, str)]
    found = [text for text in texts if _NUMBER.fullmatch(text)]
    commas = sum("," in text for text in found)
    decimal = "," if commas else "." if any("." in text for text in found) else ""
    plain += [float(text.replace(",", ".")) for text in found]
    return [each for each in plain if math.isfinite(each)], decimal


def _times(filled: Sequence[Cell]) -> ColumnType | None:
    native = [cell for cell in filled if isinstance(cell, date)]
    if len(native) >= _SHARE * len(filled):
        zoned = any(isinstance(cell, datetime) and cell.tzinfo is not None for cell in native)
        return ColumnType(type=TIME, filled=len(filled), form=NATIVE, zoned=zoned)
    texts = [cell.strip() for cell in filled if isinstance(cell, str)]
    if len(texts) < len(filled):
        return None
    zoned_count = sum(_zoned(text) for text in texts[:500])
    if zoned_count >= _SHARE * len(texts[:500]):
        return ColumnType(type=TIME, filled=len(filled), form=ISO_ZONED, zoned=True)
    # The whole column must fit: the day above 12 may stand at its end.
    fitting = [
        form
        for form in FORMS
        if _fits(texts[0], form) and sum(_fits(t, form) for t in texts) >= _SHARE * len(texts)
    ]
    if not fitting or (texts[0].isdigit() and len(texts[0]) not in (12, 14)):
        return None
    return ColumnType(type=TIME, filled=len(filled), form=" | ".join(fitting))


def _zoned(text: str) -> bool:
    if len(text) < 16 or not re.search(r"(Z|[+-]\d\d:?\d\d)$", text):
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _fits(text: str, form: str) -> bool:
    if form.endswith("%S") and text.count(".") == 1:
        text = text.split(".")[0]
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True
