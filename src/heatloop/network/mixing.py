"""Streams that meet: mixed temperatures, and the shares that give a wanted one."""

from __future__ import annotations

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats


def mixed_c(flow_kgs: Floats, temperature_c: Floats) -> Floats:
    """Return the temperature of streams once mixed; where nothing flows, their plain mean.

    Args:
        flow_kgs: Each stream's flow, not negative, shape (n_stream, ...).
        temperature_c: Its temperature, same shape.

    Raises:
        InputError: A flow is negative.
    """
    if np.any(flow_kgs < 0.0):
        raise InputError("a stream that mixes must flow in", thing="mixing")
    total = flow_kgs.sum(axis=0)
    heat = (flow_kgs * temperature_c).sum(axis=0)
    standing = temperature_c.mean(axis=0)
    return np.asarray(np.where(total > 0.0, heat / np.where(total > 0.0, total, 1.0), standing))


def hot_share(wanted_c: Floats | float, hot_c: Floats | float, cold_c: Floats | float) -> Floats:
    """Return the share of hot water that makes mixed water of a temperature, 0 to 1.

    Args:
        wanted_c: Shape (n,); out of reach gives 0 or 1.
        hot_c: Hot stream, shape (n,).
        cold_c: Cold stream (usually the return), shape (n,).
    """
    span = np.asarray(hot_c, dtype=np.float64) - cold_c
    share = (np.asarray(wanted_c) - cold_c) / np.where(np.abs(span) > 1e-9, span, 1.0)
    # Equal streams: any share is as good, and a valve that need not move stays shut.
    return np.asarray(np.clip(np.where(np.abs(span) > 1e-9, share, 0.0), 0.0, 1.0))


def three_way_kgs(
    total_kgs: Floats, wanted_c: Floats | float, hot_c: Floats | float, return_c: Floats | float
) -> tuple[Floats, Floats, Floats]:
    """Return what a three-way mixing valve does: hot flow, return flow and mixed temperature.

    Args:
        total_kgs: Flow behind the valve, shape (n,).
        wanted_c: Temperature wanted, shape (n,).
        hot_c: Hot side, shape (n,).
        return_c: Return, shape (n,).
    """
    share = hot_share(wanted_c, hot_c, return_c)
    mixed = np.asarray(return_c + share * (np.asarray(hot_c, dtype=np.float64) - return_c))
    return share * total_kgs, (1.0 - share) * total_kgs, mixed
