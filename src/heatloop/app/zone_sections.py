"""What both ends of the feed agree on: its sections, the kinds of points, the hash of a list."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from heatloop.kernel.canonical import canonical

DIRECTORY = ("asset", "point", "flats")
"""Sections of a snapshot of the things there are."""
STATE = ("alarm", "finding", "incident", "answer", "present", "weather")
"""Sections of a snapshot of how they are."""


@cache
def shared_kinds() -> frozenset[str]:
    """Return the kinds of points that cross."""
    text = resources.files(__package__).joinpath("zone_kinds.csv").read_text("utf-8")
    return frozenset(row["kind"] for row in csv.DictReader(io.StringIO(text)))


def digest(records: Iterable[Mapping[str, Any]]) -> str:
    """Return a hash of records, by which a zone sees that its list is the same."""
    total = hashlib.sha256()
    for record in records:
        total.update(canonical(dict(record)))
    return total.hexdigest()
