"""How a device was installed: what a technician records at the place (clause 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from heatloop.plant.models import device_classes
from heatloop.plant.resources import table

_EMPTY: Mapping[str, bool] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """What a technician recorded at the place; None where it does not apply."""

    location: str = ""
    """Where exactly, in words."""
    lat: float | None = None
    """Latitude."""
    lon: float | None = None
    """Longitude."""
    outdoor: bool = False
    """Whether it stands outdoors."""
    photos: tuple[str, ...] = ()
    """SHA-256 of photo files."""
    signed_by: str = ""
    """Who signs for the work; empty until then."""
    height_m: float | None = None
    """Height above the floor."""
    room: str = ""
    """Room of a room sensor."""
    heater_m: float | None = None
    """Distance to the nearest heater."""
    window_m: float | None = None
    """Distance to the nearest window."""
    outer_wall: bool | None = None
    """Whether a room sensor hangs on an outer wall."""
    distance_mm: float | None = None
    """Distance of a pipe sensor to the nearest valve or bend."""
    dn_mm: float | None = None
    """Nominal diameter of the pipe."""
    upstream_d: float | None = None
    """Straight pipe before a meter, diameters."""
    downstream_d: float | None = None
    """Straight pipe behind a meter, diameters."""
    antifreeze: str = ""
    """What keeps an outdoor device from freezing."""
    rssi_dbm: float | None = None
    """Signal strength measured at the place."""
    success_pct: float | None = None
    """Share of radio messages received over seven days."""
    ticks: Mapping[str, bool] = field(default_factory=lambda: _EMPTY)
    """Items of `installation_rules.csv` answered yes or no."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"photos": list(self.photos), "ticks": dict(self.ticks)}


@dataclass(frozen=True, kw_only=True, slots=True)
class TickItem:
    """One row of `installation_rules.csv`."""

    item: str
    """Name, unique."""
    zh: str
    """Question in Chinese."""
    en: str
    """Question in English."""
    clause: str
    """Clause."""

    def to_dict(self) -> dict[str, str]:
        """Return the item as plain values."""
        return asdict(self)


def tick_items(device_class: str, outdoor: bool) -> list[TickItem]:
    """Return what is asked at the place of a device of this class."""
    about = device_classes()[device_class]
    asked = {"all", device_class}
    if not outdoor and about.quantity != "room_temperature":
        asked.add("indoor")
    return [
        TickItem(item=row["item"], zh=row["zh"], en=row["en"], clause=row["clause"])
        for row in table("installation_rules.csv")
        if asked & set(row["classes"].split("|"))
    ]
