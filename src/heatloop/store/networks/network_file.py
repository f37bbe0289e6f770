"""A network with what its file says beyond the physics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.places import to_metres
from heatloop.store.networks.draft import WGS84, ImportFinding

Shape = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NetworkFile:
    """What was read, or is to be written."""

    network: Network
    """The network."""
    operation: Operation
    """What is set first."""
    name: str = ""
    """Name of the network."""
    note: str = ""
    """Free text."""
    crs: str = ""
    """What `x_m` and `y_m` are: `EPSG:4326` is longitude and latitude in degrees, else metres."""
    shapes: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))
    """Points a pipe is drawn through, ends included, by link name; straight ones left out."""
    findings: tuple[ImportFinding, ...] = ()
    """What the import could do only with a guess, or left out."""

    @property
    def degrees(self) -> bool:
        """Whether coordinates are longitude and latitude."""
        return self.crs == WGS84

    def places_m(self) -> Floats:
        """Return the places of the nodes in metres, nan where unknown, shape (n_node, 2)."""
        places = np.column_stack([self.network.x_m, self.network.y_m])
        if not self.degrees:
            return places
        known = places[np.isfinite(places).all(axis=1)]
        if not len(known):
            return places
        origin = known.mean(axis=0)
        return to_metres(places, (float(origin[0]), float(origin[1])))
