"""What dispatch knows of a unit that gives heat, from its ledger entry and the entered figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch_figures import ELECTRICITY, Figures
from heatloop.control.dispatch import Cone, DispatchUnit
from heatloop.plant.model import Asset
from heatloop.store.records.dispatch import OutageRow

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Burn:
    """How fuel, heat and power of a unit hang together; what does not fit the unit is 0."""

    fuel_per_heat: float = 0.0
    power_per_heat: float = 0.0
    cone: Cone | None = None


def burn_of(asset: Asset, figures: Figures, most: float) -> Burn:
    """Return how fuel, heat and power of a unit hang together."""
    total = figures.of(asset.code, "efficiency_pct") / 100.0
    if asset.kind == "boiler":
        if asset.attributes.get("fuel") == "electricity":
            return Burn(power_per_heat=-1.0 / total)
        return Burn(fuel_per_heat=1.0 / total)
    ratio = float(asset.attributes.get("rated_electric_kw", 0.0)) / most
    loss = figures.of(asset.code, "power_loss")
    if loss <= 0.0:
        return Burn(fuel_per_heat=(1.0 + ratio) / total, power_per_heat=ratio)
    alone = figures.of(asset.code, "electric_pct") / 100.0
    power = (ratio + loss) * most
    return Burn(
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


def heat_pump_of(
    source: str, most: float, figures: Figures, out: NDArray[np.bool_]
) -> DispatchUnit:
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


def plain_source(
    source: Asset, times: Floats, outages: Sequence[OutageRow], figures: Figures
) -> DispatchUnit:
    """Return a source of which the ledger names no unit, as one boiler that can do everything."""
    out = out_steps(None, source.code, times, outages)
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


def bought(unit: DispatchUnit, yuan_kwh: float) -> DispatchUnit:
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


def out_steps(
    asset: Asset | None, source: str, times: Floats, outages: Sequence[OutageRow]
) -> NDArray[np.bool_]:
    """Return when a unit, or with None a whole source, may not run, shape (n_step,)."""
    mine = {source} if asset is None else {source, asset.code}
    out = np.zeros(len(times), dtype=bool)
    step = float(times[1] - times[0]) if len(times) > 1 else 0.0
    for row in outages:
        if row.subject in mine:
            out |= (times + step > row.start_s) & (times < row.end_s)
    return out


def hourly_prices(figures: Figures, what: str, hours: NDArray[np.int64]) -> Floats:
    """Return the price of electricity of each step, `sell` or `buy`, shape (n_step,)."""
    prices = [figures.of(ELECTRICITY, f"{what}_{hour:02d}") for hour in range(24)]
    return np.array(prices)[hours]
