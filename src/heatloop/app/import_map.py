"""The mapping of an import: which column or tag of a foreign file is which point, and in what unit.

A mapping is a TOML file, see `docs/import.md`; unknown words in it are refused with their place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.units import unit

AUTO = "auto"
_MOST_TEXT = 1_000
_MOST_RULES = 50_000
NAME = re.compile(r"\{([a-z_]{1,20})\}")
"""Places of a pattern."""
_SECTIONS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "file": {
        "encoding": str, "separator": str, "decimal": str, "shape": str, "skip_rows": int,
        "sheet": str, "ignore": list, "ignore_rest": bool,
    },
    "time": {"column": str, "columns": list, "format": str, "zone": str, "ambiguous": str},
    "long": {"tag": (str, list), "value": str, "quality": str},
    "wide": {"place": (str, list)},
    "quality": {
        "good": list, "uncertain": list, "bad": list, "estimated": list, "refuse": list,
        "bad_values": list, "other": str,
    },
    "sql": {"query": str},
    "names": {},
    "point": {
        "column": str, "code": str, "unit": str, "factor": (int, float), "offset": (int, float),
        "bad_values": list, "quality": str,
    },
    "pattern": {
        "match": str, "code": str, "unit": str, "factor": (int, float), "offset": (int, float),
        "bad_values": list,
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One column or tag and what it becomes: value = raw * factor + offset, in the point's unit."""

    tag: str
    """Heading, tag, or for patterns the text with `{name}` places."""
    code: str
    """Point code, for patterns with `{name}` places."""
    unit: str = ""
    """Unit of the file's values after `factor`; empty: the point's own."""
    factor: float = 1.0
    """For counters that count in tens, for example."""
    offset: float = 0.0
    """Added after `factor`."""
    bad_values: tuple[float, ...] = ()
    """Numbers that mean that there is none, beside those of the whole file."""
    quality: str = ""
    """Wide tables: column that holds the quality of this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportMap:
    """A mapping, checked."""

    encoding: str = AUTO
    """Encoding of text."""
    separator: str = AUTO
    """Separator of CSV columns."""
    decimal: str = AUTO
    """Decimal sign, `.` or `,`."""
    shape: str = AUTO
    """`wide` or `long`; told from whether `[long]` is given."""
    skip_rows: int = 0
    """Lines before the headings."""
    sheet: str = ""
    """Sheet of a workbook; empty: the first."""
    ignore: frozenset[str] = frozenset()
    """Columns that are knowingly left out."""
    ignore_rest: bool = False
    """Whether every column that is not mapped is left out."""
    time_columns: tuple[str, ...] = ()
    """Column of the time, or of date and time."""
    time_format: str = AUTO
    """`auto`, `epoch_s`, `epoch_ms`, or as in `strptime`."""
    zone: str = ""
    """Zone of times without one."""
    ambiguous: str = "refuse"
    """The hour a clock runs twice: `refuse`, `earlier` or `later`."""
    tag_columns: tuple[str, ...] = ()
    """Long tables: columns that together are the tag, joined by `.`."""
    place_columns: tuple[str, ...] = ()
    """Wide tables of several places: columns that tell the place; tags are `place.heading`."""
    value_column: str = ""
    """Long tables: column of the value."""
    quality_column: str = ""
    """Long tables: column of the quality."""
    quality_words: Mapping[str, int] = field(default_factory=dict)
    """Quality by word, in small letters; -1: refused."""
    other_quality: int = int(Quality.UNCERTAIN)
    """Quality of words that are not listed."""
    bad_values: tuple[float, ...] = ()
    """Numbers that mean that there is none."""
    query: str = ""
    """SQL query."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What a text found by a pattern stands for."""
    points: tuple[Rule, ...] = ()
    """Columns or tags by name."""
    patterns: tuple[Rule, ...] = ()
    """Columns or tags by pattern."""

    @property
    def is_long(self) -> bool:
        """Return whether a row is one reading."""
        return bool(self.tag_columns)


