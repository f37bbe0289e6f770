"""A company's own device profiles, beside those that come with the package.

An own profile stands in the ledger like any other record, under a name that begins with `own_`,
so every version of the ledger knows the profiles its points were derived from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.field_protocols import PLUG_IN, field_protocols
from heatloop.plant.kinds import point_kinds
from heatloop.plant.profiles import OWN, ProfileRow, profile, profile_names
from heatloop.protocols.dtypes import DTYPES, kind_of
from heatloop.protocols.registers import TABLES, first_overlap

OWN_PREFIX = "own_"
MOST_ROWS = 2000
LAST_REGISTER = 65535
_NAME = re.compile(r"own_[a-z0-9]+(_[a-z0-9]+)*")
_LONGEST_NAME, _LONGEST_TYPE = 48, 32
_BY_REGISTER = frozenset(("modbus_tcp", "modbus_rtu", "modbus_rtu_tcp"))
_BY_SOURCE = frozenset(
    ("opc_ua", "iec104", "mbus", "cjt188", "dlt645", "sparkplug", "mqtt", "bacnet", "snmp")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnProfile:
    """A kind of device the company has described itself."""

    profile: str
    """Name, `own_...`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    assets: tuple[str, ...]
    """Kinds of assets such a device may serve."""
    protocols: tuple[str, ...]
    """Protocols it speaks."""
    rows: tuple[ProfileRow, ...]
    """Its values, in register order."""

    @property
    def code(self) -> str:
        """Return its name, as the code of a ledger record."""
        return self.profile


