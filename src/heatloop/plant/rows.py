"""The ledger as sheets of rows, out and in: what files, the store and screens exchange.

Sheets are the asset kinds, `device`, `gateway`, `point` and, where there are any, the own device
profiles with their rows; headings are the field and attribute
names, and on reading also the Chinese names. The point sheet lists derived points; only its
alarm limits are read back, its codes and units are checked, the rest is for the reader. A listed
point that no device gives any more is an error only where limits are set for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from heatloop.plant.asset_kinds import AssetKind, asset_kinds
from heatloop.plant.coding import DEVICE, GATEWAY
from heatloop.plant.headings import POINT, PROFILE, PROFILE_ROW, headings_zh
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Point
from heatloop.plant.own_profiles import OwnProfile
from heatloop.plant.personal_register import masked
from heatloop.plant.row_reading import ROW_NUMBER, from_rows

__all__ = ["ROW_NUMBER", "from_rows", "to_rows"]


def _asset_row(asset: Asset, kind: AssetKind) -> dict[str, Any]:
    row: dict[str, Any] = {
        "code": asset.code,
        "zh": asset.zh,
        "en": asset.en,
        "parent": asset.parent,
        "organisation": asset.organisation,
    }
    for name in kind.attributes:
        row[name] = asset.attributes.get(name)
    return row


def _point_row(ledger: Ledger, point: Point) -> dict[str, Any]:
    kind, asset = point_kinds()[point.kind], ledger.assets[point.asset]
    number = f" {point.n}" if point.n else ""
    return {
        "code": point.code,
        "zh": f"{asset.zh} {kind.zh}{number}",
        "en": f"{asset.en} {kind.en}{number}",
        "unit": kind.unit,
        "period_s": kind.period_s,
        "alarm_low": point.alarm_low,
        "alarm_high": point.alarm_high,
    }


def profile_sheets(profiles: Iterable[OwnProfile]) -> dict[str, list[dict[str, Any]]]:
    """Return own device profiles as the two sheets they stand in; empty without any."""
    heads, rows = [], []
    for own in profiles:
        heads.append(
            {
                "code": own.profile,
                "zh": own.zh,
                "en": own.en,
                "assets": "|".join(own.assets),
                "protocols": "|".join(own.protocols),
            }
        )
        for number, row in enumerate(own.rows, 1):
            code = {"code": f"{own.profile}.{number}", "profile": own.profile}
            rows.append(code | asdict(row))
    return {PROFILE: heads, PROFILE_ROW: rows} if heads else {}


def to_rows(
    ledger: Ledger, *, all_points: bool = True, mask: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Return the ledger as sheets that `from_rows` reads back into an equal one.

    Args:
        ledger: What to write.
        all_points: Whether the point sheet lists every point, or only those with own limits.
        mask: Whether personal data is masked; such sheets cannot be read back.
    """
    sheets: dict[str, list[dict[str, Any]]] = {}
    for kind in asset_kinds().values():
        found = ledger.of_kind(kind.kind)
        if found:
            shown = [masked(asset) for asset in found] if mask else found
            sheets[kind.kind] = [_asset_row(asset, kind) for asset in shown]
    for sheet, records in ((GATEWAY, ledger.gateways), (DEVICE, ledger.devices)):
        columns = headings_zh(sheet)
        sheets[sheet] = [
            {column: getattr(record, column) for column in columns} for record in records.values()
        ]
    sheets |= profile_sheets(ledger.profiles.own.values())
    sheets[POINT] = [
        _point_row(ledger, point)
        for point in ledger.points.values()
        if all_points or point.alarm_low is not None or point.alarm_high is not None
    ]
    return sheets
