"""From ledger, figures and latest values to dispatch problems, one for every joined network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch_figures import COMPANY, ELECTRICITY, Figures
from heatloop.app.world import World
from heatloop.control.dispatch import (
    Cone,
    DispatchProblem,
    DispatchUnit,
    SourceLimit,
    Storage,
)
from heatloop.control.n_minus_1 import Houses
from heatloop.kernel.clock import utc
from heatloop.network.topology.ledger_design import Design, LedgerDefaults
from heatloop.network.topology.ledger_zones import make_plan
from heatloop.network.water import CP_KJ_KGK
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.store.records.dispatch import OutageRow

Floats = NDArray[np.float64]
RUNNING, FAULT = 1.0, 3.0
ROOM_C = 20.0
_TANK_KG_M3 = 975.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchNetwork:
    """Heat sources that feed one network, and whom they feed."""

    code: str
    """Code of its first source."""
    sources: tuple[str, ...]
    """Codes of its sources."""
    area_m2: float
    """Heated area."""
    load_kw: float
    """Design load of the units it feeds; of its sources when no unit says."""
    design_outdoor_c: float
    """Outdoor temperature of the design load."""
    units: tuple[str, ...] = ()
    """Codes of the units it feeds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Since when a unit runs or stands, as far as the service has seen."""

    on: bool
    """Whether it runs."""
    since_s: float
    """Plant time; -inf when it was so from the beginning."""


def networks_of(ledger: Ledger) -> list[DispatchNetwork]:
    """Return the networks with heat sources; a source without any pipe is one of its own."""
    sources = [asset.code for asset in ledger.of_kind("heat_source")]
    zones = make_plan(Design(ledger, LedgerDefaults())).zones if sources else []
    groups = [tuple(sorted(zone.sources)) for zone in zones if zone.sources]
    joined = {code for group in groups for code in group}
    groups += [(code,) for code in sources if code not in joined]
    return [_network(ledger, group) for group in sorted(groups)]


def _network(ledger: Ledger, sources: tuple[str, ...]) -> DispatchNetwork:
    units = [unit for unit in ledger.of_kind("unit") if _fed_by(ledger, unit, sources)]
    area = sum(float(unit.attributes.get("heated_area_m2", 0.0)) for unit in units)
    rated = sum(float(ledger.asset(c).attributes.get("rated_load_kw", 0.0)) for c in sources)
    colds = [float(ledger.asset(c).attributes.get("design_outdoor_c", -10.0)) for c in sources]
    design = Design(ledger, LedgerDefaults())
    load = sum(design.load_kw(unit) for unit in units)
    return DispatchNetwork(
        code=sources[0],
        sources=sources,
        area_m2=area,
        load_kw=load or rated,
        design_outdoor_c=min(colds),
        units=tuple(unit.code for unit in units),
    )


def _fed_by(ledger: Ledger, asset: Asset, sources: Sequence[str]) -> bool:
    """Return whether a source stands above an asset in the heat path."""
    seen = 0
    here: Asset | None = asset
    while here is not None and seen < 20:
        if here.code in sources:
            return True
        here, seen = ledger.assets.get(here.parent), seen + 1
    return False


class ProblemMaker:
    """Makes the problems of a moment.

    Args:
        world: Ledger and latest values.
        zone: Time zone of tariffs.
    """

    def __init__(self, world: World, zone: ZoneInfo) -> None:
        self._world, self._zone = world, zone
        self.held: dict[str, Held] = {}
        """Since when units run or stand."""

    def value(self, code: str) -> float | None:
        """Return the latest usable value of a point, None without any."""
        point = self._world.ledger.points.get(code)
        return None if point is None else self._world.latest.value(point.key)

    def look(self, now_s: float) -> None:
        """Take note of which units run."""
        for asset in self._heaters():
            state = self.value(f"{asset.code}.{asset.kind}_state")
            if state is None:
                continue
            on, before = state == RUNNING, self.held.get(asset.code)
            if before is None:
                self.held[asset.code] = Held(on=on, since_s=-np.inf)
            elif before.on != on:
                self.held[asset.code] = Held(on=on, since_s=now_s)

    def failed(self) -> frozenset[str]:
        """Return the units that say they have failed."""
        return frozenset(
            asset.code
            for asset in self._heaters()
            if self.value(f"{asset.code}.{asset.kind}_state") == FAULT
        )

    def _heaters(self) -> list[Asset]:
        ledger = self._world.ledger
        return [*ledger.of_kind("boiler"), *ledger.of_kind("chp")]

    def measured_kw(self, network: DispatchNetwork) -> float | None:
        """Return the heat all sources of a network give now, None when one is not known."""
        found = [self.value(f"{code}.source_heat_power") for code in network.sources]
        known = [kw for kw in found if kw is not None]
        return sum(known) if len(known) == len(found) else None

    def make(
        self,
        network: DispatchNetwork,
        figures: Figures,
        *,
        start_s: float,
        step_s: int,
        demand_kw: Floats,
        outages: Sequence[OutageRow],
    ) -> DispatchProblem:
        """Return the problem of a network.

        Args:
            network: The network.
            figures: Prices and what units may do.
            start_s: First step.
            step_s: Length of a step.
            demand_kw: Heat wanted of the sources, shape (n_step,).
            outages: When units and sources may not run.
        """
        ledger, n = self._world.ledger, len(demand_kw)
        times: Floats = start_s + step_s * np.arange(n, dtype=np.float64)
        units: list[DispatchUnit] = []
        tanks: list[Storage] = []
        for source in network.sources:
            for asset in ledger.children(source):
                out = _out(asset, source, times, outages)
                if asset.kind in ("boiler", "chp"):
                    units.append(self._unit(asset, source, figures, out, start_s))
                elif asset.kind == "storage_tank":
                    tanks.append(self._tank(asset, source, figures))
            pump_kw = figures.of(source, "heat_pump_kw")
            if pump_kw > 0.0:
                units.append(
                    _heat_pump(source, pump_kw, figures, _out(None, source, times, outages))
                )
            if not any(unit.source == source for unit in units):
                units.append(_plain_source(ledger.asset(source), times, outages, figures))
        bought = {code: figures.of(code, "heat_yuan_kwh") for code in network.sources}
        units = [_bought(u, bought[u.source]) if bought[u.source] > 0.0 else u for u in units]
        hours = np.array([utc(at).astimezone(self._zone).hour for at in times.tolist()])
        limits = {code: figures.of(code, "limit_kw") for code in network.sources}
        return DispatchProblem(
            start_s=start_s,
            step_s=step_s,
            demand_kw=demand_kw,
            units=tuple(units),
            storages=tuple(tanks),
            limits=tuple(
                SourceLimit(source=code, most_kw=np.full(n, kw))
                for code, kw in limits.items()
                if kw > 0.0
            ),
            sell_yuan_kwh=_hourly(figures, "sell", hours),
            buy_yuan_kwh=_hourly(figures, "buy", hours),
            co2_yuan_t=figures.of(COMPANY, "co2_yuan_t"),
            reserve_kw=figures.of(COMPANY, "reserve_pct") / 100.0 * float(demand_kw.mean()),
        )

    def _unit(
        self, asset: Asset, source: str, figures: Figures, out: NDArray[np.bool_], now_s: float
    ) -> DispatchUnit:
        most = float(asset.attributes["rated_load_kw"])
        fuel = str(asset.attributes.get("fuel", "gas"))
        fuel = "electricity_fuel" if fuel == "electricity" else fuel
        now_kw, on = self._now(asset, most)
        held = self.held.get(asset.code)
        since = np.inf if held is None or held.on != on else now_s - held.since_s
        burn = _burn(asset, figures, most)
        return DispatchUnit(
            code=asset.code,
            source=source,
            kind=asset.kind,
            most_kw=most,
            least_kw=most * figures.of(asset.code, "least_pct") / 100.0,
            ramp_kw_h=most * figures.of(asset.code, "ramp_pct_h") / 100.0,
            fuel_yuan_kwh=0.0 if fuel == "electricity_fuel" else figures.of(fuel, "yuan_kwh"),
            fuel_co2_kg_kwh=0.0 if fuel == "electricity_fuel" else figures.of(fuel, "co2_kg_kwh"),
            other_yuan_kwh=figures.of(asset.code, "other_yuan_kwh"),
            start_yuan=figures.of(asset.code, "start_yuan"),
            least_up_s=figures.of(asset.code, "least_up_h") * 3600.0,
            least_down_s=figures.of(asset.code, "least_down_h") * 3600.0,
            out=out if out.any() else None,
            now_kw=now_kw,
            now_on=on,
            now_s=float(min(since, 1e9)),
            fuel_per_heat=burn.fuel_per_heat,
            power_per_heat=burn.power_per_heat,
            cone=burn.cone,
        )

    def _now(self, asset: Asset, most: float) -> tuple[float, bool]:
        """Return heat and whether it runs; a unit nobody hears of is taken to stand."""
        if asset.kind == "boiler":
            load = self.value(f"{asset.code}.boiler_load")
            heat = None if load is None else most * load / 100.0
        else:
            heat = self.value(f"{asset.code}.chp_heat_power")
        state = self.value(f"{asset.code}.{asset.kind}_state")
        on = state == RUNNING and heat is not None
        return (max(heat or 0.0, 0.0) if on else 0.0), on

    def _tank(self, asset: Asset, source: str, figures: Figures) -> Storage:
        volume = float(asset.attributes["volume_m3"])
        spread = figures.of(asset.code, "spread_k")
        capacity = volume * _TANK_KG_M3 * CP_KJ_KGK * spread / 3600.0
        power = capacity / figures.of(asset.code, "hours")
        level = self.value(f"{asset.code}.tank_charge_level")
        # What is not known to be there is not counted on.
        share = min(max((level or 0.0) / 100.0, 0.0), 1.0)
        return Storage(
            code=asset.code,
            source=source,
            capacity_kwh=capacity,
            charge_kw=power,
            discharge_kw=power,
            loss_per_h=figures.of(asset.code, "loss_pct_h") / 100.0,
            now_kwh=share * capacity,
            end_kwh=capacity * figures.of(asset.code, "end_pct") / 100.0,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Burn:
    fuel_per_heat: float = 0.0
    power_per_heat: float = 0.0
    cone: Cone | None = None


def _burn(asset: Asset, figures: Figures, most: float) -> _Burn:
    """Return how fuel, heat and power of a unit hang together."""
    total = figures.of(asset.code, "efficiency_pct") / 100.0
    if asset.kind == "boiler":
        if asset.attributes.get("fuel") == "electricity":
            return _Burn(power_per_heat=-1.0 / total)
        return _Burn(fuel_per_heat=1.0 / total)
    ratio = float(asset.attributes.get("rated_electric_kw", 0.0)) / most
    loss = figures.of(asset.code, "power_loss")
    if loss <= 0.0:
        return _Burn(fuel_per_heat=(1.0 + ratio) / total, power_per_heat=ratio)
    alone = figures.of(asset.code, "electric_pct") / 100.0
    power = (ratio + loss) * most
    return _Burn(
        cone=Cone(
            most_kw=power,
            least_kw=power * figures.of(asset.code, "least_pct") / 100.0,
            loss=loss,
            ratio=ratio,
            idle_fuel_kw=0.0,
            fuel_per_heat=loss / alone,
            fuel_per_power=1.0 / alone,
        )
    )


def _heat_pump(source: str, most: float, figures: Figures, out: NDArray[np.bool_]) -> DispatchUnit:
    """Return the heat pumps of a source; they are entered as figures, without own points."""
    return DispatchUnit(
        code=f"{source}.heat_pump",
        source=source,
        kind="heat_pump",
        most_kw=most,
        least_kw=0.25 * most,
        ramp_kw_h=2.0 * most,
        power_per_heat=-1.0 / figures.of(source, "heat_pump_cop"),
        least_up_s=1800.0,
        least_down_s=1800.0,
        out=out if out.any() else None,
    )


def _plain_source(
    source: Asset, times: Floats, outages: Sequence[OutageRow], figures: Figures
) -> DispatchUnit:
    """Return a source of which the ledger names no unit, as one boiler that can do everything."""
    out = _out(None, source.code, times, outages)
    most = float(source.attributes.get("rated_load_kw", 1.0))
    coal = source.attributes.get("source_kind") == "coal_boiler"
    fuel = "coal" if coal else "gas"
    return DispatchUnit(
        code=source.code,
        source=source.code,
        kind=str(source.attributes.get("source_kind", "boiler")),
        most_kw=most,
        least_kw=0.0,
        ramp_kw_h=most,
        fuel_per_heat=1.0 / 0.9,
        fuel_yuan_kwh=figures.of(fuel, "yuan_kwh"),
        fuel_co2_kg_kwh=figures.of(fuel, "co2_kg_kwh"),
        out=out if out.any() else None,
        now_on=True,
        now_kw=0.5 * most,
    )


def _bought(unit: DispatchUnit, yuan_kwh: float) -> DispatchUnit:
    """Return a unit of somebody else: its heat has a price, its fuel and power are his."""
    return replace(
        unit,
        fuel_per_heat=0.0,
        power_per_heat=0.0,
        cone=None,
        cop=None,
        fuel_yuan_kwh=0.0,
        fuel_co2_kg_kwh=0.0,
        other_yuan_kwh=yuan_kwh,
        start_yuan=0.0,
    )


def _out(
    asset: Asset | None, source: str, times: Floats, outages: Sequence[OutageRow]
) -> NDArray[np.bool_]:
    mine = {source} if asset is None else {source, asset.code}
    out = np.zeros(len(times), dtype=bool)
    step = float(times[1] - times[0]) if len(times) > 1 else 0.0
    for row in outages:
        if row.subject in mine:
            out |= (times + step > row.start_s) & (times < row.end_s)
    return out


def _hourly(figures: Figures, what: str, hours: NDArray[np.int64]) -> Floats:
    prices = [figures.of(ELECTRICITY, f"{what}_{hour:02d}") for hour in range(24)]
    return np.array(prices)[hours]


def degree_demand_kw(
    network: DispatchNetwork,
    outdoor_c: Floats,
    measured_kw: float | None,
    outdoor_now_c: float | None,
) -> Floats:
    """Return the demand by degrees below room temperature, shape (n_step,).

    Scaled to what is measured now where that is known, else to the design load.

    Args:
        network: The network.
        outdoor_c: Outdoor temperature, shape (n_step,).
        measured_kw: Heat the sources give now.
        outdoor_now_c: Outdoor temperature now.
    """
    loss = network.load_kw / max(ROOM_C - network.design_outdoor_c, 1.0)
    if measured_kw is not None and outdoor_now_c is not None and measured_kw > 0.0:
        degrees = ROOM_C - outdoor_now_c
        if degrees > 5.0:
            loss = measured_kw / degrees
    return np.asarray(loss * np.maximum(ROOM_C - outdoor_c, 0.0))


def houses_of(network: DispatchNetwork, figures: Figures) -> Houses:
    """Return all houses of a network as one node."""
    return Houses(
        room_c=ROOM_C,
        limit_c=figures.of(COMPANY, "least_room_c"),
        loss_kw_k=network.load_kw / max(ROOM_C - network.design_outdoor_c, 1.0),
        capacity_kwh_k=max(network.area_m2, 1.0) * figures.of(COMPANY, "houses_kwh_m2_k"),
    )
