"""Two days of a small district at 30 s, as registers give it, with 1 % errors put in by hand.

The signals move as real ones do: weather, loops that hunt a little, make-up saw-teeth, meters
with noise and resolution, set-point changes, pumps that stop; counters roll over. None of that
is an error. Errors are those of the field: open circuits, spikes, drop-outs to zero, a unit
mistaken after a parameter change, stuck sensors, counters set back, a meter out of balance.
"""

from dataclasses import dataclass

import numpy as np

from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point

STEP_S = 30
N_SLOT = 5760
START_S = 1_768_000_000 // STEP_S * STEP_S
KINDS = (
    "secondary_supply_temperature", "secondary_return_temperature", "secondary_supply_pressure",
    "secondary_return_pressure", "secondary_flow", "secondary_heat_power",
    "secondary_heat_total", "primary_supply_temperature", "primary_return_temperature",
    "primary_flow", "valve_opening", "tank_level",
)  # fmt: skip
CLASSES = ("open_circuit", "spike", "drop_out", "unit", "frozen", "counter", "balance")


@dataclass(frozen=True)
class Labelled:
    points: list  # (Point, factor) in key order
    values: np.ndarray  # as sent, shape (n_slot, n_point)
    truth: np.ndarray  # before errors were put in, same shape
    label: np.ndarray  # 0 good, 1.. index into CLASSES plus one, same shape


def _red_noise(rng, n, sd, minutes):
    """First-order noise of this standard deviation and correlation time."""
    keep = np.exp(-STEP_S / (60.0 * minutes))
    shocks = rng.normal(0.0, sd * np.sqrt(1 - keep**2), n)
    out = np.empty(n)
    level = rng.normal(0.0, sd)
    for i in range(n):
        level = keep * level + shocks[i]
        out[i] = level
    return out


def _sawtooth(phase, height, filling):
    """Falls slowly through most of the phase and is filled up in the last part of it."""
    falling = height * (0.5 - phase / (1 - filling))
    return np.where(phase < 1 - filling, falling, height * ((phase - 1) / filling + 0.5))


def _unit(rng, outdoor):
    """True signals of one unit, columns in the order of KINDS."""
    n = outdoor.size
    hours = np.arange(n) * STEP_S / 3600.0
    wanted = 42.0 - 1.6 * outdoor + rng.normal(0, 2)
    for _ in range(3):  # the dispatcher changes the set-point; the loop takes some minutes
        at = rng.integers(100, n - 100)
        wanted[at:] += rng.choice([-4.0, 3.0, 5.0]) * -np.expm1(-np.arange(n - at) / 12.0)
    supply = wanted + _red_noise(rng, n, 0.25, 3) + rng.normal(0, 0.05, n)
    speed = np.full(n, 1.0)
    for _ in range(2):
        speed[rng.integers(100, n - 100) :] *= rng.uniform(0.88, 1.1)
    if rng.random() < 0.3:
        at = rng.integers(200, n - 200)
        speed[at : at + rng.integers(10, 60)] = 0.0
    flow = rng.uniform(90, 220) * speed * (1 + _red_noise(rng, n, 0.006, 10))
    flow *= 1 + rng.normal(0, 0.004, n)
    drop = 11.0 + 0.25 * (10 - outdoor) + _red_noise(rng, n, 0.2, 40)
    back = supply - drop + rng.normal(0, 0.05, n)
    power = 983.0 * 4.187 / 3600.0 * flow * (supply - back) * (1 + rng.normal(0, 0.006, n))
    # One counter in ten stands near the top of its 32 bits and rolls over within the two days.
    base = 2.0**32 - 2e4 if rng.random() < 0.1 else rng.uniform(1e5, 5e6)
    total = np.mod(np.floor(base + np.cumsum(power) * STEP_S / 3600.0), 2.0**32)
    tooth = np.mod(hours / rng.uniform(1.5, 6) + rng.random(), 1.0)
    static = rng.uniform(250, 700)
    return_kpa = static + _sawtooth(tooth, 40.0, 0.02) + rng.normal(0, 1.5, n)
    supply_kpa = return_kpa + 190 * speed**2 + rng.normal(0, 2.0, n)
    t1 = 95.0 - outdoor + _red_noise(rng, n, 0.6, 30)
    t2 = back + 3.0 + _red_noise(rng, n, 0.3, 20)
    primary = np.maximum(0.0, power / (1.14 * np.maximum(t1 - t2, 5.0))) * (
        1 + rng.normal(0, 0.008, n)
    )
    valve = np.clip(55 + 1.2 * (3 - outdoor) + _red_noise(rng, n, 2.0, 8), 0, 100)
    tank = (
        1.35
        + _sawtooth(np.mod(hours / rng.uniform(5, 11), 1.0), 0.5, 0.04)
        + rng.normal(0, 0.004, n)
    )
    return np.column_stack(
        (supply, back, supply_kpa, return_kpa, flow, power, total, t1, t2, primary, valve, tank)
    )


