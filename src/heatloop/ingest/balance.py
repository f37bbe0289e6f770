"""Do the four readings of a heat meter fit each other: power, flow and both temperatures?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heatloop.ingest.reasons import Flag
from heatloop.ingest.rules import Floats, Index
from heatloop.kernel.quality import Quality
from heatloop.plant.ledger import Ledger

KW_PER_M3H_K = 983.0 * 4.187 / 3600.0
"""Heat of 1 m3/h cooled by 1 K, kW: water of 60 degC (983 kg/m3, 4.187 kJ/(kg K))."""
_TOLERANCE = 0.3
_SMALLEST_K = 3.0
_SMALLEST_M3H = 1.0
_SMALLEST_KW = 20.0
_REVERSED_K = 2.0
_SIDES = ("source", "primary", "secondary")
_PARTS = ("heat_power", "flow", "supply_temperature", "return_temperature")


class BalanceCheck:
    """Compares power with flow x temperature difference, all of one slot and all good.

    Args:
        parts: Positions (in ascending key order) of power, flow, supply and return temperature
            points, shape (n_meter, 4).
        n_point: Number of points.
    """

    def __init__(self, parts: NDArray[np.intp], n_point: int) -> None:
        self._parts = parts.reshape(-1, 4)
        self._row = np.full(n_point, -1, np.intp)

    @classmethod
    def of_ledger(cls, ledger: Ledger) -> BalanceCheck:
        """Return the check of every heat meter of a ledger that has all four points."""
        keys = np.sort(np.array(list(ledger.by_key), "u4"))
        parts: list[list[int]] = []
        for asset in ledger.assets:
            kinds = {point.kind: point.key for point in ledger.points_of(asset)}
            for side in _SIDES:
                names = [f"{side}_{part}" for part in _PARTS]
                if all(name in kinds for name in names):
                    parts.append([int(np.searchsorted(keys, kinds[name])) for name in names])
        return cls(np.array(parts, np.intp).reshape(-1, 4), keys.size)

    def judge(
        self,
        at: Index,
        slots: NDArray[np.int64],
        values: Floats,
        quality: NDArray[np.uint8],
        flag: NDArray[np.uint8],
    ) -> None:
        """Mark powers that do not fit, in `quality` and `flag`; rows as in `Lane.judge`."""
        self._row[at] = np.arange(at.size)
        rows = self._row[self._parts]
        self._row[at] = -1
        rows = rows[(rows >= 0).all(axis=1)]
        if not rows.size:
            return
        together = (slots[rows] == slots[rows[:, :1]]).all(axis=1)
        self._judge_order(rows[together], values, quality, flag)
        usable = together
        usable &= (quality[rows] == Quality.GOOD).all(axis=1)
        power, flow, supply, back = (values[rows[:, part]] for part in range(4))
        drop_k = supply - back
        usable &= (drop_k > _SMALLEST_K) & (flow > _SMALLEST_M3H)
        expected = KW_PER_M3H_K * flow * drop_k
        wrong = rows[usable & (np.abs(power - expected) > _TOLERANCE * expected), 0]
        quality[wrong] = Quality.UNCERTAIN
        flag[wrong] = Flag.BALANCE

    def _judge_order(
        self,
        rows: Index,
        values: Floats,
        quality: NDArray[np.uint8],
        flag: NDArray[np.uint8],
    ) -> None:
        """Mark supply and return temperatures that stand the wrong way round in a full flow."""
        temperatures = rows[:, 2:]
        running = values[rows[:, 1]] > _SMALLEST_M3H
        running &= values[rows[:, 0]] > _SMALLEST_KW
        good = (quality[temperatures] == Quality.GOOD).all(axis=1)
        drop_k = values[rows[:, 2]] - values[rows[:, 3]]
        wrong = temperatures[running & good & (drop_k < -_REVERSED_K)].ravel()
        quality[wrong] = Quality.UNCERTAIN
        flag[wrong] = Flag.ORDER
