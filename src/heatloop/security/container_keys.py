"""Who can open a container: its content key, wrapped for passphrases and public keys.

Reference: RFC 7748 (X25519), RFC 5869 (HKDF), GB/T 32918.4 (SM2 encryption).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security import sm2
from heatloop.security.keys import seal, unseal
from heatloop.security.provider import CryptoProvider, cipher_named, key_id_of
from heatloop.security.providers import derive_key
from heatloop.security.sm import Sm2Key

LEAST_PASSPHRASE = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Who can open a container: whoever knows a passphrase, or holds a private key."""

    passphrase: str = ""
    """At least 12 letters."""
    public_key: bytes = b""
    """32 bytes of X25519, or 65 of SM2."""

    def __repr__(self) -> str:
        who = "passphrase" if self.passphrase else f"key {key_id_of(self.public_key)}"
        return f"Recipient({who})"

    def check(self) -> None:
        """Return if something can be sealed for this recipient.

        Raises:
            InputError: The passphrase is too short, or it is no public key.
        """
        if self.passphrase:
            if len(self.passphrase) < LEAST_PASSPHRASE:
                raise InputError(
                    f"an export passphrase has {LEAST_PASSPHRASE} letters or more",
                    thing="passphrase",
                    fix="give a longer one",
                )
        elif len(self.public_key) == 65:
            sm2.point_of(self.public_key)
        elif len(self.public_key) != 32:
            raise InputError(
                "not an X25519 or SM2 public key", thing="public key", fix="send 32 or 65 bytes"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Opener:
    """What somebody has to open a container with."""

    passphrase: str = ""
    """A passphrase."""
    private_key: bytes = b""
    """32 secret bytes of X25519 or SM2."""
    algorithm: str = "X25519"
    """Which of them: `X25519` or `SM2`."""

    def __repr__(self) -> str:
        return "Opener()"


def wrap(suite: CryptoProvider, who: Recipient, key: bytes, core: bytes) -> dict[str, Any]:
    """Return a content key wrapped for a recipient, bound to the header `core`.

    Raises:
        InputError: Nothing can be sealed for him.
    """
    who.check()
    cipher = suite.cipher
    if who.passphrase:
        terms = suite.kdf_terms()
        outer = derive_key(who.passphrase, terms, cipher.key_bytes)
        blob = seal("passphrase", outer, key, core, cipher)
        return {"kind": "passphrase", "terms": terms, "key": blob.hex()}
    key_id = key_id_of(who.public_key)
    if len(who.public_key) == 65:
        # SM2 hides what wraps the key, which then is bound to the header like every other.
        outer = suite.new_data_key()
        hidden = sm2.encrypt(who.public_key, outer)
        blob = seal(key_id, outer, key, core, cipher)
        return {"kind": "sm2", "key_id": key_id, "hidden": hidden.hex(), "key": blob.hex()}
    own = X25519PrivateKey.generate()
    theirs = X25519PublicKey.from_public_bytes(who.public_key)
    try:
        shared = own.exchange(theirs)
    except ValueError as error:
        raise InputError("not an X25519 public key", thing="public key") from error
    mine = own.public_key().public_bytes_raw()
    outer = _x25519_key(shared, mine, who.public_key, cipher.key_bytes)
    blob = seal(key_id, outer, key, core, cipher)
    return {"kind": "x25519", "key_id": key_id, "hidden": mine.hex(), "key": blob.hex()}


def _x25519_key(shared: bytes, ephemeral: bytes, public: bytes, length: int) -> bytes:
    info = b"heatloop-container-x25519\x00" + ephemeral + public
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(shared)


def unwrap(recipients: Sequence[Mapping[str, Any]], opener: Opener, core: bytes) -> bytes:
    """Return the content key of a header.

    Raises:
        UnsafeError: None of the recipients is this one, or something was changed.
        InputError: A recipient is malformed.
    """
    for each in recipients[:16]:
        blob = bytes.fromhex(each["key"])
        try:
            if each["kind"] == "passphrase" and opener.passphrase:
                length = _key_bytes(core)
                outer = derive_key(opener.passphrase, each["terms"], length)
                return unseal({"passphrase": outer}, blob, core)
            if each["kind"] in ("x25519", "sm2") and opener.private_key:
                found = _for_key(each, opener, _key_bytes(core))
                if found is not None:
                    return unseal({str(each["key_id"]): found}, blob, core)
        except UnsafeError:
            continue
    raise UnsafeError(
        "this passphrase or key does not open the container, or it was changed",
        fix="give the one it was made for",
    )


def _key_bytes(core: bytes) -> int:
    return cipher_named(str(json.loads(core)["cipher"])).key_bytes


def _for_key(each: Mapping[str, Any], opener: Opener, length: int) -> bytes | None:
    hidden = bytes.fromhex(each["hidden"])
    if each["kind"] == "sm2":
        if opener.algorithm != "SM2":
            return None
        own = Sm2Key.from_bytes(opener.private_key)
        return own.decrypt(hidden) if own.key_id == each["key_id"] else None
    if opener.algorithm != "X25519":
        return None
    private = X25519PrivateKey.from_private_bytes(opener.private_key)
    public = private.public_key().public_bytes_raw()
    if key_id_of(public) != each["key_id"]:
        return None
    shared = private.exchange(X25519PublicKey.from_public_bytes(hidden))
    return _x25519_key(shared, hidden, public, length)


def new_receiver(algorithm: str) -> tuple[bytes, bytes]:
    """Return a new private and public key of somebody who receives containers.

    Raises:
        InputError: The algorithm is neither `X25519` nor `SM2`.
    """
    if algorithm == "SM2":
        made = Sm2Key.generate()
        return made.raw, made.public
    if algorithm != "X25519":
        raise InputError("no such algorithm", thing=algorithm[:20], fix="use X25519 or SM2")
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()
