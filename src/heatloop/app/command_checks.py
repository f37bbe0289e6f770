"""What is checked before a command is signed; the gateway checks the same again by itself."""

from __future__ import annotations

from collections.abc import Callable

from heatloop.app.layout import Node
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.control.arbiter import Bounds, Priority, Proposal, arbitrate
from heatloop.control.command_classes import steps_of_kinds
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Point
from heatloop.station import envelope
from heatloop.station.modes import mode_of, refusal

STEP_SLACK = 0.051
"""A hair of tolerance: present values come back rounded to register resolution."""
_MODE_REFUSALS = {"station_is_local": "station_local"}


def _nothing_stopped(asset: str) -> bool:
    del asset
    return False


class CommandChecks:
    """Allow-list, bounds, safe envelope, station mode: static rules over the latest values."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.stopped: Callable[[str], bool] = _nothing_stopped
        """Says whether an asset is held by an emergency stop; set by whoever builds both."""

    def allow(self, point: Point, value: float, mode: str) -> None:
        """Return if a value may be written.

        Args:
            point: Point to set.
            value: In its unit.
            mode: `manual` or `automatic`.

        Raises:
            Refused: It may not, and why.
        """
        try:
            binding = self._world.ledger.binding_of(point.code)
        except InputError as error:
            raise Refused("point_unbound", thing=point.code) from error
        if binding.access != "rw":
            raise Refused("not_writable", thing=point.code)
        if self.stopped(point.asset):
            raise Refused("stop_holds", thing=point.asset)
        unit = self._world.layout.units.get(point.asset)
        others = self._others(unit[0]) if unit is not None else {}
        if unit is not None:
            station = mode_of(others.get("station_mode"))
            why = refusal(station, point.kind, mode)
            if why is not None:
                raise Refused(_MODE_REFUSALS.get(why, "out_of_range"), thing=point.code, detail=why)
        current = self._world.latest.value(point.key)
        why = envelope.refusal(
            point.kind, value, current=current, automatic=mode == "automatic", others=others
        )
        if why is not None:
            raise Refused("out_of_range", thing=point.code, detail=why)
        self._stepped(point, value, current, mode)
        self._arbitrated(point, value, binding.low, binding.high)

    @staticmethod
    def _stepped(point: Point, value: float, current: float | None, mode: str) -> None:
        """Refuse a person's leap; what programs may change at once is bounded more tightly."""
        bound = steps_of_kinds().get(point.kind)
        if bound is None or current is None or mode != "manual":
            return
        if abs(value - current) > bound[0] + STEP_SLACK:
            detail = f"step_too_large: {current:g} to {value:g}, at most {bound[0]:g}"
            raise Refused("out_of_range", thing=point.code, detail=detail)

    def _others(self, unit: Node) -> dict[str, float]:
        found = ((kind, self._world.latest.value(key)) for kind, key in unit.keys.items())
        return {kind: value for kind, value in found if value is not None}

    @staticmethod
    def _arbitrated(point: Point, value: float, low: float | None, high: float | None) -> None:
        """Pass the arbiter like every other wish; a person's wish is refused, not bent."""
        proposal = Proposal(
            point=point.code, value=value, source="person", priority=Priority.PERSON
        )
        bounds = Bounds(
            low=float("-inf") if low is None else low, high=float("inf") if high is None else high
        )
        decision = arbitrate([proposal], bounds)
        if decision.value != value:
            raise Refused(
                "out_of_range", thing=point.code, detail=f"{bounds.low:g} to {bounds.high:g}"
            )
