"""The `city` process: `python -m heatloop.demo.process --data DIR`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from heatloop.demo.checkpoint import load_city
from heatloop.demo.city import City
from heatloop.demo.field import COAP_PORT, Field
from heatloop.demo.ledger import BASE_PORT
from heatloop.demo.runner import FASTEST_FREE, TICK_S, Runner
from heatloop.demo.sizes import DEFAULT_SIZE, SIZES
from heatloop.demo.truth_file import write_truth
from heatloop.kernel.clock import ClockState, machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="heatloop.demo.process", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument("--seed", type=int, default=1, help="which city")
    parser.add_argument("--size", choices=sorted(SIZES), default=DEFAULT_SIZE, help="how large")
    parser.add_argument("--speed", type=float, default=1.0, help="plant seconds a second, to 60")
    parser.add_argument("--lockstep", action="store_true", help="ticks wait for all gateways")
    parser.add_argument("--start", default="", help="plant time, ISO 8601 or seconds; else now")
    parser.add_argument("--base-port", type=int, default=BASE_PORT, help="first Modbus port")
    parser.add_argument("--coap-host", default="127.0.0.1", help="address of the gateways")
    parser.add_argument("--coap-port", type=int, default=COAP_PORT, help="first gateway's port")
    return parser


def start_time_s(text: str) -> float:
    """Return the plant time a command line asks for, on a whole tick.

    Raises:
        ConfigError: It is no time with a zone.
    """
    if not text:
        seconds = machine_s()
    else:
        try:
            seconds = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError as error:
                raise ConfigError("not a time", thing=text, fix="give ISO 8601, UTC") from error
            if moment.tzinfo is None:
                raise ConfigError("time without a zone", thing=text, fix="add Z") from None
            seconds = moment.timestamp()
    return seconds // TICK_S * TICK_S


def _build(options: argparse.Namespace) -> Runner:
    folder: Path = options.data
    state_file = folder / "city" / "state.npz"
    extra: dict[str, Any] = {}
    kept: ClockState | None = None
    if state_file.exists():
        city, kept, extra = load_city(
            state_file, seed=options.seed, size=options.size, base_port=options.base_port
        )
    else:
        start_s = start_time_s(options.start)
        city = City(options.seed, options.size, start_s, base_port=options.base_port)
    write_truth(city, folder / "city")
    lockstep = options.lockstep or options.speed > FASTEST_FREE
    clock = kept
    if clock is None or clock.lockstep != lockstep:
        clock = ClockState(
            epoch=1 if kept is None else kept.epoch + 1,
            origin_machine_s=machine_s(),
            origin_plant_s=city.now_s,
            speed=0.0 if lockstep else options.speed,
            lockstep=lockstep,
        )
    tick_file = folder / "city" / "tick"
    if clock.lockstep and tick_file.exists():
        # The last tick told may be younger than the checkpoint; time never goes back.
        last = max(float(tick_file.read_text() or 0), city.now_s)
        clock = replace(clock, origin_plant_s=last)
    field = Field(city, folder / "city", coap_host=options.coap_host, coap_port=options.coap_port)
    if "counter" in extra:
        field.collectors.counter[:] = extra["counter"]
    return Runner(city, field, folder, clock)


async def _run(options: argparse.Namespace) -> None:
    runner = _build(options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop)
    await runner.run()


def main(arguments: list[str] | None = None) -> int:
    """Run a city until it is told to stop; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        if sys.platform == "win32":
            asyncio.run(_run(options))
        else:
            import uvloop

            uvloop.run(_run(options))
    except HeatloopError as error:
        logging.getLogger(__name__).error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