def wrong(message: str, thing: str, place: str, fix: str) -> InputError:
    """Return the error of a mistake in a mapping."""
    return InputError(message, thing=thing[:200], place=place, fix=fix)


def _section(given: Any, name: str, place: str) -> dict[str, Any]:
    allowed = _SECTIONS[name]
    if not isinstance(given, dict):
        raise wrong("应为表 must be a table", name, place, f"write [{name}]")
    for key, value in given.items():
        if name == "names":
            if not isinstance(value, str):
                raise wrong("应为文本 must be text", key, place, "write it in quotes")
            continue
        if key not in allowed:
            raise wrong("未知的键 unknown key", key, place, f"use {', '.join(allowed)}")
        kind = allowed[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise wrong("类型不对 of the wrong type", key, place, "see docs/import.md")
        if isinstance(value, str) and len(value) > (100_000 if key == "query" else _MOST_TEXT):
            raise wrong("过长 too long", key, place, "shorten it")
    return given


def _texts(value: Any, place: str) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(each, str | int | float) for each in found):
        raise wrong("应为文本 must be text", str(value), place, "write it in quotes")
    return tuple(str(each) for each in found)


def _numbers(value: Sequence[Any], place: str) -> tuple[float, ...]:
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        raise wrong("应为数字 must be numbers", str(value), place, "write numbers")
    return tuple(float(each) for each in value)


def _rule(given: dict[str, Any], place: str, name: str) -> Rule:
    tag, code = given.get(name, ""), given.get("code", "")
    if not tag or not code:
        raise wrong("缺少键 a key is missing", str(given)[:80], place, f"give {name} and code")
    if given.get("unit"):
        unit(given["unit"])
    return Rule(
        tag=tag,
        code=code,
        unit=given.get("unit", ""),
        factor=float(given.get("factor", 1.0)),
        offset=float(given.get("offset", 0.0)),
        bad_values=_numbers(given.get("bad_values", ()), place),
        quality=given.get("quality", ""),
    )


def _quality(given: dict[str, Any]) -> tuple[dict[str, int], int]:
    words: dict[str, int] = {}
    for name, code in (
        ("good", Quality.GOOD), ("uncertain", Quality.UNCERTAIN), ("bad", Quality.BAD),
        ("estimated", Quality.ESTIMATED), ("refuse", -1),
    ):  # fmt: skip
        for word in _texts(given.get(name, ()), f"quality.{name}"):
            words[word.strip().casefold()] = int(code)
    other = given.get("other", "uncertain")
    if other == "refuse":
        return words, -1
    if other not in ("good", "uncertain", "bad"):
        raise wrong("未知的取值 unknown value", other, "quality.other",
                     "use good, uncertain, bad or refuse")  # fmt: skip
    return words, int(Quality[other.upper()])


