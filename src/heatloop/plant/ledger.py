"""The ledger: everything that exists and every point, indexed once, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.asset_kinds import HEAT_PATH, ORGANISATION, asset_kinds
from heatloop.plant.coding import code_order
from heatloop.plant.indices import grouped, look_up
from heatloop.plant.model import Asset, Binding, Device, Gateway, Point
from heatloop.plant.own_profiles import Catalogue, OwnProfile


class Ledger:
    """All assets, points, devices and gateways of one company; made by `build` or `rows`.

    The constructor trusts its input; `build_ledger` and `from_rows` check it.
    """

    __slots__ = (
        "_bindings_of_device",
        "_by_kind",
        "_children",
        "_devices_of_asset",
        "_devices_of_gateway",
        "_newest",
        "_paths",
        "_points_of",
        "assets",
        "bindings",
        "by_key",
        "devices",
        "gateways",
        "keys",
        "points",
        "profiles",
        "version",
    )

    def __init__(
        self,
        *,
        version: int,
        assets: Iterable[Asset],
        devices: Iterable[Device],
        gateways: Iterable[Gateway],
        points: Iterable[Point],
        bindings: Iterable[Binding],
        keys: Mapping[str, int],
        profiles: Iterable[OwnProfile] = (),
    ) -> None:
        self.version = version
        """Rises with every change."""
        self.profiles = Catalogue(profiles)
        """Device profiles: the package's and the company's own."""
        ordered = sorted(assets, key=lambda asset: code_order(asset.code))
        self.assets: Mapping[str, Asset] = MappingProxyType({a.code: a for a in ordered})
        """By code, in code order."""
        self.points: Mapping[str, Point] = MappingProxyType({p.code: p for p in points})
        """By code."""
        self.by_key: Mapping[int, Point] = MappingProxyType(
            {point.key: point for point in self.points.values()}
        )
        """Points by key."""
        self.devices: Mapping[str, Device] = MappingProxyType(
            {d.code: d for d in sorted(devices, key=lambda d: code_order(d.code))}
        )
        """By code, in code order."""
        self.gateways: Mapping[str, Gateway] = MappingProxyType(
            {g.code: g for g in sorted(gateways, key=lambda g: code_order(g.code))}
        )
        """By code, in code order."""
        self.bindings: tuple[Binding, ...] = tuple(bindings)
        """Where every measured point stands, dated."""
        self.keys: Mapping[str, int] = MappingProxyType(dict(keys))
        """Every key ever given, points that are gone included, so that none is used twice."""
        self._children = grouped((a.parent, a) for a in ordered if a.parent)
        self._by_kind = grouped((a.kind, a) for a in ordered)
        self._points_of = grouped((p.asset, p) for p in self.points.values())
        self._devices_of_asset = grouped((d.asset, d) for d in self.devices.values())
        self._devices_of_gateway = grouped((d.gateway, d) for d in self.devices.values())
        self._bindings_of_device = grouped((b.device, b) for b in self.bindings)
        self._newest: dict[str, Binding] = {}
        for binding in self.bindings:
            held = self._newest.get(binding.point)
            if held is None or binding.since >= held.since:
                self._newest[binding.point] = binding
        self._paths: dict[str, tuple[str, str]] = {}
        is_organisation = {a.code: asset_kinds()[a.kind].tree == ORGANISATION for a in ordered}
        # Organisations first: the paths of all other assets begin with theirs.
        for asset in sorted(ordered, key=lambda a: not is_organisation[a.code]):
            self._trace(asset)

    def __repr__(self) -> str:
        return f"Ledger({self.version}: {len(self.assets)} assets, {len(self.points)} points)"

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to make the ledger again in another process; indices are not sent."""
        again = partial(
            Ledger,
            version=self.version,
            assets=list(self.assets.values()),
            devices=list(self.devices.values()),
            gateways=list(self.gateways.values()),
            points=list(self.points.values()),
            bindings=self.bindings,
            keys=dict(self.keys),
            profiles=list(self.profiles.own.values()),
        )
        return again, ()

    def _trace(self, asset: Asset) -> None:
        """Remember (organisation path, heat path) of an asset and of all above it."""
        line = [asset]
        while line[-1].parent and line[-1].parent not in self._paths:
            line.append(self.assets[line[-1].parent])
        for each in reversed(line):
            above = self._paths[each.parent] if each.parent else ("", "")
            self._paths[each.code] = self._paths_under(each, above)

    def _paths_under(self, asset: Asset, above: tuple[str, str]) -> tuple[str, str]:
        tree = asset_kinds()[asset.kind].tree
        if tree == ORGANISATION:
            return (f"{above[0]}/{asset.code}" if asset.parent else asset.code, "")
        # An asset with an organisation of its own leaves that of its parent.
        own = asset.organisation
        organisation = self._paths[own][0] if own else above[0]
        if above[1]:
            return organisation, f"{above[1]}/{asset.code}"
        return organisation, asset.code if tree == HEAT_PATH else ""

    def asset(self, code: str) -> Asset:
        """Return the asset of this code.

        Raises:
            InputError: There is none.
        """
        return look_up(self.assets, code, "asset")

    def point(self, code: str) -> Point:
        """Return the point of this code.

        Raises:
            InputError: There is none.
        """
        return look_up(self.points, code, "point")

    def org_path(self, code: str) -> str:
        """Return the path of the organisation that answers for an asset: `CO01/BR01/TM01`.

        Raises:
            InputError: There is no such asset.
        """
        return self.paths(code)[0]

    def heat_path(self, code: str) -> str:
        """Return an asset's path from its heat source, itself included; empty if it has none.

        Raises:
            InputError: There is no such asset.
        """
        return self.paths(code)[1]

    def paths(self, code: str) -> tuple[str, str]:
        """Return the organisation path and the heat path of an asset.

        Raises:
            InputError: There is no such asset.
        """
        return look_up(self._paths, code, "asset")

    def children(self, code: str) -> tuple[Asset, ...]:
        """Return the assets whose parent this is, in code order."""
        return self._children.get(code, ())

    def below(self, code: str) -> Iterator[Asset]:
        """Yield every asset under this one, parents before their children."""
        waiting = list(reversed(self.children(code)))
        while waiting:
            asset = waiting.pop()
            yield asset
            waiting += reversed(self.children(asset.code))

    def of_kind(self, kind: str) -> list[Asset]:
        """Return all assets of a kind, in code order."""
        return list(self._by_kind.get(kind, ()))

    def points_of(self, asset_code: str) -> list[Point]:
        """Return the points of an asset (not of its children), in the order of its profile."""
        return list(self._points_of.get(asset_code, ()))

    def devices_of(self, asset_code: str) -> tuple[Device, ...]:
        """Return the devices that serve an asset."""
        return self._devices_of_asset.get(asset_code, ())

    def devices_of_gateway(self, gateway: str) -> tuple[Device, ...]:
        """Return the devices a gateway reads."""
        return self._devices_of_gateway.get(gateway, ())

    def bindings_of_device(self, device: str) -> tuple[Binding, ...]:
        """Return the bindings of a device, in register order."""
        return self._bindings_of_device.get(device, ())

    def scoped(self, scope: Scope) -> Iterator[Asset]:
        """Yield the assets inside a scope, in code order."""
        paths = self._paths
        return (asset for asset in self.assets.values() if scope.holds(*paths[asset.code]))

    def point_paths(self, point_code: str) -> tuple[str, str]:
        """Return the organisation path and the heat path of a point's asset.

        Raises:
            InputError: There is no such point.
        """
        return self._paths[self.point(point_code).asset]

    def binding_of(self, point_code: str) -> Binding:
        """Return where a point is read now.

        Raises:
            InputError: There is no such point, or no device measures it.
        """
        found = self._newest.get(point_code)
        if found is None:
            self.point(point_code)
            raise InputError("no device measures this point", thing=point_code, fix="bind it first")
        return found

    def device_of(self, point_code: str) -> Device:
        """Return the device a point is read from.

        Raises:
            InputError: There is no such point, or no device measures it.
        """
        return self.devices[self.binding_of(point_code).device]

    def gateway_of(self, point_code: str) -> str:
        """Return the code of the gateway a point is read by.

        Raises:
            InputError: There is no such point, or no device measures it.
        """
        return self.device_of(point_code).gateway
