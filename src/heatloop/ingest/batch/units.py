"""Wrong units: single readings off by a power of ten, and whole series in another unit."""

from __future__ import annotations

import numpy as np

from heatloop.ingest.balance import KW_PER_M3H_K
from heatloop.ingest.batch.model import Bools, Finding, Floats, Index, Rule, Severity
from heatloop.ingest.batch.physics import SIDES, columns_by_kind
from heatloop.ingest.batch.working import Working

_TOLERANCE = 0.06
_COMPANY = 3
_JUMP = 0.12
_LONGEST = 300
_RENAMED = (Rule.RANGE, Rule.SPIKE, Rule.LEVEL, Rule.BALANCE)
# Ratios of what a series may be written in to the house unit.
_UNITS = {
    "kPa": ((1e-3, "MPa"), (1e-2, "bar"), (1.0 / 9.80665, "mH2O"), (1e3, "Pa")),
    "kW": ((1e-3, "MW"), (0.0036, "GJ/h"), (1e3, "W"), (10.0, "x10"), (0.1, "/10")),
    "kWh": ((1e-3, "MWh"), (0.0036, "GJ"), (1e3, "Wh"), (10.0, "x10"), (0.1, "/10")),
    "degC": ((10.0, "x10"), (100.0, "x100"), (0.1, "/10")),
}
# Where the middle of a running series of a unit lies, when its kind does not say more closely.
_USUAL = {"kPa": (60.0, 2500.0), "degC": (3.0, 150.0)}


def find_decades(work: Working) -> None:
    """Mark runs of a temperature or pressure that go a power of ten away and come back."""
    for column, series in enumerate(work.table.series):
        if series.unit not in _USUAL or series.kind.startswith(("outdoor", "room")):
            continue
        rules = work.rules[:, column]
        usable = np.isin(rules, (Rule.NONE, Rule.RANGE, Rule.DEAD))
        rows = np.flatnonzero(usable & (np.nan_to_num(work.raw[:, column]) > 0.0))
        if rows.size < 10:
            continue
        line = work.raw[rows, column]
        low, high = np.quantile(line, (0.02, 0.98))
        decades = np.diff(np.log10(line))
        away = np.round(decades)
        jumps = np.flatnonzero((np.abs(away) >= 1) & (np.abs(decades - away) < _JUMP))
        for first, second in zip(jumps[:-1].tolist(), jumps[1:].tolist(), strict=True):
            if away[first] != -away[second] or second - first > _LONGEST:
                continue
            expected = line[first + 1 : second + 1] / 10.0 ** away[first]
            # Of two levels a decade apart the usual one is right.
            if low <= float(np.median(line[first + 1 : second + 1])) <= high:
                continue
            _name(work, rows[first + 1 : second + 1], column, expected)


def _name(work: Working, rows: Index, column: int, expected: Floats) -> None:
    work.mark(rows, column, Rule.UNIT, expected)
    work.rename(rows, column, Rule.UNIT)
    work.expected[rows, column] = expected


def name_units(work: Working) -> None:
    """Rename marks whose value is a power of ten off what was expected."""
    for column, series in enumerate(work.table.series):
        if series.counter:
            continue
        rows = np.flatnonzero(np.isin(work.rules[:, column], _RENAMED))
        wanted = work.expected[rows, column]
        rows = rows[np.isfinite(wanted) & (wanted > 0.0) & (work.raw[rows, column] > 0.0)]
        decades = np.log10(work.raw[rows, column] / work.expected[rows, column])
        near = np.round(decades)
        slipped = (np.abs(near) >= 1) & (np.abs(near) <= 3)
        slipped &= np.abs(decades - near) < _TOLERANCE
        # What may fall to nothing by itself passes every ratio: one reading there proves little.
        if series.unit not in _USUAL:
            slipped &= _in_company(rows, slipped)
        work.rename(rows[slipped], column, Rule.UNIT)


