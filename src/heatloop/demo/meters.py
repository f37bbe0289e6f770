"""What the city's meters show: truth with bias, noise and resolution, by point kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.network.arrays import Floats
from heatloop.plant.model import Binding


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterClass:
    """How good the meters of a kind are."""

    bias: float = 0.0
    """Half-width of the lasting error, in the unit."""
    bias_share: float = 0.0
    """Half-width of the lasting error, share of the value."""
    noise: float = 0.0
    """Standard deviation from reading to reading, in the unit."""
    noise_share: float = 0.0
    """Standard deviation from reading to reading, share of the value."""
    step: float = 0.0
    """Smallest step the meter itself shows; 0: that of its register."""


_TEMPERATURE = MeterClass(bias=0.15, noise=0.02)
_PRESSURE = MeterClass(bias=3.0, noise=0.35)
_FLOW = MeterClass(bias_share=0.012, noise_share=0.0012, step=0.1)
_HEAT = MeterClass(bias_share=0.015, noise_share=0.0015, step=1.0)
_CLASSES: dict[str, MeterClass] = {
    "source_heat_power": MeterClass(bias_share=0.01, noise_share=0.001, step=10.0),
    "source_flow": MeterClass(bias_share=0.008, noise_share=0.001, step=0.5),
    "source_supply_temperature": _TEMPERATURE,
    "source_return_temperature": _TEMPERATURE,
    "source_supply_pressure": _PRESSURE,
    "source_return_pressure": _PRESSURE,
    "source_makeup_flow": MeterClass(bias_share=0.005, noise_share=0.002),
    "boiler_outlet_temperature": _TEMPERATURE,
    "chp_heat_power": MeterClass(bias_share=0.01, noise_share=0.001, step=10.0),
    "chp_electric_power": MeterClass(bias_share=0.005, noise_share=0.001, step=10.0),
    "tank_top_temperature": _TEMPERATURE,
    "tank_bottom_temperature": _TEMPERATURE,
    "tank_charge_flow": MeterClass(bias_share=0.008, noise_share=0.001, step=0.5),
    "booster_inlet_pressure": _PRESSURE,
    "booster_outlet_pressure": _PRESSURE,
    "primary_heat_power": _HEAT,
    "primary_flow": MeterClass(bias_share=0.012, noise_share=0.0012, step=0.05),
    "primary_supply_temperature": _TEMPERATURE,
    "primary_return_temperature": _TEMPERATURE,
    "primary_supply_pressure": _PRESSURE,
    "primary_return_pressure": _PRESSURE,
    "tank_level": MeterClass(bias=0.01, noise=0.003),
    "secondary_supply_temperature": _TEMPERATURE,
    "secondary_return_temperature": _TEMPERATURE,
    "secondary_supply_pressure": _PRESSURE,
    "secondary_return_pressure": _PRESSURE,
    "secondary_heat_power": _HEAT,
    "secondary_flow": _FLOW,
    "circulation_pump_current": MeterClass(bias_share=0.02, noise_share=0.002),
    "building_flow": MeterClass(bias_share=0.02, noise_share=0.002, step=0.05),
    "building_supply_temperature": _TEMPERATURE,
    "building_return_temperature": _TEMPERATURE,
    "outdoor_temperature": MeterClass(bias=0.2, noise=0.02),
    "outdoor_humidity": MeterClass(bias=2.0, noise=0.2),
    "wind_speed": MeterClass(noise_share=0.12),
    "wind_direction": MeterClass(noise=6.0),
    "solar_radiation": MeterClass(bias_share=0.04, noise_share=0.01),
}


class Meters:
    """Turns the true values of the measured points into what their meters show.

    Args:
        measured: The bindings whose meters these are.
        seed: Draws the lasting errors, and the noise from then on.
    """

    def __init__(self, measured: Sequence[Binding], seed: int) -> None:
        none = MeterClass()
        classes = [_CLASSES.get(b.kind, none) for b in measured]
        rng = np.random.default_rng((seed, 5))
        n = len(classes)
        self.bias = np.array([c.bias for c in classes]) * rng.uniform(-1.0, 1.0, n)
        self.gain = 1.0 + np.array([c.bias_share for c in classes]) * rng.uniform(-1.0, 1.0, n)
        self._noise = np.array([c.noise for c in classes])
        self._noise_share = np.array([c.noise_share for c in classes])
        steps = np.array([c.step for c in classes])
        self._stepped: NDArray[np.intp] = np.flatnonzero(steps)
        self._step = steps[self._stepped]
        self._share_gains(measured)
        self._noisy = np.flatnonzero(self._noise + self._noise_share)
        self._rng = np.random.default_rng((seed, 6))

    def lasting(self, true: Floats) -> Floats:
        """Return the values with their lasting errors only, shape (n_measured,)."""
        return np.asarray(true * self.gain + self.bias)

    def spread(self, shown: Floats) -> Floats:
        """Return the standard deviation from reading to reading, shape (n_measured,)."""
        return np.asarray(self._noise + self._noise_share * np.abs(shown))

    def show(self, true: Floats) -> Floats:
        """Return what the meters show of the true values, shape (n_measured,)."""
        shown = self.lasting(true)
        noisy = self._noisy
        shown[noisy] += self.spread(shown)[noisy] * self._rng.standard_normal(len(noisy))
        shown[self._stepped] = np.rint(shown[self._stepped] / self._step) * self._step
        return shown

    def _share_gains(self, measured: Sequence[Binding]) -> None:
        """Let a meter that counts heat or flow count with the error it shows it with."""
        number = {(b.point.split(".")[0], b.kind): index for index, b in enumerate(measured)}
        for (asset, kind), index in number.items():
            power = kind.replace("heat_total", "heat_power").replace("flow_total", "flow")
            shown = number.get((asset, power))
            if shown is not None:
                self.gain[index] = self.gain[shown]
