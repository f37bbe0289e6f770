"""The present: the ledger in force, the latest values, plant time, and who may see what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.latest import KeyIndex, LatestValues, Positions
from heatloop.app.layout import Layout, StationNode
from heatloop.app.refusals import Refused
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Point

_MOST_SCOPES = 64
OFFLINE_PERIODS = 4
"""A station is offline when its newest value is older than this many scan periods."""
SCAN_S = 30
_LOCKSTEP_LAG_S = 6.0 * SCAN_S
_TRAVEL_S = 3.0


@dataclass(frozen=True, slots=True)
class _Visible:
    codes: frozenset[str]
    mask: NDArray[np.bool_]
    """Which positions of the table of latest values, shape (n_point,)."""


@dataclass(slots=True)
class OpenAlarms:
    """Open alarms of one asset."""

    count: int = 0
    """Open alarms."""
    worst: int = 9
    """Highest priority among them, 1 being the highest."""


class World:
    """What everybody reads; changes when values arrive and when a ledger is installed."""

    def __init__(self, clock: SharedClock, ledger: Ledger) -> None:
        self.clock = clock
        self.open_alarms: dict[str, OpenAlarms] = {}
        """By asset code; kept by alarming."""
        self.unacknowledged: dict[str, int] = {}
        """Open alarms nobody acknowledged, by asset code; kept by alarming."""
        self.stages: dict[str, str] = {}
        """Strategy stage by unit; kept by stages."""
        self._set(ledger)
        self.latest = LatestValues(self.index)

    def _set(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.index = KeyIndex(ledger.by_key)
        self.layout = Layout(ledger, self.index)
        self._visible: dict[frozenset[str], _Visible] = {}
        numbers = {code: number for number, code in enumerate(ledger.assets)}
        self._asset_codes = list(numbers)
        # Which asset each position of the latest values belongs to.
        owners = (numbers[ledger.by_key[key].asset] for key in self.index.keys.tolist())
        self._asset_of = np.fromiter(owners, np.intp)

    def install(self, ledger: Ledger) -> None:
        """Put another ledger in force; values of points that stay are kept."""
        older = self.latest
        self._set(ledger)
        latest = LatestValues(self.index)
        latest.carry_over(older)
        self.latest = latest

    def now_s(self) -> float:
        """Return plant time, seconds since 1970 UTC."""
        return self.clock.now_s()

    def settled_s(self) -> float:
        """Return the plant time up to which everything sent should have arrived here.

        Values travel for a moment of machine time, which is long when plant time races; in
        lockstep edges may be some ticks ahead of what is stored.
        """
        state = self.clock.state
        slack = _LOCKSTEP_LAG_S if state.lockstep else _TRAVEL_S * max(state.speed - 1.0, 0.0)
        return self.clock.now_s() - slack

    def _seen_by(self, scope: Scope) -> _Visible:
        found = self._visible.get(scope.paths)
        if found is None:
            codes = frozenset(
                (
                    *(asset.code for asset in self.ledger.scoped(scope)),
                    *(code for code in self.ledger.gateways if self.sees_gateway(scope, code)),
                )
            )
            inside = np.fromiter((code in codes for code in self._asset_codes), bool)
            mask = inside[self._asset_of] if len(self.index) else np.zeros(0, bool)
            found = _Visible(codes, mask)
            if len(self._visible) >= _MOST_SCOPES:
                self._visible.clear()
            self._visible[scope.paths] = found
        return found

    def codes_in(self, scope: Scope) -> frozenset[str] | None:
        """Return the codes of the assets and gateways inside a scope, None for all of them."""
        return None if "" in scope.paths else self._seen_by(scope).codes

    def mask_in(self, scope: Scope) -> NDArray[np.bool_]:
        """Return which positions of the latest values lie inside a scope."""
        return self._seen_by(scope).mask

    def sees(self, scope: Scope, asset_code: str) -> bool:
        """Return whether an asset lies inside a scope."""
        return asset_code in self.ledger.assets and scope.holds(*self.ledger.paths(asset_code))

    def sees_gateway(self, scope: Scope, code: str) -> bool:
        """Return whether a gateway's organisation lies inside a scope."""
        gateway = self.ledger.gateways.get(code)
        if gateway is None:
            return False
        own = gateway.organisation
        return scope.holds(self.ledger.org_path(own) if own else "")

    def sees_subject(self, scope: Scope, subject: str) -> bool:
        """Return whether a point, asset, device or gateway lies inside a scope."""
        if subject in self.ledger.gateways:
            return self.sees_gateway(scope, subject)
        point = self.ledger.points.get(subject)
        device = self.ledger.devices.get(subject)
        if point is not None:
            return self.sees(scope, point.asset)
        return self.sees(scope, device.asset if device is not None else subject)

    def subjects_in(self, scope: Scope, asset: str = "") -> list[str] | None:
        """Return every code an alarm inside a scope can be about, None for all of them.

        Args:
            scope: What the reader may see.
            asset: Asset, point or gateway code to narrow it to; empty for none.
        """
        if asset:
            if not self.sees_subject(scope, asset):
                return []
            found = [asset]
            for code in self.at_or_below(asset):
                found += [code, *(point.code for point in self.ledger.points_of(code))]
                found += [device.code for device in self.ledger.devices_of(code)]
            return found
        codes = self.codes_in(scope)
        if codes is None:
            return None
        devices = (d.code for d in self.ledger.devices.values() if d.asset in codes)
        return [*codes, *devices, *(self.points_in(scope) or ())]

    def at_or_below(self, asset: str) -> set[str]:
        """Return an asset's code and those of all assets below it."""
        if asset not in self.ledger.assets:
            return {asset}
        return {asset, *(below.code for below in self.ledger.below(asset))}

    def points_in(self, scope: Scope) -> list[str] | None:
        """Return the codes of the points inside a scope, None for all of them."""
        codes = self.codes_in(scope)
        if codes is None:
            return None
        return [point.code for point in self.ledger.points.values() if point.asset in codes]

    def asset(self, scope: Scope, code: str) -> Asset:
        """Return an asset inside the scope.

        Raises:
            Refused: There is none; one outside the scope is not told apart.
        """
        if not self.sees(scope, code):
            raise Refused("not_found", thing=code)
        return self.ledger.assets[code]

    def point(self, scope: Scope, code: str) -> Point:
        """Return a point inside the scope.

        Raises:
            Refused: There is none; one outside the scope is not told apart.
        """
        point = self.ledger.points.get(code)
        if point is None or not self.sees(scope, point.asset):
            raise Refused("not_found", thing=code)
        return point

    def is_online(self, station: StationNode) -> bool:
        """Return whether a station's values are fresh."""
        return self.is_fresh(station.watched)

    def is_fresh(self, positions: Positions) -> bool:
        """Return whether the newest of these values is fresh."""
        if not len(positions):
            return False
        newest = int(self.latest.slots[positions].max())
        return self.settled_s() - newest <= OFFLINE_PERIODS * SCAN_S
