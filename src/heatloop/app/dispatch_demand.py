"""How much heat the sources of a network will have to give: by forecast, else by the weather."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch_networks import DispatchNetwork, degree_demand_kw
from heatloop.app.dispatch_problem import ProblemMaker
from heatloop.app.queries.overview import outdoor_c
from heatloop.app.world import World
from heatloop.kernel.messages import Forecast

if TYPE_CHECKING:
    from heatloop.app.weather import Weather

Floats = NDArray[np.float64]
_MILD_C = 5.0


class Demands:
    """Gives demands.

    Args:
        world: Latest values.
        maker: Knows what sources give now.
        weather: Forecast weather.
    """

    def __init__(self, world: World, maker: ProblemMaker) -> None:
        self._world, self._maker = world, maker
        self.weather: Weather | None = None
        """Forecast weather; None until the platform is built."""
        self.latest: Callable[[str], Forecast | None] | None = None
        """Newest load forecast of a subject; None until there is a forecaster."""

    async def of(
        self, network: DispatchNetwork, start_s: float, step_s: int, n: int
    ) -> tuple[Floats, str]:
        """Return the demand a step, shape (n,), and whence: `forecast`, `weather`, `present`."""
        times: Floats = start_s + step_s * (np.arange(n, dtype=np.float64) + 0.5)
        told = self._forecast(network, times)
        if told is not None:
            return told, "forecast"
        now_c = outdoor_c(self._world)
        measured = self._maker.measured_kw(network)
        ahead = None
        if self.weather is not None:
            end_s = start_s + step_s * n + 3600.0
            ahead = await self.weather.forecast_as_of(self._world.now_s(), start_s - 3600.0, end_s)
        hours = [] if ahead is None else [h for h in ahead.hours if h.temperature_c is not None]
        if len(hours) > 1 and hours[-1].at_s >= times[-1] - 6 * 3600.0:
            at = np.array([hour.at_s for hour in hours])
            cold = np.interp(times, at, np.array([hour.temperature_c for hour in hours], float))
            return degree_demand_kw(network, cold, measured, now_c), "weather"
        here = _MILD_C if now_c is None else now_c
        return degree_demand_kw(network, np.full(n, here), measured, now_c), "present"

    def _forecast(self, network: DispatchNetwork, times: Floats) -> Floats | None:
        """Return the sum of the sources' forecasts, None unless all cover the time."""
        if self.latest is None:
            return None
        total = np.zeros(len(times))
        for source in network.sources:
            told = self.latest(f"{source}.source_heat_power") or self.latest(source)
            if told is None or not told.middle:
                return None
            at = told.start + told.step_s * (np.arange(len(told.middle)) + 0.5)
            if at[0] - told.step_s > times[0] or at[-1] + told.step_s < times[-1]:
                return None
            total += np.interp(times, at, np.asarray(told.middle, dtype=np.float64))
        return np.maximum(total, 0.0) if np.isfinite(total).all() else None
