"""Point kinds that plug-ins add: rows like those of `points.csv`, under names of their own.

A distribution declares, under the entry-point group `heatloop.point_kinds`, a function without
arguments that returns the rows. Names begin with `x_`, so they never meet a kind of the package.
A row that does not fit is left out: one bad plug-in must not stop what reads the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from importlib.metadata import entry_points
from typing import Any

from heatloop.kernel.units import UNITS

GROUP = "heatloop.point_kinds"
_NAME = re.compile(r"x_[a-z][a-z0-9]*(_[a-z0-9]+)*")
_COLUMNS = ("kind", "zh", "en", "unit", "group", "class", "low", "high", "period_s", "decimals")
_MAY_BE_EMPTY = ("alarm_low", "alarm_high", "rate_per_min")
_CLASSES = ("process", "metering", "status", "setting", "service", "weather")
_PERIODS = ("30", "60", "300", "600", "1800", "3600", "86400")
_LONGEST = 60


def added_rows(known: Collection[str]) -> list[dict[str, str]]:
    """Return the rows of all plug-ins that fit, in the order of their entry points' names.

    Args:
        known: Names that are taken.
    """
    found: dict[str, dict[str, str]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            rows = list(entry.load()())
        # A stranger's code; it is listed as refused.
        except Exception:  # noqa: BLE001, S112  # nosec B112
            continue
        for row in rows:
            fits = _fitting(row)
            if fits is not None and fits["kind"] not in found and fits["kind"] not in known:
                found[fits["kind"]] = fits
    return list(found.values())


def _fitting(row: Any) -> dict[str, str] | None:
    """Return a row as text, None when it does not fit."""
    if not isinstance(row, dict):
        return None
    text = {str(column): str(cell).strip() for column, cell in row.items() if cell is not None}
    text = dict.fromkeys(_MAY_BE_EMPTY, "") | {"access": "r"} | text
    if any(not text.get(column) for column in _COLUMNS) or len(text["kind"]) > _LONGEST:
        return None
    good = (
        _NAME.fullmatch(text["kind"]) is not None
        and text["unit"] in UNITS
        and text["class"] in _CLASSES
        and text["period_s"] in _PERIODS
        and text["access"] in ("r", "rw")
        and text["decimals"].isdigit()
        and _numbers(text)
    )
    return text if good else None


def _numbers(text: dict[str, str]) -> bool:
    try:
        cells = [float(text[c]) for c in ("low", "high")]
        cells += [float(text[c]) for c in _MAY_BE_EMPTY if text[c]]
    except ValueError:
        return False
    return all(map(math.isfinite, cells)) and cells[0] < cells[1]
