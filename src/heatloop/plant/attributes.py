"""Reading and checking one attribute of an asset, cell text or typed value alike."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from heatloop.kernel.errors import InputError
from heatloop.kernel.units import UNITS, convert
from heatloop.plant.asset_kinds import AttributeKind

Value = str | float | bool
_TRUE = frozenset(("1", "true", "yes", "y", "是", "有"))
_FALSE = frozenset(("0", "false", "no", "n", "否", "无"))
_HUGE = 10**300
_NUMBER = re.compile(r"([+-]?[0-9][0-9,]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*(\S*)", re.ASCII)
MASK = "***"
"""What stands in a list or file for personal data."""


class BadValue(Exception):
    """A cell does not hold what its column asks for.

    Args:
        zh: What is wrong, in Chinese.
        en: What is wrong, in English.
        fix: What to do, in Chinese and English.
    """

    def __init__(self, zh: str, en: str, fix: tuple[str, str]) -> None:
        self.zh, self.en, self.fix = zh, en, fix
        super().__init__(en)


def read_number(cell: object, unit: str) -> float:
    """Return a cell as a number in `unit`; text may carry another unit of the same dimension.

    Raises:
        BadValue: It is no finite number, or carries a unit that measures something else.
    """
    ask = (f"填写数字，单位 {unit or '无'}", f"give a number, unit {unit or 'none'}")
    if isinstance(cell, bool):
        raise BadValue("不是数字", "not a number", ask)
    if isinstance(cell, int | float):
        # A whole number too large for a float is as infinite as any.
        number = float(cell) if abs(cell) < _HUGE else math.inf
    else:
        found = _NUMBER.fullmatch(str(cell).strip())
        if found is None:
            raise BadValue("不是数字", "not a number", ask)
        number = float(found[1].replace(",", ""))
        if found[2] and found[2] != unit:
            number = _converted(number, found[2], unit, ask)
    if not math.isfinite(number):
        raise BadValue("不是有限数字", "not a finite number", ask)
    return number


def _converted(number: float, source: str, target: str, ask: tuple[str, str]) -> float:
    if source not in UNITS or target not in UNITS:
        raise BadValue(f"单位错误：{source}", f"wrong unit {source}", ask)
    try:
        return convert(number, source, target)
    except InputError as error:
        raise BadValue(f"单位错误：{source}", f"wrong unit: {error.message}", ask) from error


def _read_date(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    text = str(cell).strip().replace("/", "-").removesuffix(" 00:00:00")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        ask = ("按 2024-10-15 填写", "write it like 2024-10-15")
        raise BadValue("不是日期", "not a date", ask) from error


def _read_bool(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    word = f"{cell:g}" if isinstance(cell, float) else str(cell).strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValue("不是是/否", "neither yes nor no", ("填写 是 或 否", "write yes or no"))


def read_text(cell: object) -> str:
    """Return a cell as text; whole numbers lose the `.0` spreadsheets give them."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _read_choice(kind: AttributeKind, cell: object) -> str:
    word = read_text(cell)
    if word not in kind.choices:
        known = "|".join(kind.choices)
        raise BadValue("不在可选值内", "not one of the choices", (f"选填 {known}", f"use {known}"))
    return word


def _in_range(kind: AttributeKind, number: float) -> float:
    low = -math.inf if kind.low is None else kind.low
    high = math.inf if kind.high is None else kind.high
    if not low <= number <= high:
        span = f"{low:g} .. {high:g} {kind.unit}".rstrip()
        raise BadValue("超出允许范围", "out of range", (f"应在 {span}", f"give {span}"))
    return number


def read_attribute(kind: AttributeKind, cell: object) -> Value:
    """Return a cell (not empty) as a value of this attribute.

    Raises:
        BadValue: It is of another type, out of range, no choice, or masked personal data.
    """
    if cell == MASK:
        ask = ("导出未脱敏的数据或留空不改", "export it unmasked first")
        raise BadValue("脱敏数据不能导入", "masked data cannot be imported", ask)
    match kind.type:
        case "number":
            return _in_range(kind, read_number(cell, kind.unit))
        case "bool":
            return _read_bool(cell)
        case "choice":
            return _read_choice(kind, cell)
        case "date":
            return _read_date(cell)
        case _:
            return read_text(cell)
