"""Reading the package's own tables, shipped beside this module."""

from __future__ import annotations

import csv
from importlib.resources import files


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of `plant/<name>`, every cell a stripped string.

    Raises:
        FileNotFoundError: The package has no such table.
    """
    text = files("heatloop.plant").joinpath(name).read_text(encoding="utf-8")
    return [
        {column: (cell or "").strip() for column, cell in row.items()}
        for row in csv.DictReader(text.splitlines())
    ]


def names(folder: str) -> tuple[str, ...]:
    """Return the names (without `.csv`) of the tables in `plant/<folder>`, sorted."""
    found = (entry.name for entry in files("heatloop.plant").joinpath(folder).iterdir())
    return tuple(sorted(name[:-4] for name in found if name.endswith(".csv")))
