"""The forecaster of heat load and room temperature: columns in, bands out, plain state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from heatloop.forecast.bands import Bands, Floats
from heatloop.forecast.book import BOOK_DAYS, BOOST_DAYS, Book
from heatloop.forecast.boosted import Boosted, boosted_from
from heatloop.forecast.engine import Outcome, issue_forecast, past_origins
from heatloop.forecast.grid import DAY_S, Grid, gridded, wall_clock
from heatloop.forecast.guards import trusted
from heatloop.forecast.season import Flags, heated_steps, resting
from heatloop.forecast.season_dates import Season
from heatloop.forecast.training import trained
from heatloop.kernel.errors import InputError

_BOOST_EVERY_S = 7 * DAY_S
_LEAST_BOOST_DAYS = 28
_HELD_OUT_DAYS = 21


def typical_error_k(steps: int, step_s: int) -> Floats:
    """Return the usual standard error of public outdoor-temperature forecasts, shape (steps,).

    About 0.9 K after six hours, 1.4 K after a day and 2.1 K after three.
    """
    days = (np.arange(steps) + 0.5) * step_s / DAY_S
    return np.asarray(0.3 + 1.05 * np.sqrt(days))


class LoadForecaster:
    """Forecasts one or many series of heat load or room temperature.

    The ridge and the baseline are learned anew at each forecast; the trees once a week (`fit`).
    Weather by name: `outdoor_c` is what heat follows; `wind_ms`, `sun_w_m2`, `price` and any
    other are further inputs.

    Args:
        step_s: Length of a step, divides a day; 900 or 3600 as a rule.
        zone: IANA zone of the calendar.
        holidays: "CN" for Chinese public holidays, "" for weekends only.
        floor: Least possible value; 0 for heat, None for temperatures.
        seasons: First and last days of heating as people have set them; without any they are
            seen in a load that stands still for weeks. Not looked at where there is no floor.
    """

    def __init__(
        self,
        *,
        step_s: int = 3600,
        zone: str = "Asia/Shanghai",
        holidays: str = "CN",
        floor: float | None = 0.0,
        seasons: Sequence[Season] = (),
    ) -> None:
        if step_s <= 0 or DAY_S % step_s:
            raise InputError("步长须整除一天 a step must divide a day", thing=f"{step_s} s")
        self.step_s, self.zone, self.holidays, self.floor = step_s, zone, holidays, floor
        self.seasons = tuple(seasons)
        self.trees: list[Boosted] = []
        self._books: dict[tuple[int, int, int], Book] = {}

    def fit(
        self,
        times_s: Floats,
        load: Floats,
        weather: Mapping[str, Floats],
        *,
        start_s: float | None = None,
        steps: int = 72,
        boost: bool | None = None,
        phases_h: Sequence[int] = (0,),
    ) -> Self:
        """Train the trees from what lies before a moment, when they are due.

        Args:
            times_s: Beginning of each step, seconds since 1970 UTC, ascending, shape (n,).
            load: Shape (n,) or (n, n_series); nan where missing or of bad quality.
            weather: By name, shape (n,) or (n, n_series).
            start_s: The moment, and the time of day of issue; None: after the last row.
            steps: How many steps ahead.
            boost: Train now; None: when a week old; False: never.
            phases_h: Hours before `start_s` of further times of day at which will be issued.

        Raises:
            InputError: Columns do not fit together.
        """
        times_s = np.asarray(times_s, float)
        start = float(times_s[-1]) + self.step_s if start_s is None else start_s
        grid, issue = self._grid(times_s, load, weather, start)
        grid, _ = self._heated(grid, issue)
        wall = grid.start_s + issue * grid.step_s
        due = not self.trees or wall - self.trees[-1].until_s >= _BOOST_EVERY_S
        if boost or (boost is None and due):
            self._boost(grid, issue, steps, phases_h)
        return self

    def predict(
        self,
        times_s: Floats,
        load: Floats,
        weather: Mapping[str, Floats],
        *,
        start_s: float,
        steps: int = 72,
        outdoor_error_k: Floats | None = None,
    ) -> Bands:
        """Return the forecast made at `start_s`.

        Args:
            times_s: Beginning of each step, through the horizon, shape (n,).
            load: As in `fit`; values from `start_s` on are never looked at.
            weather: As in `fit`; from `start_s` on it is the weather forecast. Where none is
                given the last value is held.
            start_s: First step forecast; everything before it is known.
            steps: How many steps ahead.
            outdoor_error_k: Standard error of the outdoor forecast by lead, shape (steps,); see
                `typical_error_k`. None: the weather ahead is taken as certain.

        Raises:
            InputError: Columns do not fit together, or nothing lies before `start_s`.
        """
        outcome = self.outcome(
            times_s, load, weather, start_s=start_s, steps=steps, outdoor_error_k=outdoor_error_k
        )
        narrow = np.asarray(load).ndim == 1
        low, middle, high = (
            x[:, 0] if narrow else x for x in (outcome.low, outcome.middle, outcome.high)
        )
        return Bands(start_s=start_s, step_s=self.step_s, low=low, middle=middle, high=high)

    def outcome(
        self,
        times_s: Floats,
        load: Floats,
        weather: Mapping[str, Floats],
        *,
        start_s: float,
        steps: int = 72,
        thin: int = 1,
        outdoor_error_k: Floats | None = None,
    ) -> Outcome:
        """Return the forecast with its weights, skill and line; arguments as in `predict`."""
        grid, issue = self._grid(times_s, load, weather, start_s, steps)
        key = (issue % grid.per_day, steps, grid.load.shape[1])
        lit, heated = self._heated(grid, issue)
        outcome = issue_forecast(
            lit,
            issue,
            steps,
            holidays=self.holidays,
            floor=self.floor,
            trees=self.trees,
            book=self._books.setdefault(key, {}),
            thin=thin,
            outdoor_error_k=outdoor_error_k,
        )
        if heated is None:
            return outcome
        ahead = heated[issue : issue + steps]
        low, middle, high = resting(grid, issue, steps, heated)
        return replace(
            outcome,
            low=np.where(ahead, outcome.low, low),
            middle=np.where(ahead, outcome.middle, middle),
            high=np.where(ahead, outcome.high, high),
        )

    def forget(self) -> None:
        """Drop the book of past forecasts, before other series are forecast."""
        self._books.clear()

    def state(self) -> dict[str, Any]:
        """Return plain picklable values from which `from_state` makes the same forecaster."""
        return {
            "step_s": self.step_s,
            "zone": self.zone,
            "holidays": self.holidays,
            "floor": self.floor,
            "seasons": [(each.first, each.last) for each in self.seasons],
            "trees": [tree.state() for tree in self.trees],
            "books": {
                key: {wall: told.astype(np.float32) for wall, told in book.items()}
                for key, book in self._books.items()
            },
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LoadForecaster:
        """Return the forecaster a state was taken of."""
        made = cls(
            step_s=state["step_s"],
            zone=state["zone"],
            holidays=state["holidays"],
            floor=state["floor"],
            seasons=[Season(first=first, last=last) for first, last in state["seasons"]],
        )
        made.trees = [boosted_from(tree) for tree in state["trees"]]
        made._books = {
            key: {wall: told.astype(np.float64) for wall, told in book.items()}
            for key, book in state["books"].items()
        }
        return made

    def _grid(
        self,
        times_s: Floats,
        load: Floats,
        weather: Mapping[str, Floats],
        start_s: float,
        steps: int = 0,
    ) -> tuple[Grid, int]:
        times_s = np.asarray(times_s, float)
        if not len(times_s) or not times_s[0] < start_s:
            raise InputError("此前没有数据 nothing is known before the forecast", thing="start_s")
        load = np.where((times_s < start_s).reshape(-1, *[1] * (np.ndim(load) - 1)), load, np.nan)
        # Rows the caller did not give: weather is held there.
        last = start_s + (steps - 1) * self.step_s
        if times_s[-1] < last:
            more = np.arange(times_s[-1] + self.step_s, last + 1.0, self.step_s)
            load = np.concatenate([load, np.full((len(more), *np.shape(load)[1:]), np.nan)])
            weather = {
                name: np.concatenate([v, np.full((len(more), *np.shape(v)[1:]), np.nan)])
                for name, v in weather.items()
            }
            times_s = np.concatenate([times_s, more])
        grid = gridded(times_s, load, weather, self.step_s, self.zone)
        grid = replace(grid, load=trusted(grid.load, self.step_s, self.floor))
        return grid, grid.at(float(wall_clock(np.array([start_s]), self.zone)[0]))

    def _heated(self, grid: Grid, issue: int) -> tuple[Grid, Flags | None]:
        """Return the grid with heated steps alone, and which they are; None: all."""
        heated = None if self.floor is None else heated_steps(grid, issue, self.seasons)
        if heated is None:
            return grid, None
        return replace(grid, load=np.where(heated, grid.load, np.nan)), heated

    def _boost(self, grid: Grid, issue: int, steps: int, phases_h: Sequence[int]) -> None:
        """Train; the first time also as of three weeks ago, so that there is a past to judge by."""
        history = past_origins(grid, issue, steps, BOOST_DAYS)
        if len(history) < _LEAST_BOOST_DAYS:
            return
        if not self.trees and len(history) >= _LEAST_BOOST_DAYS + BOOK_DAYS:
            self._keep(trained(grid, int(history[_HELD_OUT_DAYS]), steps, phases_h, self.holidays))
        self._keep(trained(grid, issue, steps, phases_h, self.holidays))

    def _keep(self, trees: Boosted | None) -> None:
        if trees is not None:
            self.trees = [*self.trees, trees][-5:]
