"""Time series of a simulated network: one table a quantity, a row a moment."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from heatloop.cli.simulate_series import shown
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index
from heatloop.network.model.net import Network
from heatloop.network.model.state import State

# Field of the state, whether it belongs to nodes, digits shown.
_FIELDS = (
    ("pressure_kpa", True, 3),
    ("node_c", True, 3),
    ("flow_kgs", False, 4),
    ("outlet_c", False, 3),
)


@dataclass(frozen=True, slots=True)
class _Table:
    """One open time series: which array, at which numbers."""

    field: str
    at: Index
    digits: int
    file: TextIO


class TimeTables:
    """Files `series_*.csv`, written while the run goes on.

    Args:
        folder: Where.
        network: What is simulated.
        only: Nodes and links to write; all if empty.

    Raises:
        InputError: A name is not in the network.
    """

    def __init__(self, folder: Path, network: Network, only: Sequence[str]) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._tables: list[_Table] = []
        self._network = network
        self._only = set(only)
        unknown = self._only - set(network.node_names) - set(network.link_names)
        if unknown:
            raise InputError("管网中没有 not in the network", thing=f"--only {min(unknown)}")

    def __enter__(self) -> Self:
        for field, of_nodes, digits in _FIELDS:
            names = self._network.node_names if of_nodes else self._network.link_names
            at = np.array(
                [i for i, name in enumerate(names) if not self._only or name in self._only],
                np.intp,
            )
            if not len(at):
                continue
            path = self._folder / f"series_{field}.csv"
            try:
                file = path.open("w", encoding="utf-8-sig", newline="")
            except OSError as error:
                raise InputError(f"无法写入 cannot be written: {error}", thing=str(path)) from error
            self._stack.enter_context(file)
            csv.writer(file).writerow(["t_s", *(names[i] for i in at)])
            self._tables.append(_Table(field, at, digits, file))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, t_s: float, state: State) -> None:
        """Write one row to every table."""
        for table in self._tables:
            values: Floats = getattr(state, table.field)[table.at]
            table.file.write(f"{t_s:g},{','.join(shown(values, table.digits))}\r\n")
