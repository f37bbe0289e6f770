"""Files that old control systems drop: a watched folder (`file_drop` of the settings).

A file in the folder of a device (named after its `address` or code) is of that device; one in the
folder itself names the device in a column. A file is read when it has stopped growing; then it is
moved to `done/`, or to `refused/` when nothing, or less than half of it, can be taken. Beside it
`<name>.reason.txt` says what was not taken. The same content a second time is not taken again.

Its samples carry their own time. Parameters: `zone=`, `decimal=` (`.` or `,`), `period=` (how
often a file comes, seconds). Columns: see `file_drop_columns`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.drivers.file_drop_columns import Columns
from heatloop.edge.drivers.file_drop_rows import FileReader, Taken
from heatloop.edge.drivers.listener import Listener, ListenerTools
from heatloop.edge.files import save_bytes, sync_folder
from heatloop.edge.index import ProfileIndex
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.plant.model import Device

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
NAME = "listener.file_drop"
DONE, REFUSED = "done", "refused"
MAX_FILE_BYTES = 16 << 20
_SUFFIXES = frozenset((".csv", ".txt", ".tsv", ".dat"))
_SCAN_S = 2.0
_QUIET_S = 10.0
_ROWS = 10_000
_MOST_DIGESTS = 20_000
_MOST_KEPT_FILES = 5_000
_State = tuple[int, int]


class FileDropListener(Listener):
    """Watches a folder.

    Args:
        tools: What the gateway lends.
        folder: The folder; made if missing.
        scan_s: Machine seconds between two looks.
        quiet_s: Machine seconds an unfinished last line is waited for.
    """

    def __init__(
        self,
        tools: ListenerTools,
        folder: Path,
        *,
        scan_s: float = _SCAN_S,
        quiet_s: float = _QUIET_S,
    ) -> None:
        super().__init__(tools)
        self._folder, self._scan_s, self._quiet_s = folder, scan_s, quiet_s
        self._log = folder / ".taken"
        self._digests: dict[str, None] = {}
        self._turn = asyncio.Lock()
        self._seen: dict[Path, tuple[_State, float]] = {}
        self._unreadable: set[tuple[Path, _State]] = set()
        self._names: dict[str, Device] = {}
        self._reader = FileReader({}, {}, tools.zone)

    def use(self, index: ProfileIndex) -> None:
        """Know the devices of this profile from now on."""
        devices = [d for d in index.reporting() if d.protocol == "file_drop"]
        self._names = {}
        for device in devices:
            for name in (device.code, device.address, device.asset):
                if name:
                    self._names.setdefault(name.casefold(), device)
        columns = {d.code: Columns(index.by_device[d.code]) for d in devices}
        self._reader = FileReader(columns, self._names, self.tools.zone)

    async def start(self) -> None:
        """Make the folders and remember what was taken.

        Raises:
            OSError: The folder cannot be used.
        """
        for name in ("", DONE, REFUSED):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        if self._log.exists():
            lines = self._log.read_text(encoding="ascii", errors="replace").splitlines()
            self._digests = dict.fromkeys(lines[-_MOST_DIGESTS:])

    async def stop(self) -> None:
        """Stop; nothing is pending."""

    async def run(self) -> None:
        """Look for files, for ever."""
        while True:
            try:
                await self.look()
            except OSError as error:
                _LOG.warning("drop folder cannot be read", reason=str(error))
            await asyncio.sleep(self._scan_s)

    async def look(self) -> None:
        """Look once and take the files that are complete."""
        async with self._turn:
            now_s = asyncio.get_running_loop().time()
            found = await asyncio.to_thread(self._complete, now_s)
            for path in found:
                await self._one(path)

    def _complete(self, now_s: float) -> list[Path]:
        """Return the files that have stopped growing."""
        ready: list[Path] = []
        present: set[Path] = set()
        for path in self._files():
            try:
                about = path.stat()
                state = (about.st_size, about.st_mtime_ns)
                present.add(path)
                before, since_s = self._seen.get(path, (None, now_s))
                if before != state:
                    self._seen[path] = (state, now_s)
                elif (path, state) in self._unreadable:
                    continue
                elif self._ends(path, about.st_size) or now_s - since_s >= self._quiet_s:
                    ready.append(path)
            except OSError:
                continue  # moved away meanwhile, or not yet to be read
        for gone in self._seen.keys() - present:
            del self._seen[gone]
        return ready

    def _files(self) -> Iterator[Path]:
        folders = [self._folder]
        for entry in sorted(self._folder.iterdir()):
            known = entry.name.casefold() in self._names
            if known and entry.is_dir() and not entry.is_symlink():
                folders.append(entry)
        for folder in folders:
            for entry in sorted(folder.iterdir()):
                wanted = entry.suffix.casefold() in _SUFFIXES and not entry.name.startswith(".")
                if wanted and entry.is_file() and not entry.is_symlink():
                    yield entry

    def _ends(self, path: Path, size: int) -> bool:
        """Return whether the last line is finished."""
        if size == 0:
            return False
        with path.open("rb") as file:
            file.seek(max(0, size - 4))
            return file.read().rstrip(b"\0")[-1:] in {b"\n", b"\r"}

    async def _one(self, path: Path) -> None:
        owner = None
        if path.parent != self._folder:
            owner = self._names.get(path.parent.name.casefold())
        who = NAME if owner is None else owner.code
        digest = ""
        try:
            data = await asyncio.to_thread(self._content, path)
            digest = hashlib.sha256(data).hexdigest()
            if digest in self._digests:
                await self._settle(path, DONE, "同一内容已采集过 / this content was taken before")
                return
            taken = await asyncio.to_thread(self._reader.read, data, owner, self.intake.now_s())
            if taken.good <= taken.bad:
                problems = "\n".join(taken.problems) or "no column is a point of the device"
                raise InputError(f"{taken.good} values good, {taken.bad} not\n{problems}")
            await self._keep(taken.batch())
        except InputError as error:
            self.intake.refuse(who, "malformed", f"{path.name}: {error.message[:200]}")
            await self._settle(path, REFUSED, f"文件未采集 / file refused: {error}")
            return
        except HeatloopError as error:
            _LOG.warning("file waits, it cannot be kept", file=path.name, reason=str(error))
            return
        except OSError as error:
            _LOG.warning("file cannot be read", file=path.name, reason=str(error))
            self.intake.refuse(who, "malformed", f"{path.name}: {error}")
            self._unreadable.add((path, self._seen[path][0]))
            return
        await self._taken(path, digest, taken, len(data))

    def _content(self, path: Path) -> bytes:
        if path.stat().st_size > MAX_FILE_BYTES:
            fix = "split it"
            raise InputError(f"more than {MAX_FILE_BYTES} bytes", thing=path.name, fix=fix)
        return path.read_bytes()

    async def _keep(self, batch: SampleBatch) -> None:
        for at in range(0, len(batch), _ROWS):
            part = slice(at, at + _ROWS)
            await self.intake.keep(
                SampleBatch(
                    batch.keys[part], batch.slots[part], batch.values[part], batch.quality[part]
                )
            )

    async def _taken(self, path: Path, digest: str, taken: Taken, size: int) -> None:
        self._digests[digest] = None
        while len(self._digests) > _MOST_DIGESTS:
            del self._digests[next(iter(self._digests))]
        lines = "".join(f"{each}\n" for each in self._digests).encode()
        await asyncio.to_thread(save_bytes, self._log, lines)
        for device, at_s in taken.devices.items():
            self.intake.came(device, at_s, size // len(taken.devices))
        reason = ""
        if taken.bad:
            count = f"{taken.good} 个值已采集，{taken.bad} 处未采集 / values taken, not taken"
            reason = "\n".join((count, *taken.problems))
        await self._settle(path, DONE, reason)

    async def _settle(self, path: Path, where: str, reason: str) -> None:
        await asyncio.to_thread(self._move, path, where, reason)
        self._seen.pop(path, None)

    def _move(self, path: Path, where: str, reason: str) -> None:
        folder = self._folder / where
        name = path.name if path.parent == self._folder else f"{path.parent.name}-{path.name}"
        target, n = folder / name, 1
        while target.exists():
            n += 1
            target = folder / f"{Path(name).stem}.{n}{path.suffix}"
        if reason:
            save_bytes(target.with_name(target.name + ".reason.txt"), f"{reason}\n".encode())
        os.replace(path, target)
        sync_folder(folder)
        sync_folder(path.parent)
        kept = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime_ns)
        for old in kept[:-_MOST_KEPT_FILES]:
            old.unlink(missing_ok=True)
