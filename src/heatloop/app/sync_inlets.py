"""Where records come from by themselves: files in a drop folder, and a system that is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import structlog

from heatloop.app.history import in_thread
from heatloop.app.sync_settings import SYSTEM, SyncSettings
from heatloop.app.views.sync import SyncRun
from heatloop.app.weather_sources import secret_file
from heatloop.bridge.sync.client import MOST_PAGES, PullClient
from heatloop.bridge.sync.records import Incoming, from_plain, from_row
from heatloop.bridge.sync.rules import Unfit
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.kernel.scope import Scope
from heatloop.security.access import Principal, Role
from heatloop.store.records.sync_feed import SyncFeed
from heatloop.store.tables import read_tables

_log = structlog.get_logger("heatloop.sync")
_AT_ONCE = 1000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_FILES = 50
# A file is read when nobody has written to it for so long, machine time.
_STILL_S = 2.0
DONE, FAILED = "done", "failed"
UNKNOWN = "unknown"
Take = Callable[..., Awaitable[SyncRun]]
Read = tuple[list[Incoming], list[tuple[Incoming, Unfit]]]


class Inlets:
    """Looks into the folder and asks the other system.

    Args:
        settings: Where.
        feed: Keeps how far a system was asked.
        take: Takes a batch in.
    """

    def __init__(self, settings: SyncSettings, feed: SyncFeed, take: Take) -> None:
        self._settings, self._feed, self._take = settings, feed, take
        self._client: PullClient | None = None
        if settings.pull_url:
            self._client = PullClient(
                settings.pull_url,
                token=secret_file(settings.pull_token_file, "sync.pull_token_file"),
                ca_file=settings.pull_ca_file,
                timeout_s=settings.timeout_s,
            )
        self._asking, self._looking = asyncio.Lock(), asyncio.Lock()

    async def look(self, due: float) -> None:
        """Take in what lies in the folder and what the other system has."""
        del due
        if self._settings.drop_folder:
            async with self._looking:
                for path in await in_thread(waiting, Path(self._settings.drop_folder)):
                    await self._file(path)
        if self._client is not None:
            await self.pull(_speaker(self._settings.pull_system))

    async def _file(self, path: Path) -> None:
        """Take in one file and put it away with a report beside it."""
        system, error, runs = path.name.partition(".")[0], "", []
        try:
            if not SYSTEM.match(system):
                raise InputError("the name does not begin with a system", thing=path.name)
            good, bad = await in_thread(read_file, path)
        except HeatloopError as failed:
            good, bad, error = [], [], str(failed)
        system = system if SYSTEM.match(system) else UNKNOWN
        by = _speaker(system)
        for batch in _batches(good):
            runs.append(await self._take(by, system, "drop", batch, refused=bad, error=error))
            bad, error = [], ""
        await in_thread(put_away, path, DONE if not runs[0].error else FAILED, runs)

    async def pull(self, by: Principal) -> SyncRun:
        """Ask for everything since the last time; a page is kept before the next is asked for.

        A system that does not answer is a run with an error: it is asked again next time.
        """
        assert self._client is not None
        system = self._settings.pull_system
        async with self._asking:
            cursor = await in_thread(self._feed.cursor, f"pull:{system}")
            for _ in range(MOST_PAGES):
                try:
                    page = await self._client.page(cursor)
                except HeatloopError as error:
                    _log.warning("system not asked", system=system, error=str(error))
                    return await self._take(by, system, "pull", [], error=str(error))
                good, bad = _sorted(page.records, from_plain)
                run = await self._take(by, system, "pull", good, refused=bad)
                # Only now: what was not kept is asked for again after a restart.
                await in_thread(self._feed.keep_cursor, f"pull:{system}", page.cursor)
                stuck, cursor = page.cursor == cursor, page.cursor
                if not page.more or stuck:
                    return run
            return run


def _speaker(system: str) -> Principal:
    return Principal(
        user=f"sync:{system}"[:64], roles=frozenset((Role.INTEGRATOR,)), scope=Scope.everything()
    )


def _batches(records: list[Incoming]) -> Iterable[list[Incoming]]:
    yield records[:_AT_ONCE]
    for begin in range(_AT_ONCE, len(records), _AT_ONCE):
        yield records[begin : begin + _AT_ONCE]


def _sorted(rows: Iterable[Any], read: Callable[[Any], Incoming]) -> Read:
    """Return records that could be read, and those that could not with the reason."""
    good: list[Incoming] = []
    bad: list[tuple[Incoming, Unfit]] = []
    for row in rows:
        try:
            if not isinstance(row, dict):
                raise Unfit("", "记录不是对象", "the record is no object")
            good.append(read(row))
        except Unfit as unfit:
            told = row if isinstance(row, dict) else {}
            stub = Incoming(
                entity=str(told.get("entity", ""))[:40],
                source_id=str(told.get("id", ""))[:64],
                revision=0,
                changed_s=0.0,
            )
            bad.append((stub, unfit))
    return good, bad


def waiting(folder: Path) -> list[Path]:
    """Return the files of a folder that are complete, oldest first; call it in a thread."""
    try:
        files = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in (".csv", ".json")
            and not path.name.startswith(".")
            and path.is_file()
            and machine_s() - path.stat().st_mtime >= _STILL_S
        ]
        return sorted(files, key=lambda path: (path.stat().st_mtime, path.name))[:_MOST_FILES]
    except OSError as error:
        _log.warning("drop folder not read", folder=str(folder), error=str(error))
        return []


def read_file(path: Path) -> Read:
    """Return the records of a file; call it in a thread.

    Raises:
        InputError: It is too large or cannot be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError("the file is too large", thing=path.name, fix="send smaller files")
        if path.suffix.lower() == ".csv":
            return _sorted(next(iter(read_tables(path).values()), []), from_row)
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the file cannot be read: {error}", thing=path.name) from error
    rows = told.get("records") if isinstance(told, dict) else told
    if not isinstance(rows, list):
        raise InputError("the file holds no list of records", thing=path.name)
    return _sorted(rows, from_plain)


def put_away(path: Path, where: str, runs: list[SyncRun]) -> None:
    """Move a file to `done` or `failed` and write what became of it beside it."""
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    target = folder / f"{int(machine_s() * 1000)}-{path.name}"
    path.replace(target)
    report = {
        "runs": [run.id for run in runs],
        **{
            name: sum(getattr(run, name) for run in runs)
            for name in ("received", "applied", "kept", "unchanged", "stale", "unmatched",
                         "refused", "conflicts")
        },
        "error": runs[0].error,
        "refusals": [
            {"entity": bad.entity, "id": bad.id, "field": bad.field, "zh": bad.zh, "en": bad.en}
            for run in runs
            for bad in run.refusals
        ],
    }  # fmt: skip
    text = json.dumps(report, ensure_ascii=False, indent=2)
    target.with_name(target.name + ".report.json").write_text(text + "\n", "utf-8")
