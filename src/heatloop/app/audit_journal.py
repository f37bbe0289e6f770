"""The local journal: what must be written down when the trail cannot be.

One line an entry, each hashed onto the line before, signed, and on the disk before `append`
returns. When the trail can be written again the lines go into it in order, exactly once: how far
a journal was read is noted in the same commit as the entries.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from heatloop.app.audit_origin import origin
from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError, LinkError, UnsafeError
from heatloop.security.chain import GENESIS, SHA256, chain_hash
from heatloop.security.keys import KeyRing
from heatloop.security.provider import Signer
from heatloop.store.records.audit import AuditWish
from heatloop.store.records.audit_rows import DONE

_MARK = b"heatloop-audit-journal\x00"
_ENDING = ".journal"
_TEXTS = ("user", "action", "subject", "role", "address", "request")


class Keys(Protocol):
    """What signs lines, and what they are checked with; `PlatformKeys` is one."""

    @property
    def signing(self) -> Signer:
        """Return what signs now."""
        ...

    @property
    def ring(self) -> KeyRing:
        """Return the own public keys, older ones included."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the journal."""

    number: int
    """Place, from 1."""
    wish: AuditWish
    """What it says."""
    good: bool
    """Whether hash and signature fit."""


class Journal:
    """One file, appended to by one process; safe between threads, needs no event loop.

    Args:
        folder: Folder of the journal, made when first needed.
        keys: Sign every line.
    """

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._folder, self._keys = folder, keys
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._count, self._last = 0, GENESIS

    def reach(self) -> tuple[str, int]:
        """Return the name of the journal, empty while there is none, and how many lines it has."""
        with self._lock:
            self._find()
            return ("", 0) if self._path is None else (self._path.stem, self._count)

    def append(self, entry: Mapping[str, Any]) -> int:
        """Write an entry, on the disk on return; return its line, from 1.

        Args:
            entry: `user`, `action`, `subject` and what else `AuditWish` has; without `at` it is
                now, without `role`, `address` and `request` those of the request at hand.

        Raises:
            InputError: It holds more than plain, finite values.
            LinkError: The disk cannot be written.
        """
        here = origin()
        where = {"role": here.role, "address": here.address, "request": here.request}
        body: dict[str, Any] = {name: str(entry.get(name, where.get(name, ""))) for name in _TEXTS}
        body["detail"] = dict(entry.get("detail", {}))
        body["at"] = float(entry.get("at", machine_s()))
        body["result"] = str(entry.get("result", DONE))
        with self._lock:
            try:
                self._find()
                return self._write(body)
            except OSError as error:
                self._path = None
                raise LinkError(
                    f"the local journal cannot be written: {error.strerror}",
                    thing=str(self._folder),
                    fix="check the disk",
                ) from error

    def _write(self, body: dict[str, Any]) -> int:
        if self._path is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path = self._folder / f"{secrets.token_hex(8)}{_ENDING}"
            self._count, self._last = 0, GENESIS
        number = self._count + 1
        body = {**body, "n": number}
        digest = chain_hash(self._last, body, SHA256)
        key = self._keys.signing
        signature = key.sign(_MARK + digest.encode()).hex()
        signed = {"entry": body, "hash": digest, "key_id": key.key_id, "signature": signature}
        line = canonical(signed) + b"\n"
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            held = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, line) != len(line):
                    raise OSError(28, "the disk is full")
                os.fsync(descriptor)
            except OSError:
                # Half a line must not stand before the next one.
                os.ftruncate(descriptor, held)
                raise
        finally:
            os.close(descriptor)
        if fresh:
            self._settle()
        self._count, self._last = number, digest
        return number

    def _settle(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _find(self) -> None:
        """Take up the file that is there; half a line at its end is cut off."""
        if self._path is not None or not self._folder.is_dir():
            return
        there = sorted(self._folder.glob(f"*{_ENDING}"))
        if not there:
            return
        path = there[-1]
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) != len(data):
            with path.open("r+b") as file:
                file.truncate(len(whole))
                os.fsync(file.fileno())
        lines = whole.splitlines()
        self._path, self._count = path, len(lines)
        self._last = str(json.loads(lines[-1])["hash"]) if lines else GENESIS

    def lines(self, after: int = 0) -> list[Line]:
        """Return the lines behind one, each checked."""
        with self._lock:
            self._find()
            if self._path is None:
                return []
            data = self._path.read_bytes().splitlines()[: self._count]
        last, found = GENESIS, list[Line]()
        ring = self._keys.ring
        for number, text in enumerate(data, 1):
            line, last = _line(ring, number, text, last)
            if number > after:
                found.append(line)
        return found

    def finished(self, through: int) -> None:
        """Lay the file aside if it has no line behind one; the next line begins a new file."""
        with self._lock:
            self._find()
            if self._path is not None and self._count == through:
                self._path.replace(self._path.with_suffix(".done"))
                self._settle()
                self._path = None


def _line(ring: KeyRing, number: int, text: bytes, last: str) -> tuple[Line, str]:
    """Return a line, and the hash the next one stands on."""
    try:
        outer = decode(text)
        body = dict(outer["entry"])
        digest, signature = str(outer["hash"]), bytes.fromhex(outer["signature"])
        key_id = str(outer["key_id"])
        wish = AuditWish(
            at=float(body["at"]),
            detail=dict(body["detail"]),
            result=str(body["result"]),
            **{name: str(body[name]) for name in _TEXTS},
        )
    except (InputError, KeyError, TypeError, ValueError):
        told = {"line": number, "text": text[:400].decode("utf-8", "replace")}
        wish = AuditWish(
            at=machine_s(), user="system", action="audit.journal_spoilt", subject="", detail=told
        )
        return Line(number=number, wish=wish, good=False), last
    good = body.get("n") == number and chain_hash(last, body, SHA256) == digest
    try:
        ring.verify(key_id, _MARK + digest.encode(), signature)
    except UnsafeError:
        good = False
    return Line(number=number, wish=wish, good=good), digest
