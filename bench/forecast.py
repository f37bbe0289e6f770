"""Forecast of heat load: measured substations, the demo city, and a fleet of 4,000 stations.

Rolling origin, issued at midnight, 24 h ahead, hourly. The substations are measured ones of
winter 2023-24 with the weather that came (no forecasts of it are published); the city has both.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.forecast_city import winter
from bench.lines import Lines, main
from heatloop.forecast.backtest import Backtest, backtest, origins_of
from heatloop.forecast.bands import Floats
from heatloop.forecast.fleet import FleetBatch, Issued, refit_and_forecast, train_boosted
from heatloop.forecast.forecaster import LoadForecaster, typical_error_k

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HEATLOOP_DATA", ROOT.parent / "shared" / "data"))
SETS = ("L4", "L8", "L12")
_FIRST = "2023-11-15"
_FLEET, _BATCH, _CORES = 4000, 250, 2
_ZONE = "Asia/Shanghai"


def substation(folder: Path, name: str) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Return times (wall clock), load (n, 1) and weather of a measured substation."""
    table = pq.read_table(folder / f"combined_hourly_{name}_to_2024.parquet")

    def column(heading: str) -> Floats:
        return np.array(table[heading].to_numpy(), float)

    times = table["datetime"].to_numpy().astype("datetime64[s]").astype("f8")
    weather = {
        "outdoor_c": column("t_amb"),
        "wind_ms": column("windspeed"),
        "humidity_pct": column("humidity"),
    }
    return times, column("qizm")[:, None], weather


def _substations(lines: Lines, folder: Path, quick: bool) -> None:
    inside: list[NDArray[np.bool_]] = []
    for name in SETS:
        times, load, weather = substation(folder, name)
        first = float(np.datetime64(_FIRST).astype("datetime64[s]").astype("i8"))
        origins = origins_of(times, "UTC", first, 0.0, 24.0, 86400.0)
        if quick:
            origins = origins[14:44]
        result = backtest(
            LoadForecaster(zone="UTC", holidays=""),
            times,
            load,
            weather,
            origins,
            24,
            stopwatch=time.perf_counter,
            boost=not quick,
        )
        told = result.report()
        model, naive = told["model"], told["persistence_24h"]
        lines.add(
            f"forecast.{name}.cvrmse_vs_persistence",
            model["cvrmse_pct"] / naive["cvrmse_pct"],
            "ratio",
            at_most=0.75,
            peer="persistence 24 h, CVRMSE %",
            peer_value=naive["cvrmse_pct"],
            note=f"{len(origins)} days; MAPE {model['mape_pct']:.1f} %, CVRMSE "
            f"{model['cvrmse_pct']:.1f} %, MASE {model['mase']:.3f}, R2 {model['r2']:.3f}, 80 % "
            f"band {model['coverage80']:.3f}; persistence MAPE {naive['mape_pct']:.1f} %, weekly "
            f"CVRMSE {told['weekly_naive']['cvrmse_pct']:.1f} %; {result.training_s:.0f} s",
        )
        known = np.isfinite(result.actual)
        inside.append(((result.actual >= result.low) & (result.actual <= result.high))[known])
    lines.add(
        "forecast.coverage80",
        float(np.mean(np.concatenate(inside))),
        "share",
        at_least=0.76,
        at_most=0.84,
        note="all hours of the sets together; bar 0.76 to 0.84",
    )


def _fleet_batches(folder: Path, count: int) -> list[FleetBatch]:
    """Return stations made of the measured ones: scaled, moved by hours, with own noise."""
    times, _, weather = substation(folder, "L4")
    keep = slice(-150 * 24, None)
    times, weather = times[keep], {name: values[keep] for name, values in weather.items()}
    base = np.column_stack([substation(folder, name)[1][keep, 0] for name in SETS])
    rng = np.random.default_rng(4)
    now = len(times) - 72
    batches = []
    for first in range(0, count, _BATCH):
        size = min(_BATCH, count - first)
        kinds = rng.integers(0, len(SETS), size)
        moved = [
            np.roll(base[:, k], int(s))
            for k, s in zip(kinds, rng.integers(-3, 4, size), strict=True)
        ]
        heat = np.column_stack(moved) * rng.uniform(0.3, 3.0, size)
        heat *= np.exp(rng.normal(0.0, 0.05, heat.shape))
        heat[now:] = np.nan
        batches.append(
            FleetBatch(
                subjects=tuple(f"station {first + k}" for k in range(size)),
                start_s=float(times[now]),
                times_s=times,
                load=heat,
                weather=weather,
                zone="UTC",
                holidays="",
            )
        )
    return batches


