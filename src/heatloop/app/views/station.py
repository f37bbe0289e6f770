"""Read models of one station: its units, controller and buildings."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.app.views.plant import AssetView, PointView


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitDetail:
    """A unit with the codes of its points."""

    code: str
    """Unit code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    emitter: str
    """`radiator` or `floor`."""
    zone: str
    """`high`, `low` or `single`."""
    mode: str | None
    """Station mode."""
    stage: str
    """Strategy stage."""
    heated_area_m2: float | None
    """Heated area."""
    points: list[str]
    """Codes of its points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceView:
    """A device and whether it answers."""

    code: str
    """Device code."""
    asset: str
    """Asset it serves."""
    gateway: str
    """Gateway that reads it."""
    profile: str
    """Device profile."""
    protocol: str
    """Field protocol."""
    regulates: str
    """`plc` or `edge`."""
    online: bool
    """Whether its values are fresh."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildingCard:
    """A building fed by a substation."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit that feeds it."""
    area_m2: float | None
    """Heated area."""
    rooms: int
    """Rooms with a fresh temperature."""
    room_mean_c: float | None
    """Their mean."""
    room_min_c: float | None
    """The coldest of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubstationDetail:
    """Everything the station page shows."""

    asset: AssetView
    """The station."""
    state: str
    """`normal`, `warning`, `alarm` or `offline`."""
    units: list[UnitDetail]
    """Its units."""
    points: list[PointView]
    """Points of the station and its units."""
    device: DeviceView | None
    """The station's controller."""
    buildings: list[BuildingCard]
    """Buildings it heats."""
