"""`python -m heatloop.store.historian --data DIR`: run the historian process."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.store.historian.chdb_seal import key_of
from heatloop.store.historian.clickhouse_cluster import ClusterHistorian
from heatloop.store.historian.clickhouse_growth import grow_on_hangup
from heatloop.store.historian.engine_choice import open_historian
from heatloop.store.historian.port import Historian
from heatloop.store.historian.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop-historian", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="plant data folder")
    parser.add_argument("--zone", default="Asia/Shanghai", help="zone of the company's days")
    parser.add_argument(
        "--url",
        default=os.environ.get("HEATLOOP_STORAGE_HISTORIAN_URL", ""),
        help="server that keeps the series; none: the embedded engine in the data folder",
    )
    parser.add_argument(
        "--password-file",
        default=os.environ.get("HEATLOOP_STORAGE_HISTORIAN_PASSWORD_FILE", ""),
        help="file with the password at that server",
    )
    parser.add_argument(
        "--config", type=Path, help="heatloop.toml, read again on SIGHUP to add replicas"
    )
    parser.add_argument("--plain", action="store_true", help="make a new folder unencrypted")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(
            _run(
                given.data,
                _zone(given.zone),
                given.url,
                given.password_file,
                encrypt=not given.plain,
                config=given.config,
            )
        )
    except HeatloopError as error:
        sys.stderr.write(f"historian: {error}\n")
        return 2
    return 0


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError("unknown time zone", thing=name, fix="use an IANA name") from error


async def _run(
    data: Path,
    zone: ZoneInfo,
    url: str,
    password_file: str,
    *,
    encrypt: bool,
    config: Path | None,
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    key = None if url else key_of(data / "historian", data / "keys", encrypt=encrypt)

    def make() -> Historian:
        made = open_historian(url, data=data, zone=zone, password_file=password_file, key=key)
        if config is not None and isinstance(made, ClusterHistorian):
            loop.call_soon_threadsafe(
                partial(
                    grow_on_hangup,
                    *(made, config),
                    data=data,
                    zone=zone,
                    password_file=password_file,
                )
            )
        return made

    await serve(make, data / "run" / "historian.sock", stopping)


if __name__ == "__main__":
    sys.exit(main())
