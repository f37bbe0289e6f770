"""Control valves: inherent and installed characteristics, authority, choice of size."""

from __future__ import annotations

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats

RANGEABILITY = 50.0
LINEAR = 0.0
"""As rangeability: a linear characteristic."""
KVS_M3H = np.outer(10.0 ** np.arange(4), [0.25, 0.4, 0.63, 1.0, 1.6]).ravel()
"""Sizes that can be bought: the series R5 of ISO 3."""
_SEAT_PCT = 2.0
_LEAKAGE = 1e-5


def kv_share(opening_pct: Floats, rangeability: float = RANGEABILITY) -> Floats:
    """Return flow coefficient over kvs, closing tight below 2 %.

    Args:
        opening_pct: Shape (n,).
        rangeability: Of an equal-percentage valve; `LINEAR` for a linear one.

    Reference: IEC 60534-2-4 inherent characteristics.
    """
    if rangeability == LINEAR:
        return np.asarray(np.clip(opening_pct / 100.0, 0.0, 1.0))
    share = rangeability ** (opening_pct / 100.0 - 1.0)
    return np.asarray(share * np.clip(opening_pct / _SEAT_PCT, 0.0, 1.0))


def opening_for_pct(share: Floats, rangeability: float = RANGEABILITY) -> Floats:
    """Return the opening that gives a share of kvs (inverse of `kv_share` above 2 %)."""
    if rangeability == LINEAR:
        return np.asarray(np.clip(100.0 * share, 0.0, 100.0))
    low = rangeability ** (_SEAT_PCT / 100.0 - 1.0)
    pct = 100.0 * (1.0 + np.log(np.maximum(share, low)) / np.log(rangeability))
    return np.asarray(np.clip(pct, 0.0, 100.0))


def valve_resistance_kpa_kgs2(
    kvs_m3h: Floats, opening_pct: Floats, rangeability: float = RANGEABILITY
) -> Floats:
    """Return r of dp = r * m^2 at this opening; 1 bar moves kv m3/h of cold water.

    A shut valve keeps a leakage of 1e-5 kvs, which bounds r.
    """
    kv = kvs_m3h * np.maximum(kv_share(opening_pct, rangeability), _LEAKAGE)
    return np.asarray(100.0 * (3.6 / kv) ** 2)


def authority(valve_kpa: Floats | float, rest_kpa: Floats | float) -> Floats:
    """Return the authority: the open valve's share of the loss of the whole controlled path.

    Args:
        valve_kpa: Loss of the open valve at design flow, shape (n,).
        rest_kpa: Loss of all else that its flow passes, shape (n,).

    Reference: VDI/VDE 2173; Petitjean, Total Hydronic Balancing, 2.2.
    """
    return np.asarray(valve_kpa / (np.asarray(valve_kpa) + rest_kpa))


def installed_share(
    opening_pct: Floats, valve_authority: Floats | float, rangeability: float = RANGEABILITY
) -> Floats:
    """Return the flow over that of the open valve, under a constant total difference, shape (n,).

    Args:
        opening_pct: Shape (n,).
        valve_authority: Above 0 to 1, shape (n,).
        rangeability: As in `kv_share`.

    Raises:
        InputError: The authority is not above 0 and at most 1.

    Reference: VDI/VDE 2173, flow = 1 / sqrt(1 - N + N / share^2).
    """
    n = _checked(valve_authority)
    share = np.maximum(kv_share(opening_pct, rangeability), _LEAKAGE)
    return np.asarray(1.0 / np.sqrt(1.0 - n + n / share**2))


def opening_at_authority_pct(
    flow_share: Floats, valve_authority: Floats | float, rangeability: float = RANGEABILITY
) -> Floats:
    """Return the opening for a wanted flow over that of the open valve, shape (n,).

    Args:
        flow_share: 0 to 1, shape (n,); more needs a fully open valve and is not reached.
        valve_authority: Above 0 to 1, shape (n,).
        rangeability: As in `kv_share`.

    Raises:
        InputError: The authority is not above 0 and at most 1.
    """
    n = _checked(valve_authority)
    wanted = np.clip(flow_share, _LEAKAGE, 1.0)
    share = np.sqrt(n / (1.0 / wanted**2 - (1.0 - n)))
    return np.where(np.asarray(flow_share) <= 0.0, 0.0, opening_for_pct(share, rangeability))


def choose_kvs_m3h(flow_kgs: Floats, valve_kpa: Floats | float) -> Floats:
    """Return the smallest size on sale that loses at most this much at a flow, shape (n,).

    Args:
        flow_kgs: Design flow, shape (n,).
        valve_kpa: Loss wanted, shape (n,).

    Raises:
        InputError: None is large enough.
    """
    needed = 3.6 * np.asarray(flow_kgs) / np.sqrt(np.asarray(valve_kpa) / 100.0)
    at = np.searchsorted(KVS_M3H, needed * (1.0 - 1e-9))
    if np.any(at >= len(KVS_M3H)):
        raise InputError(
            f"kv {float(np.max(needed)):.0f} m3/h is more than one valve has",
            thing="valve",
            fix="use two valves in parallel or allow a larger loss",
        )
    return np.asarray(KVS_M3H[at])


def _checked(valve_authority: Floats | float) -> Floats:
    n = np.asarray(valve_authority, dtype=np.float64)
    if not (np.all(n > 0.0) and np.all(n <= 1.0)):
        raise InputError("authority must be above 0 and at most 1", thing="valve")
    return n
