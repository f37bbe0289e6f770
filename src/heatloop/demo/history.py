"""The demo city's past: a month of winter, made by the same physics before the city starts.

The older part comes as roll-ups from five-minute steps, the last day (from local midnight) as raw
30 s samples from the controllers' own steps. The city then goes on from where its past ends.
Ten-minute windows hold process values and room temperatures, hours also settings, days all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heatloop.demo.checkpoint import save_city
from heatloop.demo.city import City
from heatloop.demo.devices.collectors import Collectors
from heatloop.demo.ledger import BASE_PORT
from heatloop.demo.weather import LOCAL_OFFSET_S
from heatloop.demo.windows import Windows, tabled
from heatloop.kernel.series import Columns
from heatloop.network.arrays import Floats, Index
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S, RollupColumns

STEP_S = 300
TICK_S = 30
_CHUNK_TICKS = 720
_REPORT_S = 1800


@dataclass(frozen=True, slots=True)
class RollupPart:
    """Windows of one length, to be given to the historian as simulated."""

    step_s: int
    """Length of the windows."""
    columns: RollupColumns
    """The windows."""


@dataclass(frozen=True, slots=True)
class RawPart:
    """Samples of the last day."""

    columns: Columns
    """The samples."""


class History:
    """Makes the past of a city that ends at a moment.

    Args:
        seed: Which city.
        size: How large.
        end_s: Plant time at which the past ends and the city goes on.
        days: Days of roll-ups before the raw part.
        base_port: Modbus port of the city's first device.
    """

    def __init__(
        self, seed: int, size: str, end_s: float, *, days: int = 29, base_port: int = BASE_PORT
    ) -> None:
        self.end_s = int(end_s // TICK_S * TICK_S)
        midnight = (self.end_s - DAY_S + LOCAL_OFFSET_S) // DAY_S * DAY_S - LOCAL_OFFSET_S
        self.raw_from_s = midnight
        self.start_s = midnight - days * DAY_S
        self.city = City(seed, size, self.start_s, base_port=base_port)
        self.city.controllers.self_regulating = True
        self.city.inner_s = float(TICK_S)
        self.collectors = Collectors(self.city)
        memory, ledger = self.city.memory, self.city.ledger
        periods = np.array([b.period_s for b in memory.measured])
        self._fast: Index = np.flatnonzero(periods < TEN_MINUTES_S)
        self._slow: Index = np.flatnonzero(periods >= TEN_MINUTES_S)
        self._keys = np.array([b.key for b in memory.measured], dtype=np.uint32)
        self._setting_keys = np.array([b.key for b in memory.settings], dtype=np.uint32)
        fields = [ledger.bindings_of_device(d.code) for d in self.collectors.devices]
        self._field_keys = np.array([[b.key for b in row] for row in fields], dtype=np.uint32)
        self._factors = np.array([b.factor for b in fields[0]]) if fields else np.ones(6)

    def parts(self) -> Iterator[RollupPart | RawPart]:
        """Yield the whole past in the order of time."""
        for midnight in range(self.start_s, self.raw_from_s, DAY_S):
            yield from self._day(midnight)
        yield from self._raw()

    def save(self, folder: Path) -> None:
        """Write the city's state at the end of its past, for its process to go on from."""
        self.city.hand_over()
        save_city(self.city, folder / "state.npz", None, {"counter": self.collectors.counter})

    def _sample(self) -> Floats:
        """Return what readers get of all measured points now, but for noise."""
        memory = self.city.memory
        lasting = self.city.meters.lasting(self.city.true)
        return memory.decoded(memory.raw_of(lasting))

    def _day(self, midnight: int) -> Iterator[RollupPart]:
        """Simulate a local day and yield its windows."""
        city, steps = self.city, DAY_S // STEP_S
        samples = np.empty((steps, len(self._keys)))
        reports = np.full((DAY_S // _REPORT_S, *self._field_keys.shape), np.nan)
        for index in range(steps):
            if index:
                before_s = city.now_s
                city.step(STEP_S, show=False)
                self._report(before_s, midnight, reports)
            else:
                city.look()
                self._report(city.now_s - 1.0, midnight, reports)
            samples[index] = self._sample()
        before_s = city.now_s
        city.step(STEP_S, show=False)
        self._report(before_s, midnight, reports)
        settings = city.memory.setting_values()
        yield from self._windows(midnight, samples, settings, reports)

    def _report(self, before_s: float, midnight: int, reports: Floats) -> None:
        """Take down what the collectors that woke since have measured, in their slots."""
        for report in self.collectors.due(before_s, self.city.now_s):
            row = (report.at_s - midnight) // _REPORT_S
            if row < len(reports):
                reports[row, report.collector] = self._factors * report.fields

    def _windows(
        self, midnight: int, samples: Floats, settings: Floats, reports: Floats
    ) -> Iterator[RollupPart]:
        """Yield a day's windows of ten minutes, an hour and a day."""
        meters = self.city.meters
        pairs = samples.reshape(-1, TEN_MINUTES_S // STEP_S, samples.shape[1])
        spread = 2.0 * meters.spread(samples[0])
        fast = Windows(
            keys=self._keys[self._fast],
            count=TEN_MINUTES_S // TICK_S,
            low=pairs.min(axis=1)[:, self._fast] - spread[self._fast],
            mean=pairs.mean(axis=1)[:, self._fast],
            high=pairs.max(axis=1)[:, self._fast] + spread[self._fast],
            last=pairs[:, -1, self._fast],
        )
        slow = Windows.single(self._keys[self._slow], pairs[:, 0, self._slow])
        held = np.repeat(settings[None, :], 24, axis=0)
        constant = Windows.single(self._setting_keys, held, count=HOUR_S // TICK_S)
        room = Windows.single(self._field_keys[:, 0], reports[:, :, 0])
        for part in (fast, slow):
            yield RollupPart(TEN_MINUTES_S, part.columns(midnight, TEN_MINUTES_S))
            yield RollupPart(HOUR_S, part.joined(6).columns(midnight, HOUR_S))
            yield RollupPart(DAY_S, part.joined(144).columns(midnight, DAY_S))
        yield RollupPart(TEN_MINUTES_S, room.columns(midnight, _REPORT_S))
        yield RollupPart(HOUR_S, room.joined(2).columns(midnight, HOUR_S))
        yield RollupPart(HOUR_S, constant.columns(midnight, HOUR_S))
        yield RollupPart(DAY_S, constant.joined(24).columns(midnight, DAY_S))
        every = Windows.single(self._field_keys.ravel(), reports.reshape(len(reports), -1))
        yield RollupPart(DAY_S, every.joined(len(reports)).columns(midnight, DAY_S))

    def _raw(self) -> Iterator[RawPart]:
        """Simulate the last day in 30 s ticks and yield its samples."""
        city = self.city
        at_s = self.raw_from_s
        while at_s < self.end_s:
            count = min(_CHUNK_TICKS, (self.end_s - at_s) // TICK_S)
            values = np.empty((count, len(self._keys)))
            reports: list[Columns] = []
            for tick in range(count):
                before_s = city.now_s
                if tick or at_s > self.raw_from_s:
                    city.step(float(TICK_S))
                else:
                    city.show()
                values[tick] = city.memory.decoded(city.memory.raw_of(city.shown))
                reports.append(self._reported(before_s))
            slots = np.arange(at_s, at_s + count * TICK_S, TICK_S, dtype=np.uint32)
            yield RawPart(tabled(self._keys[self._fast], slots, values[:, self._fast]))
            on_time = slots % TEN_MINUTES_S == 0
            yield RawPart(
                tabled(self._keys[self._slow], slots[on_time], values[on_time][:, self._slow])
            )
            held = np.repeat(city.memory.setting_values()[None, :], count, axis=0)
            yield RawPart(tabled(self._setting_keys, slots, held))
            yield RawPart(Columns(*(np.concatenate(c) for c in zip(*reports, strict=True))))
            at_s += count * TICK_S
        if city.now_s < self.end_s:
            city.step(self.end_s - city.now_s)

    def _reported(self, before_s: float) -> Columns:
        found = self.collectors.due(before_s, self.city.now_s)
        if not found:
            return Columns.empty()
        numbers = [report.collector for report in found]
        at = np.array([report.at_s for report in found])
        values = np.array([report.fields for report in found]) * self._factors
        keys = self._field_keys[numbers].ravel()
        slots = np.repeat(at - at % _REPORT_S, values.shape[1]).astype(np.uint32)
        return Columns(keys, slots, values.ravel(), np.zeros(len(keys), dtype=np.uint8))