def _fleet(lines: Lines, folder: Path, quick: bool) -> None:
    count = 2 * _BATCH // 5 if quick else _FLEET
    batches = _fleet_batches(folder, count)
    started = time.perf_counter()
    trained = None if quick else train_boosted(batches[0])
    training = time.perf_counter() - started
    batches = [replace(batch, boosted=trained) for batch in batches]
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_CORES, mp_context=context) as pool:
        issued: list[Issued] = [x for part in pool.map(refit_and_forecast, batches) for x in part]
    spent = time.perf_counter() - started
    worked = os.times().children_user + os.times().children_system
    whole = sum(bool(np.isfinite(each.bands.middle).all()) for each in issued)
    blends = sum(each.method == "blend" for each in issued)
    lines.add(
        f"forecast.fleet_{count}_s",
        spent,
        "s",
        at_most=180.0,
        note=f"refit and 72 h hourly forecast of {whole} stations on two processes from a cold "
        f"start, {blends} blends, {worked:.0f} s of processor time; the weekly training of the "
        f"trees: {training:.0f} s; load average {os.getloadavg()[0]:.1f}",
    )


def _city(lines: Lines, quick: bool) -> None:
    size, days, tested = ("small", 34, 5) if quick else ("medium", 91, 28)
    started = time.perf_counter()
    here = winter(size, days)
    simulated = time.perf_counter() - started
    origins = here.times_s[(days - tested) * 24 :: 24]

    def run(made: LoadForecaster, *, told: bool, boost: bool) -> Backtest:
        return backtest(
            made,
            here.times_s,
            here.load_kw,
            here.weather,
            origins,
            24,
            stopwatch=time.perf_counter,
            ahead=here.ahead if told else None,
            outdoor_error_k=typical_error_k(24, 3600) if told else None,
            boost=boost,
        )

    made, again = LoadForecaster(zone=_ZONE), LoadForecaster(zone=_ZONE)
    forecast = run(made, told=True, boost=not quick)
    # Trees learn from what was measured, so those of the first run are those of the second; each
    # speaks for days after its own training only.
    again.trees = made.trees
    perfect = run(again, told=False, boost=False)
    stations = range(here.load_kw.shape[1] - 1)

    def mape(result: Backtest, which: str, series: int) -> float:
        return result.report(series)[which]["mape_pct"]

    def all_mapes(result: Backtest, which: str) -> Floats:
        return np.array([mape(result, which, k) for k in stations])

    ours, naive = all_mapes(forecast, "model"), all_mapes(forecast, "persistence_24h")
    better = int(np.sum(ours < naive))
    lines.add(
        "forecast.station_mape_pct",
        float(np.mean(ours)),
        "%",
        at_most=10.0,
        peer="persistence 24 h",
        peer_value=float(np.mean(naive)),
        note=f"mean of {len(ours)} stations with the weather forecast, worst {ours.max():.2f}; "
        f"with the weather that came {np.mean(all_mapes(perfect, 'model')):.2f}; {better} stations "
        f"better than persistence; {tested} days after {days - tested}, 80 % band "
        f"{forecast.report()['model']['coverage80']:.3f}; city simulated in {simulated:.0f} s, "
        f"forecast in {forecast.training_s + perfect.training_s:.0f} s",
    )
    source = len(ours)
    lines.add(
        "forecast.source_mape_pct",
        mape(forecast, "model", source),
        "%",
        at_most=5.0,
        peer="persistence 24 h",
        peer_value=mape(forecast, "persistence_24h", source),
        note="sum of all stations with the weather forecast; with the weather that came "
        f"{mape(perfect, 'model', source):.2f}",
    )


def run(lines: Lines, quick: bool) -> None:
    """Print all figures."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    data = DATA / "substations_nis"
    if data.is_dir():
        _substations(lines, data, quick)
        _fleet(lines, data, quick)
    else:
        print(f"no public data in {data}: set HEATLOOP_DATA", file=sys.stderr)
        lines.missed.append("substations")
    _city(lines, quick)


if __name__ == "__main__":
    sys.exit(main(run, "forecast", sys.argv[1:]))
