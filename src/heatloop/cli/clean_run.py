"""One run of `heatloop clean`: file in, verdict, file out, report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa

from heatloop.cli import clean_files, clean_times
from heatloop.cli.clean_report import as_json, print_report, write_findings
from heatloop.cli.simulate_progress import LateProgress
from heatloop.ingest.batch.clocks import order_of
from heatloop.ingest.batch.judge import judge
from heatloop.ingest.batch.lost_heat import lost_heat
from heatloop.ingest.batch.model import Finding, Floats, Index, Marks, Rule, Table, Verdict
from heatloop.ingest.batch.profiles import headings_of, profile_names, series_of
from heatloop.ingest.batch.repair import Method, estimates, quality_with_estimates
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.units import convert
from heatloop.plant.kinds import point_kind

EXIT_OK, EXIT_DOUBTFUL = 0, 1


def run(options: argparse.Namespace) -> int:
    """Check a file.

    Raises:
        InputError: A file, a column or an option is wrong.
    """
    if options.data.resolve() == options.out.resolve():
        raise InputError(
            "输出会覆盖原始数据 the result would replace the raw data", thing=str(options.out),
            fix="write to another file",
        )  # fmt: skip
    if options.profile not in profile_names():
        known = ", ".join(profile_names())
        raise InputError("unknown profile", thing=options.profile, fix=f"use one of: {known}")
    clean_files.check_target(options.out)
    raw = clean_files.read(options.data)
    table, times, order, units, found = _table(options.data, raw, options)
    others = [_neighbour(path, options) for path in options.neighbour]
    progress = LateProgress("heatloop clean", 1.0)
    started = perf_counter()
    verdict = judge(table, others, progress=progress.show)
    took_s = perf_counter() - started
    progress.end()
    verdict.findings.extend(found)
    values, methods = estimates(verdict)
    flagged = _flagged(raw, verdict, order, units, values, methods)
    clean_files.write(options.out, flagged)
    heat, unmade = lost_heat(verdict)
    report = as_json(
        options, verdict, methods, times, raw.num_rows, took_s, heat=heat, unmade=unmade
    )
    if options.findings:
        write_findings(options.findings, verdict.findings)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, allow_nan=False))
    else:
        print_report(report)
    doubtful = float(report["doubtful_pct"])
    over = options.max_doubtful is not None and doubtful > options.max_doubtful
    return EXIT_DOUBTFUL if over else EXIT_OK


def _kinds(headings: list[str], options: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """Return (kind, unit) by heading."""
    chosen: dict[str, tuple[str, str]] = {}
    for text in options.column:
        heading, _, rest = text.partition("=")
        kind, _, unit = rest.partition(":")
        if heading not in headings or not kind:
            raise InputError(
                "列名或类型不对 no such column, or no kind", thing=f"--column {text}",
                fix="write HEADING=KIND or HEADING=KIND:UNIT",
            )  # fmt: skip
        chosen[heading] = (kind, unit or point_kind(kind).unit)
    for name in options.ignore:
        if name not in headings:
            raise InputError("没有这一列 no such column", thing=f"--ignore {name}")
    rest_of = [h for h in headings if h not in chosen and h not in options.ignore]
    taken = {kind for kind, _ in chosen.values()}
    known = headings_of(options.profile, rest_of)
    chosen |= {heading: pair for heading, pair in known.items() if pair[0] not in taken}
    return {heading: chosen[heading] for heading in headings if heading in chosen}


def _table(
    path: Path, raw: pa.Table, options: argparse.Namespace
) -> tuple[Table, clean_times.Times, Index, dict[str, str], list[Finding]]:
    """Return the checked columns in rising time, and which row of the file each row is."""
    heading = clean_times.time_heading(raw, options.time)
    times = clean_times.times(raw, heading, options.tz)
    kinds = _kinds([name for name in raw.column_names if name != heading], options)
    if not kinds:
        raise InputError(
            "没有可识别的列 no column is known to the profile", thing=str(path),
            fix="give --column HEADING=KIND[:UNIT]",
        )  # fmt: skip
    order, found = order_of(times.seconds, path.stem)
    series = []
    for name, (kind, unit) in kinds.items():
        values = clean_files.numbers(raw, name)[order]
        if not np.isfinite(values).any():
            raise InputError("这一列没有数值 this column holds no numbers", thing=name,
                             fix=f"--ignore {name}")  # fmt: skip
        series.append(series_of(name, kind, values, unit))
    table = Table(times_s=times.seconds[order], series=tuple(series), place=path.stem)
    return table, times, order, {name: unit for name, (_, unit) in kinds.items()}, found


def _neighbour(path: Path, options: argparse.Namespace) -> Table:
    plain = argparse.Namespace(**{**vars(options), "column": [], "ignore": [], "time": ""})
    return _table(path, clean_files.read(path), plain)[0]


def _flagged(
    raw: pa.Table, verdict: Verdict, order: Index, units: dict[str, str],
    values: Floats, methods: Marks,
) -> pa.Table:  # fmt: skip
    """Return the file's own columns as they were, with four more for each that was checked."""
    quality = quality_with_estimates(verdict, methods)
    out = raw
    clashes = [name for name in raw.column_names if "__" in name and name.split("__")[0] in units]
    if clashes:
        raise InputError("列名已被占用 heading is taken", thing=clashes[0], fix="rename it")
    for at, series in enumerate(verdict.table.series):
        back = _to_unit(series.unit, units[series.name])
        # Rows of a time read twice, or without a time, are in no rule's hands.
        codes = np.full(raw.num_rows, int(Quality.UNCERTAIN), "u1")
        reason = np.full(raw.num_rows, int(Rule.CLOCK), "u1")
        estimate, method = np.full(raw.num_rows, np.nan), np.zeros(raw.num_rows, "u1")
        codes[order], reason[order] = quality[:, at], verdict.rules[:, at]
        estimate[order], method[order] = back(values[:, at]), methods[:, at]
        added = {
            "quality": pa.array(codes),
            "reason": _words(reason, Rule),
            "estimate": pa.array(estimate, mask=np.isnan(estimate)),
            "method": _words(method, Method),
        }
        for name, column in added.items():
            out = out.append_column(f"{series.name}__{name}", column)
    return out


def _words(codes: Marks, names: type[Rule | Method]) -> pa.Array:
    words = pa.array(["" if each == 0 else each.name.lower() for each in names])
    return words.take(pa.array(codes.astype("i4")))


def _to_unit(house: str, unit: str) -> Callable[[Floats], Floats]:
    offset = convert(0.0, house, unit)
    scale = convert(1.0, house, unit) - offset
    return lambda values: values * scale + offset