class Catalogue:
    """All device profiles there are: the package's and a company's own.

    Args:
        own: Own profiles, already checked.
    """

    __slots__ = ("own",)

    def __init__(self, own: Iterable[OwnProfile] = ()) -> None:
        self.own: Mapping[str, OwnProfile] = MappingProxyType({p.profile: p for p in own})
        """Own profiles by name."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all profiles."""
        return (*profile_names(), *self.own)

    def rows(self, name: str) -> tuple[ProfileRow, ...]:
        """Return the rows of a profile, in register order.

        Raises:
            InputError: There is no such profile.
        """
        found = self.own.get(name)
        return found.rows if found is not None else profile(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedRow:
    """One row of an own profile with the place it was read from."""

    place: Place
    """Sheet and row."""
    profile: str
    """Profile it belongs to."""
    row: ProfileRow
    """The row."""


def check_own_profiles(
    findings: Findings,
    heads: Iterable[tuple[Place, OwnProfile]],
    rows: Iterable[PlacedRow],
) -> Catalogue:
    """Note everything wrong with own profiles and return the catalogue with the good ones.

    Args:
        findings: Where it is noted.
        heads: Profiles without their rows.
        rows: Rows of all of them.
    """
    known: dict[str, tuple[Place, OwnProfile, list[PlacedRow]]] = {}
    bad: set[str] = set()
    for place, head in heads:
        before = len(findings.rows)
        _check_head(findings, place, head)
        if head.profile in known:
            fix = ("每个名称只用一次", "use every name once")
            findings.add(place, "code", head.profile, "编码重复", "duplicate code", fix)
        if len(findings.rows) > before:
            bad.add(head.profile)
        known.setdefault(head.profile, (place, head, []))
    for each in rows:
        if each.profile not in known:
            fix = ("先登记设备类型", "enter the profile first")
            zh, en = "设备类型不存在", "no such own profile"
            findings.add(each.place, "profile", each.profile, zh, en, fix)
            continue
        known[each.profile][2].append(each)
    made = []
    for name, (place, head, own) in known.items():
        before = len(findings.rows)
        _check_rows(findings, place, head, own)
        if len(findings.rows) == before and name not in bad:
            ordered = tuple(sorted((e.row for e in own), key=lambda row: row.register))
            made.append(
                OwnProfile(
                    profile=name,
                    zh=head.zh,
                    en=head.en,
                    assets=head.assets,
                    protocols=head.protocols,
                    rows=ordered,
                )
            )
    return Catalogue(made)


def _check_head(findings: Findings, place: Place, head: OwnProfile) -> None:
    if not _NAME.fullmatch(head.profile) or len(head.profile) > _LONGEST_NAME:
        fix = (
            "用 own_ 开头的小写字母、数字和下划线",
            "own_ and small letters, digits, underscores",
        )
        findings.add(place, "code", head.profile, "名称不符合规则", "no such name", fix)
    if not head.zh.strip():
        fix = ("填写名称", "give it a name")
        findings.add(place, "zh", head.zh, "缺少名称", "no name", fix)
    for column, values, allowed in (
        ("assets", head.assets, tuple(asset_kinds())),
        ("protocols", head.protocols, tuple(field_protocols())),
    ):
        wrong = [v for v in values if v not in allowed and not v.startswith(PLUG_IN)]
        if column == "assets":
            wrong = [v for v in values if v not in allowed]
        if wrong or not values:
            value = "|".join(wrong or values)
            fix = ("用 | 分隔，选填已有的名称", f"use names like {allowed[0]}, parted by |")
            findings.add(place, column, value, "不在可选值内", "not one of the choices", fix)


def _check_rows(findings: Findings, place: Place, head: OwnProfile, rows: list[PlacedRow]) -> None:
    if not 0 < len(rows) <= MOST_ROWS:
        fix = ("至少填写一行明细", f"give 1 to {MOST_ROWS} rows")
        findings.add(place, "code", head.profile, "没有明细或过多", "no rows, or too many", fix)
    seen: set[tuple[str, str, int]] = set()
    for each in rows:
        row = each.row
        _check_row(findings, each.place, head, row)
        name = row.child, row.kind, row.n
        if name in seen:
            fix = ("改变序号 n", "give it another n")
            findings.add(each.place, "kind", row.kind, "测点重复", "the same point twice", fix)
        seen.add(name)
    _check_overlaps(findings, rows)


def _check_row(findings: Findings, place: Place, head: OwnProfile, row: ProfileRow) -> None:
    kind = point_kinds().get(row.kind)
    if kind is None:
        fix = ("使用测点类型表中的名称", "use a kind of points.csv")
        findings.add(place, "kind", row.kind, "测点类型未知", "unknown point kind", fix)
    if row.child != OWN and row.child not in asset_kinds():
        fix = ("填 device 或下级资产类型", f"use {OWN} or the kind of the asset below")
        findings.add(place, "child", row.child, "下级类型未知", "unknown kind of child", fix)
    if row.access not in ("r", "rw"):
        fix = ("填 r 或 rw", "use r or rw")
        findings.add(place, "access", row.access, "读写方式错误", "no such access", fix)
    elif row.access == "rw" and kind is not None and not kind.writable:
        fix = ("改为 r", "use r")
        zh, en = "该测点类型不可写", "points of this kind are never written"
        findings.add(place, "access", row.access, zh, en, fix)
    if not math.isfinite(row.factor + row.offset) or row.factor == 0.0:
        fix = ("填写非零系数", "give a factor that is not zero")
        findings.add(place, "factor", row.factor, "系数错误", "no such factor", fix)
    if not 0 <= row.n < 100:
        findings.add(place, "n", row.n, "序号错误", "no such number", ("0-99",) * 2)
    if not _type_fits(row.dtype, head.protocols):
        fix = (f"选填 {'|'.join(DTYPES)} 等", f"use {'|'.join(DTYPES)} or another of the types")
        findings.add(place, "dtype", row.dtype, "数据类型错误", "no such data type", fix)
    if _BY_REGISTER & {*head.protocols} and row.source not in TABLES:
        fix = (f"选填 {'|'.join(TABLES[1:])}", f"use {'|'.join(TABLES[1:])}")
        findings.add(place, "source", row.source, "寄存器表错误", "no such table", fix)
    elif not row.source and _BY_SOURCE & {*head.protocols}:
        fix = ("填写设备内的名称", "say what the device calls the value")
        findings.add(place, "source", "", "缺少数据来源", "no source", fix)
    if not 0 <= row.register <= LAST_REGISTER - row.words + 1:
        findings.add(place, "register", row.register, "寄存器错误", "no such register", _SPAN)
    if (row.stride == 0) != (row.child == OWN) or not 0 <= row.stride <= LAST_REGISTER:
        fix = ("下级测点填写相邻下级的间隔，否则留空", "from one child to the next; else empty")
        findings.add(place, "stride", row.stride, "间隔错误", "no such stride", fix)


_SPAN = (f"0-{LAST_REGISTER}", f"0-{LAST_REGISTER}")


def _type_fits(dtype: str, protocols: tuple[str, ...]) -> bool:
    """Return whether a value of this type can be read over these protocols."""
    if not _BY_REGISTER & {*protocols}:
        return len(dtype) <= _LONGEST_TYPE
    try:
        return not kind_of(dtype).text
    except InputError:
        return False


def _check_overlaps(findings: Findings, rows: list[PlacedRow]) -> None:
    """Note values that share registers, at the asset itself, its children, or two children."""
    places = {id(each.row): each.place for each in rows}
    ordered = sorted((each.row for each in rows), key=lambda row: row.register)
    found = first_overlap(ordered)
    if found is not None:
        fix = ("错开寄存器", "move it to other registers")
        zh, en = "寄存器重叠", "registers overlap"
        findings.add(places[id(found)], "register", found.register, zh, en, fix)
        return
    strides: dict[str, int] = {}
    for row in ordered:
        if row.child != OWN and strides.setdefault(row.child, row.stride) != row.stride:
            fix = ("同类下级使用相同间隔", "use one stride for all values of a kind of child")
            findings.add(places[id(row)], "stride", row.stride, "间隔不一致", "strides differ", fix)
            return
    for child in strides:
        mine = [row for row in ordered if row.child == child]
        second = [replace(row, register=row.register + row.stride) for row in mine]
        if first_overlap((*mine, *second)) is not None:
            fix = ("加大间隔", "give a wider stride")
            zh, en = "相邻下级寄存器重叠", "one child runs into the next"
            findings.add(places[id(mine[0])], "stride", mine[0].stride, zh, en, fix)
