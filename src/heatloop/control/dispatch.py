"""What is to be dispatched and how: units, storage, limits, prices, and the plan that comes out.

A problem is one heat network without an inner bottleneck; networks that are not joined are
problems of their own. Money is yuan, heat and electricity are kW and kWh, and everything that
changes in time has one figure a step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

TRIFLE_KW = 1e-3
"""Below this nothing is counted as heat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cone:
    """Feasible heat and power of an extraction condensing CHP unit.

    With heat q and power p while the unit runs: `least_kw <= p + loss * q <= most_kw` and
    `p >= ratio * q`; fuel = idle + per_heat * q + per_power * p.

    Reference: EN 45531 / CWA 45547 terms: power loss coefficient, back-pressure ratio.
    """

    most_kw: float
    """Electric power without any heat taken."""
    least_kw: float
    """Least electric power without any heat taken."""
    loss: float
    """Electric power given up for a unit of heat."""
    ratio: float
    """Electric power over heat in pure back-pressure operation; power is never below it."""
    idle_fuel_kw: float
    """Fuel of running at all."""
    fuel_per_heat: float
    """Fuel for a unit of heat."""
    fuel_per_power: float
    """Fuel for a unit of power."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchUnit:
    """A boiler, heat pump or CHP unit."""

    code: str
    """Asset code."""
    source: str
    """Code of the heat source it stands in."""
    kind: str
    """`boiler`, `chp`, `heat_pump`, or another word for the screens."""
    most_kw: float
    """Most heat."""
    least_kw: float
    """Least heat while it runs."""
    ramp_kw_h: float
    """Largest change of heat in an hour; starting and stopping reach and leave the least heat."""
    fuel_per_heat: float = 0.0
    """Fuel for a unit of heat (over the lower heating value); a cone has its own figures."""
    power_per_heat: float = 0.0
    """Electric power given out for a unit of heat; negative: taken up (pumps, electric boilers)."""
    cone: Cone | None = None
    """Of an extraction unit, instead of the two before."""
    cop: Floats | None = None
    """Coefficient of performance of a heat pump per step, shape (n_step,); instead of
    `power_per_heat`."""
    fuel_yuan_kwh: float = 0.0
    """Price of its fuel."""
    fuel_co2_kg_kwh: float = 0.0
    """CO2 of its fuel."""
    other_yuan_kwh: float = 0.0
    """Water, wear and upkeep for a unit of heat."""
    start_yuan: float = 0.0
    """Cost of a start."""
    least_up_s: float = 0.0
    """Once started it runs at least so long."""
    least_down_s: float = 0.0
    """Once stopped it stands at least so long."""
    out: Flags | None = None
    """Steps in which it may not run (maintenance, failure), shape (n_step,)."""
    now_kw: float = 0.0
    """Heat at the beginning."""
    now_on: bool = False
    """Whether it runs at the beginning."""
    now_s: float = 1e9
    """For how long it has run or stood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """A storage tank."""

    code: str
    """Asset code."""
    source: str
    """Code of the heat source it stands in."""
    capacity_kwh: float
    """Heat between empty and full."""
    charge_kw: float
    """Most charging."""
    discharge_kw: float
    """Most discharging."""
    loss_per_h: float = 0.0
    """Share of its heat lost in an hour."""
    now_kwh: float = 0.0
    """Heat in it at the beginning."""
    end_kwh: float = 0.0
    """Heat that should be in it at the end (soft)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLimit:
    """What the network takes from one source (soft: kept unless people would be cold)."""

    source: str
    """Code of the heat source."""
    most_kw: Floats
    """Per step, shape (n_step,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Penalties:
    """What it is worth not to miss a soft limit, yuan a kWh, dearer than any real heat."""

    unserved: float = 20.0
    """Demand that is not met."""
    surplus: float = 2.0
    """Heat made that nobody takes."""
    source: float = 8.0
    """Heat beyond what the network takes from a source."""
    storage_end: float = 1.0
    """Heat missing in a storage at the end."""
    reserve: float = 0.5
    """Reserve missing."""
    change: float = 2.0
    """Yuan for an hour a unit runs or stands otherwise than the plan that stands: decides between
    equals, and is no part of what a plan is said to cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchProblem:
    """All that is known when the heat of the next days is planned.

    Raises:
        InputError: A figure is missing, not finite or contradicts another.
    """

    start_s: float
    """Plant time of the first step."""
    step_s: int
    """Length of a step."""
    demand_kw: Floats
    """Heat the network takes from its sources, losses included, shape (n_step,)."""
    units: tuple[DispatchUnit, ...]
    """Units; at least one."""
    storages: tuple[Storage, ...] = ()
    """Storage tanks."""
    limits: tuple[SourceLimit, ...] = ()
    """Limits of sources."""
    sell_yuan_kwh: Floats | None = None
    """Price of electricity given out, shape (n_step,); None: nothing is paid."""
    buy_yuan_kwh: Floats | None = None
    """Price of electricity taken, shape (n_step,); None: nothing is asked."""
    co2_yuan_t: float = 0.0
    """Price of a tonne of CO2."""
    reserve_kw: float = 0.0
    """Heat that running units could give beyond their plan in every step (soft)."""
    penalties: Penalties = field(default_factory=Penalties)
    """Of soft limits."""
    standing: Floats | None = None
    """Whether each unit runs by the plan that stands: 1, 0, or nan where it says nothing, shape
    (n_unit, n_step); None: there is none."""

    def __post_init__(self) -> None:
        """Check what would otherwise end in a wrong plan."""
        n = self.n_step
        if n == 0 or self.step_s <= 0 or not self.units:
            raise InputError("a dispatch needs steps and units", thing="dispatch")
        for thing, figures in self._series():
            if figures.shape != (n,) or not np.isfinite(figures).all():
                raise InputError(
                    "needs one finite figure a step", thing=thing, fix=f"give {n} figures"
                )
        if self.standing is not None and self.standing.shape != (len(self.units), n):
            raise InputError(
                "needs one figure a unit and step", thing="standing", fix="give nan where unknown"
            )
        if (self.demand_kw < 0.0).any():
            raise InputError("demand is negative", thing="demand_kw", fix="give 0 or more")
        for unit in self.units:
            if not 0.0 <= unit.least_kw <= unit.most_kw or unit.ramp_kw_h <= 0.0:
                raise InputError(
                    "least heat, most heat and ramp contradict each other",
                    thing=unit.code,
                    fix="0 <= least <= most, ramp > 0",
                )
            cone = unit.cone
            if cone is not None and (cone.ratio + cone.loss) * unit.most_kw > cone.most_kw + 1e-6:
                raise InputError(
                    "the most heat lies outside the unit's cone",
                    thing=unit.code,
                    fix="most heat <= most power / (back-pressure ratio + power loss)",
                )
        for tank in self.storages:
            if tank.capacity_kwh < 0.0 or not 0.0 <= tank.loss_per_h < 1.0:
                raise InputError("storage figures are impossible", thing=tank.code)

    def _series(self) -> list[tuple[str, Floats]]:
        found = [("demand_kw", self.demand_kw)]
        found += [(limit.source, limit.most_kw) for limit in self.limits]
        found += [(unit.code, unit.cop) for unit in self.units if unit.cop is not None]
        for name in ("sell_yuan_kwh", "buy_yuan_kwh"):
            figures = getattr(self, name)
            if figures is not None:
                found.append((name, figures))
        return found

    @property
    def n_step(self) -> int:
        """Number of steps."""
        return len(self.demand_kw)

    @property
    def hours(self) -> float:
        """Length of a step in hours."""
        return self.step_s / 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """What everything does in every step."""

    heat_kw: Floats
    """Heat of each unit, shape (n_unit, n_step)."""
    on: Flags
    """Whether it runs, shape (n_unit, n_step)."""
    power_kw: Floats
    """Electric power given out (negative: taken) by each unit, shape (n_unit, n_step)."""
    charge_kw: Floats
    """Heat into each storage (negative: out of it), shape (n_storage, n_step)."""
    level_kwh: Floats
    """Heat in each storage at the end of each step, shape (n_storage, n_step)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What a schedule costs over all its steps, yuan; revenue is negative."""

    fuel_yuan: float = 0.0
    """Fuel."""
    co2_yuan: float = 0.0
    """CO2."""
    power_yuan: float = 0.0
    """Electricity bought less electricity sold."""
    start_yuan: float = 0.0
    """Starts."""
    other_yuan: float = 0.0
    """Water, wear and upkeep."""
    penalty_yuan: float = 0.0
    """Soft limits that were missed; no bill, but part of what is made small."""

    def __add__(self, other: Costs) -> Costs:
        """Return the sum of both."""
        names = ("fuel", "co2", "power", "start", "other", "penalty")
        each = {f"{name}_yuan" for name in names}
        return Costs(**{name: getattr(self, name) + getattr(other, name) for name in each})

    @property
    def bill_yuan(self) -> float:
        """What is really paid."""
        return self.fuel_yuan + self.co2_yuan + self.power_yuan + self.start_yuan + self.other_yuan

    @property
    def total_yuan(self) -> float:
        """What is made small: the bill and the penalties."""
        return self.bill_yuan + self.penalty_yuan


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxation:
    """A soft limit that could not be kept, by name, time and amount."""

    name: str
    """`unserved`, `surplus`, `source`, `storage_end` or `reserve`."""
    subject: str
    """Code of the source or storage; empty for the network."""
    cause: str
    """`capacity`, `ramp`, `least_load` or `limit`, a word the screens translate."""
    start_s: float
    """Plant time from which."""
    end_s: float
    """Plant time until which."""
    most_kw: float
    """Greatest amount; kWh for a storage's end."""
    total_kwh: float
    """Amount over the time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPlan:
    """The answer: always there, and checked."""

    schedule: Schedule
    """What everything does."""
    costs: Costs
    """What it costs."""
    baseline: Costs
    """What the proportional split of the same demand would cost."""
    relaxations: tuple[Relaxation, ...]
    """Soft limits that were missed."""
    result: str
    """`optimal` (to the gap asked for), `feasible` (time was over) or `fallback` (proportional
    split because the solver gave no plan that passes the check)."""
    reason: str
    """Why it is a fallback; empty else."""
    gap: float
    """Proven distance from the best cost, relative, changes against the plan that stood counted;
    nan when nothing is proven."""
    solver_s: float
    """Time the solver took, s of the machine."""
    unserved_kw: Floats
    """Demand not met, shape (n_step,)."""
    surplus_kw: Floats
    """Heat nobody takes, shape (n_step,)."""
    kept: bool = False
    """Whether units go on as the plan that stood had them: another plan is no cheaper than what a
    solver may leave open."""
