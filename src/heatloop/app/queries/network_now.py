"""The network on the map with what the twin says, and pressure profiles (6.2 g)."""

from __future__ import annotations

import math

import numpy as np

from heatloop.app.layout import number
from heatloop.app.queries.overview import state_of
from heatloop.app.twin_job import Known, Twin
from heatloop.app.twin_points import m3h_over_kgs
from heatloop.app.twin_state import TwinRun
from heatloop.app.views.network import (
    NetworkNode,
    NetworkSegment,
    NetworkView,
    SuspectReading,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.network.water import density_kg_m3
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Asset

_PLACES = ("heat_source", "isolation_station", "booster_station", "substation", "pipe_node")
_UNKNOWN_KPA = 1000.0


class Reader:
    """Reads one estimate by names.

    Args:
        known: The estimate, None: there is none.
    """

    def __init__(self, known: Known | None) -> None:
        self.run = None if known is None else known.run
        nodes = () if self.run is None else self.run.names.nodes
        links = () if self.run is None else self.run.names.links
        self._nodes = {name: at for at, name in enumerate(nodes)}
        self._links = {name: at for at, name in enumerate(links)}

    def node(self, name: str) -> int | None:
        """Return the number of a node."""
        return self._nodes.get(name)

    def link(self, name: str) -> int | None:
        """Return the number of a link."""
        return self._links.get(name)

    def kpa(self, name: str) -> float | None:
        """Return the pressure of a node, None where it is not known at all."""
        at = self._nodes.get(name)
        if self.run is None or at is None or self.run.pressure_sigma_kpa[at] > _UNKNOWN_KPA:
            return None
        return float(self.run.pressure_kpa[at])

    def sigma_kpa(self, *names: str) -> float | None:
        """Return the largest error of the pressures of nodes."""
        at = [self._nodes[name] for name in names if name in self._nodes]
        if self.run is None or not at:
            return None
        return float(self.run.pressure_sigma_kpa[at].max())

    def warm(self, name: str) -> float | None:
        """Return the temperature of a node."""
        at = self._nodes.get(name)
        return None if self.run is None or at is None else float(self.run.node_c[at])


def network(world: World, scope: Scope, twin: Twin) -> NetworkView:
    """Return the network inside a scope with the latest estimate."""
    known = twin.last
    reader = Reader(known)
    ledger = world.ledger
    nodes = [
        _node(world, asset, reader)
        for kind in _PLACES
        for asset in ledger.of_kind(kind)
        if asset.attributes.get("network", "primary") == "primary" and world.sees(scope, asset.code)
    ]
    segments = [
        _segment(asset, reader)
        for asset in ledger.of_kind("pipe_segment")
        if asset.attributes.get("network", "primary") == "primary" and world.sees(scope, asset.code)
    ]
    return NetworkView(
        at=None if known is None else utc(known.run.t_s),
        state=twin.state.name.lower(),
        reason=twin.reason,
        fresh=twin.is_fresh(),
        metered=0 if known is None else known.run.metered,
        took_ms=0.0 if known is None else 1000.0 * known.run.took_s,
        nodes=nodes,
        segments=segments,
        suspects=_suspects(world, scope, known),
    )


def _node(world: World, asset: Asset, reader: Reader) -> NetworkNode:
    code, state = asset.code, ""
    station = world.layout.stations.get(code)
    if station is not None:
        codes = (code, *(unit.asset.code for unit in station.units))
        state = state_of(world, codes, world.is_online(station))[0]
    return NetworkNode(
        code=code,
        zh=asset.zh,
        en=asset.en,
        kind=asset.kind,
        lat=number(asset, "lat"),
        lon=number(asset, "lon"),
        elevation_m=number(asset, "elevation_m"),
        state=state,
        supply_kpa=reader.kpa(f"{code}.s"),
        return_kpa=reader.kpa(f"{code}.r"),
        pressure_sigma_kpa=reader.sigma_kpa(f"{code}.s", f"{code}.r"),
        supply_c=reader.warm(f"{code}.s"),
        return_c=reader.warm(f"{code}.r"),
    )


def _segment(asset: Asset, reader: Reader) -> NetworkSegment:
    code, run = asset.code, reader.run
    flow = sigma = back = speed = slope = warm = None
    go, come = reader.link(f"{code}.s"), reader.link(f"{code}.r")
    length, nominal = number(asset, "length_m"), number(asset, "dn_mm")
    if run is not None and go is not None and come is not None:
        to_m3h = m3h_over_kgs(run, np.array([go, come]))
        flow = float(run.flow_kgs[go] * to_m3h[0])
        sigma = float(run.flow_sigma_kgs[go] * to_m3h[0])
        back = float(run.flow_kgs[come] * to_m3h[1])
        warm = float(run.link_c[go])
        bore_mm = number(asset, "inner_diameter_mm") or nominal
        if bore_mm:
            speed = flow / 3600.0 / (math.pi / 4.0 * (bore_mm / 1000.0) ** 2)
        slope = _gradient(run, go, length)
    return NetworkSegment(
        code=code,
        zh=asset.zh,
        en=asset.en,
        from_node=str(asset.attributes.get("from_node", "")),
        to_node=str(asset.attributes.get("to_node", "")),
        length_m=length,
        dn_mm=nominal,
        flow_m3h=flow,
        flow_sigma_m3h=sigma,
        return_flow_m3h=back,
        velocity_m_s=speed,
        gradient_pa_m=slope,
        supply_c=warm,
    )


def _gradient(run: TwinRun, link: int, length: float | None) -> float | None:
    """Return what a pipe takes a metre of the pressure of water in flow direction, Pa/m."""
    if not length:
        return None
    start, end = int(run.names.from_node[link]), int(run.names.to_node[link])
    rise_m = float(run.names.height_m[end] - run.names.height_m[start])
    weight_kpa = float(density_kg_m3(run.link_c[link])) * 9.81e-3 * rise_m
    fall_kpa = float(run.pressure_kpa[start] - run.pressure_kpa[end]) - weight_kpa
    return math.copysign(fall_kpa, fall_kpa * float(run.flow_kgs[link])) * 1000.0 / length


def _suspects(world: World, scope: Scope, known: Known | None) -> list[SuspectReading]:
    found: list[SuspectReading] = []
    for misfit in () if known is None else known.run.misfits:
        assert known is not None
        code = known.sheet.points[misfit.reading]
        point = world.ledger.points.get(code)
        if point is None or not world.sees(scope, point.asset):
            continue
        kind = point_kinds()[point.kind]
        found.append(
            SuspectReading(
                point=code,
                asset=point.asset,
                zh=kind.zh,
                en=kind.en,
                unit=kind.unit,
                value=misfit.value,
                expected=misfit.expected,
                score=misfit.score,
            )
        )
    return sorted(found, key=lambda each: -each.score)
