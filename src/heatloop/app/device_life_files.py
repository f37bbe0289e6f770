"""Catalogue and purchase lists as workbooks, in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.plant.acceptance_arrival import PurchaseLine
from heatloop.plant.bad_rows import BadRow, LedgerErrors
from heatloop.plant.models import DeviceModel, read_models
from heatloop.store.tables import read_tables, write_tables

MODELS, PURCHASE = "device_model", "purchase"
"""Names of the sheets."""
_COLUMNS = ("model", "count", "parameters", "accessories")
_MOST_ROWS = 20_000
_MOST_COUNT = 1_000_000
_LONGEST = 200


def catalogue_file(models: Sequence[Mapping[str, Any]], kind: str) -> bytes:
    """Return the catalogue as a workbook (`xlsx`) or a zip of csv (`csv`)."""
    return write_tables({MODELS: [dict(row) for row in models]}, kind)


def read_catalogue(data: bytes) -> list[DeviceModel]:
    """Return the models of a workbook or zip of csv.

    Raises:
        LedgerErrors: Rows are wrong; nothing is taken.
        InputError: The file cannot be read, or has no such sheet.
    """
    good, bad = read_models(_sheet(data, MODELS))
    if bad:
        raise LedgerErrors(bad)
    return good


def purchase_file(lines: Sequence[PurchaseLine], kind: str) -> bytes:
    """Return a purchase list as a workbook or a zip of csv."""
    rows = [
        {
            "model": line.model,
            "count": line.count,
            "parameters": line.parameters,
            "accessories": "|".join(line.accessories),
        }
        for line in lines
    ]
    return write_tables({PURCHASE: rows}, kind)


def read_purchase(data: bytes) -> list[PurchaseLine]:
    """Return the lines of a purchase list.

    Raises:
        LedgerErrors: Rows are wrong; nothing is taken.
        InputError: The file cannot be read, or has no such sheet.
    """
    found: dict[str, PurchaseLine] = {}
    bad: list[BadRow] = []
    for number, row in enumerate(_sheet(data, PURCHASE), 2):
        try:
            line = _line(row)
            if line.model in found:
                raise InputError("model stands twice", thing=line.model, place="model", fix="once")
            found[line.model] = line
        except InputError as error:
            bad.append(
                BadRow(
                    sheet=PURCHASE,
                    row=number,
                    column=error.place,
                    value=error.thing,
                    message_zh="采购清单行有误",
                    message_en=error.message,
                    fix=error.fix,
                )
            )
    if bad:
        raise LedgerErrors(bad)
    return list(found.values())


def _line(row: Mapping[str, Any]) -> PurchaseLine:
    unknown = sorted(set(row) - set(_COLUMNS))
    if unknown:
        raise InputError("no such column", thing=unknown[0], fix=f"use: {', '.join(_COLUMNS)}")
    model = str(row.get("model") or "").strip()
    if not model:
        raise InputError("no model", place="model", fix="fill it in")
    try:
        number = float(str(row.get("count") or ""))
        count = int(number)
    except (ValueError, OverflowError) as error:
        raise InputError("not a count", place="count", fix="give a whole number") from error
    if number != count or not 0 < count <= _MOST_COUNT:
        raise InputError("no such count", thing=str(number), place="count", fix="1 or more")
    words = str(row.get("accessories") or "")
    told = str(row.get("parameters") or "").strip()
    if max(len(words), len(told), len(model)) > _LONGEST:
        raise InputError("too long", place="model", fix=f"at most {_LONGEST} letters")
    return PurchaseLine(
        model=model,
        count=count,
        parameters=told,
        accessories=tuple(word.strip() for word in words.split("|") if word.strip()),
    )


def _sheet(data: bytes, name: str) -> list[dict[str, Any]]:
    sheets = read_tables(data)
    rows = sheets.get(name)
    if rows is None and len(sheets) == 1:
        rows = next(iter(sheets.values()))
    if rows is None:
        raise InputError("no such sheet", thing=name, fix=f"name the sheet {name}")
    if len(rows) > _MOST_ROWS:
        raise InputError("too many rows", thing=name, fix=f"at most {_MOST_ROWS}")
    return rows
