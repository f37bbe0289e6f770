"""Pumps and control valves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpCurve:
    """Head = shut-off head * s^2 - fall * flow^2, s being speed over rated speed."""

    shutoff_kpa: Floats
    """Head without flow at rated speed, shape (n,)."""
    fall_kpa_kgs2: Floats
    """Loss of head a flow squared, shape (n,)."""
    efficiency: Floats
    """Pump, motor and converter together at design, shape (n,)."""
    rated_hz: float = 50.0
    """Rated speed."""

    @classmethod
    def through(
        cls,
        flow_kgs: Floats,
        head_kpa: Floats,
        at_hz: float,
        efficiency: Floats,
        rated_hz: float = 50.0,
    ) -> PumpCurve:
        """Return a curve through a duty point whose shut-off head is 1.3 times its head."""
        scale = (at_hz / rated_hz) ** 2
        return cls(
            shutoff_kpa=1.3 * head_kpa / scale,
            fall_kpa_kgs2=0.3 * head_kpa / flow_kgs**2,
            efficiency=efficiency,
            rated_hz=rated_hz,
        )

    def flow_kgs(self, hz: Floats, resistance_kpa_kgs2: Floats) -> Floats:
        """Return the flow through a closed loop of this resistance, shape (n,)."""
        lift = self.shutoff_kpa * (hz / self.rated_hz) ** 2
        return np.asarray(np.sqrt(lift / (resistance_kpa_kgs2 + self.fall_kpa_kgs2)))

    def head_kpa(self, hz: Floats, flow_kgs: Floats) -> Floats:
        """Return the head at a speed and flow, shape (n,)."""
        lift = self.shutoff_kpa * (hz / self.rated_hz) ** 2
        return np.asarray(lift - self.fall_kpa_kgs2 * flow_kgs**2)

    def power_kw(self, hz: Floats, flow_kgs: Floats) -> Floats:
        """Return electric power: hydraulic power over efficiency, and 5 % idle loss at speed."""
        head = np.maximum(self.head_kpa(hz, flow_kgs), 0.0)
        idle = 0.05 * self.shutoff_kpa * (hz / self.rated_hz) ** 3
        design = np.sqrt(0.3 * self.shutoff_kpa / 1.3 / self.fall_kpa_kgs2)
        # kPa * kg/s / (kg/m3) = W * 1e3 / 1e3: kPa m3/s = kW.
        return np.asarray((head * flow_kgs + idle * design) / 1000.0 / self.efficiency)


def kv_share(opening_pct: Floats, rangeability: float = 50.0) -> Floats:
    """Return flow coefficient over kvs of an equal-percentage valve, closing tight below 2 %.

    Reference: IEC 60534-2-4 inherent equal-percentage characteristic.
    """
    share = rangeability ** (opening_pct / 100.0 - 1.0)
    return np.asarray(share * np.clip(opening_pct / 2.0, 0.0, 1.0))


def valve_resistance_kpa_kgs2(kvs_m3h: Floats, opening_pct: Floats) -> Floats:
    """Return r of dp = r * m^2 at this opening; 1 bar moves kv m3/h of cold water.

    A shut valve keeps a leakage of 1e-5 kvs, which bounds r.
    """
    kv = kvs_m3h * np.maximum(kv_share(opening_pct), 1e-5)
    return np.asarray(100.0 * (3.6 / kv) ** 2)


def opening_for_pct(share: Floats, rangeability: float = 50.0) -> Floats:
    """Return the opening that gives a share of kvs (inverse of `kv_share` above 2 %)."""
    low = rangeability ** (0.02 - 1.0)
    pct = 100.0 * (1.0 + np.log(np.maximum(share, low)) / np.log(rangeability))
    return np.asarray(np.clip(pct, 0.0, 100.0))
