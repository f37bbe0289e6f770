"""A stratified heat storage tank for control and plant: hot on top, cold below, a thermocline.

Water moves as plugs of its own size, so a thermocline is carried without being smeared; it is
widened only by conduction (and by what mixes at the diffusers). Colder water above warmer turns
over until it lies right. Heat and water are counted to rounding.

Reference: plug flow with conduction and buoyancy, Duffie and Beckman, Solar Engineering of
Thermal Processes, 4th ed., 8.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.tank_layers import join_alike, join_thin, spread_between, turned_over
from heatloop.network.water import CP_KJ_KGK


@dataclass(frozen=True, kw_only=True, slots=True)
class TankPlan:
    """What a tank is made of."""

    mass_kg: float
    """Water in it."""
    height_m: float
    """Inner height."""
    loss_kw_k: float
    """To the surroundings, all over the shell."""
    conduction_kw_mk: float = 1.5e-3
    """Of water with wall and remaining motion; 0.65e-3 is water alone."""
    mixed_kg: float = 0.0
    """Water at a diffuser that mixes with what comes in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TankFlux:
    """What passed in a step."""

    outlet_c: float
    """Mean temperature of the water that left; of what stands at the outlet if none did."""
    gained_kj: float
    """In with the water less out with it."""
    lost_kj: float
    """To the surroundings."""


