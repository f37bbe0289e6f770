"""Reading sheets of rows into a ledger: all of it, or nothing and every bad row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.attributes import BadValue, read_number, read_text
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.build import Records, assemble
from heatloop.plant.coding import DEVICE, GATEWAY
from heatloop.plant.derive import Limits
from heatloop.plant.headings import POINT, PROFILE, PROFILE_ROW, sheet_columns, sheet_names_zh
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.plant.own_profiles import OwnProfile, PlacedRow, check_own_profiles
from heatloop.plant.profiles import OWN, ProfileRow

Row = Mapping[str, Any]
Sheets = Mapping[str, Sequence[Row]]

ROW_NUMBER = "_row"
"""A reader that skips rows puts the true row number here."""
_FIRST_ROW = 2
_GATEWAY_NUMBERS = (
    ("monthly_cost_yuan", "yuan"),
    ("capacity_kbps", ""),
    ("spare_monthly_cost_yuan", "yuan"),
    ("spare_capacity_kbps", ""),
)


def from_rows(sheets: Sheets, *, version: int, keys: Mapping[str, int]) -> Ledger:
    """Return the ledger of these sheets: all of it, or nothing and every bad row.

    Args:
        sheets: Rows by sheet; sheet and column headings in English or Chinese. Row numbers are
            counted from 2, unless a row says its own under `_row`.
        version: Version of the new ledger.
        keys: Key of every point code ever known.

    Raises:
        LedgerErrors: Something is wrong; every bad row is listed.
        InputError: `keys` holds a number twice.
    """
    records = Records()
    zh = {name: sheet for sheet, name in sheet_names_zh().items()}
    for heading, rows in sheets.items():
        sheet = zh.get(heading.strip(), heading.strip())
        if sheet not in sheet_names_zh():
            fix = ("删除此表或改正表名", "leave it out or correct its name")
            place = Place(heading, 1)
            records.findings.add(place, "", heading, "未知的表", "unknown sheet", fix)
            continue
        for place, row in _cells(records.findings, sheet, heading, rows):
            _READERS.get(sheet, _read_asset)(records, place, row, sheet)
    return assemble(records, version=version, keys=keys)


def read_profiles(sheets: Sheets, name: str = "") -> list[OwnProfile]:
    """Return the own device profiles of these sheets, checked.

    Args:
        sheets: As for `from_rows`; only the two sheets of profiles are read.
        name: Name for all of them; empty: their own.

    Raises:
        LedgerErrors: Something is wrong; every bad row is listed.
    """
    records = Records()
    zh = {each: sheet for sheet, each in sheet_names_zh().items()}
    for heading, rows in sheets.items():
        sheet = zh.get(heading.strip(), heading.strip())
        if sheet in (PROFILE, PROFILE_ROW):
            for place, row in _cells(records.findings, sheet, heading, rows):
                if name:
                    row["code" if sheet == PROFILE else "profile"] = name
                _READERS[sheet](records, place, row, sheet)
    found = check_own_profiles(records.findings, records.profiles, records.profile_rows)
    records.findings.stop_if_any()
    return list(found.own.values())


def _cells(
    findings: Findings, sheet: str, heading: str, rows: Sequence[Row]
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield rows that are not empty, with English headings and no empty cells."""
    columns = sheet_columns(sheet)
    told: set[str] = set()
    for i, row in enumerate(rows, _FIRST_ROW):
        place = Place(sheet, int(row.get(ROW_NUMBER, i)))
        cells: dict[str, Any] = {}
        for name, cell in row.items():
            if name == ROW_NUMBER or cell is None or (isinstance(cell, str) and not cell.strip()):
                continue
            column = columns.get(str(name).strip())
            if column is not None:
                cells[column] = cell
            elif name not in told:
                told.add(name)
                fix = ("删除此列或改正列名", "leave it out or correct its name")
                place_1 = Place(sheet, 1)
                findings.add(place_1, str(name), "", "未知的列", "unknown column", fix)
        if cells:
            yield place, cells


def _text(cells: Mapping[str, Any], column: str) -> str:
    return read_text(cells[column]) if column in cells else ""


def _number(
    findings: Findings, place: Place, cells: Mapping[str, Any], column: str, unit: str = ""
) -> float | None:
    if column not in cells:
        return None
    try:
        return read_number(cells[column], unit)
    except BadValue as bad:
        findings.add(place, column, cells[column], bad.zh, bad.en, bad.fix)
        return None


