"""The platform's secrets in files only their owner can read, or in the environment.

`keys.json` lists them; without it the first two files, `platform.ed25519` and `data.aes256`, are
all there is. A file holds a key as it is, or wrapped under a passphrase. The environment goes
before files: `HEATLOOP_KEY_DATA` and `HEATLOOP_KEY_SIGNING` hold keys in hexadecimal, the current
one first, older ones behind commas; `HEATLOOP_KEY_PASSPHRASE` or `HEATLOOP_KEY_PASSPHRASE_FILE`
open wrapped files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError
from heatloop.security.international import SigningKey
from heatloop.security.provider import cipher_named, data_key_id
from heatloop.security.providers import provider
from heatloop.security.sm import Sm2Key
from heatloop.store.key_wrap import passphrase_of, unwrap, wrap, write_secret

__all__ = [
    "DATA",
    "SIGNING",
    "HeldKey",
    "KeySet",
    "folder_keys",
    "index_of",
    "passphrase_of",
    "read_keys",
    "wrap",
    "write_secret",
]
SIGNING, DATA = "signing", "data"
INDEX = "keys.json"
FIRST_SIGNING, FIRST_DATA = "platform.ed25519", "data.aes256"
_VARIABLES = {DATA: "HEATLOOP_KEY_DATA", SIGNING: "HEATLOOP_KEY_SIGNING"}
_SIGNERS: dict[str, type[SigningKey]] = {"Ed25519": SigningKey, "SM2-SM3": Sm2Key}


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldKey:
    """A key of the platform."""

    kind: str
    """`signing` or `data`."""
    id: str
    """Id of the key."""
    algorithm: str
    """What it is for: `Ed25519`, `SM2-SM3`, `AES-256-GCM`, `SM4-GCM`, or a plug-in's."""
    secret: bytes = field(repr=False)
    """The key, or its label in a hardware module."""
    suite: str = ""
    """Plug-in that holds it; empty: a key in software."""
    current: bool = False
    """Whether new values are sealed, new documents signed with it."""
    made_at: float = 0.0
    """Machine time; 0: not known."""
    file: str = ""
    """File in the folder; empty: from the environment."""

    def signer(self) -> SigningKey:
        """Return what signs with it.

        Raises:
            ConfigError: Nothing here can.
        """
        if self.suite:
            # A plug-in's key signs like any other; only it knows how.
            return cast(SigningKey, provider(self.suite).signing_key(self.secret))
        made = _SIGNERS.get(self.algorithm)
        if made is None:
            raise ConfigError(
                "signing key of an unknown algorithm",
                thing=self.algorithm,
                place=self.file or _VARIABLES[SIGNING],
                fix="install the plug-in it was made with",
            )
        return made.from_bytes(self.secret)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySet:
    """All keys, and what gateways are told about them."""

    keys: tuple[HeldKey, ...] = ()
    """The keys, oldest first of each kind."""
    trust: tuple[Mapping[str, Any], ...] = ()
    """Documents that name the signing keys to trust, each signed by one trusted before."""
    from_environment: frozenset[str] = frozenset()
    """Kinds whose keys come from the environment and are not ours to change."""

    def current(self, kind: str) -> HeldKey | None:
        """Return the key in use of a kind."""
        return next((key for key in self.keys if key.kind == kind and key.current), None)

    def of(self, kind: str) -> tuple[HeldKey, ...]:
        """Return all keys of a kind."""
        return tuple(key for key in self.keys if key.kind == kind)

    def data(self) -> dict[str, bytes]:
        """Return the data keys by id."""
        return {key.id: key.secret for key in self.of(DATA)}

    def signers(self) -> list[SigningKey]:
        """Return what signs with each signing key."""
        return [key.signer() for key in self.of(SIGNING)]


