"""What faults of the works themselves do to `Wear`: which field, of what, how far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from heatloop.demo.faults_kinds import Fault
from heatloop.demo.orders import Wear
from heatloop.demo.works import Works

Place: TypeAlias = tuple[str, int | str]
"""Field of `Wear`, and index or pipe-node code in it."""

_MAINS = "main_leak_kgs"
_LEAKS = frozenset(("leak_kgs", _MAINS))
# (kind, what it befalls) -> field and full extent; leaks are shares of the design flow.
EFFECTS: dict[tuple[str, str], tuple[str, float]] = {
    ("pump_trip", "UN"): ("pump_tripped", 1.0),
    ("pump_trip", "HS"): ("source_pump_tripped", 1.0),
    ("pump_trip", "BS"): ("booster_tripped", 1.0),
    ("duty_pump_fault", "UN"): ("duty_faulty", 1.0),
    ("duty_pump_overload", "UN"): ("duty_overloaded", 1.0),
    ("earth_leakage", "SS"): ("residual_tripped", 1.0),
    ("source_trip", "HS"): ("source_tripped", 1.0),
    ("power_loss", "SS"): ("power_lost", 1.0),
    ("valve_stuck", "UN"): ("valve_stuck", 1.0),
    ("valve_leaking", "UN"): ("valve_leaking", 0.3),
    ("strainer_blocked", "UN"): ("strainer_blocked", 0.85),
    ("loop_strainer_blocked", "UN"): ("loop_strainer_blocked", 0.6),
    ("exchanger_fouled", "UN"): ("fouled", 1.0),
    ("exchanger_fouling", "UN"): ("fouled", 1.0),
    ("air_lock", "BD"): ("air_locked", 0.8),
    ("slow_leak", "UN"): ("leak_kgs", 0.012),
    ("pipe_burst", "UN"): ("leak_kgs", 0.15),
    ("slow_leak", "PN"): (_MAINS, 0.02),
    ("pipe_burst", "PN"): (_MAINS, 0.08),
}


def size_of(fault: Fault, works: Works) -> float:
    """Return the full extent of a fault, in the unit of its field of `Wear`."""
    field, size = EFFECTS[fault.kind, fault.at]
    if field == _MAINS:
        return size * float(works.truth.primary_design_kgs.sum())
    if field == "leak_kgs":
        return size * float(works.truth.secondary_design_kgs[fault.index])
    return size


def place_of(fault: Fault) -> Place:
    """Return where in `Wear` a fault works."""
    field, _ = EFFECTS[fault.kind, fault.at]
    return field, fault.subject if field == _MAINS else fault.index


def lengthen(wear: Wear, fit: Wear) -> None:
    """Give every field of `wear` that has no length yet that of `fit`, in place."""
    for name in fit.__slots__:
        if name != _MAINS and len(getattr(wear, name)) == 0:
            setattr(wear, name, np.zeros_like(getattr(fit, name)))


class WearFaults:
    """Keeps `Wear` as the active faults want it.

    Args:
        works: The works they wear.
    """

    def __init__(self, works: Works) -> None:
        self._works = works
        self._set: set[Place] = set()

    def knows(self, place: Place) -> bool:
        """Return whether `Wear` has such a place."""
        field, at = place
        if isinstance(at, str):
            return field == _MAINS
        return 0 <= at < len(getattr(self._works.wear, field))

    def apply(self, faults: Iterable[tuple[Fault, float]]) -> None:
        """Bring `Wear` to what these faults make of it; what they no longer touch is healed.

        Args:
            faults: Active faults and how long each has been on, s.
        """
        wanted: dict[Place, float] = {}
        for fault, age_s in faults:
            place = place_of(fault)
            value = size_of(fault, self._works) * fault.extent(age_s)
            # Two leaks of one loop add up; of two causes of anything else the worse counts.
            leak = place[0] in _LEAKS
            before = wanted.get(place, 0.0)
            wanted[place] = before + value if leak else max(before, value)
        for place in self._set - wanted.keys():
            self._put(place, 0.0)
        for place, value in wanted.items():
            self._put(place, value)
        self._set = set(wanted)

    def _put(self, place: Place, value: float) -> None:
        field, at = place
        if isinstance(at, str):
            leaks = self._works.wear.main_leak_kgs
            if value > 0.0:
                leaks[at] = value
            else:
                leaks.pop(at, None)
        else:
            getattr(self._works.wear, field)[at] = value
