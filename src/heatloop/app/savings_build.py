"""Builds the savings ledger and puts it into operation: its jobs, and switch-back days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict
from zoneinfo import ZoneInfo

from heatloop.app.audit import Audit
from heatloop.app.fleet import Fleet
from heatloop.app.history import AsyncHistorian
from heatloop.app.models import Models
from heatloop.app.platform import Platform
from heatloop.app.savings import Savings
from heatloop.app.savings_baselines import Baselines
from heatloop.app.savings_days import LocalDays
from heatloop.app.savings_export import SavingsExport
from heatloop.app.savings_gains import Gains
from heatloop.app.savings_ledger import SavingsLedger
from heatloop.app.savings_tuned_run import TunedRun
from heatloop.app.savings_units import TrialUnits
from heatloop.app.savings_views import SavingsViews
from heatloop.app.schedule import Job
from heatloop.app.setting_sections import Settings
from heatloop.app.world import World
from heatloop.control.arbiter import Proposal
from heatloop.control.tuned_result import TrialPrices
from heatloop.kpi.savings_day import Prices
from heatloop.store.records import Records

_PERIOD_S = 6 * 3600.0
"""Looked at four times a day: a night without the platform is told soon after."""
_WEEK_S = 7 * 86400.0
_PASS_S = 600.0
_REST = 4.0
"""However fast plant time runs, tuning takes at most a fifth of its workers' time."""


class SavingsRoom(TypedDict):
    """What the platform holds of savings."""

    savings: Savings
    savings_views: SavingsViews
    savings_export: SavingsExport
    tuned_run: TunedRun


def build_savings(
    settings: Settings,
    *,
    fleet: Fleet,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    audit: Audit,
    models: Models,
) -> SavingsRoom:
    """Return the savings ledger of an installation; nothing is told yet."""
    days, told = LocalDays(zone=ZoneInfo(settings.company.time_zone)), settings.prices
    heat, power, cold = told.heat_yuan_kwh, told.power_yuan_kwh, told.cold_yuan_m2kh
    prices = Prices(heat_yuan_kwh=heat, power_yuan_kwh=power, cold_yuan_m2kh=cold)
    paid = TrialPrices(heat_yuan_kwh=heat, power_yuan_kwh=power, cold_yuan_m2kh=cold)
    ledger, units = SavingsLedger(records), TrialUnits(world, models, settings.strategy)
    baselines = Baselines(
        world,
        records,
        historian,
        fleet=fleet,
        audit=audit,
        ledger=ledger,
        units=units,
        days=days,
        prices=paid,
    )
    gains = Gains(
        world, records, historian, baselines=baselines, units=units, days=days, prices=paid
    )
    savings = Savings(
        world,
        records,
        historian,
        audit=audit,
        ledger=ledger,
        baselines=baselines,
        gains=gains,
        days=days,
        prices=prices,
    )
    return SavingsRoom(
        savings=savings,
        savings_views=SavingsViews(world, records, savings),
        savings_export=SavingsExport(world, records, savings, audit),
        tuned_run=TunedRun(world, records, baselines, days, savings.back_today),
    )


def add_savings(platform: Platform) -> None:
    """Tell days, tune curves, and keep the strategy silent at units back on a curve."""
    savings, world, tuned = platform.savings, platform.world, platform.tuned_run
    platform.strategy.stands_back = lambda unit: savings.back_today(unit, world.now_s())
    before = platform.curve.others

    def others() -> Iterable[Proposal]:
        return (*before(), *tuned.proposals())

    platform.curve.others = others
    add = platform.schedule.add
    add(Job(name="savings", period_s=_PERIOD_S, run=savings.run, kept=True, least_pause_s=2.0))
    add(
        Job(
            name="tuned_curves",
            period_s=_WEEK_S,
            run=savings.baselines.run,
            kept=True,
            least_pause_s=10.0,
            rest=_REST,
        )
    )
    add(Job(name="tuned_pumps", period_s=_PASS_S, run=tuned.keep, least_pause_s=2.0))