def read_keys(
    read: Callable[[str], bytes | None], environ: Mapping[str, str] = os.environ, *, place: str = ""
) -> KeySet:
    """Return the keys of a folder or a backup of one.

    Args:
        read: Gives a file's content by name, None when there is no such file.
        environ: Environment variables.
        place: Where the files are, for messages.

    Raises:
        ConfigError: A key cannot be read. The message never holds a key.
    """
    passphrase = passphrase_of(environ)
    listed, trust = _listed(read(INDEX), place)
    outside: list[HeldKey] = []
    for kind, variable in _VARIABLES.items():
        outside += _from_environment(kind, variable, environ.get(variable, ""))
    kinds = frozenset(key.kind for key in outside)
    found = list(outside)
    for entry in listed or _first():
        if entry.kind in kinds:
            continue
        content = read(entry.file)
        if content is None:
            if listed:
                raise ConfigError(
                    "a key is missing",
                    thing=entry.file,
                    place=place,
                    fix="restore it from the backup",
                )
            continue
        secret = unwrap(content, passphrase, f"{place}/{entry.file}".lstrip("/"))
        found.append(_checked(replace(entry, secret=secret), place))
    return KeySet(keys=tuple(found), trust=tuple(trust), from_environment=kinds)


def _first() -> list[HeldKey]:
    """Return what there is before `keys.json` is written."""
    plain: dict[str, Any] = {"id": "", "secret": b"", "current": True}
    return [
        HeldKey(kind=SIGNING, algorithm="Ed25519", file=FIRST_SIGNING, **plain),
        HeldKey(kind=DATA, algorithm="AES-256-GCM", file=FIRST_DATA, **plain),
    ]


def _checked(key: HeldKey, place: str) -> HeldKey:
    """Return a key with its id, if it is one."""
    try:
        if key.kind == SIGNING:
            found = key.signer().key_id
        elif key.suite:
            provider(key.suite)  # from here on what it sealed can be opened
            found = key.id
        else:
            if len(key.secret) != cipher_named(key.algorithm).key_bytes:
                length = cipher_named(key.algorithm).key_bytes
                raise InputError(f"{len(key.secret)} bytes, not {length}")
            found = data_key_id(key.secret)
        if key.id and key.id != found:
            raise InputError("it is another key than keys.json says")
    except InputError as error:
        raise ConfigError(
            f"a key file is damaged: {error.message}",
            thing=f"{place}/{key.file}",
            fix="restore it from the backup",
        ) from None
    return replace(key, id=found)


def _from_environment(kind: str, variable: str, text: str) -> list[HeldKey]:
    found: list[HeldKey] = []
    for number, part in enumerate(text.split(",") if text else ()):
        algorithm, _, digits = part.strip().rpartition(":")
        try:
            secret = bytes.fromhex(digits)
            if kind == SIGNING:
                algorithm = algorithm or "Ed25519"
            else:
                algorithm = algorithm or {32: "AES-256-GCM", 16: "SM4-GCM"}[len(secret)]
            key = HeldKey(kind=kind, id="", algorithm=algorithm, secret=secret, current=number == 0)
            found.append(_checked(key, variable))
        except (ValueError, KeyError, HeatloopError):
            raise ConfigError(
                f"key number {number + 1} cannot be read",
                thing=variable,
                fix="give hexadecimal digits: 32 bytes, or 16 for SM4; commas between keys",
            ) from None
    return found


def _listed(text: bytes | None, place: str) -> tuple[list[HeldKey], list[Mapping[str, Any]]]:
    if text is None:
        return [], []
    try:
        plain = json.loads(text)
        keys = [HeldKey(secret=b"", **each) for each in plain["keys"]]
        return keys, list(plain["trust"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "list of keys is damaged", thing=f"{place}/{INDEX}", fix="restore it from the backup"
        ) from error


def index_of(keys: Iterable[HeldKey], trust: Iterable[Mapping[str, Any]]) -> bytes:
    """Return `keys.json` for these keys; it holds no secret."""
    names = ("kind", "id", "algorithm", "suite", "current", "made_at", "file")
    rows = [{name: getattr(key, name) for name in names} for key in keys if key.file]
    return json.dumps({"keys": rows, "trust": list(trust)}, indent=1).encode()


def reader(folder: Path) -> Callable[[str], bytes | None]:
    """Return what reads a folder's files by name.

    The reader raises ConfigError for a file others can read.
    """

    def read(name: str) -> bytes | None:
        path = folder / name
        if not path.exists():
            return None
        if path.stat().st_mode & 0o077:
            raise ConfigError(
                "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
            )
        return path.read_bytes()

    return read


def folder_keys(folder: Path, environ: Mapping[str, str] = os.environ) -> KeySet:
    """Return the keys of a folder.

    Raises:
        ConfigError: A key cannot be read, or others can read it.
    """
    return read_keys(reader(folder), environ, place=str(folder))
