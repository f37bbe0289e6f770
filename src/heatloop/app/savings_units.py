"""A unit as curves are tried on it: what its ledger, its sensors and its learnt model tell."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from heatloop.app.layout import Node, StationNode, number
from heatloop.app.models import Models
from heatloop.app.queries.overview import value
from heatloop.app.strategy_settings import StrategySettings
from heatloop.app.world import World
from heatloop.control.baseline_check import ModelCheck, check_unit
from heatloop.control.curve_trial import TrialUnit
from heatloop.control.learning.history import UnitHistory
from heatloop.control.tuned_result import Refusal
from heatloop.station.curve import design_from
from heatloop.store.records.savings_baselines import BaselineRow

_LOW_C = 25.0
_FLOOR_HIGH_C, _HIGH_C = 60.0, 85.0
_LIMIT_MARGIN_K = 2.0
_LEAST_ROOMS = 3
"""Fewer rooms do not correct the standing curve (`app.curve_job`)."""
_TRIED = (
    "target_c", "supply_low_c", "supply_high_c", "area_m2", "spread_k", "pump_kwh_d",
    "feels_rooms",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidate:
    """A unit that is to be tuned, or why it is not."""

    code: str
    """Unit code."""
    refusal: Refusal
    """Why it is not."""
    model_version: int
    """Version of its model; 0: none."""
    trial: TrialUnit | None = None
    """As it is tried."""
    check: ModelCheck | None = None
    """How its model stands beside what was measured."""

    def plain(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        found: dict[str, Any] = {}
        if self.check is not None:
            found["check"] = {
                name: round(each, 4)
                for name, each in asdict(self.check).items()
                if math.isfinite(each)
            }
        if self.trial is not None:
            found["standing"] = asdict(self.trial.design)
            found["trial"] = {name: getattr(self.trial, name) for name in _TRIED}
        return found


class TrialUnits:
    """Makes candidates.

    Args:
        world: The ledger in force and the present.
        models: Learnt models.
        settings: What station control keeps.
    """

    def __init__(self, world: World, models: Models, settings: StrategySettings) -> None:
        self._world, self._models, self._settings = world, models, settings

    def candidate(self, history: UnitHistory, pump_kwh_d: float) -> Candidate:
        """Return a unit as it would be tried.

        Args:
            history: Some weeks of it.
            pump_kwh_d: Electricity of its pumps in a day on the standing curve; 0: not metered.
        """
        code = history.unit
        standing = self._models.standing(code)
        if code in self._settings.quantity_units:
            return Candidate(code=code, refusal=Refusal.REGULATION, model_version=0)
        if standing is None or not standing.champion.learned:
            return Candidate(code=code, refusal=Refusal.NO_MODEL, model_version=0)
        champion = standing.champion
        check = check_unit(history, champion.model, champion.sensors)
        refusal = Refusal.NONE
        if check.heat_off:
            refusal = Refusal.MODEL_OFF
        elif check.emitters_off:
            refusal = Refusal.EMITTERS_OFF
        node, station = self._world.layout.units[code]
        rooms = self._world.layout.rooms_of.get(code)
        highest = value(self._world, node, "limit_supply_temperature_high")
        high = _FLOOR_HIGH_C if node.asset.attributes.get("emitter") == "floor" else _HIGH_C
        if highest is not None:
            high = min(high, max(highest - _LIMIT_MARGIN_K, _LOW_C + 1.0))
        trial = TrialUnit(
            model=champion.model,
            design=design_from(node.asset.attributes),
            target_c=self._settings.target_room_c,
            supply_low_c=_LOW_C,
            supply_high_c=high,
            area_m2=_area_m2(node, station),
            spread_k=round(check.spread_k, 3),
            pump_kwh_d=round(pump_kwh_d, 3),
            feels_rooms=rooms is not None and len(rooms) >= _LEAST_ROOMS,
        )
        return Candidate(
            code=code, refusal=refusal, model_version=champion.number, trial=trial, check=check
        )

    def kept(self, row: BaselineRow) -> tuple[TrialUnit, float] | None:
        """Return the unit of a record on the model in force, and how sure its loss is.

        None where the unit or its model is gone.
        """
        standing = self._models.standing(row.subject)
        pair = self._world.layout.units.get(row.subject)
        told = row.body.get("trial")
        if standing is None or not standing.champion.learned or pair is None or told is None:
            return None
        unit = TrialUnit(
            model=standing.champion.model,
            design=design_from(pair[0].asset.attributes),
            **{name: told[name] for name in _TRIED},
        )
        return unit, standing.champion.loss_sigma


def _area_m2(unit: Node, station: StationNode) -> float:
    area = number(unit.asset, "heated_area_m2") or 0.0
    if not area and station.units:
        area = station.area_m2 / len(station.units)
    return area
