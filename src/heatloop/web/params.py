"""Query parameters used by many routes, every one bounded."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime

from heatloop.app.refusals import Refused

MAX_POINTS = 200

Page = Annotated[int, Query(ge=1, le=1_000_000, description="Page number from 1")]
Size = Annotated[int, Query(ge=1, le=500, description="Rows a page")]
Word = Annotated[str, Query(max_length=120)]
Codes = Annotated[str, Query(max_length=24_000, description="Codes joined by commas")]
Time = Annotated[AwareDatetime, Query(description="ISO 8601 with offset")]
AssetCode = Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
Ident = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
UserName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$")]


def split_codes(text: str, most: int = MAX_POINTS) -> list[str]:
    """Return the codes of a comma list, in order, once each.

    Raises:
        Refused: There are too many.
    """
    codes = list(dict.fromkeys(code.strip() for code in text.split(",") if code.strip()))
    if len(codes) > most:
        raise Refused("too_many_points", detail=f"{len(codes)} > {most}")
    return codes
