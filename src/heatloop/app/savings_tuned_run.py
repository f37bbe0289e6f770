"""Switch-back days on the tuned curve: what it proposes to the arbiter where it is approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heatloop.app.history import in_thread
from heatloop.app.queries.overview import outdoor_c, value
from heatloop.app.savings_baselines import Baselines
from heatloop.app.savings_days import LocalDays
from heatloop.app.savings_rows import knobs_of
from heatloop.app.strategy import PRIORITY
from heatloop.app.world import World
from heatloop.control.arbiter import Proposal
from heatloop.control.curve_strategy import PUMP, SUPPLY
from heatloop.control.curve_trial import Floats
from heatloop.control.tuned_curve import CurveDesigns, next_outdoor_c, supply_c
from heatloop.station.curve import CurveDesign
from heatloop.store.records import Records
from heatloop.store.records.savings_baselines import BaselineRow

SOURCE = "tuned_curve"
"""Also the reason: a day's writes with it are told as days on the tuned curve."""
_PUMPS = "savings.pumps"
_FLOW = 6
_AS_IT_WAS, _SAME_HZ = 0.02, 0.5
_LEAST_HZ, _MOST_HZ = 20.0, 50.0
_LONGEST_STEP_S = 3600.0


@dataclass(kw_only=True, slots=True)
class _Felt:
    """The outdoor temperature as a unit's curve feels it."""

    outdoor_c: Floats
    at_s: float


class TunedRun:
    """Proposes.

    Args:
        world: The present.
        records: Keeps how pumps ran before.
        baselines: Curves in force.
        days: Local days.
        back_today: Says whether a unit is back on a curve.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        baselines: Baselines,
        days: LocalDays,
        back_today: Callable[[str, float], bool],
    ) -> None:
        self._world, self._records, self._baselines = world, records, baselines
        self._days, self._back_today = days, back_today
        self._felt: dict[str, _Felt] = {}
        self.before_hz: dict[str, float] = {}
        """Speed each pump had before the tuned curve moved it, by unit."""
        self._kept: dict[str, float] = {}

    async def load(self) -> None:
        """Take up how pumps ran before a restart."""
        row = await in_thread(self._records.settings.get, _PUMPS)
        told = {} if row is None else dict(row.value)
        self.before_hz = {str(unit): float(hz) for unit, hz in told.items()}
        self._kept = dict(self.before_hz)

    async def keep(self, due: float) -> None:
        """Write down how pumps ran, so that a restart does not leave one slow."""
        if self.before_hz != self._kept:
            self._kept = dict(self.before_hz)
            await in_thread(
                self._records.settings.set, _PUMPS, self._kept, source="learnt", by=SOURCE, at=due
            )

    def proposals(self) -> list[Proposal]:
        """Return what tuned curves propose now; pumps they moved are put back afterwards."""
        now_s, outdoor = self._world.now_s(), outdoor_c(self._world)
        found: list[Proposal] = []
        running: set[str] = set()
        if outdoor is not None:
            for code, row in self._baselines.newest.items():
                if code not in self._world.layout.units or not self._baselines.runs(code):
                    continue
                # Felt on all days, so that a stretch does not begin with another day's weather.
                wanted_c = self._wanted_c(row, outdoor, now_s)
                if self._back_today(code, now_s):
                    own = self._of_unit(row, wanted_c)
                    found += own
                    running |= {code} if own else set()
        found += self._put_back(running)
        return found

    def _wanted_c(self, row: BaselineRow, outdoor: float, now_s: float) -> float:
        knobs = knobs_of(row)[None]
        felt = self._felt.setdefault(row.subject, _Felt(outdoor_c=np.array([outdoor]), at_s=now_s))
        dt_s = min(max(now_s - felt.at_s, 0.0), _LONGEST_STEP_S)
        felt.outdoor_c, felt.at_s = next_outdoor_c(felt.outdoor_c, outdoor, knobs, dt_s), now_s
        designs = CurveDesigns.of([CurveDesign(**row.body["standing"])])
        asked = float(supply_c(designs, knobs, felt.outdoor_c, self._days.hour(now_s))[0])
        told = row.body["trial"]
        return min(max(asked, float(told["supply_low_c"])), float(told["supply_high_c"]))

    def _of_unit(self, row: BaselineRow, wanted_c: float) -> list[Proposal]:
        """Return a unit's proposals; none where its pump cannot be moved as its curve wants."""
        code, ratio = row.subject, float(knobs_of(row)[_FLOW])
        found = [_proposal(code, SUPPLY, wanted_c, SOURCE)]
        if abs(ratio - 1.0) <= _AS_IT_WAS:
            return found
        if code not in self.before_hz:
            present = value(self._world, self._world.layout.units[code][0], PUMP)
            # Where nothing is written the pump stays, and is not to be put back.
            if present is None or self._world.stages.get(code, "observe") != "automatic":
                return []
            self.before_hz[code] = present
        hz = min(max(ratio * self.before_hz[code], _LEAST_HZ), _MOST_HZ)
        return [*found, _proposal(code, PUMP, hz, SOURCE)]

    def _put_back(self, running: set[str]) -> list[Proposal]:
        found = []
        for code, hz in list(self.before_hz.items()):
            if code in running:
                continue
            pair = self._world.layout.units.get(code)
            present = None if pair is None else value(self._world, pair[0], PUMP)
            if pair is None or (present is not None and abs(present - hz) <= _SAME_HZ):
                self.before_hz.pop(code)
            else:
                found.append(_proposal(code, PUMP, hz, f"{SOURCE}_over"))
        return found


def _proposal(unit: str, kind: str, wanted: float, reason: str) -> Proposal:
    return Proposal(
        point=f"{unit}.{kind}", value=wanted, source=SOURCE, priority=PRIORITY, reason=reason
    )
