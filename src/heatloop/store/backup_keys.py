"""Keys of backups: each chain has a random key, sealed under the recovery passphrase.

Whoever restores needs the backup and the passphrase, nothing else; the platform's own keys are
inside the backup. Reference: RFC 9106 (Argon2id).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2.low_level import Type, hash_secret_raw

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.security.keys import key_id_of, seal, unseal

PASSPHRASE_FILE = "backup.passphrase"
"""Its name in the folder of keys when the settings name no other file."""
_LEAST = 12
_SALT_BYTES, _KEY_BYTES = 16, 32
_TIME_COST, _MEMORY_KIB, _LANES = 3, 65536, 1
_MOST_MEMORY_KIB = 1 << 20
_WORDS = "abcdefghijkmnpqrstuvwxyz23456789"
_PASSPHRASE_AAD = b"heatloop-backup-chain\x00"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainKey:
    """What the objects of one chain are sealed with."""

    key_id: str
    """Name of the key."""
    key: bytes
    """32 secret bytes."""
    encrypted: bool
    """Whether everything is sealed; keys and gateways' secrets always are."""


def make_passphrase() -> str:
    """Return a random passphrase of 120 bits, in groups that can be read out."""
    groups = ("".join(secrets.choice(_WORDS) for _ in range(4)) for _ in range(6))
    return "-".join(groups)


def read_passphrase(path: Path) -> str:
    """Return the recovery passphrase in a file.

    Raises:
        ConfigError: There is none, it is too short, or others can read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError("others can read it", thing=str(path), fix=f"chmod 600 {path}")
        text = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(
            "no recovery passphrase; without it nothing can be restored",
            thing=str(path),
            fix="write it into this file, or make one with heatloop backup --new-passphrase FILE",
        ) from error
    if len(text) < _LEAST:
        raise ConfigError(
            f"recovery passphrase is shorter than {_LEAST} letters",
            thing=str(path),
            fix="make one with heatloop backup --new-passphrase FILE",
        )
    return text


def keep_passphrase(path: Path, passphrase: str) -> None:
    """Write a new passphrase into a file nobody else may read.

    Raises:
        ConfigError: The file is there already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"passphrase file cannot be made: {error.strerror}",
            thing=str(path),
            fix="choose another",
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"{passphrase}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _derived(passphrase: str, terms: Mapping[str, Any]) -> bytes:
    salt, memory = bytes.fromhex(terms["salt"]), int(terms["memory_kib"])
    if terms["kdf"] != "argon2id" or not 8192 <= memory <= _MOST_MEMORY_KIB:
        raise ValueError("unknown derivation")
    return hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=min(int(terms["time_cost"]), 100),
        memory_cost=memory,
        parallelism=int(terms["lanes"]),
        hash_len=_KEY_BYTES,
        type=Type.ID,
    )


def make_chain(
    chain: str, passphrase: str, *, encrypted: bool, at: float
) -> tuple[ChainKey, bytes]:
    """Return a new chain's key, and the document that goes with it to the target."""
    key = secrets.token_bytes(_KEY_BYTES)
    key_id = key_id_of(b"heatloop-backup-key\x00" + key)
    terms = _fresh_terms()
    about = {"format": 1, "chain": chain, "encrypted": encrypted, "made_at": at, "key_id": key_id}
    sealed = seal("recovery", _derived(passphrase, terms), key, _PASSPHRASE_AAD + canonical(about))
    document = {"about": about, "terms": terms, "key": sealed.hex()}
    return ChainKey(key_id=key_id, key=key, encrypted=encrypted), canonical(document)


def rewrap(document: bytes, old: str, new: str) -> bytes:
    """Return a chain's document with its key sealed under another passphrase.

    Raises:
        InputError: That is no such document.
        UnsafeError: Neither passphrase opens it.
    """
    try:
        held = open_chain(document, old)
    except UnsafeError:
        held = open_chain(document, new)  # done by a run that broke off
    about = json.loads(document)["about"]
    terms = _fresh_terms()
    aad = _PASSPHRASE_AAD + canonical(about)
    sealed = seal("recovery", _derived(new, terms), held.key, aad)
    return canonical({"about": about, "terms": terms, "key": sealed.hex()})


def _fresh_terms() -> dict[str, Any]:
    return {
        "kdf": "argon2id",
        "salt": secrets.token_hex(_SALT_BYTES),
        "time_cost": _TIME_COST,
        "memory_kib": _MEMORY_KIB,
        "lanes": _LANES,
    }


def open_chain(document: bytes, passphrase: str) -> ChainKey:
    """Return the key of a chain.

    Raises:
        InputError: That is no such document.
        UnsafeError: The passphrase is another one, or the document was changed.
    """
    try:
        plain = json.loads(document)
        about = plain["about"]
        wrapping = _derived(passphrase, plain["terms"])
        key_id, encrypted = str(about["key_id"]), bool(about["encrypted"])
        blob = bytes.fromhex(plain["key"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("chain of backups cannot be read", fix="give another backup") from error
    try:
        key = unseal({"recovery": wrapping}, blob, _PASSPHRASE_AAD + canonical(about))
    except UnsafeError as error:
        raise UnsafeError(
            "the recovery passphrase does not open this backup",
            thing=str(about.get("chain"))[:80],
            fix="give the passphrase that was in force when the chain was begun",
        ) from error
    return ChainKey(key_id=key_id, key=key, encrypted=encrypted)