def _rounded(values):
    decimals = [point_kinds()[kind].decimals for kind in KINDS]
    digits = {"secondary_flow": 2, "primary_flow": 2}
    for column in range(values.shape[1]):
        name = KINDS[column % len(KINDS)]
        places = digits.get(name, decimals[column % len(KINDS)])
        values[:, column] = np.round(values[:, column], places)
    return values


def _spoil(rng, cls, values, column):
    """Return (start, new values) of one error of this class, or None where it makes no sense."""
    kind = KINDS[column % len(KINDS)]
    n = values.shape[0]
    at = int(rng.integers(400, n - 800))
    now = values[at, column]
    counter = kind.endswith("_total")
    long = int(rng.integers(1, 3))
    temperature, pressure = kind.endswith("temperature"), kind.endswith("pressure")
    plain = temperature or pressure or kind.endswith("flow") or kind == "secondary_heat_power"
    if cls == "open_circuit" and plain:
        top = 3276.7 if temperature else 65535.0 if pressure else 42949672.95
        return at, np.full(rng.integers(1, 8), rng.choice([top, -top if temperature else top]))
    if cls == "spike" and plain and now > 5:
        size = rng.uniform(5, 40) if temperature else now * rng.uniform(0.3, 0.9)
        if pressure:
            size = max(size, 80.0)
        sign = 1.0 if now - size < 0 else rng.choice([-1.0, 1.0])
        return at, np.round(values[at : at + long, column] + sign * size, 1)
    if cls == "drop_out" and plain and now > 25:
        return at, np.zeros(long)
    if cls == "unit" and plain and now > 25:
        factor = rng.choice([0.1, 0.001]) if pressure else rng.choice([0.1, 10.0])
        return at, values[at : at + rng.integers(3, 25), column] * factor
    if cls == "frozen" and temperature:
        return at, np.full(rng.integers(360, 760), now)
    if cls == "counter" and counter:
        jump = -rng.uniform(500, 50_000) if rng.random() < 0.6 else 2.0 ** rng.integers(15, 24)
        spoilt = values[at : at + long, column] + np.round(jump)
        return (at, spoilt) if spoilt.min() > 0 and now < 4e9 else None
    if cls == "balance" and kind == "secondary_heat_power" and now > 500:
        return at, np.round(values[at : at + rng.integers(20, 60), column] * 2.2, 1)
    return None


def labelled_samples(seed=1, n_unit=20, share=0.01):
    """Return the labelled set; each class gets an equal part of the wrong samples."""
    rng = np.random.default_rng(seed)
    hours = np.arange(N_SLOT) * STEP_S / 3600.0
    outdoor = -4.0 + 5.0 * np.sin((hours - 9) * 2 * np.pi / 24) + _red_noise(rng, N_SLOT, 1.0, 180)
    truth = _rounded(np.column_stack([_unit(rng, outdoor) for _ in range(n_unit)]))
    values, label = truth.copy(), np.zeros(truth.shape, "u1")
    budget = truth.size * share / len(CLASSES)
    for number, cls in enumerate(CLASSES, start=1):
        placed = 0
        while placed < budget:
            column = int(rng.integers(values.shape[1]))
            spoilt = _spoil(rng, cls, truth, column)
            if spoilt is None:
                continue
            at, wrong = spoilt
            part = slice(at, at + wrong.size)
            around = slice(max(0, at - 40), at + wrong.size + 40)
            if label[around, column].any() or np.array_equal(truth[part, column], wrong):
                continue
            values[part, column] = wrong
            label[part, column] = number
            placed += wrong.size
    points = [
        (Point(code=f"UN{i // len(KINDS):04d}.{KINDS[i % len(KINDS)]}", key=i + 1,
               asset=f"UN{i // len(KINDS):04d}", kind=KINDS[i % len(KINDS)]), 1.0)
        for i in range(values.shape[1])
    ]  # fmt: skip
    return Labelled(points, values, truth, label)
