"""Pumps: head, efficiency and electric power over flow and speed; pumps together.

Valves are in `valve`; their names are kept here for those who look for them beside the pump.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.valve import kv_share as kv_share
from heatloop.network.valve import opening_for_pct as opening_for_pct
from heatloop.network.valve import valve_resistance_kpa_kgs2 as valve_resistance_kpa_kgs2

_SHUTOFF_RATIO = 1.3
_LEAST_EFFICIENCY = 0.15
"""Over the best one, far out on the curve, where the parabola would run through 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpCurve:
    """Head = shut-off head * s^2 - fall * flow^2, s being speed over rated speed.

    Reference: affinity laws (flow ~ s, head ~ s^2, power ~ s^3), EN ISO 9906 5.2.
    """

    shutoff_kpa: Floats
    """Head without flow at rated speed, shape (n,)."""
    fall_kpa_kgs2: Floats
    """Loss of head a flow squared, shape (n,)."""
    efficiency: Floats
    """Pump, motor and converter together at the best point, shape (n,)."""
    rated_hz: float = 50.0
    """Rated speed."""
    best_kgs: Floats | None = None
    """Flow of the best point at rated speed, shape (n,); None: where the head is shut-off / 1.3."""

    @classmethod
    def through(
        cls,
        flow_kgs: Floats,
        head_kpa: Floats,
        at_hz: float,
        efficiency: Floats,
        rated_hz: float = 50.0,
    ) -> PumpCurve:
        """Return a curve whose best point is a duty point and whose shut-off head is 1.3 times it.

        Args:
            flow_kgs: Duty flow, shape (n,).
            head_kpa: Head there, shape (n,).
            at_hz: Speed there.
            efficiency: At the duty point, shape (n,).
            rated_hz: Rated speed.
        """
        scale = (at_hz / rated_hz) ** 2
        return cls(
            shutoff_kpa=_SHUTOFF_RATIO * head_kpa / scale,
            fall_kpa_kgs2=(_SHUTOFF_RATIO - 1.0) * head_kpa / flow_kgs**2,
            efficiency=efficiency,
            rated_hz=rated_hz,
        )

    def best_flow_kgs(self) -> Floats:
        """Return the flow of the best point at rated speed, shape (n,)."""
        if self.best_kgs is not None:
            return self.best_kgs
        drop = (1.0 - 1.0 / _SHUTOFF_RATIO) * self.shutoff_kpa
        return np.asarray(np.sqrt(drop / self.fall_kpa_kgs2))

    def flow_kgs(self, hz: Floats, resistance_kpa_kgs2: Floats) -> Floats:
        """Return the flow through a closed loop of this resistance, shape (n,)."""
        lift = self.shutoff_kpa * (hz / self.rated_hz) ** 2
        return np.asarray(np.sqrt(lift / (resistance_kpa_kgs2 + self.fall_kpa_kgs2)))

    def flow_at_head_kgs(self, hz: Floats, head_kpa: Floats) -> Floats:
        """Return the flow against a head, 0 above its shut-off head, shape (n,)."""
        lift = self.shutoff_kpa * (hz / self.rated_hz) ** 2
        return np.asarray(np.sqrt(np.maximum(lift - head_kpa, 0.0) / self.fall_kpa_kgs2))

    def head_kpa(self, hz: Floats, flow_kgs: Floats) -> Floats:
        """Return the head at a speed and flow, shape (n,)."""
        lift = self.shutoff_kpa * (hz / self.rated_hz) ** 2
        return np.asarray(lift - self.fall_kpa_kgs2 * flow_kgs**2)

    def speed_hz(self, flow_kgs: Floats, head_kpa: Floats) -> Floats:
        """Return the speed that gives a head at a flow; it may be above the rated one, (n,)."""
        share = (head_kpa + self.fall_kpa_kgs2 * flow_kgs**2) / self.shutoff_kpa
        return np.asarray(self.rated_hz * np.sqrt(np.maximum(share, 0.0)))

    def efficiency_at(self, hz: Floats, flow_kgs: Floats) -> Floats:
        """Return the efficiency at a speed and flow, shape (n,).

        A parabola over flow through 0 and the best point, which moves with the speed.

        Reference: Guelich, Centrifugal Pumps, 4th ed., 4.1.
        """
        best = self.best_flow_kgs() * np.maximum(hz / self.rated_hz, 1e-9)
        part = np.asarray(flow_kgs) / best
        share = part * (2.0 - part)
        # On the way to shut-off flow and efficiency vanish together; beyond twice the best flow
        # there is only a poor remainder.
        return np.asarray(
            self.efficiency * np.where(part > 1.0, np.maximum(share, _LEAST_EFFICIENCY), share)
        )

    def power_kw(self, hz: Floats, flow_kgs: Floats) -> Floats:
        """Return electric power: hydraulic power over efficiency, shape (n,)."""
        s = hz / self.rated_hz
        best = self.best_flow_kgs() * np.maximum(s, 1e-9)
        part = np.asarray(flow_kgs) / best
        head = np.maximum(self.head_kpa(hz, flow_kgs), 0.0)
        # flow / efficiency, with the flow that both hold taken out: finite at shut-off.
        per_flow = np.where(
            part > 1.0,
            np.maximum(2.0 - part, _LEAST_EFFICIENCY / np.maximum(part, 1.0)),
            2.0 - part,
        )
        # kPa * kg/s / (kg/m3) = W * 1e3 / 1e3: kPa m3/s = kW.
        return np.asarray(np.where(s > 0.0, head * best / per_flow, 0.0) / 1e3 / self.efficiency)

    def parallel(self, count: int) -> PumpCurve:
        """Return the curve of some equal pumps side by side, all running."""
        return PumpCurve(
            shutoff_kpa=self.shutoff_kpa,
            fall_kpa_kgs2=self.fall_kpa_kgs2 / count**2,
            efficiency=self.efficiency,
            rated_hz=self.rated_hz,
            best_kgs=self.best_flow_kgs() * count,
        )

    def series(self, count: int) -> PumpCurve:
        """Return the curve of some equal pumps one behind the other, all running."""
        return PumpCurve(
            shutoff_kpa=self.shutoff_kpa * count,
            fall_kpa_kgs2=self.fall_kpa_kgs2 * count,
            efficiency=self.efficiency,
            rated_hz=self.rated_hz,
            best_kgs=self.best_flow_kgs(),
        )


def parallel_flows_kgs(pumps: PumpCurve, hz: Floats, resistance_kpa_kgs2: float) -> Floats:
    """Return the flow of each of some unequal pumps side by side in one loop, shape (n,).

    A pump too weak for the common head gives nothing: its check valve is shut.

    Args:
        pumps: Their curves, arrays of shape (n,).
        hz: Speed of each, shape (n,).
        resistance_kpa_kgs2: Of the loop they work in.
    """
    # The common head lies between nothing and the strongest pump's shut-off; total flow falls
    # with it and the loop's need rises, so one crossing.
    low, high = 0.0, float(np.max(pumps.shutoff_kpa * (hz / pumps.rated_hz) ** 2))
    for _ in range(80):
        head = 0.5 * (low + high)
        total = float(pumps.flow_at_head_kgs(hz, np.asarray(head)).sum())
        if resistance_kpa_kgs2 * total**2 > head:
            low = head
        else:
            high = head
    return pumps.flow_at_head_kgs(hz, np.asarray(0.5 * (low + high)))
