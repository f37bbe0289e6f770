"""Reading the tables that are shipped beside the codecs."""

from __future__ import annotations

import csv
from importlib.resources import files


def table(folder: str, name: str) -> list[dict[str, str]]:
    """Return the rows of `protocols/<folder>/<name>`, every cell a stripped string.

    Raises:
        FileNotFoundError: The package has no such table.
    """
    path = files("heatloop.protocols").joinpath(folder, name)
    return [
        {column: (cell or "").strip() for column, cell in row.items()}
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    ]


def names(folder: str) -> tuple[str, ...]:
    """Return the names (without `.csv`) of the tables in `protocols/<folder>`, sorted."""
    found = (entry.name for entry in files("heatloop.protocols").joinpath(folder).iterdir())
    return tuple(sorted(name[:-4] for name in found if name.endswith(".csv")))
