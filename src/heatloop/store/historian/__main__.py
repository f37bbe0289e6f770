"""`python -m heatloop.store.historian --data DIR`: run the historian process."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop-historian", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="plant data folder")
    parser.add_argument("--zone", default="Asia/Shanghai", help="zone of the company's days")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(_run(given.data, _zone(given.zone)))
    except HeatloopError as error:
        sys.stderr.write(f"historian: {error}\n")
        return 2
    return 0


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError("unknown time zone", thing=name, fix="use an IANA name") from error


async def _run(data: Path, zone: ZoneInfo) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await serve(
        lambda: ChdbHistorian.open(data / "historian", zone=zone),
        data / "run" / "historian.sock",
        stopping,
    )


if __name__ == "__main__":
    sys.exit(main())
