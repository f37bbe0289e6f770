"""Whether a station may be moved for a test now: its mode, its interlocks, and the season."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.plant.acceptance_target import TrialTarget
from heatloop.station.modes import StationMode, mode_of

_WARM_C = 35.0


class Readiness:
    """Looks at the latest values of a station.

    Args:
        world: Ledger and latest values.
        time_zone: IANA zone of the company, for its season.
    """

    def __init__(self, world: World, time_zone: str) -> None:
        self._world, self._zone = world, ZoneInfo(time_zone)

    def check(self, target: TrialTarget, *, confirm_heating: bool) -> None:
        """Return if a station's devices may be moved now.

        Raises:
            Refused: It is local, without data, under an interlock, or heating unconfirmed.
        """
        for unit in target.units:
            mode = self._value(unit.at["station_mode"])
            if mode is None:
                raise Refused("unavailable", thing=unit.code, detail="station_mode")
            if mode_of(mode) is StationMode.LOCAL:
                raise Refused("station_local", thing=unit.code)
            word = self._value(unit.at.get("interlock_word", "")) or 0.0
            if word:
                raise Refused("interlock_holds", thing=unit.code, detail=f"{int(word)}")
            if not confirm_heating and self._heating(unit.at):
                raise Refused("heating_not_confirmed", thing=unit.code)

    def _value(self, code: str) -> float | None:
        world = self._world
        point = world.ledger.points.get(code)
        return None if point is None else world.latest.value(point.key)

    def _heating(self, at: Mapping[str, str]) -> bool:
        """Return whether it is the heating season, or the unit is warm all the same."""
        supply = self._value(at.get("secondary_supply_temperature", ""))
        if supply is None or supply > _WARM_C:
            return True
        today = utc(self._world.now_s()).astimezone(self._zone).date()
        for company in self._world.ledger.of_kind("company"):
            dates = [company.attributes.get(n) for n in ("season_start", "season_end")]
            if all(isinstance(d, str) and d for d in dates):
                start, end = (date.fromisoformat(str(d)) for d in dates)
                if start <= today <= end + timedelta(days=1):
                    return True
        return False
