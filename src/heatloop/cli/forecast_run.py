"""The work of `heatloop forecast backtest`: from options to a printed report."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.cli.clean_files import check_target, write
from heatloop.cli.forecast_table import Measured, measured
from heatloop.cli.progress import Progress
from heatloop.forecast.backtest import LEAST_DAYS, Backtest, backtest, origins_of
from heatloop.forecast.forecaster import LoadForecaster
from heatloop.forecast.grid import DAY_S
from heatloop.forecast.season_dates import seasons_of
from heatloop.kernel.errors import InputError

_CHINA = ("Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "Asia/Urumqi", "PRC")
_MOST_DAYS, _LEAST_BEFORE_DAYS = 150, 28
_MOST_HORIZON_H = 168.0
_SHOWN = (
    ("mae", "MAE"), ("rmse", "RMSE"), ("mape_pct", "MAPE %"), ("cvrmse_pct", "CVRMSE %"),
    ("mase", "MASE"), ("r2", "R2"), ("bias", "bias"), ("pinball", "pinball"),
    ("coverage80", "coverage of 80 % band"),
)  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the back-test and print its report.

    Raises:
        InputError: An option or the table is wrong.
    """
    if options.out is not None:
        check_target(options.out)
    issue_h, seasons = _hour(options.issue), seasons_of(options.season)
    weather = list(dict.fromkeys(c for group in options.weather for c in group))
    data = measured(
        options.data, options.time, options.target, weather, options.tz, _step(options.step)
    )
    steps = _steps(options.horizon, data.step_s)
    origins = _origins(data, options.since, options.until, issue_h, options.horizon)
    holidays = options.holidays == "cn" or (options.holidays == "auto" and data.zone in _CHINA)
    if data.notes["cumulative"]:
        print(
            f"heatloop: 该列只增不减，像是表底数 {options.target} only ever rises, as a meter's "
            "reading does; give power, or energy a step",
            file=sys.stderr,
        )
    known = data.load[np.isfinite(data.load)]
    forecaster = LoadForecaster(
        step_s=data.step_s,
        zone="UTC",  # the table is on the wall clock already
        holidays="CN" if holidays else "",
        # A few readings below zero are a meter's fault, many are the nature of the quantity.
        floor=0.0 if np.mean(known < 0.0) < 0.01 else None,
        seasons=seasons,
    )
    progress = Progress("backtest", len(origins))
    result = backtest(
        forecaster,
        data.times_s,
        data.load[:, None],
        data.weather,
        origins,
        steps,
        stopwatch=time.perf_counter,
        told=progress.show,
        boost=not options.no_trees,
    )
    progress.end()
    if options.out is not None:
        _write(options.out, result, data.step_s)
    report = _report(options, data, result, holidays)
    if options.json:
        print(json.dumps(_plain(report), ensure_ascii=False))
    else:
        _print(report)
    return 0


def _hour(text: str) -> float:
    try:
        hour, _, minute = text.partition(":")
        value = int(hour) + int(minute or 0) / 60.0
    except ValueError as error:
        raise InputError("时间格式错误 not a time of day", thing=text, fix="e.g. 06:00") from error
    if not 0.0 <= value < 24.0:
        raise InputError("时间超出一天 not a time of day", thing=text, fix="00:00 to 23:59")
    return value


def _step(minutes: float) -> int:
    step = round(minutes * 60.0) if math.isfinite(minutes) else -1
    if step and (step < 300 or DAY_S % step):
        raise InputError(
            "步长须整除一天 a step must divide a day", thing=f"--step {minutes:g}", fix="15 or 60"
        )
    return step


def _steps(horizon_h: float, step_s: int) -> int:
    if not 0.0 < horizon_h <= _MOST_HORIZON_H:
        raise InputError(
            "预测时长超限 horizon out of range",
            thing=f"--horizon {horizon_h:g}",
            fix=f"more than 0 and at most {_MOST_HORIZON_H:g} hours",
        )
    return max(1, round(horizon_h * 3600.0 / step_s))


def _day(text: str, option: str) -> float:
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    raise InputError("日期格式错误 not a date", thing=f"{option} {text}", fix="e.g. 2024-01-15")


