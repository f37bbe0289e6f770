"""Local days as the savings ledger numbers them: days since 1970-01-01."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalDays:
    """Days of a time zone."""

    zone: ZoneInfo
    """Of the company."""

    def of(self, at_s: float) -> int:
        """Return the local day of a plant time."""
        return (datetime.fromtimestamp(at_s, self.zone).date() - _EPOCH).days

    def start_s(self, day: int) -> int:
        """Return the first second of a local day, plant time."""
        local = date_of(day)
        return int(datetime(local.year, local.month, local.day, tzinfo=self.zone).timestamp())

    def hour(self, at_s: float) -> float:
        """Return the local time of day, 0 to 24."""
        local = datetime.fromtimestamp(at_s, self.zone)
        return local.hour + local.minute / 60.0 + local.second / 3600.0


def date_of(day: int) -> date:
    """Return the date of a day."""
    return _EPOCH + timedelta(days=day)
