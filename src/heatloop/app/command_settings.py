"""Settings of the command door."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorSettings:
    """What it takes to command (machine time, but for what gateways count)."""

    token_s: float = 60.0
    """A confirmation token holds so long."""
    second_minutes: float = 10.0
    """A second person may answer so long."""
    two_people: bool = True
    """Whether whole-network actions need a second person; false weakens the installation."""
    second_signature: bool = True
    """Whether gateways want a second signature under whole-network set-points."""
    network_stations: int = 5
    """Commands to so many stations at once count as a whole-network action."""
    batch_points: int = 500
    """Points of one batch at most."""
    user_per_minute: int = 120
    """Commands of one user a minute."""
    gateway_per_minute: int = 240
    """Commands to one gateway a minute, counted here and again at the gateway (plant time)."""
    physics_s: float = 2.0
    """The twin must answer within this time."""
    least_dp_kpa: float = 50.0
    """A station with less differential pressure than this is starved."""
    most_supply_kpa: float = 1600.0
    """No station's supply pressure may rise above this."""
    most_hurt: int = 0
    """A write that starves or strains more stations than this is refused."""
    frost_safe_valve_pct: float = 10.0
    """Opening of primary valves in an emergency stop."""


def check_door(door: DoorSettings) -> None:
    """Return if the door can be kept so.

    Raises:
        ConfigError: A time, a rate or a limit makes no sense.
    """
    wrong = [
        name
        for name, good in (
            ("token_s", 5.0 <= door.token_s <= 600.0),
            ("second_minutes", 1.0 <= door.second_minutes <= 60.0),
            ("network_stations", door.network_stations >= 2),
            ("batch_points", 1 <= door.batch_points <= 5000),
            ("user_per_minute", door.user_per_minute >= 1),
            ("gateway_per_minute", door.gateway_per_minute >= 1),
            ("physics_s", 0.1 <= door.physics_s <= 30.0),
            ("least_dp_kpa", 0.0 <= door.least_dp_kpa <= 1000.0),
            ("most_supply_kpa", 100.0 <= door.most_supply_kpa <= 4000.0),
            ("most_hurt", door.most_hurt >= 0),
            ("frost_safe_valve_pct", 1.0 <= door.frost_safe_valve_pct <= 50.0),
        )
        if not good
    ]
    if wrong:
        raise ConfigError(
            "the command door cannot be kept so",
            thing=f"door.{wrong[0]} = {getattr(door, wrong[0])}",
            fix="see docs/commands.md for what may be given",
        )
