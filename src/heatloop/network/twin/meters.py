"""What is measured: the kind, place, value and standard error of each meter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags, Ints, Network


class MeterKind(IntEnum):
    """What a meter reads."""

    FLOW = 0
    """Flow of a link, kg/s, positive from its start."""
    PRESSURE = 1
    """Gauge pressure at a node, kPa."""
    INFLOW = 2
    """Water fed in at a node from outside (make-up), kg/s."""
    TEMPERATURE = 3
    """Temperature of the water at a node, degC."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Meters:
    """Readings of one moment; nan: missing."""

    name: tuple[str, ...]
    """Name of each meter."""
    kind: Ints
    """`MeterKind`, shape (n_meter,)."""
    place: Ints
    """Number of its link (FLOW) or node, shape (n_meter,)."""
    value: Floats
    """What it reads, shape (n_meter,)."""
    sigma: Floats
    """Its standard error, shape (n_meter,)."""

    def of(self, kind: MeterKind) -> Flags:
        """Return which meters are of a kind and have a reading."""
        return np.asarray((self.kind == kind) & np.isfinite(self.value))

    def reading(self, value: Floats) -> Self:
        """Return the same meters with other readings."""
        return replace(self, value=value)

    def without(self, meter: int) -> Self:
        """Return the same meters with one reading taken away."""
        value = self.value.copy()
        value[meter] = np.nan
        return replace(self, value=value)

    def combined(self, kind: MeterKind, n_place: int) -> tuple[Floats, Floats]:
        """Return the weight (1 / sigma^2, 0: none) and weighted mean at each place."""
        chosen = self.of(kind)
        weight = np.zeros(n_place)
        total = np.zeros(n_place)
        each = self.sigma[chosen] ** -2.0
        np.add.at(weight, self.place[chosen], each)
        np.add.at(total, self.place[chosen], each * self.value[chosen])
        return weight, np.divide(total, weight, out=np.zeros(n_place), where=weight > 0.0)


def meters_of(network: Network, rows: list[tuple[str, MeterKind, str, float, float]]) -> Meters:
    """Return meters given by name.

    Args:
        network: Where they are.
        rows: Name, kind, name of the link or node, value, sigma.

    Raises:
        InputError: A place is unknown, or a sigma is not above 0.
    """
    nodes, links = network.node_index(), network.link_index()
    places = []
    for name, kind, place, _, sigma in rows:
        known = links if kind == MeterKind.FLOW else nodes
        if place not in known:
            what = "link" if kind == MeterKind.FLOW else "node"
            raise InputError(f"unknown {what}", thing=name, place=place, fix=f"name a {what}")
        if not sigma > 0.0:
            raise InputError("a meter's sigma must be above 0", thing=name, place=f"{sigma:g}")
        places.append(known[place])
    return Meters(
        name=tuple(row[0] for row in rows),
        kind=np.array([int(row[1]) for row in rows], np.int64),
        place=np.array(places, np.int64),
        value=np.array([row[3] for row in rows], np.float64),
        sigma=np.array([row[4] for row in rows], np.float64),
    )
