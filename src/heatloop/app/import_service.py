"""Imports through the web: small files, run as jobs beside everything else."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any, TypeVar

import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian
from heatloop.app.import_guess import guess_file
from heatloop.app.import_map import read_map
from heatloop.app.import_rows import RowReader
from heatloop.app.import_run import Counts, ImportStore, RunOptions, name_run, run_import
from heatloop.app.import_targets import Targets
from heatloop.app.import_thread import FromThread, source_of, told
from heatloop.app.import_times import check_zone
from heatloop.app.import_views import facts_of, view
from heatloop.app.refusals import Refused
from heatloop.app.views.imports import ImportGuess, ImportPage, ImportRun
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger
from heatloop.security.access import Principal
from heatloop.store.bulk_journal import Journal, load_run, refused_csv, runs, save_run
from heatloop.store.bulk_sources import Source

R = TypeVar("R")
_log = structlog.get_logger("heatloop.imports")
_FUTURE_S = 86400
_LOOK_BYTES = 8 * 1024 * 1024
_KINDS = (".csv", ".txt", ".tsv", ".dat", ".parquet", ".pq", ".xlsx", ".xlsm", ".json", ".jsonl",
          ".ndjson")  # fmt: skip


class Imports:
    """Takes files, runs imports one at a time, and tells how they stand.

    Args:
        world: Points and plant time.
        historian: Where samples go.
        audit: Who imported what.
        folder: Journals of imports, and the files while they are imported.
    """

    def __init__(self, world: World, historian: AsyncHistorian, audit: Audit, folder: Path) -> None:
        self._world, self._historian, self._audit = world, historian, audit
        self._folder = folder
        self._one_at_a_time = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._live: dict[str, dict[str, Any]] = {}
        self._stopping = False

    async def guess(self, by: Principal, name: str, data: bytes, zone: str) -> ImportGuess:
        """Return what a file seems to hold, and a draft of its mapping.

        Raises:
            Refused: The file cannot be read.
        """
        del by
        suffix = _suffix(name)

        def look() -> ImportGuess:
            scratch = self._folder / "guess"
            scratch.mkdir(parents=True, exist_ok=True)
            path = scratch / f"{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
            try:
                path.write_bytes(data)
                return guess_file(path, zone=zone, ledger=self._world.ledger, name=name)
            finally:
                path.unlink(missing_ok=True)

        try:
            return await asyncio.to_thread(look)
        except InputError as error:
            raise _refused(error, name) from error

    async def start(
        self, by: Principal, name: str, data: bytes, mapping: bytes, *, dry_run: bool,
        overwrite: bool, zone: str,
    ) -> ImportRun:  # fmt: skip
        """Start an import; it runs on when this returns.

        Raises:
            Refused: File or mapping are wrong, or a point is not inside his scope.
        """
        suffix = _suffix(name)
        options = RunOptions(overwrite=overwrite, dry_run=dry_run)
        try:
            text = mapping.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused("invalid", place="map", detail="UTF-8") from error
        content = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        identity = name_run(content, text, options, zone)
        if identity in self._tasks:
            return await self.one(by, identity)
        folder = self._folder / identity

        def keep() -> dict[str, Any]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"source{suffix}").write_bytes(data)
            (folder / "map.toml").write_bytes(mapping)
            self._reader(folder, text, zone, by.scope)
            facts = facts_of(identity, name[:200], by.user, options, zone, machine_s())
            save_run(folder, facts)
            return facts

        try:
            facts = await asyncio.to_thread(keep)
        except InputError as error:
            raise _refused(error, name) from error
        await self._audit.add(
            by.user, "import.start", identity, file=name[:200], overwrite=overwrite, dry_run=dry_run
        )
        self._begin(facts, by.scope, options)
        return self._view(facts, by.scope)

    async def resume(self, by: Principal, identity: str) -> ImportRun:
        """Go on with an import that stopped.

        Raises:
            Refused: There is none, or its file is gone.
        """
        facts = await self._facts(by, identity)
        if identity in self._tasks:
            return self._view(facts, by.scope)
        if not list((self._folder / identity).glob("source.*")):
            raise Refused(
                "not_found", thing=str(facts["file"]), detail="上传的文件已删除 file gone"
            )
        options = RunOptions(overwrite=facts["overwrite"], dry_run=facts["dry_run"], resume=True)
        await self._audit.add(by.user, "import.resume", identity, file=facts["file"])
        facts |= {"state": "running", "error": ""}
        self._begin(facts, by.scope, options)
        return self._view(facts, by.scope)

    async def page(self, by: Principal, page: int, size: int) -> ImportPage:
        """Return a page of imports, newest first."""
        found = await asyncio.to_thread(lambda: list(runs(self._folder)))
        seen = [self._live.get(each["id"], each) for each in found if self._sees(by, each)]
        seen.sort(key=lambda each: float(each["started_at"]), reverse=True)
        start = (page - 1) * size
        items = [self._view(each, by.scope) for each in seen[start : start + size]]
        return ImportPage(total=len(seen), items=items)

    async def one(self, by: Principal, identity: str) -> ImportRun:
        """Return how an import stands.

        Raises:
            Refused: There is none inside his scope.
        """
        return self._view(await self._facts(by, identity), by.scope)

    async def refused(self, by: Principal, identity: str) -> bytes:
        """Return every refused reading as CSV.

        Raises:
            Refused: There is no such import inside his scope.
        """
        await self._facts(by, identity)
        folder = self._folder / identity
        body = await asyncio.to_thread(lambda: b"".join(refused_csv(folder)))
        await self._audit.add(by.user, "import.refused_read", identity)
        return body

    async def close(self) -> None:
        """Stop running imports at their next chunk; they can be resumed."""
        self._stopping = True
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _facts(self, by: Principal, identity: str) -> dict[str, Any]:
        facts = self._live.get(identity)
        if facts is None:
            facts = await asyncio.to_thread(load_run, self._folder / identity)
        if facts is None or not self._sees(by, facts):
            raise Refused("not_found", thing=identity)
        return facts

    def _sees(self, by: Principal, facts: dict[str, Any]) -> bool:
        if facts["by"] == by.user or by.scope.holds(""):
            return True
        points = self._world.ledger.by_key
        keys = [int(key) for key in facts["points"]]
        return bool(keys) and all(
            key in points and self._world.sees(by.scope, points[key].asset) for key in keys
        )

    def _view(self, facts: dict[str, Any], scope: Scope) -> ImportRun:
        del scope
        if facts["state"] == "running" and facts["id"] not in self._tasks:
            facts = facts | {"state": "stopped"}
        return view(facts, self._world.ledger)

    def _reader(self, folder: Path, text: str, zone: str, scope: Scope) -> tuple[Source, RowReader]:
        mapping = read_map(text, zone=zone)
        if mapping.zone:
            check_zone(mapping.zone)
        targets = Targets(mapping, self._seen(scope))
        targets.check()
        source = source_of(next(folder.glob("source.*")), mapping)
        limit = int(max(self._world.now_s(), self._newest())) + _FUTURE_S
        return source, RowReader(mapping, targets, source.headings, limit)

    def _newest(self) -> int:
        slots = self._world.latest.slots
        return int(slots.max()) if len(slots) else 0

    def _seen(self, scope: Scope) -> Ledger:
        """Return a ledger whose points are those of the scope: others do not exist for him."""
        ledger = self._world.ledger
        codes = self._world.codes_in(scope)
        if codes is None:
            return ledger
        return Ledger(
            version=ledger.version,
            assets=ledger.assets.values(),
            devices=(),
            gateways=(),
            points=[point for point in ledger.points.values() if point.asset in codes],
            bindings=(),
            keys={},
        )

    def _begin(self, facts: dict[str, Any], scope: Scope, options: RunOptions) -> None:
        identity = facts["id"]
        self._live[identity] = facts
        task = asyncio.create_task(self._run(facts, scope, options), name=f"import {identity}")
        self._tasks[identity] = task
        task.add_done_callback(lambda _: self._tasks.pop(identity, None))

    async def _run(self, facts: dict[str, Any], scope: Scope, options: RunOptions) -> None:
        folder = self._folder / facts["id"]
        store = FromThread(self._historian, asyncio.get_running_loop())
        async with self._one_at_a_time:
            try:
                counts, complete = await asyncio.to_thread(
                    self._work, folder, facts, scope, options, store
                )
                state = "done" if complete else "stopped"
                facts |= {**told(counts), "state": state, "ended_at": machine_s()}
            except HeatloopError as error:
                facts |= {"state": "failed", "error": str(error), "ended_at": machine_s()}
            except asyncio.CancelledError:
                self._stopping = True  # the thread ends at its next chunk; it can be resumed
                raise
            except Exception as error:  # noqa: BLE001 - the run is told, the platform goes on
                _log.exception("import failed", id=facts["id"])
                facts |= {"state": "failed", "error": type(error).__name__, "ended_at": machine_s()}
        if facts["state"] == "done":
            facts["progress"] = 1.0
            for path in folder.glob("source.*"):
                path.unlink()
        await asyncio.to_thread(save_run, folder, facts)
        self._live.pop(facts["id"], None)
        counted = {name: facts[name] for name in ("rows_in", "stored", "refused", "repeated")}
        await self._audit.add(
            facts["by"], "import.end", facts["id"], state=facts["state"], **counted
        )

    def _work(
        self, folder: Path, facts: dict[str, Any], scope: Scope, options: RunOptions,
        store: ImportStore,
    ) -> tuple[Counts, bool]:  # fmt: skip
        text = (folder / "map.toml").read_text("utf-8-sig")
        source, reader = self._reader(folder, text, facts["zone"], scope)

        def show(done: float, counts: Counts) -> None:
            facts.update(told(counts), progress=done)

        journal = Journal(folder)
        try:
            return run_import(
                source, reader, store, journal, options, show=show, stop=lambda: self._stopping
            )
        finally:
            journal.close()


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in _KINDS:
        raise Refused("invalid", thing=name[:200], place="file", detail=" ".join(_KINDS))
    return suffix


def _refused(error: InputError, name: str) -> Refused:
    parts = [error.message, error.place, error.fix]
    detail = "; ".join(part for part in parts if part)
    return Refused("invalid", thing=error.thing or name[:200], place="file, map", detail=detail)
