"""Settings of what heat, electricity and cold rooms cost; whatever weighs them reads it here."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.app.setting_ranges import check_ranges


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceSettings:
    """What heat, electricity and cold rooms cost; dispatch has tariffs by hour of its own."""

    heat_yuan_kwh: float = 0.144
    """Heat; 40 yuan/GJ."""
    power_yuan_kwh: float = 0.70
    """Electricity of pumps."""
    season_fee_yuan_m2: float = 25.0
    """Fee of a season, of which cold rooms get back their hours and kelvins."""
    season_h: float = 4000.0
    """Hours of a season the fee is spread over."""

    @property
    def cold_yuan_m2kh(self) -> float:
        """Return the charge for a square metre one kelvin too cold for an hour."""
        return self.season_fee_yuan_m2 / self.season_h


def check_prices(prices: PriceSettings) -> None:
    """Return if these can be prices.

    Raises:
        ConfigError: A figure is out of range.
    """
    bounds = (
        ("heat_yuan_kwh", prices.heat_yuan_kwh, 0.001, 10.0),
        ("power_yuan_kwh", prices.power_yuan_kwh, 0.001, 10.0),
        ("season_fee_yuan_m2", prices.season_fee_yuan_m2, 0.0, 1000.0),
        ("season_h", prices.season_h, 500.0, 8784.0),
    )
    check_ranges("prices", bounds)
