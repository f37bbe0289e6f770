"""What the works are told to do, and what faults do to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heatloop.network.arrays import Floats

Flags: TypeAlias = NDArray[np.bool_]
LEAK_KPA = 500.0
"""Pressure inside the pipe at which leaks of the mains are given."""


def _nothing() -> Floats:
    return np.zeros(0)


def _none_set() -> Flags:
    return np.zeros(0, dtype=bool)


@dataclass(kw_only=True, slots=True)
class Commands:
    """What the controllers (or the gateways) want."""

    valve_pct: Floats
    """Primary valve openings, shape (n_unit,)."""
    pump_hz: Floats
    """Circulation pump speeds, shape (n_unit,)."""
    makeup: Flags
    """Make-up pumps, shape (n_unit,)."""
    standby: Flags = field(default_factory=_none_set)
    """Whether the standby pump runs instead of the duty pump, shape (n_unit,)."""


@dataclass(kw_only=True, slots=True)
class Wear:
    """What faults do to the works; every field is at rest when false, 0 or empty.

    Works make theirs with `Wear.none`, so that every array has its length; a field left at its
    default has length 0 and is not yet honoured.
    """

    valve_stuck: Flags
    """Primary control valves that no longer move, shape (n_unit,)."""
    pump_tripped: Flags
    """Units whose circulation pumps are all out, fault contacts closed, shape (n_unit,)."""
    duty_faulty: Flags = field(default_factory=_none_set)
    """Duty pumps whose converter has tripped; the standby pump may run, shape (n_unit,)."""
    duty_overloaded: Flags = field(default_factory=_none_set)
    """Duty pumps that draw a third more than rated while they run, shape (n_unit,)."""
    residual_tripped: Flags = field(default_factory=_none_set)
    """Substations whose residual-current device has tripped, shape (n_station,)."""
    leak_kgs: Floats = field(default_factory=_nothing)
    """Water each loop loses beyond the usual at its normal return pressure, shape (n_unit,)."""
    valve_leaking: Floats = field(default_factory=_nothing)
    """Share of its full kv each primary valve passes even when shut, 0 to 1, shape (n_unit,).

    What flows is that of an opening of kv `max(kv(opening), share * kvs)`; the position feedback
    still shows the opening."""
    strainer_blocked: Floats = field(default_factory=_nothing)
    """Free area each primary strainer has lost, 0 to below 1, shape (n_unit,).

    The branch's resistance beside its valve (`exchanger_r`) is multiplied by `choke` of it."""
    loop_strainer_blocked: Floats = field(default_factory=_nothing)
    """Free area the strainer before each circulation pump has lost, 0 to below 1, (n_unit,).

    The loop's resistance (`secondary_r`) is multiplied by `choke` of it; the pressure behind the
    strainer, which is the pump's suction, falls, and what the return sensor shows is before it."""
    fouled: Floats = field(default_factory=_nothing)
    """Deposit's resistance over the clean exchanger's, added to the truth's, shape (n_unit,)."""
    air_locked: Floats = field(default_factory=_nothing)
    """Share of its own flow that air keeps out of each building's branch, 0 to below 1.

    Shape (n_building,). The branch's resistance is divided by `(1 - share)^2`; the flow of the
    others rises as their pump lets it."""
    source_tripped: Flags = field(default_factory=_none_set)
    """Heat sources whose fire is out while their pumps turn on, shape (n_source,)."""
    source_pump_tripped: Flags = field(default_factory=_none_set)
    """Heat sources whose primary pump is out, its fault contact closed, shape (n_source,)."""
    booster_tripped: Flags = field(default_factory=_none_set)
    """Booster stations whose pump is out; water passes by its check valve, shape (n_booster,)."""
    power_lost: Flags = field(default_factory=_none_set)
    """Substations without power: all pumps stop, valves stay where they are, shape (n_station,).

    Their devices do not answer meanwhile; `Faults.silent` has them."""
    main_leak_kgs: dict[str, float] = field(default_factory=dict)
    """Water out of the supply pipe at a primary pipe node, by code `PNxxxxx`.

    At `LEAK_KPA` inside; at another pressure p it is `kgs * sqrt(p / LEAK_KPA)`. The source's
    make-up replaces it."""

    @classmethod
    def none(
        cls, *, n_unit: int, n_station: int, n_building: int, n_source: int = 1, n_booster: int = 0
    ) -> Self:
        """Return no wear at all, every field in its full length."""
        wear = cls(
            valve_stuck=np.zeros(n_unit, dtype=bool),
            pump_tripped=np.zeros(n_unit, dtype=bool),
            leak_kgs=np.zeros(n_unit),
        )
        for name in ("valve_leaking", "strainer_blocked", "loop_strainer_blocked", "fouled"):
            setattr(wear, name, np.zeros(n_unit))
        wear.air_locked = np.zeros(n_building)
        wear.duty_faulty = np.zeros(n_unit, dtype=bool)
        wear.duty_overloaded = np.zeros(n_unit, dtype=bool)
        wear.residual_tripped = np.zeros(n_station, dtype=bool)
        wear.source_tripped = np.zeros(n_source, dtype=bool)
        wear.source_pump_tripped = np.zeros(n_source, dtype=bool)
        wear.booster_tripped = np.zeros(n_booster, dtype=bool)
        wear.power_lost = np.zeros(n_station, dtype=bool)
        return wear


def choke(blocked: Floats) -> Floats:
    """Return what a strainer with this share of its free area lost multiplies resistance by."""
    return np.asarray((1.0 - np.clip(blocked, 0.0, 0.98)) ** -2)
