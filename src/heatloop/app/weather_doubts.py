"""Whether the own station can be believed: compared with a service, or with a fresh forecast."""

from __future__ import annotations

from dataclasses import replace

from heatloop.app.history import in_thread
from heatloop.app.weather_points import STATION_KINDS
from heatloop.app.weather_views import hour_of
from heatloop.app.weather_watch import WeatherWatch
from heatloop.app.world import World
from heatloop.bridge.weather.compare import NEAR_S, Doubt, Limits, doubts
from heatloop.bridge.weather.model import QUANTITIES, Hour
from heatloop.ingest.batch.model import Rule, Severity
from heatloop.kernel.ids import derived_id
from heatloop.store.records import Records
from heatloop.store.records.quality import CaseRow

_FRESH_LEAD_S = 6 * 3600.0
# Of a forecast only the temperature is sure enough to doubt a measurement by.
_FORECAST_SURE = ("temperature_c", "solar_w_m2")


async def reference(records: Records, watch: WeatherWatch, now_s: float) -> Hour | None:
    """Return what the own station is compared with: a service's present, or a fresh forecast."""
    for standing in watch.standings:
        told = standing.present
        if told is not None and not standing.failures and abs(now_s - told.at_s) <= NEAR_S:
            return told
    issue = await in_thread(records.weather.issue_at, now_s)
    if issue is None or now_s - issue.known_at > _FRESH_LEAD_S:
        return None
    rows = await in_thread(records.weather.hours_of, issue.number, now_s - NEAR_S, now_s + NEAR_S)
    if not rows:
        return None
    nearest = hour_of(min(rows, key=lambda row: abs(row.at_s - now_s)))
    unsure = {name: None for name in QUANTITIES if name not in _FORECAST_SURE}
    return replace(nearest, **unsure)  # type: ignore[arg-type]


def compare(own: Hour, other: Hour | None, limits: Limits) -> list[Doubt]:
    """Return what is doubted about the own station; nothing without another source."""
    return [] if other is None else doubts(own, other, limits)


def case_of(world: World, asset: str, doubt: Doubt, now_s: float) -> CaseRow:
    """Return a doubt as a case for the queue of abnormal data."""
    kind = STATION_KINDS[doubt.quantity]
    point = next((p.code for p in world.ledger.points_of(asset) if p.kind == kind), "")
    return CaseRow(
        id=derived_id("quality", point or asset, Rule.NEIGHBOUR.name, int(now_s)),
        asset=asset,
        point=point,
        rule=Rule.NEIGHBOUR.name.lower(),
        severity=Severity.MEDIUM,
        start_s=now_s,
        end_s=now_s,
        samples=1,
        value=doubt.value,
        expected=doubt.expected,
        text_zh=doubt.zh,
        text_en=doubt.en,
        found_at=now_s,
    )
