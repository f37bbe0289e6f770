"""What stations measure beside what the network twin makes of it, by values alone."""

from __future__ import annotations

import numpy as np

from heatloop.app.history import AsyncHistorian
from heatloop.app.world import World
from heatloop.ingest.batch.model import Finding, Floats, Series, Table
from heatloop.ingest.batch.neighbours import against_estimate
from heatloop.plant.ledger import Ledger
from heatloop.store.historian.port import TEN_MINUTES_S

# Measured kind: estimate's kind, sigma's kind, extra error of the pipe between node and station.
_PAIRS = {
    "primary_supply_temperature": ("twin_supply_temperature", "", 1.0),
    "primary_supply_pressure": ("twin_supply_pressure", "twin_pressure_sigma", 10.0),
    "primary_return_pressure": ("twin_return_pressure", "twin_pressure_sigma", 10.0),
}


async def twin_findings(world: World, historian: AsyncHistorian, table: Table) -> list[Finding]:
    """Return where an asset's readings stay apart from the twin's at the node it hangs on."""
    node = node_of(world.ledger, table.place)
    if node is None or not table.times_s.size:
        return []
    keys = {point.kind: point.key for point in world.ledger.points_of(node)}
    wanted = [series for series in table.series if _PAIRS.get(series.kind, ("",))[0] in keys]
    found: list[Finding] = []
    for series in wanted:
        kind, sigma_kind, pipe = _PAIRS[series.kind]
        estimate = await _at(historian, keys[kind], table.times_s)
        sigma = np.full(estimate.shape, pipe)
        if sigma_kind in keys:
            known = await _at(historian, keys[sigma_kind], table.times_s)
            sigma = np.hypot(sigma, np.nan_to_num(known))
        found += against_estimate(
            table.place, _running(series, table), table.times_s, estimate, sigma
        )
    return found


def node_of(ledger: Ledger, asset: str) -> str | None:
    """Return the network node a station hangs on, or None."""
    for pipe in ledger.of_kind("pipe_segment"):
        ends = (str(pipe.attributes.get("from_node", "")), str(pipe.attributes.get("to_node", "")))
        if asset in ends:
            other = ends[0] if ends[1] == asset else ends[1]
            found = ledger.assets.get(other)
            if found is not None and found.kind == "pipe_node":
                return other
    return None


def _running(series: Series, table: Table) -> Series:
    """Return a temperature only while water flows: standing water says nothing of the network."""
    flow = next((each for each in table.series if each.kind == "primary_flow"), None)
    if flow is None or series.unit != "degC":
        return series
    full = float(np.nanquantile(flow.values, 0.95)) if np.isfinite(flow.values).any() else 0.0
    values = np.where(np.nan_to_num(flow.values) > 0.2 * full, series.values, np.nan)
    return Series(
        name=series.name,
        kind=series.kind,
        unit=series.unit,
        values=values,
        low=series.low,
        high=series.high,
    )


async def _at(historian: AsyncHistorian, key: int, times_s: Floats) -> Floats:
    """Return the ten-minute means of a point at these times, nan where there is none."""
    start, end = int(times_s[0]), int(times_s[-1]) + 1
    found = await historian.rollup(np.array([key], "u4"), start, end, TEN_MINUTES_S)
    values = np.full(times_s.shape, np.nan)
    if not len(found):
        return values
    at = np.searchsorted(found.slots, times_s.astype("u4"))
    inside = at < len(found)
    inside[inside] = found.slots[at[inside]] == times_s[inside].astype("u4")
    values[inside] = found.mean[at[inside]]
    return values
