"""Builds forecasts and supervision of an installation and puts their jobs into the schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit
from heatloop.app.dispatch_periods import DispatchPeriods, Trajectory
from heatloop.app.fleet import Fleet
from heatloop.app.forecast_read import ForecastRead
from heatloop.app.forecasts import LOOK_S, Forecasts
from heatloop.app.history import AsyncHistorian
from heatloop.app.plan_deviation import PERIOD_S, PlanDeviation
from heatloop.app.schedule import Job, Schedule
from heatloop.app.setting_sections import Settings
from heatloop.app.strategy import Strategy
from heatloop.app.supervision import Supervision
from heatloop.app.weather import Weather
from heatloop.app.world import World
from heatloop.control.mpc_task import STEP_S
from heatloop.store.records import Records

if TYPE_CHECKING:
    from typing import TypedDict

    class Rooms(TypedDict):
        """What `build_forecasts` gives, by the names the platform has for it."""

        fleet: Fleet
        forecasts: Forecasts
        forecast_read: ForecastRead
        deviation: PlanDeviation
        supervision: Supervision


# When plant time races, forecasts take at most a third of a core.
_REST = 2.0


def build_forecasts(
    settings: Settings,
    *,
    fleet: Fleet,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    weather: Weather,
    alarming: Alarming,
    audit: Audit,
    strategy: Strategy,
) -> Rooms:
    """Return forecasts and supervision of an installation; nothing is issued yet."""
    zone = settings.company.time_zone
    periods = DispatchPeriods(world, records, settings.forecast, zone)
    periods.trajectories = trajectories(strategy)
    forecasts = Forecasts(
        world,
        records,
        historian,
        weather=weather,
        fleet=fleet,
        periods=periods,
        alarming=alarming,
        audit=audit,
        settings=settings.forecast,
        time_zone=zone,
    )
    read = ForecastRead(
        world,
        records,
        historian,
        weather=weather,
        forecasts=forecasts,
        periods=periods,
        enabled=settings.forecast.enabled,
    )
    deviation = PlanDeviation(world, alarming, periods)
    supervision = Supervision(world, records, historian, periods, deviation)
    return {
        "fleet": fleet,
        "forecasts": forecasts,
        "forecast_read": read,
        "deviation": deviation,
        "supervision": supervision,
    }


def trajectories(strategy: Strategy) -> Callable[[], Mapping[str, Trajectory]]:
    """Return what gives the supply temperatures of the strategies that are followed now."""

    def meant() -> dict[str, Trajectory]:
        followed = {each.point.partition(".")[0] for each in strategy.proposals()}
        return {
            unit: Trajectory(start_s=live.made_at, step_s=int(STEP_S), supply_c=live.plan.supply_c)
            for unit, live in strategy.live.items()
            if unit in followed and live.kept.state == "approved"
        }

    return meant


def add_forecast_jobs(schedule: Schedule, forecasts: Forecasts, deviation: PlanDeviation) -> None:
    """Look whether an issue is due every ten minutes, and at the plan every minute, plant time."""
    schedule.add(
        Job(name="forecasts", period_s=LOOK_S, run=forecasts.run, least_pause_s=1.0, rest=_REST)
    )
    schedule.add(
        Job(name="plan_deviation", period_s=PERIOD_S, run=deviation.run, least_pause_s=0.5)
    )
