"""Settings of station control by model."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.app.setting_ranges import check_ranges
from heatloop.kernel.errors import ConfigError

SET, LEARNT = "set", "learnt"


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategySettings:
    """How station control plans; times are plant time."""

    enabled: bool = True
    """Whether it plans; without it the weather curve goes on alone."""
    interval_s: float = 900.0
    """How often."""
    target_room_c: float = 20.0
    """Room temperature wanted."""
    level: str = SET
    """Whether `target_room_c` holds for all units (`set`) or each keeps its `learnt` level."""
    cold_room_c: float = 18.0
    """Rooms below are cold."""
    comfort_low_c: float = 18.5
    """Lower end of the comfort band."""
    comfort_high_c: float = 22.0
    """Upper end of the comfort band."""
    kept_days: int = 14
    """Days strategies are kept."""
    quantity_units: tuple[str, ...] = ()
    """Codes of units whose flow follows the need, the supply temperature being kept."""
    quantity_supply_c: float = 60.0
    """Supply temperature they keep."""


def check_strategy(strategy: StrategySettings) -> None:
    """Return if station control can plan so.

    Raises:
        ConfigError: A figure is out of range.
    """
    if strategy.level not in (SET, LEARNT):
        raise ConfigError(
            "strategy.level is not known",
            thing=f"strategy.level = {strategy.level}",
            fix=f"write {SET} or {LEARNT}",
        )
    bounds = (
        ("interval_s", strategy.interval_s, 300.0, 3600.0),
        ("target_room_c", strategy.target_room_c, 15.0, 26.0),
        ("comfort_low_c", strategy.comfort_low_c, 10.0, strategy.target_room_c),
        ("comfort_high_c", strategy.comfort_high_c, strategy.target_room_c, 30.0),
        ("cold_room_c", strategy.cold_room_c, 10.0, strategy.target_room_c),
        ("kept_days", strategy.kept_days, 2, 1100),
        ("quantity_supply_c", strategy.quantity_supply_c, 25.0, 80.0),
    )
    check_ranges("strategy", bounds)