class Tank:
    """A tank and its water, from top to bottom.

    Args:
        plan: What it is made of.
        temperature_c: Of all its water, or of equal layers from top to bottom.

    Raises:
        InputError: A number is out of range.
    """

    def __init__(self, plan: TankPlan, temperature_c: float | Floats) -> None:
        if not plan.mass_kg > 0.0 or not plan.height_m > 0.0:
            raise InputError("mass and height must be above 0", thing="tank")
        if min(plan.loss_kw_k, plan.conduction_kw_mk, plan.mixed_kg) < 0.0:
            raise InputError("loss, conduction and mixing must not be below 0", thing="tank")
        layers = np.atleast_1d(np.asarray(temperature_c, dtype=np.float64))
        if not np.all(np.isfinite(layers)):
            raise InputError("temperatures must be numbers", thing="tank")
        self.plan = plan
        self._mass = [plan.mass_kg / len(layers)] * len(layers)
        self._warm = [float(x) for x in layers]
        self._mass, self._warm = turned_over(self._mass, self._warm)

    def layers(self) -> tuple[Floats, Floats]:
        """Return mass and temperature of the plugs from top to bottom."""
        return np.array(self._mass), np.array(self._warm)

    def profile_c(self, n: int = 20) -> Floats:
        """Return the mean temperature of n equal layers from top to bottom, shape (n,)."""
        edge = np.concatenate([[0.0], np.cumsum(self._mass)])
        heat = np.concatenate([[0.0], np.cumsum(np.array(self._mass) * np.array(self._warm))])
        at = np.interp(np.linspace(0.0, edge[-1], n + 1), edge, heat)
        return np.asarray(np.diff(at) / (edge[-1] / n))

    def stored_kj(self, above_c: float = 0.0) -> float:
        """Return the heat over a temperature; colder water counts against it."""
        return CP_KJ_KGK * math.fsum(
            m * (t - above_c) for m, t in zip(self._mass, self._warm, strict=True)
        )

    def charge_share(self, hot_c: float, cold_c: float) -> float:
        """Return the state of charge: 0 all at `cold_c`, 1 all at `hot_c`; it may lie beyond.

        Raises:
            InputError: Hot is not above cold.
        """
        if not hot_c > cold_c:
            raise InputError("hot must be above cold", thing="tank")
        return self.stored_kj(cold_c) / (self.plan.mass_kg * CP_KJ_KGK * (hot_c - cold_c))

    def usable_kj(self, least_c: float, return_c: float) -> float:
        """Return the heat that can be drawn from the top before the water is colder than needed.

        Args:
            least_c: Coldest water of use.
            return_c: Temperature at which it comes back.
        """
        heat = 0.0
        for mass, warm in zip(self._mass, self._warm, strict=True):
            if warm < least_c:
                break
            heat += mass * CP_KJ_KGK * (warm - return_c)
        return max(heat, 0.0)

    def limits_kgs(self, least_c: float, most_c: float, dt_s: float) -> tuple[float, float]:
        """Return the most the tank can take and give over a step, kg/s.

        Args:
            least_c: Coldest water of use at the top.
            most_c: Warmest water the plant takes back from the bottom.
            dt_s: Step.
        """
        give = take = 0.0
        for mass, warm in zip(self._mass, self._warm, strict=True):
            if warm < least_c:
                break
            give += mass
        for mass, warm in zip(reversed(self._mass), reversed(self._warm), strict=True):
            if warm > most_c:
                break
            take += mass
        return take / dt_s, give / dt_s

    def step(self, flow_kgs: float, inlet_c: float, ambient_c: float, dt_s: float) -> TankFlux:
        """Move the tank by one step.

        Args:
            flow_kgs: Charging (in on top, out below) if positive, discharging (in below, out on
                top) if negative.
            inlet_c: Temperature of the water that comes in.
            ambient_c: Surroundings.
            dt_s: Step.

        Raises:
            InputError: A number is none, the step is not above 0, or more water passes than the
                tank holds.
        """
        if not all(map(math.isfinite, (flow_kgs, inlet_c, ambient_c))) or not dt_s > 0.0:
            raise InputError("flow, temperatures and step must be numbers", thing="tank")
        passed = abs(flow_kgs) * dt_s
        if passed > self.plan.mass_kg:
            raise InputError(
                "more water passes in a step than the tank holds",
                thing="tank",
                fix="use a shorter step",
            )
        out_c = self._pass(passed, inlet_c, from_top=flow_kgs > 0.0)
        join_thin(self._mass, self._warm)
        lost = self._conduct(ambient_c, dt_s)
        self._settle()
        gained = passed * CP_KJ_KGK * (inlet_c - out_c)
        return TankFlux(outlet_c=out_c, gained_kj=gained, lost_kj=lost)

    def _pass(self, passed: float, inlet_c: float, *, from_top: bool) -> float:
        """Push water in at one end and out at the other; return the temperature of what left."""
        leaving = -1 if from_top else 0
        if passed <= 0.0:
            return self._warm[leaving]
        mass, warm = self._mass, self._warm
        heat, rest = 0.0, passed
        while rest > 0.0 and mass:
            part = min(mass[leaving], rest)
            heat += part * warm[leaving]
            rest -= part
            if part >= mass[leaving]:
                mass.pop(leaving)
                warm.pop(leaving)
            else:
                mass[leaving] -= part
        # As much comes in as went out: `rest` is rounding when a step replaces all the water.
        left = passed - max(rest, 0.0)
        out_c = heat / left
        at = 0 if from_top else len(mass)
        mass.insert(at, left)
        warm.insert(at, inlet_c)
        self._mix_inlet(left + self.plan.mixed_kg, from_top=from_top)
        return out_c

    def _mix_inlet(self, amount: float, *, from_top: bool) -> None:
        """Mix the first `amount` of water at the inlet."""
        if self.plan.mixed_kg <= 0.0:
            return
        mass, warm = self._mass, self._warm
        end = 0 if from_top else -1
        got = heat = 0.0
        while mass and got < amount:
            part = min(mass[end], amount - got)
            got += part
            heat += part * warm[end]
            if part >= mass[end]:
                mass.pop(end)
                warm.pop(end)
            else:
                mass[end] -= part
        at = 0 if from_top else len(mass)
        mass.insert(at, got)
        warm.insert(at, heat / got)

    def _conduct(self, ambient_c: float, dt_s: float) -> float:
        """Let heat pass between plugs and out of the shell; return what was lost, kJ."""
        plan, mass, warm = self.plan, self._mass, self._warm
        # Water of 1,000 kg/m3: kg a metre of height stands for the cross-section.
        per_m = plan.mass_kg / plan.height_m
        area_m2 = per_m / 1000.0
        spread_between(
            mass,
            warm,
            [
                plan.conduction_kw_mk * area_m2 * per_m * 2.0 / (mass[i] + mass[i + 1]) * dt_s
                for i in range(len(mass) - 1)
            ],
        )
        keep = -math.expm1(-plan.loss_kw_k * dt_s / (plan.mass_kg * CP_KJ_KGK))
        lost = 0.0
        for i in range(len(mass)):
            fall = (warm[i] - ambient_c) * keep
            warm[i] -= fall
            lost += mass[i] * fall
        return lost * CP_KJ_KGK

    def _settle(self) -> None:
        self._mass, self._warm = turned_over(self._mass, self._warm)
        join_alike(self._mass, self._warm)
