"""Settings of personal data: how often they may be looked at, what may leave the company."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError

_LEAST_K = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivacySettings:
    """Personal data of heat users and staff (machine time)."""

    reveals_per_hour: int = 30
    """Masked values one user may look at in an hour."""
    k: int = 5
    """Least number of households that look alike in data given to others."""
    most_suppressed_pct: float = 5.0
    """Rows that may be left out of such data before something is made coarser."""
    file_days: float = 30.0
    """How long a file made for somebody outside is kept."""
    samples_ticket: bool = True
    """Whether `GET /samples` is behind the approval of exports; off: only for a demonstration."""


def check_privacy(settings: PrivacySettings) -> None:
    """Return if the settings make sense.

    Raises:
        ConfigError: They do not.
    """
    if settings.k < _LEAST_K:
        raise ConfigError(
            "nobody is hidden in a group of one", thing=f"privacy.k = {settings.k}",
            fix="use 5 or more",
        )  # fmt: skip
    if settings.reveals_per_hour < 1 or settings.file_days <= 0:
        raise ConfigError(
            "must be above 0", thing="privacy.reveals_per_hour, file_days", fix="give a number"
        )
    if not 0 <= settings.most_suppressed_pct <= 50:
        raise ConfigError("must be 0 to 50 %", thing="privacy.most_suppressed_pct", fix="use 5")
