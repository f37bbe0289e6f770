"""The flat structure of one network: arrays a node and arrays a link, nothing else.

Units are kPa, kg/s, kW, m, degC throughout, so that loops need no conversion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heatloop.network.arrays import Floats

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Network:
    """What a network is made of; made by `NetworkBuilder`, never changed afterwards.

    Parameters of a kind stand at the links of that kind and are 0 elsewhere.
    """

    node_names: tuple[str, ...]
    """Unique name of each node."""
    height_m: Floats
    """Ground level, shape (n_node,)."""
    x_m: Floats
    """Place to the east (or longitude, deg), nan if unknown, shape (n_node,)."""
    y_m: Floats
    """Place to the north (or latitude, deg), nan if unknown, shape (n_node,)."""
    pressure_held: Flags
    """Nodes whose pressure is held (`Operation.held_kpa`), shape (n_node,)."""
    link_names: tuple[str, ...]
    """Unique name of each link."""
    from_node: Ints
    """Shape (n_link,); flow counts positive from here."""
    to_node: Ints
    """Shape (n_link,)."""
    kind: Ints
    """`LinkKind`, shape (n_link,)."""
    length_m: Floats
    """PIPE."""
    diameter_m: Floats
    """PIPE: inner diameter."""
    roughness_mm: Floats
    """PIPE."""
    minor: Floats
    """PIPE: sum of loss coefficients zeta."""
    loss_w_mk: Floats
    """PIPE: heat loss a metre and kelvin between water and surroundings."""
    wall_kj_mk: Floats
    """PIPE: heat capacity of a metre of wall (with its share of insulation)."""
    kvs_m3h: Floats
    """VALVE, CHECK_VALVE, DP_CONTROL: flow at 1 bar, fully open."""
    rangeability: Floats
    """VALVE: of an equal-percentage characteristic; 0: linear."""
    resistance_kpa_kgs2: Floats
    """RESISTANCE: r of dp = r m |m|; LIFT: own loss on top of its lift."""
    shutoff_kpa: Floats
    """PUMP: head without flow at rated speed."""
    fall_kpa_kgs: Floats
    """PUMP: fall of head, linear part, at rated speed."""
    fall_kpa_kgs2: Floats
    """PUMP: fall of head, quadratic part."""
    efficiency: Floats
    """PUMP: pump, motor and converter together at its best point."""
    sensed_node: Ints
    """DP_CONTROL: node to which the difference from `to_node` is held; -1 elsewhere."""
    hot_link: Ints
    """Link of the warm side of each plate exchanger, shape (n_exchanger,)."""
    cold_link: Ints
    """Link of its cold side, shape (n_exchanger,)."""
    exchanger_kw_k: Floats
    """Clean UA at design flows, shape (n_exchanger,)."""
    hot_design_kgs: Floats
    """Shape (n_exchanger,)."""
    cold_design_kgs: Floats
    """Shape (n_exchanger,)."""

    @property
    def n_node(self) -> int:
        """Number of nodes."""
        return len(self.node_names)

    @property
    def n_link(self) -> int:
        """Number of links."""
        return len(self.link_names)

    def node_index(self) -> dict[str, int]:
        """Return the number of each node by name."""
        return {name: index for index, name in enumerate(self.node_names)}

    def link_index(self) -> dict[str, int]:
        """Return the number of each link by name."""
        return {name: index for index, name in enumerate(self.link_names)}

    def volume_m3(self) -> Floats:
        """Return the water each link holds, shape (n_link,); only pipes hold any."""
        return np.asarray(self.length_m * self.diameter_m**2 * (np.pi / 4.0))
