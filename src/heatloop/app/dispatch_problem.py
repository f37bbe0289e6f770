"""From ledger, figures and latest values to dispatch problems, one for every joined network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch_figures import COMPANY, Figures
from heatloop.app.dispatch_networks import DispatchNetwork
from heatloop.app.dispatch_units import (
    bought,
    burn_of,
    heat_pump_of,
    hourly_prices,
    out_steps,
    plain_source,
)
from heatloop.app.world import World
from heatloop.control.dispatch import DispatchProblem, DispatchUnit, SourceLimit, Storage
from heatloop.kernel.clock import utc
from heatloop.network.water import CP_KJ_KGK
from heatloop.plant.model import Asset
from heatloop.store.records.dispatch import OutageRow

Floats = NDArray[np.float64]
RUNNING, FAULT = 1.0, 3.0
_TANK_KG_M3 = 975.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Since when a unit runs or stands, as far as the service has seen."""

    on: bool
    """Whether it runs."""
    since_s: float
    """Plant time; -inf when it was so from the beginning."""


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
                out = out_steps(asset, source, times, outages)
                if asset.kind in ("boiler", "chp"):
                    units.append(self._unit(asset, source, figures, out, start_s))
                elif asset.kind == "storage_tank":
                    tanks.append(self._tank(asset, source, figures))
            pump_kw = figures.of(source, "heat_pump_kw")
            if pump_kw > 0.0:
                units.append(
                    heat_pump_of(source, pump_kw, figures, out_steps(None, source, times, outages))
                )
            if not any(unit.source == source for unit in units):
                units.append(plain_source(ledger.asset(source), times, outages, figures))
        prices = {code: figures.of(code, "heat_yuan_kwh") for code in network.sources}
        units = [bought(u, prices[u.source]) if prices[u.source] > 0.0 else u for u in units]
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
            sell_yuan_kwh=hourly_prices(figures, "sell", hours),
            buy_yuan_kwh=hourly_prices(figures, "buy", hours),
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
        burn = burn_of(asset, figures, most)
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