def _in_company(rows: Index, chosen: Bools) -> Bools:
    """Return which chosen rows stand in a run of at least three of them."""
    at = rows[chosen]
    number = np.cumsum(np.r_[True, np.diff(at) > 2]) if at.size else np.zeros(0, int)
    kept = chosen.copy()
    kept[chosen] = np.bincount(number)[number] >= _COMPANY if at.size else False
    return kept


def foreign_units(work: Working) -> list[Finding]:
    """Return a finding for every series that as a whole looks like one in another unit."""
    at = columns_by_kind(work)
    ratios: dict[int, float] = {}
    for side in SIDES:
        power, flow = at.get(f"{side}_heat_power"), at.get(f"{side}_flow")
        supply, back = at.get(f"{side}_supply_temperature"), at.get(f"{side}_return_temperature")
        if power is not None and flow is not None and supply is not None and back is not None:
            raw = work.trusted
            drop = raw[:, supply] - raw[:, back]
            expected = KW_PER_M3H_K * raw[:, flow] * drop
            known = np.isfinite(expected) & (expected > 0.2 * np.nanmax(expected, initial=0.0))
            if known.sum() >= 20:
                ratios[power] = float(np.nanmedian(raw[known, power] / expected[known]))
        total = at.get(f"{side}_heat_total")
        if power is not None and total is not None:
            ratio = _total_over_power(work, total, power)
            if ratio is not None and power not in ratios:
                ratios[total] = ratio
    found = []
    for column, series in enumerate(work.table.series):
        ratio = ratios.get(column) or _against_usual(work, column)
        if ratio is None or 0.5 < ratio < 2.0:
            continue
        for factor, name in _UNITS.get(series.unit, ()):
            if abs(np.log(ratio / factor)) < 0.35:
                found.append(_finding(work, column, factor, name))
                break
    return found


def _total_over_power(work: Working, total: int, power: int) -> float | None:
    energy, q = work.trusted[:, total], work.trusted[:, power]
    rows = np.flatnonzero(np.isfinite(energy) & np.isfinite(q))
    if rows.size < 50:
        return None
    hours = np.diff(work.times_s[rows]) / 3600.0
    near = hours < 3.0 * np.median(hours)
    passed = float((0.5 * (q[rows][1:] + q[rows][:-1]) * hours)[near].sum())
    steps = np.diff(energy[rows])[near]
    counted = float(steps[steps > 0.0].sum())
    return counted / passed if passed > 0.0 and counted > 0.0 else None


def _against_usual(work: Working, column: int) -> float | None:
    """Return typical over plausible where the middle of a series lies outside all that is usual."""
    series = work.table.series[column]
    usual = _USUAL.get(series.unit)
    values = work.raw[:, column]
    known = values[np.isfinite(values) & (values != 0.0)]
    if usual is None or known.size < 50 or series.kind.startswith(("outdoor", "room")):
        return None
    middle = float(np.median(np.abs(known)))
    if usual[0] <= middle <= usual[1]:
        return None
    centre = {"kPa": 400.0, "degC": 45.0}[series.unit]
    factors = [factor for factor, _ in _UNITS[series.unit]]
    return min(factors, key=lambda f: abs(np.log(middle / f / centre)))


def _finding(work: Working, column: int, factor: float, name: str) -> Finding:
    series = work.table.series[column]
    known = work.raw[np.isfinite(work.raw[:, column]), column]
    middle = float(np.median(known))
    return Finding(
        place=work.table.place,
        point=series.name,
        rule=Rule.UNIT,
        severity=Severity.HIGH,
        start_s=float(work.times_s[0]),
        end_s=float(work.times_s[-1]),
        samples=int(known.size),
        value=middle,
        expected=middle / factor,
        zh=f"整列数值疑似以 {name} 记录，而非 {series.unit}（相差约 {1 / factor:g} 倍）",
        en=f"the whole series looks written in {name}, not {series.unit} "
        f"(off by a factor of about {1 / factor:g})",
    )
