"""Settings of the forecasts and of what is supervised by them."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.forecast.season_dates import seasons_of
from heatloop.kernel.errors import ConfigError, InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastSettings:
    """How forecasts are issued, kept and supervised; times are plant time."""

    enabled: bool = True
    """Whether forecasts are issued."""
    interval_h: float = 6.0
    """Hours between issues, counted from local midnight; a divisor of 24."""
    horizon_h: int = 72
    """How far ahead, 24 to 168."""
    history_days: int = 120
    """How far back is learnt from, 14 to 400."""
    rooms: bool = True
    """Whether room temperatures of buildings are forecast too."""
    weather_change_k: float = 2.0
    """A new issue is made when the weather forecast of the next 24 hours moved by this much, K."""
    batch: int = 400
    """Subjects a worker gets at a time, 10 to 5000."""
    kept_days: int = 14
    """Days all issues are kept; then only those that began a dispatch period."""
    periods_days: int = 1100
    """Days dispatch periods, their first forecast and weekly skill are kept."""
    heat_tolerance_pct: float = 20.0
    """Least half width of the planned band of heat, over the plan, %."""
    band_factor: float = 2.0
    """Half width of the planned band over that of the 10-90 % band of the forecast."""
    supply_tolerance_k: float = 4.0
    """Half width of the planned band of supply temperatures, K."""
    heating_seasons: tuple[str, ...] = ()
    """First and last days of heating: `11-15/03-15` for every winter, `2025-11-08/2026-03-31`
    where one winter is otherwise; empty: seen in the loads, after the fact."""


def check_forecast(forecast: ForecastSettings) -> None:
    """Return if forecasts can be made so.

    Raises:
        ConfigError: A figure is out of range, or a heating season is none.
    """
    bounds = (
        ("interval_h", forecast.interval_h, 1.0, 24.0),
        ("horizon_h", forecast.horizon_h, 24, 168),
        ("history_days", forecast.history_days, 14, 400),
        ("weather_change_k", forecast.weather_change_k, 0.5, 50.0),
        ("batch", forecast.batch, 10, 5000),
        ("kept_days", forecast.kept_days, 7, 400),
        ("periods_days", forecast.periods_days, 30, 4000),
        ("heat_tolerance_pct", forecast.heat_tolerance_pct, 1.0, 200.0),
        ("band_factor", forecast.band_factor, 1.0, 10.0),
        ("supply_tolerance_k", forecast.supply_tolerance_k, 0.5, 30.0),
    )
    for name, value, low, high in bounds:
        if not low <= value <= high:
            raise ConfigError(
                "out of range", thing=f"forecast.{name} = {value}", fix=f"give {low:g} to {high:g}"
            )
    if 24.0 % forecast.interval_h:
        raise ConfigError(
            "days would not begin with an issue",
            thing=f"forecast.interval_h = {forecast.interval_h:g}",
            fix="give a divisor of 24",
        )
    try:
        seasons_of(forecast.heating_seasons)
    except InputError as error:
        raise ConfigError(
            error.message,
            thing=f"forecast.heating_seasons = {error.thing}",
            fix=error.fix,
        ) from error
