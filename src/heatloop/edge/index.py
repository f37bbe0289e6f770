"""What a gateway's profile says, looked up the ways its parts need it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.field_protocols import protocol
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device


def kind_name(binding: Binding) -> str:
    """Return a point's name inside its asset: `<kind>` or `<kind>.<n>`."""
    return binding.point.partition(".")[2]


def asset_of(binding: Binding) -> str:
    """Return the asset code of a binding's point."""
    return binding.point.partition(".")[0]


def same_value(binding: Binding, one: float, other: float) -> bool:
    """Return whether two values of a point are one to its device: less than a step apart.

    A device with whole-number registers steps by its factor; one that carries real numbers is
    held to the decimals its kind of point is shown with.
    """
    step = abs(binding.factor)
    if not binding.dtype or binding.dtype.startswith("float"):
        step = min(step, 0.1 ** point_kinds()[binding.kind].decimals)
    return abs(one - other) <= 0.501 * step


class ProfileIndex:
    """An edge profile with its bindings by point, device and asset."""

    def __init__(self, profile: EdgeProfile) -> None:
        self.profile = profile
        self.devices: Mapping[str, Device] = MappingProxyType({d.code: d for d in profile.devices})
        """By code."""
        self.by_point: Mapping[str, Binding] = MappingProxyType(
            {b.point: b for b in profile.bindings}
        )
        """By point code."""
        by_device: dict[str, list[Binding]] = {code: [] for code in self.devices}
        for binding in sorted(profile.bindings, key=lambda b: b.register):
            if binding.device in by_device:
                by_device[binding.device].append(binding)
        self.by_device: dict[str, tuple[Binding, ...]] = {
            code: tuple(found) for code, found in by_device.items()
        }
        """By device code, in register order."""
        by_asset: dict[str, dict[str, Binding]] = {}
        for binding in profile.bindings:
            by_asset.setdefault(asset_of(binding), {})[kind_name(binding)] = binding
        self.by_asset: Mapping[str, Mapping[str, Binding]] = MappingProxyType(by_asset)
        """By asset code, then by name inside the asset."""

    def polled(self) -> tuple[Device, ...]:
        """Return the devices that are read, as opposed to those that report by themselves."""
        return tuple(d for d in self.profile.devices if not protocol(d.protocol).reports)

    def reporting(self) -> tuple[Device, ...]:
        """Return the devices that report by themselves."""
        return tuple(d for d in self.profile.devices if protocol(d.protocol).reports)

    def assets_of(self, device: str) -> tuple[str, ...]:
        """Return the assets a device holds points of, in register order."""
        return tuple(dict.fromkeys(asset_of(b) for b in self.by_device[device]))


class LatestValues:
    """The newest value read of every point, by key: what the guard and the regulator decide on."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}

    def of_asset(self, bindings: Mapping[str, Binding]) -> dict[str, float]:
        """Return the values of one asset's points by their name inside it."""
        values = self.values
        return {name: values[b.key] for name, b in bindings.items() if b.key in values}