def read_map(text: str, *, zone: str = "") -> ImportMap:
    """Return the mapping a TOML text describes.

    Args:
        text: The file.
        zone: Zone of times without one, in place of the file's.

    Raises:
        InputError: It is no TOML, a key is unknown, or something is missing.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise wrong(
            f"映射文件不是 TOML not TOML: {error}", "map", "", "correct that line"
        ) from error
    for name in given:
        if name not in _SECTIONS:
            raise wrong("未知的段 unknown section", name, "map", f"use {', '.join(_SECTIONS)}")
    rules: dict[str, tuple[Rule, ...]] = {}
    for name, tag in (("point", "column"), ("pattern", "match")):
        rows = given.get(name, [])
        if not isinstance(rows, list) or len(rows) > _MOST_RULES:
            raise wrong("应为列表 must be a list", name, "map", f"write [[{name}]]")
        rules[name] = tuple(
            _rule(_section(row, name, f"{name} {n}"), f"{name} {n}", tag)
            for n, row in enumerate(rows, 1)
        )
    parts = {
        name: _section(given.get(name, {}), name, name)
        for name in ("file", "time", "long", "wide", "quality", "sql", "names")
    }
    made = _assemble(parts, rules, zone)
    _check(made)
    return made


def _assemble(
    parts: Mapping[str, dict[str, Any]], rules: Mapping[str, tuple[Rule, ...]], zone: str
) -> ImportMap:
    file, time, long = parts["file"], parts["time"], parts["long"]
    words, other = _quality(parts["quality"])
    columns = time.get("columns") or ([time["column"]] if time.get("column") else [])
    return ImportMap(
        encoding=file.get("encoding", AUTO),
        separator=file.get("separator", AUTO),
        decimal=file.get("decimal", AUTO),
        shape=file.get("shape", AUTO),
        skip_rows=file.get("skip_rows", 0),
        sheet=file.get("sheet", ""),
        ignore=frozenset(_texts(file.get("ignore", ()), "file.ignore")),
        ignore_rest=file.get("ignore_rest", False),
        time_columns=_texts(columns, "time"),
        time_format=time.get("format", AUTO),
        zone=zone or time.get("zone", ""),
        ambiguous=time.get("ambiguous", "refuse"),
        tag_columns=_texts(long.get("tag", ()), "long.tag"),
        place_columns=_texts(parts["wide"].get("place", ()), "wide.place"),
        value_column=long.get("value", ""),
        quality_column=long.get("quality", ""),
        quality_words=words,
        other_quality=other,
        bad_values=_numbers(parts["quality"].get("bad_values", ()), "quality.bad_values"),
        query=parts["sql"].get("query", ""),
        names=parts["names"],
        points=rules["point"],
        patterns=rules["pattern"],
    )


def _check(made: ImportMap) -> None:
    if not made.time_columns or len(made.time_columns) > 2:
        raise wrong("没有时间列 no time column", "time", "[time]", "give column or two columns")
    if made.is_long and not made.value_column:
        raise wrong("没有数值列 no value column", "long", "[long]", "give tag and value")
    if made.is_long and made.place_columns:
        raise wrong("不能同时使用 not both", "wide", "[long]", "give [long] or [wide]")
    if not made.points and not made.patterns:
        raise wrong("没有测点 no points", "point", "map", "write [[point]] or [[pattern]]")
    for name, value, known in (
        ("file.shape", made.shape, (AUTO, "long" if made.is_long else "wide")),
        ("file.decimal", made.decimal, (AUTO, ".", ",")),
        ("time.ambiguous", made.ambiguous, ("refuse", "earlier", "later")),
    ):
        if value not in known:
            raise wrong("未知的取值 unknown value", value, name, f"use {', '.join(known)}")
    if made.separator != AUTO and len(made.separator) != 1:
        raise wrong("分隔符应为一个字符 one letter", made.separator, "file.separator", "one letter")
    if not 0 <= made.skip_rows <= 10_000:
        raise wrong("超出范围 out of range", str(made.skip_rows), "file.skip_rows", "0 .. 10000")
    seen: set[str] = set()
    for rule in made.points:
        if rule.tag in seen:
            raise wrong("重复 stands twice", rule.tag, "[[point]]", "write it once")
        seen.add(rule.tag)
    for rule in made.patterns:
        pattern_of(rule)


def pattern_of(rule: Rule) -> re.Pattern[str]:
    """Return a pattern such as `{station}_T1_{n}`; places hold letters, digits and hyphens.

    Raises:
        InputError: Two places touch, there are too many, or the code names one that is not there.
    """
    parts = NAME.split(rule.tag)
    names = parts[1::2]
    if len(names) > 6 or len(set(names)) != len(names) or any(not p for p in parts[2:-1:2]):
        raise wrong("模式无法使用 this pattern cannot be used", rule.tag, "[[pattern]]",
                     "part up to 6 different {names} by other letters")  # fmt: skip
    unknown = set(NAME.findall(rule.code)) - set(names)
    if unknown:
        raise wrong("编码中的名字不在模式里 the code names what the pattern has not",
                     ", ".join(unknown), rule.tag, "use the names of match")  # fmt: skip
    text = "".join(
        re.escape(part) if n % 2 == 0 else f"(?P<{part}>[\\w-]{{1,80}}?)"
        for n, part in enumerate(parts)
    )
    return re.compile(text)
