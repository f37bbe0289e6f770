"""The ledger's sheets as they leave without an approval ticket, and as they come back.

What is graded sensitive is masked on the way out. A cell that comes back as it left means that
nothing was changed there: the value in force is put in its place, so that a masked file can be
edited and read in again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.attributes import MASK
from heatloop.plant.data_classes import APPROVAL_FROM, grade_of
from heatloop.plant.headings import headings_zh, sheet_names_zh
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.plant.personal_register import masked_value, masks_of

Sheets = Mapping[str, Sequence[Mapping[str, Any]]]
_PLACEHOLDERS = {"number": 1.0, "bool": False, "date": "2000-01-01"}


def masked_sheets(sheets: Sheets) -> dict[str, list[dict[str, Any]]]:
    """Return the sheets with personal values masked and other sensitive ones hidden."""
    return {
        sheet: [_masked_row(sheet, row) for row in rows]
        if sheet in asset_kinds()
        else [dict(row) for row in rows]
        for sheet, rows in sheets.items()
    }


def _masked_row(sheet: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _masked(sheet, name, value) for name, value in row.items()}


def _masked(sheet: str, name: str, value: Any) -> Any:
    if value is None or value == "":
        return value
    if name in masks_of(sheet):
        return masked_value(sheet, name, value)
    return MASK if grade_of("ledger", sheet, name).level >= APPROVAL_FROM else value


def restored(sheets: Sheets, ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """Return sheets read from a file with every cell that is still masked as it stands in force."""
    kinds = {zh: sheet for sheet, zh in sheet_names_zh().items()} | {k: k for k in asset_kinds()}
    found = {}
    for name, rows in sheets.items():
        kind = kinds.get(name, name)
        if kind not in asset_kinds():
            found[name] = [dict(row) for row in rows]
            continue
        fields = {zh: field for field, zh in headings_zh(kind).items()}
        found[name] = [_restored(kind, dict(row), fields, ledger.assets) for row in rows]
    return found


def _restored(
    kind: str, row: dict[str, Any], fields: Mapping[str, str], assets: Mapping[str, Asset]
) -> dict[str, Any]:
    code = next((row[h] for h in row if fields.get(h, h) == "code"), None)
    asset = assets.get(str(code or "").strip())
    if asset is None or asset.kind != kind:
        return row
    for heading, cell in row.items():
        field = fields.get(heading, heading)
        held = getattr(asset, field, None) if field in ("zh", "en") else asset.attributes.get(field)
        shown = _masked(kind, field, held)
        if held is not None and shown != held and str(cell).strip() == str(shown):
            row[heading] = held
    return row


def filled(sheets: Sheets) -> dict[str, list[dict[str, Any]]]:
    """Return masked sheets with stand-ins for what is hidden, for tools that do not look at it."""
    made = {}
    for sheet, rows in sheets.items():
        stand_in = _stand_in(sheet) if sheet in asset_kinds() else None
        made[sheet] = [
            {n: stand_in(n) if v == MASK and stand_in else v for n, v in row.items()}
            for row in rows
        ]
    return made


def _stand_in(sheet: str) -> Callable[[str], Any]:
    attributes = asset_kinds()[sheet].attributes

    def value(name: str) -> Any:
        kind = attributes.get(name)
        if kind is None or kind.type == "text":
            return "-"
        if kind.type == "choice":
            return kind.choices[0]
        if kind.type == "number" and kind.low is not None:
            return max(kind.low, min(1.0, kind.high if kind.high is not None else 1.0))
        return _PLACEHOLDERS.get(kind.type)

    return value