def _whole(findings: Findings, place: Place, cells: Mapping[str, Any], column: str) -> int | None:
    value = _number(findings, place, cells, column)
    if value is not None and not value.is_integer():
        fix = ("填写整数", "give a whole number")
        findings.add(place, column, cells[column], "不是整数", "not a whole number", fix)
        return None
    return None if value is None else int(value)


def _read_asset(records: Records, place: Place, cells: dict[str, Any], sheet: str) -> None:
    own = asset_kinds()[sheet].attributes
    asset = Asset(
        code=_text(cells, "code"),
        kind=sheet,
        zh=_text(cells, "zh"),
        en=_text(cells, "en"),
        parent=_text(cells, "parent"),
        organisation=_text(cells, "organisation"),
        attributes={name: cell for name, cell in cells.items() if name in own},
    )
    records.assets.append((place, asset))


def _read_device(records: Records, place: Place, cells: dict[str, Any], _: str) -> None:
    rest: dict[str, Any] = {
        c: read_text(cells[c])
        for c in ("host", "regulates", "word_order", "address", "parameters")
        if c in cells
    }
    rest |= {
        column: value
        for column in ("port", "unit_id")
        if (value := _whole(records.findings, place, cells, column)) is not None
    }
    device = Device(
        code=_text(cells, "code"),
        asset=_text(cells, "asset"),
        gateway=_text(cells, "gateway"),
        profile=_text(cells, "profile"),
        protocol=_text(cells, "protocol"),
        **rest,
    )
    records.devices.append((place, device))


def _read_gateway(records: Records, place: Place, cells: dict[str, Any], _: str) -> None:
    texts: dict[str, Any] = {
        c: read_text(cells[c]) for c in ("kind", "channel", "spare_channel") if c in cells
    }
    rest: dict[str, Any] = dict(texts)
    rest |= {
        column: _number(records.findings, place, cells, column, unit) or 0.0
        for column, unit in _GATEWAY_NUMBERS
    }
    gateway = Gateway(
        code=_text(cells, "code"),
        zh=_text(cells, "zh"),
        en=_text(cells, "en") or _text(cells, "zh"),
        organisation=_text(cells, "organisation"),
        **rest,
    )
    records.gateways.append((place, gateway))


def _read_point(records: Records, place: Place, cells: dict[str, Any], _: str) -> None:
    code = _text(cells, "code")
    parts = code.split(".")
    kind = point_kinds().get(parts[1]) if len(parts) > 1 else None
    unit = _text(cells, "unit")
    if kind is not None and unit and unit != kind.unit:
        fix = (f"单位应为 {kind.unit}", f"the unit is {kind.unit}")
        records.findings.add(place, "unit", unit, "单位错误", "wrong unit", fix)
    house = kind.unit if kind is not None else ""
    limits = Limits(
        low=_number(records.findings, place, cells, "alarm_low", house),
        high=_number(records.findings, place, cells, "alarm_high", house),
    )
    records.limits.append((place, code, limits))


def _read_profile(records: Records, place: Place, cells: dict[str, Any], _: str) -> None:
    zh = _text(cells, "zh")
    own = OwnProfile(
        profile=_text(cells, "code"),
        zh=zh,
        en=_text(cells, "en") or zh,
        assets=_words(cells, "assets"),
        protocols=_words(cells, "protocols"),
        rows=(),
    )
    records.profiles.append((place, own))


def _words(cells: Mapping[str, Any], column: str) -> tuple[str, ...]:
    return tuple(w for word in _text(cells, column).split("|") if (w := word.strip()))


def _read_profile_row(records: Records, place: Place, cells: dict[str, Any], _: str) -> None:
    findings = records.findings
    numbers = {c: _whole(findings, place, cells, c) or 0 for c in ("stride", "register", "n")}
    factor = _number(findings, place, cells, "factor")
    row = ProfileRow(
        child=_text(cells, "child") or OWN,
        kind=_text(cells, "kind"),
        dtype=_text(cells, "dtype"),
        factor=1.0 if factor is None else factor,
        offset=_number(findings, place, cells, "offset") or 0.0,
        access=_text(cells, "access") or "r",
        source=_text(cells, "source"),
        **numbers,
    )
    placed = PlacedRow(place=place, profile=_text(cells, "profile"), row=row)
    records.profile_rows.append(placed)


_READERS = {
    DEVICE: _read_device,
    GATEWAY: _read_gateway,
    POINT: _read_point,
    PROFILE: _read_profile,
    PROFILE_ROW: _read_profile_row,
}
