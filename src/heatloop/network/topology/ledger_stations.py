"""The stations of a ledger's network: units, isolation stations, booster stations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from heatloop.network.exchanger import design_conductance_kw_k
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.topology.ledger_design import GRAVITY_KPA_M, Design
from heatloop.network.topology.ledger_zones import OUT, Plan, Zone
from heatloop.network.water import density_kg_m3
from heatloop.plant.model import Asset

VALVE, FLOW, HEAT = "valve", "flow", "heat"
_MIDDLE_C = 70.0


@dataclass(kw_only=True, slots=True)
class Stations:
    """Puts stations into a builder and remembers which name is which asset."""

    design: Design
    """Design values."""
    plan: Plan
    """Zones."""
    builder: NetworkBuilder
    """Where links go."""
    form: str
    """How units take water."""
    secondary: bool
    """Whether units get a loop of their own."""
    levels: Mapping[str, float]
    """Ground level by asset code."""
    links: dict[str, list[str]] = field(default_factory=dict)
    """Link names by asset code."""
    asset_of: dict[str, str] = field(default_factory=dict)
    """Asset code by name."""
    load_kw: dict[int, float] = field(default_factory=dict)
    """Heat each zone's stations ask of what feeds it, by the zone's identity."""

    def link(self, code: str, name: str) -> str:
        """Return a link's name after noting whose it is."""
        self.links.setdefault(code, []).append(name)
        self.asset_of[name] = code
        return name

    def node(self, name: str, asset: Asset, at: Asset, held_kpa: float = math.nan) -> None:
        """Add a node that belongs to an asset and stands where another one does."""
        self.asset_of[name] = asset.code
        self.builder.node(
            name,
            height_m=self.levels.get(at.code, 0.0),
            x_m=float(at.attributes.get("lon", math.nan)),
            y_m=float(at.attributes.get("lat", math.nan)),
            held_kpa=held_kpa,
        )

    def lift_kpa(self, zone: Zone) -> float:
        """Return the differential pressure a zone needs at its feed."""
        defaults = self.design.defaults
        way = 2.0 * zone.farthest_m * defaults.friction_pa_m * (1.0 + defaults.minor_share)
        return way / 1000.0 + defaults.valve_kpa + defaults.exchanger_kpa

    def unit(self, zone: Zone, station: Asset, unit: Asset) -> None:
        """Add a unit of a substation."""
        design, defaults = self.design, self.design.defaults
        load = design.load_kw(unit)
        supply, back = design.secondary_c(unit)
        primary_back = min(back + defaults.approach_k, zone.supply_c - 5.0)
        flow = design.flow_kgs(load, zone.supply_c, primary_back)
        self.load_kw[id(zone)] = self.load_kw.get(id(zone), 0.0) + load
        start, end = f"{station.code}.s", f"{station.code}.r"
        name = self.link(unit.code, f"{unit.code}")
        if self.form == FLOW:
            self.builder.flow(name, start, end, flow_kgs=flow, demand_kw=load)
            return
        if self.form == HEAT:
            self.builder.heat(name, start, end, demand_kw=load, outlet_c=primary_back)
            return
        usual = _kvs_m3h(flow, defaults.valve_kpa)
        kvs = design.number(unit, "valve_kvs_m3h", usual, "m3/h")
        between = f"{unit.code}.between"
        self.node(between, unit, station)
        self.builder.valve(self.link(unit.code, f"{unit.code}.valve"), start, between, kvs_m3h=kvs)
        self.builder.resistance(
            name,
            between,
            end,
            resistance_kpa_kgs2=defaults.exchanger_kpa / flow**2,
            demand_kw=0.0 if self.secondary else load,
        )
        if self.secondary:
            second = design.flow_kgs(load, supply, back)
            primary = (zone.supply_c, primary_back)
            usual = _conductance(load, primary, (supply, back))
            self._loop(unit, station, load, second)
            self.builder.exchanger(
                f"{unit.code}.exchanger",
                hot=name,
                cold=f"{unit.code}.cold",
                kw_k=design.number(unit, "hx_ua_kw_k", usual, "kW/K"),
                hot_design_kgs=flow,
                cold_design_kgs=second,
            )

    def _loop(self, unit: Asset, station: Asset, load_kw: float, flow: float) -> None:
        """Add a unit's secondary loop: pump, cold side, one load for all its buildings."""
        defaults, code = self.design.defaults, unit.code
        static_m = float(unit.attributes.get("static_head_m", 20.0))
        self.node(f"{code}.2r", unit, station, held_kpa=static_m * GRAVITY_KPA_M + 30.0)
        self.node(f"{code}.2p", unit, station)
        self.node(f"{code}.2s", unit, station)
        head = float(unit.attributes.get("pump_rated_head_m", 0.0)) * GRAVITY_KPA_M or 150.0
        self.builder.pump(
            self.link(code, f"{code}.pump"),
            f"{code}.2r",
            f"{code}.2p",
            shutoff_kpa=1.2 * head,
            fall_kpa_kgs2=0.2 * head / flow**2,
        )
        cold = self.link(code, f"{code}.cold")
        side = defaults.exchanger_kpa
        self.builder.resistance(
            cold, f"{code}.2p", f"{code}.2s", resistance_kpa_kgs2=side / flow**2
        )
        self.builder.resistance(
            self.link(code, f"{code}.load"),
            f"{code}.2s",
            f"{code}.2r",
            resistance_kpa_kgs2=max(head - side, 0.1 * head) / flow**2,
            demand_kw=load_kw,
        )

    def isolation(self, zone: Zone) -> None:
        """Add an isolation station: control valve and hot side above, pump and cold side below."""
        design, defaults = self.design, self.design.defaults
        station = design.ledger.asset(zone.isolation)
        code, above = station.code, self.plan.zone_of[zone.isolation]
        load = design.number(
            station, "rated_load_kw", max(self.load_kw.get(id(zone), 0.0), 1.0), "kW"
        )
        self.load_kw[id(above)] = self.load_kw.get(id(above), 0.0) + load
        back = defaults.radiator_return_c + defaults.approach_k
        hot = design.flow_kgs(load, above.supply_c, back + defaults.approach_k)
        cold = design.flow_kgs(load, zone.supply_c, back)
        self.node(f"{code}.between", station, station)
        self.node(f"{code}.pumped", station, station)
        self.builder.valve(
            self.link(code, f"{code}.valve"),
            f"{code}.s",
            f"{code}.between",
            kvs_m3h=_kvs_m3h(hot, defaults.valve_kpa),
        )
        self.builder.resistance(
            self.link(code, code),
            f"{code}.between",
            f"{code}.r",
            resistance_kpa_kgs2=defaults.exchanger_kpa / hot**2,
        )
        head = self.lift_kpa(zone) + defaults.exchanger_kpa
        self.builder.pump(
            self.link(code, f"{code}.pump"),
            f"{code}{OUT}.r",
            f"{code}.pumped",
            shutoff_kpa=1.2 * head,
            fall_kpa_kgs2=0.2 * head / cold**2,
        )
        self.builder.resistance(
            self.link(code, f"{code}.cold"),
            f"{code}.pumped",
            f"{code}{OUT}.s",
            resistance_kpa_kgs2=defaults.exchanger_kpa / cold**2,
        )
        primary = (above.supply_c, back + defaults.approach_k)
        self.builder.exchanger(
            f"{code}.exchanger",
            hot=code,
            cold=f"{code}.cold",
            kw_k=_conductance(load, primary, (zone.supply_c, back)),
            hot_design_kgs=hot,
            cold_design_kgs=cold,
        )

    def boosters(self) -> None:
        """Add booster stations: a pump on the supply side with a check valve past it."""
        for station in self.design.ledger.of_kind("booster_station"):
            code = station.code
            inside = [p in self.plan.zone_of for p in (code, f"{code}{OUT}")]
            if not all(inside):
                if any(inside):
                    zh, en = "只有一侧接有管道，按无泵计", "pipes on one side only; no pump"
                    self.design.find("unconnected", code, "", zh, en)
                continue
            zone = self.plan.zone_of[code]
            usual = self.load_kw.get(id(zone), 1000.0) / 2.0
            usual_m3h = self.design.flow_kgs(usual, zone.supply_c, 56.0) * 3.6
            flow = self.design.number(station, "rated_flow_m3h", usual_m3h, "m3/h") / 3.6
            heads = [
                float(pump.attributes.get("rated_head_m", 0.0)) * GRAVITY_KPA_M
                for pump in self.design.ledger.children(code)
                if pump.kind == "pump"
            ]
            head = max(heads, default=0.0) or self.design.defaults.booster_kpa
            start, end = f"{code}.s", f"{code}{OUT}.s"
            self.builder.pump(
                self.link(code, code),
                start,
                end,
                shutoff_kpa=1.2 * head,
                fall_kpa_kgs2=0.2 * head / flow**2,
            )
            kvs = _kvs_m3h(flow, 10.0)
            self.builder.check_valve(self.link(code, f"{code}.bypass"), start, end, kvs_m3h=kvs)
            self.builder.valve(
                self.link(code, f"{code}.back"), f"{code}{OUT}.r", f"{code}.r", kvs_m3h=2.0 * kvs
            )


def _kvs_m3h(flow_kgs: float, fall_kpa: float) -> float:
    """Return the kv that takes a pressure at a flow."""
    density = float(density_kg_m3(_MIDDLE_C))
    return flow_kgs * 3600.0 / density / math.sqrt(fall_kpa / 100.0 * 1000.0 / density)


def _conductance(
    load_kw: float, primary_c: tuple[float, float], secondary_c: tuple[float, float]
) -> float:
    """Return the UA that carries a load, at a difference of at least 1 K at both ends."""
    supply = min(secondary_c[0], primary_c[0] - 1.0)
    back = min(secondary_c[1], primary_c[1] - 1.0)
    return float(design_conductance_kw_k(load_kw, primary_c, supply, back))
