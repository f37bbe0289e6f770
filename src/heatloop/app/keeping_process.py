"""A backup or trial restore as a process of its own: what it is told, and what it says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from heatloop.app.settings import Settings
from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.store.backup_job import Task
from heatloop.store.backup_keys import PASSPHRASE_FILE

_STOP_S = 10.0
_LINE_BYTES = 16 << 20


def passphrase_path(settings: Settings) -> str:
    """Return where the recovery passphrase stands."""
    return settings.backup.passphrase_file or str(settings.keys / PASSPHRASE_FILE)


def task_of(settings: Settings, op: str, **more: Any) -> Task:
    """Return a task for the target the settings name."""
    backup, s3 = settings.backup, settings.s3
    access = {name: getattr(s3, name) for name in s3.__slots__}
    given: dict[str, Any] = {
        "op": op,
        "data": str(settings.data),
        "to": backup.to,
        "passphrase_file": passphrase_path(settings),
        "s3": access,
        "records_url": settings.records_url,
        "keys": str(settings.keys),
        "config": str(settings.config or ""),
        "historian_url": settings.storage.historian_url,
        "historian_password_file": settings.storage.historian_password_file,
        "files_to": settings.files.to,
        "encrypted": not backup.plaintext,
        "keep_full": backup.keep_full,
        "zone": settings.company.time_zone,
    }
    return Task(**(given | more))


async def run_task(task: Task, told: Callable[[float], None]) -> dict[str, Any]:
    """Do a task in a process of its own; return what came of it.

    Args:
        task: What to do.
        told: Called with the share done, 0 to 1.

    Raises:
        LinkError: It could not be done.
        ConfigError: The settings do not allow it.
    """
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "heatloop.store.backup_job"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    words = asyncio.create_task(process.stderr.read())
    try:
        process.stdin.write(task.to_json().encode())
        process.stdin.close()
        last: dict[str, Any] = {}
        async for line in process.stdout:
            last = json.loads(line)
            if "progress" in last:
                told(float(last["progress"]))
        await process.wait()
    except BaseException:
        await _end_process(process)
        raise
    finally:
        await asyncio.gather(words, return_exceptions=True)
    if "done" in last:
        return dict(last["done"])
    why = str(last.get("error") or words.result()[-400:].decode("utf-8", "replace"))
    raise (ConfigError if last.get("kind") == "ConfigError" else LinkError)(why)


async def _end_process(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
