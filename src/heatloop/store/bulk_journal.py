"""The journal of an import: what is committed, so that a run that was killed goes on there.

A chunk is written down with its counts before its samples are stored and again after. So on
resuming, a chunk begun and not done is stored again with the counts of the first time; the store
keeps one value a point and second, so nothing is doubled.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from heatloop.kernel.errors import InputError

_MARK = "\ufeff"
REFUSED_HEAD = "line,tag,time,value,reason,zh,en\n"


class Journal:
    """One folder an import: `run.json`, `journal.jsonl`, `refused/<chunk>.csv`.

    Args:
        folder: Where; made when it is not there.

    Raises:
        InputError: The same import is running just now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "refused").mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise InputError("该导入正在运行 this import is running", thing=folder.name,
                             fix="wait until it has ended") from error  # fmt: skip
        self.begun: dict[int, dict[str, Any]] = {}
        """Counts by chunk, of those begun."""
        self.done: set[int] = set()
        """Chunks that are committed."""
        self.ended = False
        """Whether the import came to its end."""
        self._read()
        self._file: IO[bytes] = (folder / "journal.jsonl").open("ab")

    def _read(self) -> None:
        path = self.folder / "journal.jsonl"
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            with path.open("r+b") as file:  # the line a kill cut short
                file.truncate(whole)
        for line in data[:whole].splitlines():
            entry = json.loads(line)
            if "begin" in entry:
                self.begun[entry["begin"]] = entry
            elif "done" in entry:
                self.done.add(entry["done"])
            else:
                self.ended = True

    def begin(self, chunk: int, counts: Mapping[str, Any]) -> None:
        """Write down what a chunk will bring; durable on return."""
        entry = {"begin": chunk, **counts}
        self.begun[chunk] = entry
        self._write(entry)

    def commit(self, chunk: int) -> None:
        """Write down that a chunk is stored; durable on return."""
        self.done.add(chunk)
        self._write({"done": chunk})

    def end(self) -> None:
        """Write down that everything is stored; durable on return."""
        self.ended = True
        self._write({"end": True})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def refuse(self, chunk: int, data: bytes) -> None:
        """Keep the refused readings of a chunk, CSV without a head."""
        (self.folder / "refused" / f"{chunk:08d}.csv").write_bytes(data)

    def restart(self) -> None:
        """Forget what was: the import begins again."""
        self._file.truncate(0)
        self.begun.clear()
        self.done.clear()
        self.ended = False
        shutil.rmtree(self.folder / "refused")
        (self.folder / "refused").mkdir()

    def close(self) -> None:
        """Give the journal back."""
        self._file.close()
        self._lock.close()


def save_run(folder: Path, facts: Mapping[str, Any]) -> None:
    """Keep the state of a run, all of it or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "run.part"
    part.write_text(json.dumps(dict(facts), ensure_ascii=False), "utf-8")
    part.replace(folder / "run.json")


def load_run(folder: Path) -> dict[str, Any] | None:
    """Return the state of a run; None: there is none."""
    try:
        found = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def runs(top: Path) -> Iterator[dict[str, Any]]:
    """Yield the state of every run below a folder."""
    for path in sorted(top.glob("*/run.json")) if top.is_dir() else ():
        found = load_run(path.parent)
        if found is not None:
            yield found


def refused_csv(folder: Path) -> Iterator[bytes]:
    """Yield the refused readings of a run as CSV with a head and the mark Excel wants."""
    yield (_MARK + REFUSED_HEAD).encode()
    for path in sorted((folder / "refused").glob("*.csv")):
        yield path.read_bytes()
