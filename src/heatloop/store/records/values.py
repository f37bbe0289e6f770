"""Plain values as text in a column, and pages of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from heatloop.kernel.canonical import canonical


def to_text(value: Any) -> str:
    """Return plain values as canonical JSON text."""
    return canonical(value).decode()


def from_text(text: str) -> Any:
    """Return the plain values of such a text."""
    return json.loads(text)


def words(values: Iterable[str]) -> str:
    """Return a set of words as one text."""
    return to_text(sorted(set(values)))


def page(
    connection: Connection, query: Select[Any], *, offset: int, limit: int
) -> tuple[int, list[Row[Any]]]:
    """Return how many rows an ordered query has, and a page of them."""
    inner = query.order_by(None).subquery()
    total = connection.execute(select(func.count()).select_from(inner)).scalar_one()
    rows = connection.execute(query.offset(max(offset, 0)).limit(max(limit, 0))).all()
    return int(total), list(rows)
