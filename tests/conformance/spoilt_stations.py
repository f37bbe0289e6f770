"""Hourly station data, measured and clean, with 1 % errors put in by hand and labelled.

The base is real: rows of the public substation logs that the authors of the cleaned tables left
as they were, less three faults that need no judgement (a row repeated bit for bit while heat
flows, a heat meter repeating its last words, a set-point of 0). What the plant does by itself
(switched off every night, restarts, pumps that trip) is all in it and is no error.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from heatloop.ingest.batch.model import Table
from heatloop.ingest.batch.profiles import series_of

TEMPERATURES = ("t_amb", "t_sup_prim", "t_ret_prim", "t_sup_sec", "t_ret_sec")
KINDS = {
    "t_amb": ("outdoor_temperature", "degC"),
    "t_ref": ("secondary_supply_temperature_setpoint", "degC"),
    "t_sup_prim": ("primary_supply_temperature", "degC"),
    "t_ret_prim": ("primary_return_temperature", "degC"),
    "t_sup_sec": ("secondary_supply_temperature", "degC"),
    "t_ret_sec": ("secondary_return_temperature", "degC"),
    "e": ("primary_heat_total", "MWh"),
    "pe": ("primary_heat_power", "kW"),
}
ERRORS = ("open_circuit", "spike", "drop_out", "dead_row", "unit", "frozen", "repeated_row",
          "counter_jump", "counter_zero", "swapped", "power")  # fmt: skip
SPIKE = (1.5, 4.0)
"""Size of a spike, in what the point itself does in one sample of a hundred."""


@dataclass(frozen=True)
class Spoilt:
    table: Table
    truth: np.ndarray  # before errors were put in, shape (n_time, n_series)
    label: np.ndarray  # 0 good, 1.. index into ERRORS plus one, same shape
    size: np.ndarray  # of spikes, in the measure of SPIKE, same shape


def clean_rows(folder: Path, station: str, start: str, end: str) -> pd.DataFrame:
    raw = pd.read_parquet(folder / f"scada_raw_{station}_to_2024.parquet").set_index("datetime")
    kept = pd.read_parquet(folder / f"combined_hourly_{station}_to_2024.parquet")
    kept = kept.set_index("datetime")
    rows = raw.loc[raw.index.intersection(kept.index)]
    same = np.ones(len(rows), bool)
    for name in TEMPERATURES:
        same &= (rows[name] - kept.loc[rows.index, name]).abs().to_numpy() < 0.051
    rows = rows[same & (rows.e > 0).to_numpy() & rows.pe.notna().to_numpy()].loc[start:end]
    before = rows.shift()
    repeated = (rows == before).all(axis=1) & (rows.pe > 5)
    mute = (rows.e == before.e) & (rows.pe == before.pe) & (rows.pe > 0)
    return rows[~repeated & ~mute & (rows.t_ref != 0)]


def as_table(rows: pd.DataFrame, place: str, values: np.ndarray | None = None) -> Table:
    times = (rows.index - pd.Timestamp(0)).total_seconds().to_numpy(float)
    columns = rows[list(KINDS)].to_numpy(float) if values is None else values
    series = tuple(
        series_of(name, kind, columns[:, at], unit)
        for at, (name, (kind, unit)) in enumerate(KINDS.items())
    )
    return Table(times_s=times, series=series, place=place)


class _Spoiler:
    def __init__(self, rows: pd.DataFrame, rng: np.random.Generator) -> None:
        self.rng, self.names = rng, list(KINDS)
        self.truth = rows[self.names].to_numpy(float)
        self.times = (rows.index - pd.Timestamp(0)).total_seconds().to_numpy(float)
        bent = np.abs(self.truth[1:-1] - 0.5 * (self.truth[2:] + self.truth[:-2]))
        self.often = np.quantile(bent, 0.99, axis=0)
        self.full = float(np.quantile(self.truth[:, self.names.index("pe")], 0.9))

    def one(self, error, at, column):
        """Return (columns, new values, size) of an error, or None where it makes no sense."""
        rng, truth, name = self.rng, self.truth, self.names[column]
        temperature = name in TEMPERATURES
        water = temperature and name != "t_amb"
        runs = truth[at : at + 25, self.names.index("pe")].min() > 0.4 * self.full
        every = list(range(len(self.names)))

        def at_most(low, high):
            return int(rng.integers(low, high + 1))

        if error == "open_circuit" and temperature:
            code = rng.choice([327.67, -39.9 if water else -99.9, 999.9])
            return [column], [np.full(at_most(1, 5), code)], 0.0
        if error == "spike" and temperature:
            n, size = at_most(1, 2), rng.uniform(*SPIKE)
            part = truth[at : at + n, column]
            off = size * self.often[column]
            high = {"t_sup_prim": 160, "t_ret_prim": 110, "t_sup_sec": 110}
            low, top = (-40.0, 50.0) if name == "t_amb" else (0.5, high.get(name, 100.0))
            fits = [s for s in (-1, 1) if part.min() + s * off > low and part.max() + s * off < top]
            return ([column], [np.round(part + rng.choice(fits) * off, 1)], size) if fits else None
        if error == "drop_out" and water:
            return [column], [np.zeros(at_most(1, 2))], 0.0
        if error == "dead_row":
            return every, [np.zeros(at_most(1, 2))] * len(every), 0.0
        if error == "unit" and (water or (name == "pe" and runs)):
            n = at_most(3, 24) if water else at_most(4, 8)
            return [column], [np.round(truth[at : at + n, column] * rng.choice([0.1, 10.0]), 2)], 0
        if error == "frozen" and temperature:
            return [column], [np.full(at_most(24, 71), truth[at - 1, column])], 0.0
        if error == "repeated_row":
            n = at_most(2, 16)
            return every, [np.full(n, truth[at - 1, c]) for c in every], 0.0
        if error == "counter_jump" and name == "e":
            jump = -rng.uniform(0.5, 50.0) if rng.random() < 0.6 else rng.uniform(30.0, 1e4)
            return [column], [truth[at : at + at_most(1, 3), column] + jump], 0.0
        if error == "counter_zero" and name == "e":
            return [column], [np.zeros(at_most(1, 29))], 0.0
        if error == "swapped" and name in ("t_sup_prim", "t_sup_sec") and runs:
            n, other = at_most(6, 24), self.names.index(name.replace("sup", "ret"))
            pair = truth[at : at + n, [column, other]]
            if (pair[:, 0] - pair[:, 1]).min() > 3.0:
                return [column, other], [pair[:, 1].copy(), pair[:, 0].copy()], 0.0
        if error == "power" and name == "pe" and runs:
            n = at_most(8, 23)
            return [column], [np.round(truth[at : at + n, column] * rng.choice([0.4, 2.2]), 1)], 0
        return None


def spoil(rows: pd.DataFrame, place: str, seed: int, share: float = 0.01) -> Spoilt:
    """Return the rows with errors in them; each kind gets an equal part of the wrong cells."""
    rng = np.random.default_rng(seed)
    made = _Spoiler(rows, rng)
    values, label = made.truth.copy(), np.zeros(made.truth.shape, "u1")
    sizes = np.zeros(made.truth.shape)
    for number, error in enumerate(ERRORS, start=1):
        wanted, tries = made.truth.size * share / len(ERRORS), 0
        while (label == number).sum() < wanted:
            tries += 1
            if tries > 40_000:
                break  # no more room for this kind in so short a log
            at, column = int(rng.integers(60, len(rows) - 120)), int(rng.integers(len(KINDS)))
            found = made.one(error, at, column)
            if found is None:
                continue
            columns, new, size = found
            n = new[0].size
            around = slice(at - 6, at + n + 6)
            if label[around][:, columns].any() or np.diff(made.times[around]).max() > 4 * 3600:
                continue
            for c, column_values in zip(columns, new, strict=True):
                values[at : at + n, c] = column_values
                label[at : at + n, c] = number
                sizes[at : at + n, c] = size
    return Spoilt(as_table(rows, place, values), made.truth, label, sizes)
