"""Who owns which field of an exchanged record: the rows of `rules.csv`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import TypeAlias

from heatloop.kernel.errors import InputError

Value: TypeAlias = bool | int | float | str | None
BILLING, CUSTOMER, HEATLOOP, NEWEST = "billing", "customer", "heatloop", "newest"
ENTITIES = ("contract", "flat", "building", "community", "ticket")
"""What is exchanged; all but tickets are assets of the ledger."""
REGISTERED = ("ticket",)
"""Kept in the register alone."""
MADE = ("contract",)
"""What another system may add to the ledger, below a flat or building it names."""
_LONGEST = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One field of one entity."""

    entity: str
    """What it is of."""
    field: str
    """Its name in records."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    type: str
    """`number`, `text`, `bool`, `date`, `time` or `choice`."""
    unit: str
    """Unit; empty: none."""
    owner: str
    """Whose word holds: a system, `heatloop`, or `newest`."""
    attribute: str
    """Attribute of the asset; empty: kept in the register alone."""
    secret: bool
    """Whether it is personal."""
    low: float | None
    """Lowest number."""
    high: float | None
    """Highest number."""
    choices: tuple[str, ...]
    """What may be given."""


def _number(text: str) -> float | None:
    return float(text) if text else None


@cache
def rules() -> Mapping[tuple[str, str], Rule]:
    """Return every rule by (entity, field), in the order of the file."""
    text = resources.files(__package__).joinpath("rules.csv").read_text("utf-8")
    return {
        (row["entity"], row["field"]): Rule(
            entity=row["entity"],
            field=row["field"],
            zh=row["zh"],
            en=row["en"],
            type=row["type"],
            unit=row["unit"],
            owner=row["owner"],
            attribute=row["attribute"],
            secret=row["secret"] == "1",
            low=_number(row["low"]),
            high=_number(row["high"]),
            choices=tuple(row["choices"].split("|")) if row["choices"] else (),
        )
        for row in csv.DictReader(io.StringIO(text))
    }


def of_entity(entity: str) -> dict[str, Rule]:
    """Return the rules of an entity by field."""
    return {field: rule for (of, field), rule in rules().items() if of == entity}


class Unfit(InputError):
    """A value that is not taken; says why in both languages.

    Args:
        field: Field at fault; empty: the record.
        zh: Why, in Chinese.
        en: Why, in English.
    """

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(en, thing=field, fix="correct it in the other system")
        self.field, self.zh, self.en = field, zh, en


def typed(rule: Rule, value: Value) -> Value:
    """Return a value as its field holds it; None stays None.

    Raises:
        Unfit: It is of another type, out of range, or no choice.
    """
    if value is None or value == "":
        return None
    match rule.type:
        case "number":
            return _numeric(rule, value)
        case "bool":
            return _boolean(rule, value)
        case "date":
            return _dated(rule, value)
        case "time":
            return _timed(rule, value)
        case "choice":
            if value not in rule.choices:
                raise Unfit(
                    rule.field,
                    f"不在可选值内：{'、'.join(rule.choices)}",
                    f"not one of {', '.join(rule.choices)}",
                )
            return value
        case _:
            if not isinstance(value, str) or len(value) > _LONGEST:
                raise Unfit(rule.field, f"应为 {_LONGEST} 字以内的文字", "not a text, or too long")
            return value.strip() or None


def _numeric(rule: Rule, value: Value) -> Value:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Unfit(rule.field, "不是数字", "not a number") from None
    low = -math.inf if rule.low is None else rule.low
    high = math.inf if rule.high is None else rule.high
    if not math.isfinite(number) or not low <= number <= high:
        raise Unfit(rule.field, f"超出范围 {low:g} 至 {high:g}", f"outside {low:g} to {high:g}")
    return number


def _boolean(rule: Rule, value: Value) -> Value:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "是": True, "yes": True,
             "false": False, "0": False, "否": False, "no": False}  # fmt: skip
    found = words.get(str(value).strip().lower())
    if found is None:
        raise Unfit(rule.field, "不是 true 或 false", "neither true nor false")
    return found


def _dated(rule: Rule, value: Value) -> Value:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise Unfit(rule.field, "不是日期（年-月-日）", "not a date (YYYY-MM-DD)") from None


def _timed(rule: Rule, value: Value) -> Value:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Unfit(rule.field, "不是时间", "not a time") from None
    if moment.tzinfo is None:
        raise Unfit(rule.field, "时间缺少时区", "a time without a zone")
    return moment.isoformat()


def same(first: Value, second: Value) -> bool:
    """Return whether two values say the same; nothing and an empty text do."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)
    return (first or None) == (second or None)
