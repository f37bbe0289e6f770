"""Adds replicas and shards to a running historian process: change the address, send SIGHUP."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.store.historian import clickhouse_url
from heatloop.store.historian.clickhouse_cluster import ClusterHistorian
from heatloop.store.historian.clickhouse_open import grow
from heatloop.store.historian.engine_choice import read_password, state_folder


def grow_on_hangup(
    historian: ClusterHistorian, config: Path, *, data: Path, zone: ZoneInfo, password_file: str
) -> None:
    """Take over what `[storage] historian_url` of this file says whenever SIGHUP comes.

    A file that is wrong is told to the log; the historian goes on as it was.
    """
    log = structlog.get_logger("historian")
    tasks: set[asyncio.Task[None]] = set()

    async def again() -> None:
        try:
            url = clickhouse_url.parse(read_url(config))
            password = read_password(password_file)
            await asyncio.to_thread(
                grow, historian, url, password, zone=zone, state=state_folder(data)
            )
        except HeatloopError as error:
            log.error("historian does not grow", error=str(error))
        else:
            log.info("historian has grown", shards=len(historian.replicas.shards))

    def hangup() -> None:
        task = asyncio.get_running_loop().create_task(again())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup)


def read_url(config: Path) -> str:
    """Return the historian's address in `heatloop.toml`.

    Raises:
        ConfigError: The file cannot be read or names none.
    """
    try:
        url = tomllib.loads(config.read_text("utf-8"))["storage"]["historian_url"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"no historian address: {error}",
            thing=str(config),
            place="storage.historian_url",
            fix="give the address with the replicas added",
        ) from error
    return str(url)
