"""A dispatch problem as the arrays of a mixed-integer linear program.

Columns are blocks of one figure a step; rows are made block by block from index arrays, without
a modelling layer (which took longer to build the problem than the solver takes to solve it).

Reference: commitment with start variables and turn-on inequalities after Rajan and Takriti, IBM
RC23628 (2005); start and stop ramps after Morales-Espana et al., doi 10.1109/TPWRS.2013.2251373.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heatloop.control.dispatch import DispatchProblem, DispatchUnit, Floats, Schedule
from heatloop.control.dispatch_start import Begin, begin_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """min cost x, low <= A x <= high, least <= x <= most, some x whole."""

    cost: Floats
    """Shape (n_column,)."""
    least: Floats
    """Shape (n_column,)."""
    most: Floats
    """Shape (n_column,)."""
    whole: NDArray[np.bool_]
    """Shape (n_column,)."""
    low: Floats
    """Shape (n_row,)."""
    high: Floats
    """Shape (n_row,)."""
    row: Ints
    """Row of each entry of A, shape (n_entry,)."""
    column: Ints
    """Its column, shape (n_entry,)."""
    value: Floats
    """Its value, shape (n_entry,)."""
    offset: float = 0.0
    """Constant part of the cost."""


@dataclass(slots=True)
class _Columns:
    """Blocks of columns by name and subject."""

    n_step: int
    at: dict[tuple[str, int], Ints] = field(default_factory=dict)
    cost: list[Floats] = field(default_factory=list)
    least: list[Floats] = field(default_factory=list)
    most: list[Floats] = field(default_factory=list)
    whole: list[NDArray[np.bool_]] = field(default_factory=list)
    count: int = 0

    def add(
        self,
        name: str,
        subject: int,
        cost: float | Floats = 0.0,
        least: float | Floats = 0.0,
        most: float | Floats = np.inf,
        *,
        whole: bool = False,
        n: int | None = None,
    ) -> Ints:
        """Add a block of one column a step and return their numbers."""
        n = self.n_step if n is None else n
        columns = np.arange(self.count, self.count + n, dtype=np.int64)
        self.at[name, subject] = columns
        self.count += n
        for store, figure in ((self.cost, cost), (self.least, least), (self.most, most)):
            store.append(np.broadcast_to(np.asarray(figure, dtype=np.float64), (n,)))
        self.whole.append(np.full(n, whole))
        return columns


@dataclass(slots=True)
class _Rows:
    """Rows in blocks; every term is (columns, values) of the rows of its block."""

    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    row: list[Ints] = field(default_factory=list)
    column: list[Ints] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    count: int = 0

    def add(
        self,
        low: float | Floats,
        high: float | Floats,
        *terms: tuple[Ints, float | Floats],
        n: int | None = None,
    ) -> Ints:
        """Add a row a step; a term has a column for each row. Return their numbers."""
        n = len(terms[0][0]) if n is None else n
        rows = np.arange(self.count, self.count + n, dtype=np.int64)
        self.count += n
        self.low.append(np.broadcast_to(np.asarray(low, dtype=np.float64), (n,)))
        self.high.append(np.broadcast_to(np.asarray(high, dtype=np.float64), (n,)))
        for columns, values in terms:
            self.put(rows, columns, values)
        return rows

    def put(self, rows: Ints, columns: Ints, values: float | Floats) -> None:
        """Add entries to rows."""
        self.row.append(rows)
        self.column.append(columns)
        self.value.append(np.broadcast_to(np.asarray(values, dtype=np.float64), (len(rows),)))


class DispatchModel:
    """The program of a problem, and the way between its columns and a schedule."""

    def __init__(self, problem: DispatchProblem) -> None:
        self.problem = problem
        self._columns, self._rows = _Columns(problem.n_step), _Rows()
        self._sell, self._buy = _prices(problem)
        self._offset = 0.0
        for i, unit in enumerate(problem.units):
            self._unit(i, unit, begin_of(problem, unit))
        for k in range(len(problem.storages)):
            self._storage(k)
        self._balance()
        for number in range(len(problem.limits)):
            self._limit(number)
        self._reserve()

    def program(self, *, held: bool = False) -> Program:
        """Return the arrays.

        Args:
            held: Let units run as the plan that stands has them, wherever they may.
        """
        c, r = self._columns, self._rows
        least, most = np.concatenate(c.least), np.concatenate(c.most)
        standing = self.problem.standing
        if held and standing is not None:
            for i in range(len(self.problem.units)):
                at = c.at["on", i]
                told = np.isfinite(standing[i])
                told &= (least[at] <= standing[i]) & (standing[i] <= most[at])
                least[at[told]] = most[at[told]] = standing[i][told]
        return Program(
            cost=np.concatenate(c.cost),
            least=least,
            most=most,
            whole=np.concatenate(c.whole),
            low=np.concatenate(r.low),
            high=np.concatenate(r.high),
            row=np.concatenate(r.row),
            column=np.concatenate(r.column),
            value=np.concatenate(r.value),
            offset=self._offset,
        )

    def _unit(self, i: int, unit: DispatchUnit, begin: Begin) -> None:
        """Add a unit: its limits, its ramps, its runs and its electricity."""
        problem, n, h = self.problem, self.problem.n_step, self.problem.hours
        burnt = unit.fuel_yuan_kwh + unit.fuel_co2_kg_kwh / 1000.0 * problem.co2_yuan_t
        on_most, on_least = np.where(begin.out, 0.0, 1.0), np.zeros(n)
        on_least[: begin.held_on] = 1.0
        on_most[: begin.held_off] = 0.0
        heat_cost, idle_cost = self._running_costs(unit, burnt)
        q = self._columns.add("heat", i, heat_cost * h, 0.0, unit.most_kw)
        on_cost = idle_cost * h + self._change(i)
        u = self._columns.add("on", i, on_cost, on_least, on_most, whole=True)
        s = self._columns.add("start", i, unit.start_yuan, 0.0, on_most)
        rows = self._rows
        # A start reaches only the first step of its ramp: implied below, and said here again
        # because it makes the relaxation tighter.
        later_kw = max(unit.most_kw - max(begin.ramp_kw, unit.least_kw), 0.0)
        rows.add(-np.inf, 0.0, (q, 1.0), (u, -unit.most_kw), (s, later_kw))
        if unit.least_kw > 0.0:
            rows.add(0.0, np.inf, (q, 1.0), (u, -unit.least_kw))
        self._runs(unit, begin, u, s)
        self._ramps(unit, begin, q, u, s)
        if unit.cone is not None:
            cone = unit.cone
            cost = (burnt * cone.fuel_per_power - self._sell) * h
            p = self._columns.add("power", i, cost, 0.0, cone.most_kw)
            rows.add(-np.inf, 0.0, (p, 1.0), (q, cone.loss), (u, -cone.most_kw))
            rows.add(0.0, np.inf, (p, 1.0), (q, cone.loss), (u, -cone.least_kw))
            rows.add(0.0, np.inf, (p, 1.0), (q, -cone.ratio))

    def _change(self, i: int) -> Floats:
        """Return yuan a step of running more than of standing, by the plan that stands, (n_step,).

        Standing where it has the unit run costs as much; that is constant here.
        """
        if self.problem.standing is None:
            return np.zeros(self.problem.n_step)
        worth = self.problem.penalties.change * self.problem.hours
        self._offset += worth * float(np.nansum(self.problem.standing[i]))
        return np.asarray(np.nan_to_num(worth * (1.0 - 2.0 * self.problem.standing[i])))

    def _running_costs(self, unit: DispatchUnit, burnt: float) -> tuple[Floats, float]:
        """Return yuan a kWh of heat, shape (n_step,), and yuan an hour of running."""
        if unit.cone is not None:
            heat = np.full(self.problem.n_step, burnt * unit.cone.fuel_per_heat)
            return heat + unit.other_yuan_kwh, burnt * unit.cone.idle_fuel_kw
        power = _power_per_heat(unit, self.problem.n_step)
        money = -self._sell * np.maximum(power, 0.0) + self._buy * np.maximum(-power, 0.0)
        return np.asarray(burnt * unit.fuel_per_heat + money + unit.other_yuan_kwh), 0.0

    def _runs(self, unit: DispatchUnit, begin: Begin, u: Ints, s: Ints) -> None:
        """A start is where running begins; runs and stands last as long as they must."""
        rows, n = self._rows, self.problem.n_step
        before = float(unit.now_on)
        first = rows.add(np.concatenate([[-before], np.zeros(n - 1)]), np.inf, (s, 1.0), (u, -1.0))
        rows.put(first[1:], u[:-1], 1.0)
        steps = np.arange(n)
        # Whoever started within the shortest run is still running.
        rows_up = rows.add(-np.inf, 0.0, (u, -1.0))
        # Whoever started within the shortest stand did not run before it.
        since = np.maximum(steps - begin.down_steps + 1, 0)
        right = np.where(since == 0, 1.0 - before, 1.0)
        rows_down = rows.add(-np.inf, right, n=n)
        later = since > 0
        rows.put(rows_down[later], u[since[later] - 1], 1.0)
        for these, width in ((rows_up, begin.up_steps), (rows_down, begin.down_steps)):
            row, back = np.meshgrid(steps, np.arange(min(width, n)), indexing="ij")
            at = row - back
            inside = at >= 0
            rows.put(these[row[inside]], s[at[inside]], 1.0)

    def _ramps(self, unit: DispatchUnit, begin: Begin, q: Ints, u: Ints, s: Ints) -> None:
        """Heat moves slowly while running; a start reaches the least heat, a stop is free."""
        if begin.ramp_kw >= unit.most_kw and begin.heat_kw <= unit.most_kw:
            return
        rows, n, ramp = self._rows, self.problem.n_step, begin.ramp_kw
        before, first = float(unit.now_on), max(ramp, unit.least_kw)
        right = np.zeros(n)
        right[0] = begin.heat_kw + ramp * before
        up = rows.add(-np.inf, right, (q, 1.0), (s, -first))
        rows.put(up[1:], q[:-1], -1.0)
        rows.put(up[1:], u[:-1], -ramp)
        free = max(unit.most_kw, begin.heat_kw)
        right = np.zeros(n)
        right[0] = -begin.heat_kw + free * before
        down = rows.add(-np.inf, right, (q, -1.0), (u, free - ramp), (s, -free))
        rows.put(down[1:], q[:-1], 1.0)
        rows.put(down[1:], u[:-1], -free)

    def _storage(self, k: int) -> None:
        problem, tank = self.problem, self.problem.storages[k]
        c = self._columns.add("charge", k, 0.0, -tank.discharge_kw, tank.charge_kw)
        level = self._columns.add("level", k, 0.0, 0.0, tank.capacity_kwh)
        kept = 1.0 - tank.loss_per_h * problem.hours
        right = np.zeros(problem.n_step)
        right[0] = kept * min(max(tank.now_kwh, 0.0), tank.capacity_kwh)
        rows = self._rows.add(right, right, (level, 1.0), (c, -problem.hours))
        self._rows.put(rows[1:], level[:-1], -kept)
        if tank.end_kwh > 0.0:
            short = self._columns.add("end", k, problem.penalties.storage_end, n=1)
            end = min(tank.end_kwh, tank.capacity_kwh)
            self._rows.add(end, np.inf, (level[-1:], 1.0), (short, 1.0))

    def _balance(self) -> None:
        problem, columns = self.problem, self._columns
        worth = problem.penalties
        z = columns.add("unserved", 0, worth.unserved * problem.hours)
        w = columns.add("surplus", 0, worth.surplus * problem.hours)
        heat = [(columns.at["heat", i], 1.0) for i in range(len(problem.units))]
        charge = [(columns.at["charge", k], -1.0) for k in range(len(problem.storages))]
        self._rows.add(problem.demand_kw, problem.demand_kw, (z, 1.0), (w, -1.0), *heat, *charge)

    def _limit(self, number: int) -> None:
        problem, columns = self.problem, self._columns
        limit = problem.limits[number]
        e = columns.add("beyond", number, problem.penalties.source * problem.hours)
        heat = [
            (columns.at["heat", i], 1.0)
            for i, unit in enumerate(problem.units)
            if unit.source == limit.source
        ]
        charge = [
            (columns.at["charge", k], -1.0)
            for k, tank in enumerate(problem.storages)
            if tank.source == limit.source
        ]
        self._rows.add(-np.inf, limit.most_kw, (e, -1.0), *heat, *charge)

    def _reserve(self) -> None:
        problem, columns = self.problem, self._columns
        if problem.reserve_kw <= 0.0:
            return
        r = columns.add("short", 0, problem.penalties.reserve * problem.hours)
        terms: list[tuple[Ints, float | Floats]] = [(r, 1.0)]
        for i, unit in enumerate(problem.units):
            terms += [(columns.at["on", i], unit.most_kw), (columns.at["heat", i], -1.0)]
        self._rows.add(problem.reserve_kw, np.inf, *terms)

    def schedule(self, x: Floats) -> Schedule:
        """Return what the columns say, with the solver's rounding taken out."""
        problem, at = self.problem, self._columns.at
        n, tanks = problem.n_step, range(len(problem.storages))
        heat, on, power = [], [], []
        for i, unit in enumerate(problem.units):
            runs = x[at["on", i]] > 0.5
            q = np.where(runs, np.clip(x[at["heat", i]], unit.least_kw, unit.most_kw), 0.0)
            if unit.cone is not None:
                p = np.where(runs, np.maximum(x[at["power", i]], 0.0), 0.0)
            else:
                p = q * _power_per_heat(unit, n)
            heat.append(q)
            on.append(runs)
            power.append(p)
        return Schedule(
            heat_kw=np.array(heat),
            on=np.array(on),
            power_kw=np.array(power),
            charge_kw=np.array([x[at["charge", k]] for k in tanks]).reshape(len(tanks), n),
            level_kwh=np.array([x[at["level", k]] for k in tanks]).reshape(len(tanks), n),
        )

    def columns_of(self, schedule: Schedule) -> tuple[Ints, Floats]:
        """Return columns and their values of a schedule, to start the solver from."""
        at = self._columns.at
        columns, values = [], []
        for i, unit in enumerate(self.problem.units):
            on = schedule.on[i]
            was = np.concatenate([[unit.now_on], on[:-1]])
            columns += [at["heat", i], at["on", i], at["start", i]]
            values += [schedule.heat_kw[i], on.astype(np.float64), (on & ~was).astype(np.float64)]
        for k in range(len(self.problem.storages)):
            columns += [at["charge", k], at["level", k]]
            values += [schedule.charge_kw[k], schedule.level_kwh[k]]
        return np.concatenate(columns), np.concatenate(values)


def _power_per_heat(unit: DispatchUnit, n: int) -> Floats:
    return np.full(n, unit.power_per_heat) if unit.cop is None else np.asarray(-1.0 / unit.cop)


def _prices(problem: DispatchProblem) -> tuple[Floats, Floats]:
    zero = np.zeros(problem.n_step)
    return (
        zero if problem.sell_yuan_kwh is None else problem.sell_yuan_kwh,
        zero if problem.buy_yuan_kwh is None else problem.buy_yuan_kwh,
    )
