"""Settings of retention: how long each class of data is kept."""

from __future__ import annotations

from dataclasses import dataclass, fields

from heatloop.kernel.errors import ConfigError
from heatloop.store.retention import LEAST_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """Days data are kept (plant time); 0: for ever. Below 1,096 days is refused (9.2.5)."""

    metering_days: int = 2192
    """Samples of meters: six years."""
    process_days: int = 1277
    """Samples of all else: three years and a season."""
    event_days: int = 1096
    """Events: three years."""
    rollup_days: int = 0
    """Ten-minute, hour and day statistics: for ever."""


def check_retention(retention: RetentionSettings) -> None:
    """Return if nothing is thrown away before its time.

    Raises:
        ConfigError: Something is kept for less than three years.
    """
    for field in fields(retention):
        days = getattr(retention, field.name)
        if days != 0 and days < LEAST_DAYS:
            raise ConfigError(
                f"data must be kept for at least {LEAST_DAYS} days (clause 9.2.5)",
                thing=f"retention.{field.name} = {days}",
                fix=f"give {LEAST_DAYS} or more, or 0 for ever",
            )
