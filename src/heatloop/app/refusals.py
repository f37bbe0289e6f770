"""What the application refuses, as a table of codes with words in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from heatloop.kernel.errors import HeatloopError, InputError, UnsafeError


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One row of `refusals.csv`."""

    code: str
    """What programs test for."""
    status: int
    """HTTP status that fits."""
    zh: str
    """Chinese sentence."""
    en: str
    """English sentence."""
    fix_zh: str
    """What to do, in Chinese."""
    fix_en: str
    """What to do, in English."""


@cache
def refusals() -> Mapping[str, Refusal]:
    """Return the table by code."""
    text = resources.files(__package__).joinpath("refusals.csv").read_text("utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return {
        row["code"]: Refusal(
            code=row["code"],
            status=int(row["status"]),
            zh=row["zh"],
            en=row["en"],
            fix_zh=row["fix_zh"],
            fix_en=row["fix_en"],
        )
        for row in rows
    }


class Refused(InputError):
    """The application refuses a request with a code of the table."""

    def __init__(self, code: str, *, thing: str = "", place: str = "", detail: str = "") -> None:
        row = refusals()[code]
        self.code = code
        self.detail = detail
        message = f"{row.en}: {detail}" if detail else row.en
        super().__init__(message, thing=thing, place=place, fix=row.fix_en)


class Forbidden(Refused, UnsafeError):
    """The application refuses because the caller has not the right."""


def code_of(error: HeatloopError) -> str:
    """Return the code of the table that fits any error of the tree."""
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, UnsafeError):
        return "forbidden"
    return "invalid" if isinstance(error, InputError) else "unavailable"
