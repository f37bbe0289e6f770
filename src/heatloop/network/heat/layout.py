"""How finely the water of each pipe is kept."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Network

_PIPE_SEGMENTS, _TANK_SEGMENTS = 24, 128
_LEAST_SEGMENT_M = 1.0
_TANK_SLENDER = 20.0


def shortest_m(network: Network, cell_m: float) -> Floats:
    """Return the shortest segment of each pipe; a tank's are far finer than a pipe's."""
    length, d = network.length_m, network.diameter_m
    pipe = np.minimum(cell_m, np.maximum(length / _PIPE_SEGMENTS, _LEAST_SEGMENT_M))
    tank = length < _TANK_SLENDER * d
    found = np.where(tank, length / _TANK_SEGMENTS, np.minimum(pipe, np.maximum(length, 1e-9)))
    return np.where(length > 0.0, found, 1.0)
