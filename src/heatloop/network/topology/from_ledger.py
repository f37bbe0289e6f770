"""A network from the ledger: pairs of pipes, heat sources, stations, isolation and boosters.

Names: an asset's nodes are `<code>.s` (supply) and `<code>.r` (return); of a station that is
passed, `<code>.out.s` and `<code>.out.r` on the far side. A pipe segment is the links `<code>.s`
and `<code>.r`; a source or unit is the link `<code>`, with its valve `<code>.valve`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.ledger_design import (
    GRAVITY_KPA_M,
    Design,
    LedgerDefaults,
    LedgerFinding,
)
from heatloop.network.topology.ledger_stations import FLOW, HEAT, VALVE, Stations
from heatloop.network.topology.ledger_zones import OUT, Plan, Trench, Zone, make_plan
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LedgerNetwork:
    """A network and which of it is which asset."""

    network: Network
    """The network; places are longitude and latitude."""
    operation: Operation
    """Design operation."""
    supply_node: Mapping[str, str]
    """Name of the supply node by asset code."""
    return_node: Mapping[str, str]
    """Name of the return node by asset code."""
    links: Mapping[str, tuple[str, ...]]
    """Names of links by asset code: of a pipe supply then return, of a unit itself first."""
    asset_of: Mapping[str, str]
    """Asset code by name of node or link."""
    findings: tuple[LedgerFinding, ...]
    """What was missing or impossible, and what was done."""


def network_of(
    ledger: Ledger,
    *,
    defaults: LedgerDefaults | None = None,
    consumers: str = VALVE,
    secondary: bool = False,
) -> LedgerNetwork:
    """Return the primary network of a ledger.

    Args:
        ledger: The ledger.
        defaults: What is assumed where it says nothing.
        consumers: How units take water: `valve` (valve and exchanger side in series), `flow`
            (design flow) or `heat` (design load and return temperature).
        secondary: Couple each unit's exchanger to a secondary loop of its own; with `valve` only.

    Raises:
        InputError: No heat source is joined to any pipe, or there is no such form.
    """
    if consumers not in (VALVE, FLOW, HEAT) or (secondary and consumers != VALVE):
        raise InputError(
            "no such form of consumers", thing=consumers, fix=f"use {VALVE}, {FLOW} or {HEAT}"
        )
    design = Design(ledger, defaults or LedgerDefaults())
    plan = make_plan(design)
    if not plan.zones:
        raise InputError(
            "no heat source is joined to a pipe",
            thing="heat_source",
            place="ledger",
            fix="enter pipe segments from the heat source",
        )
    return _Maker(design, plan, consumers, secondary).make()


class _Maker:
    """One conversion."""

    def __init__(self, design: Design, plan: Plan, consumers: str, secondary: bool) -> None:
        self.design, self.plan = design, plan
        codes = {place.removesuffix(OUT) for place in plan.zone_of}
        self.levels = design.elevations(sorted(codes))
        self.supply: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self.stations = Stations(
            design=design,
            plan=plan,
            builder=NetworkBuilder(ambient_c=design.defaults.ground_c),
            form=consumers,
            secondary=secondary,
            levels=self.levels,
        )

    def make(self) -> LedgerNetwork:
        holding = {self._holder(zone): zone for zone in self.plan.zones}
        for place in self.plan.zone_of:
            self._nodes(place, holding.get(place))
        for code, pipes in self.plan.valves.items():
            if code in self.plan.zone_of:
                self._line_valve(code, pipes[0])
        for trench in self.plan.trenches:
            if trench.start in self.plan.zone_of:
                self._pipes(trench)
        for zone in self.plan.zones:
            self._substations(zone)
        # A zone must know what it needs before the station that feeds it, so coldest first.
        for zone in sorted(self.plan.zones, key=lambda zone: zone.supply_c):
            if zone.isolation:
                self.stations.isolation(zone)
        for zone in self.plan.zones:
            for code in zone.sources:
                self._source(zone, self.design.ledger.asset(code))
        self.stations.boosters()
        network, operation = self.stations.builder.build()
        return LedgerNetwork(
            network=network,
            operation=operation,
            supply_node=self.supply,
            return_node=self.back,
            links={code: tuple(names) for code, names in self.stations.links.items()},
            asset_of=self.stations.asset_of,
            findings=tuple(self.design.findings),
        )

    def _holder(self, zone: Zone) -> str:
        """Return the place whose return holds a zone's pressure."""
        if not zone.sources:
            return f"{zone.isolation}{OUT}"
        asset = self.design.ledger.asset

        def rank(code: str) -> tuple[bool, float]:
            given = asset(code).attributes
            return "hold_pressure_kpa" in given, float(given.get("rated_load_kw", 0.0))

        return max(zone.sources, key=rank)

    def _nodes(self, place: str, holds: Zone | None) -> None:
        code = place.removesuffix(OUT)
        asset = self.design.ledger.asset(code)
        held = math.nan
        if holds is not None:
            highest = max(self.levels[each.removesuffix(OUT)] for each in holds.places)
            above_m = max(highest - self.levels[code], 0.0)
            usual = self.design.defaults.hold_kpa + above_m * GRAVITY_KPA_M
            held = usual
            if asset.kind == "heat_source":
                held = self.design.number(asset, "hold_pressure_kpa", usual, "kPa")
        for side, known in (("s", self.supply), ("r", self.back)):
            name = f"{place}.{side}"
            known.setdefault(code, name)
            self.stations.asset_of[name] = code
            self.stations.builder.node(
                name,
                height_m=self.levels[code],
                x_m=float(asset.attributes.get("lon", math.nan)),
                y_m=float(asset.attributes.get("lat", math.nan)),
                held_kpa=held if side == "r" else math.nan,
            )

    def _end(self, place: str, pipe: str, side: str) -> str:
        """Return the node a pipe ends at; a valve node has one for each of its two pipes."""
        valve = self.plan.valves.get(place)
        return f"{place}{OUT}.{side}" if valve and valve[1] == pipe else f"{place}.{side}"

    def _line_valve(self, code: str, first_pipe: str) -> None:
        """Add the far nodes of a valve that stands between two pipes, and the valve itself."""
        asset = self.design.ledger.asset(code)
        area = math.pi / 4.0 * self.design.bore_m(self.design.ledger.asset(first_pipe)) ** 2
        kvs = 3600.0 * area * math.sqrt(200.0 / self.design.defaults.valve_zeta)
        for side in ("s", "r"):
            self.stations.node(f"{code}{OUT}.{side}", asset, asset)
            self.stations.builder.valve(
                self.stations.link(code, f"{code}.valve.{side}"),
                f"{code}.{side}",
                f"{code}{OUT}.{side}",
                kvs_m3h=kvs,
            )

    def _pipes(self, trench: Trench) -> None:
        pipe, design = trench.pipe, self.design
        bore = design.bore_m(pipe)
        rough = design.number(pipe, "roughness_mm", design.defaults.roughness_mm, "mm")
        loss, wall = design.insulation(pipe)
        # Bends and fittings as a share of friction: zeta = share * lambda * length / diameter.
        friction = (1.14 + 2.0 * math.log10(bore * 1000.0 / rough)) ** -2
        minor = design.defaults.minor_share * friction * trench.length_m / bore
        for side in ("s", "r"):
            start = self._end(trench.start, pipe.code, side)
            end = self._end(trench.end, pipe.code, side)
            first, last = (start, end) if side == "s" else (end, start)
            self.stations.builder.pipe(
                self.stations.link(pipe.code, f"{pipe.code}.{side}"),
                first,
                last,
                length_m=trench.length_m,
                diameter_m=bore,
                roughness_mm=rough,
                minor=minor,
                loss_w_mk=loss,
                wall_kj_mk=wall,
            )

    def _substations(self, zone: Zone) -> None:
        for station in self.design.ledger.of_kind("substation"):
            if station.code not in zone.places:
                if station.code not in self.plan.zone_of and zone is self.plan.zones[0]:
                    zh, en = "无管道接入，未建模", "no pipe leads to it; left out"
                    self.design.find("unconnected", station.code, "", zh, en)
                continue
            units = [a for a in self.design.ledger.children(station.code) if a.kind == "unit"]
            if not units:
                zh = "无机组，按一台机组计"
                self.design.find("missing", station.code, "", zh, "no unit; taken as one")
            for unit in units or [station]:
                self.stations.unit(zone, station, unit)

    def _source(self, zone: Zone, source: Asset) -> None:
        self.stations.builder.lift(
            self.stations.link(source.code, source.code),
            f"{source.code}.r",
            f"{source.code}.s",
            lift_kpa=self.stations.lift_kpa(zone),
            outlet_c=float(source.attributes.get("design_supply_c", zone.supply_c)),
        )
