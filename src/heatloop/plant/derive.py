"""From devices and their profiles to points and bindings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.coding import code_order, point_code
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Asset, Binding, Device, Point
from heatloop.plant.own_profiles import Catalogue
from heatloop.plant.profiles import OWN, ProfileRow
from heatloop.protocols.register_places import first_overlap

_LEAK_WATCH = ("water_loss_flow", "water_loss_excess", "leak_detectable_flow", "leak_state")
_TWIN_NODE = (
    "twin_supply_pressure",
    "twin_return_pressure",
    "twin_pressure_sigma",
    "twin_supply_temperature",
)
_WEATHER = (
    "weather_condition",
    "weather_temperature",
    "weather_humidity",
    "weather_temperature_max",
    "weather_temperature_min",
    "weather_wind_direction",
    "weather_wind_speed",
    "weather_solar_radiation",
    "weather_direct_radiation",
    "weather_diffuse_radiation",
)
COMPUTED = {
    "community": ("occupancy_rate", "complaint_rate"),
    "company": (*_LEAK_WATCH, "twin_state", "twin_suspect_count", *_WEATHER),
    "isolation_station": _LEAK_WATCH,
    "pipe_node": _TWIN_NODE,
    "pipe_segment": ("twin_flow", "twin_flow_sigma"),
}
"""Point kinds the platform computes, by asset kind; no device holds them (6.1.1.1 b 6, 7.7 d)."""

MAX_KEY = 2**32 - 1
_LAST_REGISTER = 65535
# A controller serves its own station; what stands below in the next station is not its own.
_STATIONS = frozenset(("heat_source", "isolation_station", "booster_station", "substation"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Own alarm limits of a point."""

    low: float | None
    """Low alarm limit, None: that of the kind."""
    high: float | None
    """High alarm limit, None: that of the kind."""


_NO_LIMITS = Limits(low=None, high=None)


class KeyGiver:
    """Keeps the keys points have and gives new ones, never one that was ever given."""

    def __init__(self, keys: Mapping[str, int]) -> None:
        self.keys = dict(keys)
        numbers = set(self.keys.values())
        if len(numbers) != len(self.keys) or not all(0 < n <= MAX_KEY for n in numbers):
            raise InputError("point keys are used twice or out of range", fix="restore the ledger")
        self._last = max(numbers, default=0)

    def key(self, code: str) -> int:
        """Return the key of a point code."""
        found = self.keys.get(code)
        if found is None:
            self._last += 1
            found = self.keys[code] = self._last
        return found


class Deriver:
    """Gives every device's values a point and a binding."""

    def __init__(
        self,
        findings: Findings,
        assets: Iterable[Asset],
        keys: Mapping[str, int],
        limits: Mapping[str, Limits],
        catalogue: Catalogue,
    ) -> None:
        self._findings, self._catalogue = findings, catalogue
        self._assets = {asset.code: asset for asset in assets}
        self._children: dict[str, list[Asset]] = {}
        for asset in self._assets.values():
            self._children.setdefault(asset.parent, []).append(asset)
        self._giver = KeyGiver(keys)
        self._limits = limits
        self.points: dict[str, Point] = {}
        """By code."""
        self.bindings: list[Binding] = []
        """Ordered by device and register."""

    @property
    def keys(self) -> dict[str, int]:
        """Return all keys ever given."""
        return self._giver.keys

    def below(self, code: str, kind: str) -> list[Asset]:
        """Return an asset's descendants of a kind inside its own station, in code order."""
        found, waiting = [], [code]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child.kind == kind:
                    found.append(child)
                elif child.kind not in _STATIONS:
                    waiting.append(child.code)
        return sorted(found, key=lambda asset: code_order(asset.code))

    def device(self, place: Place, device: Device) -> None:
        """Derive the points and bindings of one checked device."""
        asset = self._assets.get(device.asset)
        if asset is None:
            return
        made: list[Binding] = []
        below: dict[str, list[Asset]] = {}
        for row in self._catalogue.rows(device.profile):
            if row.child == OWN:
                made.append(self._bind(place, device, asset, row, 0))
                continue
            if row.child not in below:
                below[row.child] = self.below(asset.code, row.child)
            for i, child in enumerate(below[row.child]):
                made.append(self._bind(place, device, child, row, i))
        made.sort(key=lambda binding: binding.register)
        self._check_registers(place, device, made)
        self.bindings += made

    def computed(self) -> None:
        """Derive the points no device holds."""
        for kind, names in COMPUTED.items():
            for asset in self._assets.values():
                if asset.kind == kind:
                    for name in names:
                        self._point(asset, name, 0)

    def _point(self, asset: Asset, kind: str, n: int) -> Point:
        code = point_code(asset.code, kind, n)
        limits = self._limits.get(code, _NO_LIMITS)
        point = self.points[code] = Point(
            code=code,
            key=self._giver.key(code),
            asset=asset.code,
            kind=kind,
            n=n,
            alarm_low=limits.low,
            alarm_high=limits.high,
        )
        return point

    def _bind(self, place: Place, device: Device, asset: Asset, row: ProfileRow, i: int) -> Binding:
        kind = point_kinds()[row.kind]
        code = point_code(asset.code, row.kind, row.n)
        if code in self.points:
            fix = ("每个测点只由一台设备采集", "let one device measure a point")
            zh, en = "测点已由另一设备采集", "another device measures this point"
            self._findings.add(place, "asset", code, zh, en, fix)
            point = self.points[code]
        else:
            point = self._point(asset, row.kind, row.n)
        writable = row.access == "rw"
        return Binding(
            key=point.key,
            point=code,
            kind=row.kind,
            device=device.code,
            register=row.register + row.stride * i,
            dtype=row.dtype,
            factor=row.factor,
            offset=row.offset,
            access=row.access,
            period_s=kind.period_s,
            low=kind.low if writable else None,
            high=kind.high if writable else None,
            source=row.source.replace("{k}", str(i + 1)),
        )

    def _check_registers(self, place: Place, device: Device, made: list[Binding]) -> None:
        """Note more children than the register map of the profile has room for."""
        beyond = any(b.register + b.words - 1 > _LAST_REGISTER for b in made)
        if beyond or first_overlap(made) is not None:
            fix = ("减少下级数量或增加设备", "have fewer children or one more device")
            zh, en = "下级太多，寄存器重叠", "too many children, registers overlap"
            self._findings.add(place, "asset", device.asset, zh, en, fix)
