"""Builds the weather of an installation and puts its job into the schedule."""

from __future__ import annotations

from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian
from heatloop.app.live import Hub
from heatloop.app.schedule import Job, Schedule
from heatloop.app.setting_sections import Settings
from heatloop.app.weather import PERIOD_S, Weather
from heatloop.app.weather_sources import build_sources, order_of
from heatloop.app.weather_watch import WeatherWatch
from heatloop.app.world import World
from heatloop.store.records import Records


def build_weather(
    settings: Settings,
    *,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    hub: Hub,
    audit: Audit,
    alarming: Alarming,
) -> Weather:
    """Return the weather of an installation; nothing is asked yet.

    Raises:
        ConfigError: A secret file cannot be read.
    """
    sources = build_sources(settings)
    weather = settings.weather
    watch = WeatherWatch(
        world,
        alarming,
        sources,
        hours=weather.hours,
        refresh_s=weather.refresh_minutes * 60.0,
        relied_on=weather.sources,
    )
    return Weather(
        world,
        records,
        historian,
        hub,
        audit,
        watch=watch,
        order=order_of(settings, sources),
        limit_k=weather.station_limit_k,
    )


def add_weather_job(schedule: Schedule, weather: Weather) -> None:
    """Look at the weather every ten minutes of plant time."""
    schedule.add(Job(name="weather", period_s=PERIOD_S, run=weather.run, least_pause_s=1.0))