def _origins(
    data: Measured, since: str, until: str, issue_h: float, horizon_h: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    step_h = data.step_s / 3600.0
    issue_h = math.floor(issue_h / step_h) * step_h
    days = np.unique(data.times_s[np.isfinite(data.load)] // DAY_S) * DAY_S
    if since:
        start = _day(since, "--from")
    else:
        count = min(max(len(days) // 3, 1), _MOST_DAYS)
        least = min(_LEAST_BEFORE_DAYS, max(2 * len(days) // 3, LEAST_DAYS))
        first = max(len(days) - count, least)
        if first >= len(days):
            raise InputError(
                f"只有 {len(days)} 天数据 only {len(days)} days of data",
                fix=f"at least {LEAST_DAYS + 1} are needed",
            )
        start = float(days[first])
    found = origins_of(data.times_s, "UTC", start, issue_h, 24.0, horizon_h * 3600.0)
    if until:
        found = found[found < _day(until, "--until") + DAY_S]
    # A day of which nothing was measured cannot be scored.
    known = set(days.tolist())
    return np.array(
        [o for o in found.tolist() if {o // DAY_S * DAY_S, (o // DAY_S + 1) * DAY_S} & known]
    )


def _report(
    options: argparse.Namespace, data: Measured, result: Backtest, holidays: bool
) -> dict[str, Any]:
    scores = result.report()
    model = scores.pop("model")
    return {
        "target": options.target,
        "step_s": data.step_s,
        "horizon_h": options.horizon,
        "issue": options.issue,
        "zone": data.zone or "wall clock of the table",
        "holidays": "CN" if holidays else "none",
        "first_issue": _text(result.start_s[0]),
        "last_issue": _text(result.start_s[-1]),
        "forecasts": len(result.start_s),
        **model,
        "training_s": result.training_s,
        "training_s_per_forecast": result.training_s / len(result.start_s),
        **scores,
        "cvrmse_vs_persistence": _ratio(model, scores["persistence_24h"], "cvrmse_pct"),
        "mae_vs_persistence": _ratio(model, scores["persistence_24h"], "mae"),
        "weights": dict(result.weights),
        "explained": dict(result.explained),
        "mase_scale": "mean absolute error of the day before, ahead of the first forecast",
        "mape_hours": "steps above 10 % of the mean",
        "weather_ahead": "as measured" if data.weather else "none",
        "data": data.notes,
    }


def _ratio(model: dict[str, float], naive: dict[str, float], name: str) -> float:
    return model.get(name, math.nan) / naive[name] if naive.get(name) else math.nan


def _text(time_s: float) -> str:
    return datetime.fromtimestamp(float(time_s), UTC).strftime("%Y-%m-%d %H:%M")


def _plain(value: Any) -> Any:
    """Return the same with nan as null and six digits."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _print(report: dict[str, Any]) -> None:
    print(
        f"{report['target']}: {report['forecasts']} forecasts 预测 of {report['horizon_h']:g} h, "
        f"{report['first_issue']} .. {report['last_issue']}, step {report['step_s']} s"
    )
    print(f"{'':24}{'heatloop':>12}{'day before':>12}{'week before':>12}")
    for name, shown in _SHOWN:
        cells = (report, report["persistence_24h"], report["weekly_naive"])
        values = [cell.get(name) for cell in cells]
        print(f"{shown:24}" + "".join("".rjust(12) if v is None else f"{v:12.4g}" for v in values))
    print(f"{'training, s':24}{report['training_s']:12.4g}")
    explained = report["explained"]
    if math.isfinite(explained["balance_c"]):
        print(
            f"balance temperature 平衡温度 {explained['balance_c']:.0f} degC, "
            f"{explained['w_k'] / 1000.0:.4g} per kelvin"
        )


def _write(path: Path, result: Backtest, step_s: int) -> None:
    import pyarrow as pa

    steps = result.middle.shape[1]
    issued = np.repeat(result.start_s, steps)
    lead = np.tile(np.arange(steps), len(result.start_s))

    def moments(seconds: np.ndarray[Any, Any]) -> pa.Array:
        return pa.array((seconds * 1e3).astype("i8"), pa.timestamp("ms"))

    columns = {
        "issued": moments(issued),
        "time": moments(issued + lead * float(step_s)),
        "lead_step": pa.array(lead + 1),
    }
    for name in ("actual", "low", "middle", "high", "persistence", "weekly"):
        values = getattr(result, name)[..., 0].reshape(-1)
        columns[name] = pa.array(values, mask=~np.isfinite(values))
    write(path, pa.table(columns))
