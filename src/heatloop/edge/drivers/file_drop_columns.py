"""Which column of an exported table is which point: codes, names in three tongues, initials.

A column is known by the point's code, its `source`, the name of its kind (`primary_flow`,
`一次网瞬时流量`, `primary instantaneous flow`) or the pinyin initials people use (`ycssll`, table
`plant/pinyin_aliases.csv`). Where a device has several points of a kind, a number says which:
`ecgswd1`, `ecgswd_1`, `1#ecgswd`. A unit in brackets (`(MPa)`) is converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from heatloop.edge.index import kind_name
from heatloop.kernel.errors import InputError
from heatloop.kernel.units import UNITS, convert
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding
from heatloop.plant.resources import table

_UNIT = re.compile(r"^(.*?)\s*[(（\[【]\s*([^()（）\[\]【】]*)\s*[)）\]】]\s*$")
_SPACES = re.compile(r"[\s_\-#＃号]+")
_UNITS = {
    "℃": "degC", "°c": "degC", "c": "degC", "℉": "degF", "m³/h": "m3/h", "m³": "m3", "吨/时": "t/h",
    "千帕": "kPa", "兆帕": "MPa", "赫兹": "Hz", "‰": "permille", "米": "m", "立方米": "m3",
    "百分比": "%", "m/s": "m/s", "吉焦": "GJ", "w/㎡": "W/m2", "w/m²": "W/m2",
}  # fmt: skip
TIME = frozenset(
    ("time", "timestamp", "datetime", "date time", "时间", "采集时间", "数据时间", "记录时间",
     "日期时间", "时间戳", "采样时间", "sj", "cjsj", "zeit", "zeitstempel")
)  # fmt: skip
DATE = frozenset(("date", "日期", "rq", "datum"))
DEVICE = frozenset(
    (
        "device",
        "station",
        "site",
        "设备",
        "设备编号",
        "站名",
        "站号",
        "热力站",
        "换热站",
        "sb",
        "zm",
    )
)
TAG = frozenset(("tag", "point", "variable", "测点", "点名", "变量", "变量名", "标签", "测点名称"))
VALUE = frozenset(("value", "值", "数值", "数据", "测量值", "wert"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A point, and the unit its column is in."""

    binding: Binding
    """The point."""
    unit: str
    """Unit of `kernel.units`; empty: as the profile says (raw * factor + offset)."""

    def value(self, number: float) -> float:
        """Return a number of the column in the unit of the point."""
        if not self.unit:
            return number * self.binding.factor + self.binding.offset
        return convert(number, self.unit, point_kinds()[self.binding.kind].unit)


@cache
def aliases() -> dict[str, tuple[str, ...]]:
    """Return the pinyin initials of each kind of point."""
    return {row["kind"]: tuple(row["aliases"].split("|")) for row in table("pinyin_aliases.csv")}


def plain(text: str) -> str:
    """Return a name without what people write differently: case, blanks, dashes, number signs."""
    return _SPACES.sub("", text).casefold()


class Columns:
    """Knows the columns of one device.

    Args:
        bindings: Its points, in register order.
    """

    def __init__(self, bindings: Sequence[Binding]) -> None:
        self._by_name: dict[str, Binding | None] = {}
        by_kind: dict[str, list[Binding]] = {}
        for binding in bindings:
            by_kind.setdefault(binding.kind, []).append(binding)
            self._add(binding, (binding.point, binding.source))
        for kind, points in by_kind.items():
            about = point_kinds()[kind]
            names = (kind, about.zh, about.en, *aliases().get(kind, ()))
            for number, binding in enumerate(points, 1):
                own = [kind_name(binding)] if len(points) == 1 or "." in kind_name(binding) else []
                self._add(binding, own)
                if len(points) == 1:
                    self._add(binding, names)
                self._add(binding, [f"{name}{number}" for name in names])
                self._add(binding, [f"{number}{name}" for name in names])

    def _add(self, binding: Binding, names: Iterable[str]) -> None:
        for name in {plain(name) for name in names} - {""}:
            known = self._by_name.setdefault(name, binding)
            if known is not binding:
                self._by_name[name] = None  # two points claim it: neither is meant

    def column(self, header: str) -> Column | None:
        """Return the point a column is; None: it is none of this device.

        Raises:
            InputError: Two points could be meant, or its unit does not fit the point.
        """
        name, unit = header, ""
        if plain(name) not in self._by_name and (found := _UNIT.fullmatch(header)):
            name, unit = found[1], found[2]
        if plain(name) not in self._by_name:
            return None
        binding = self._by_name[plain(name)]
        if binding is None:
            fix = "number the columns, or use point codes"
            raise InputError("two points could be meant", thing=header, fix=fix)
        return Column(binding=binding, unit=_unit(unit, binding, header))


def _unit(text: str, binding: Binding, header: str) -> str:
    if not text:
        return ""
    known = {symbol.casefold(): symbol for symbol in UNITS} | _UNITS
    unit = known.get(text.casefold())
    wanted = point_kinds()[binding.kind].unit
    if unit is None or UNITS[unit].dimension != UNITS[wanted].dimension:
        fix = f"use a unit of {UNITS[wanted].dimension}, for example {wanted}"
        raise InputError(f"{text} is no unit of {binding.kind}", thing=header, fix=fix)
    return unit
