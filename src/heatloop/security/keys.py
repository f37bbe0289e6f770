"""Signatures by named keys, and seals; every result names its algorithm and its key.

A key id is the first 16 hexadecimal digits of SHA-256 over the raw public key. Seal layout::

    "HLS" | u8 version | u8 algorithm | u8 n, n bytes key id | 12 bytes nonce | ciphertext, tag

Everything before the ciphertext is authenticated together with the caller's `aad`. Algorithms: 1
AES-256-GCM, 2 SM4-GCM, from 16 on those of plug-ins. A public key of 32 bytes is Ed25519, one of
65 SM2.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.international import AES_256_GCM, ALGORITHM, SigningKey
from heatloop.security.provider import (
    NONCE_BYTES,
    TAG_BYTES,
    Cipher,
    Signer,
    algorithm_of,
    cipher_numbered,
    key_id_of,
    verifier_named,
)
from heatloop.security.sm import Sm2Key

__all__ = [
    "ALGORITHM",
    "KeyRing",
    "SigningKey",
    "Sm2Key",
    "key_id_of",
    "open_document",
    "seal",
    "seal_algorithm",
    "seal_key_id",
    "sign_document",
    "unseal",
]
_DOCUMENT = b"heatloop-document\x00"
_FIELDS = frozenset(("body", "key_id", "alg", "signature"))
_SEAL_MAGIC = b"HLS\x01"


class KeyRing:
    """The public keys somebody trusts, by key id."""

    __slots__ = ("_keys", "_past")

    def __init__(self, publics: Iterable[bytes] = ()) -> None:
        self._keys: dict[str, tuple[str, bytes]] = {}
        self._past: dict[str, tuple[str, bytes]] = {}
        for public in publics:
            self.add(public)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, public: bytes) -> str:
        """Trust a raw public key and return its id.

        Raises:
            InputError: These are not the bytes of a public key.
        """
        algorithm = algorithm_of(public)
        if algorithm is None:
            raise InputError(
                "not an Ed25519 or SM2 public key", fix="send its 32 bytes (Ed25519) or 65 (SM2)"
            )
        key_id = key_id_of(public)
        self._keys[key_id] = (algorithm.name, public)
        return key_id

    def replace(self, publics: Iterable[bytes]) -> None:
        """Trust these keys and no others from now on.

        Raises:
            InputError: One of them is no public key; nothing was changed.
        """
        new = KeyRing(publics)
        self._past |= self._keys
        self._keys = new._keys

    @property
    def ever(self) -> KeyRing:
        """Return a ring that also takes keys trusted before.

        Only for what was verified when it came and lies on the own disk since.
        """
        ring = KeyRing()
        ring._keys = self._past | self._keys
        return ring

    @property
    def publics(self) -> list[bytes]:
        """Return the public keys that are trusted."""
        return [public for _, public in self._keys.values()]

    def algorithm(self, key_id: str) -> str:
        """Return what a key signs by, empty when it is not trusted."""
        return self._keys.get(key_id, ("", b""))[0]

    def remove(self, key_id: str) -> None:
        """Trust this key no longer; unknown ids are ignored."""
        self._keys.pop(key_id, None)

    def verify(self, key_id: str, data: bytes, signature: bytes) -> None:
        """Return if the signature is good.

        Raises:
            UnsafeError: The key is not trusted, or the signature is not its own over `data`.
        """
        algorithm, public = self._keys.get(key_id, ("", b""))
        verifier = verifier_named(algorithm)
        if verifier is None:
            raise UnsafeError("signed by a key that is not trusted", thing=key_id, fix="enrol it")
        if not verifier.verify(public, data, signature):
            raise UnsafeError(
                "signature does not fit the data", thing=key_id, fix="sign and send it again"
            )


def sign_document(key: Signer, doc: dict[str, Any]) -> dict[str, str]:
    """Return the signed form of a plain document.

    The body is the canonical text itself, so that what was signed is what is sent.

    Raises:
        InputError: The document holds more than plain, finite values.
    """
    body = canonical(doc)
    return {
        "body": body.decode(),
        "key_id": key.key_id,
        "alg": key.algorithm,
        "signature": key.sign(_DOCUMENT + body).hex(),
    }


def open_document(ring: KeyRing, signed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document inside a signed form.

    Raises:
        InputError: The form is not {body, key_id, alg, signature}, all text.
        UnsafeError: The algorithm, the key or the signature is not accepted.
    """
    if set(signed) != _FIELDS or not all(isinstance(value, str) for value in signed.values()):
        raise InputError("not a signed document", fix="send body, key_id, alg and signature")
    # An unknown key is told as such below; a known one signs by its own algorithm only.
    expected = ring.algorithm(signed["key_id"])
    if signed["alg"] != expected and (expected or verifier_named(signed["alg"]) is None):
        raise UnsafeError("signature algorithm is not accepted", thing=signed["alg"])
    try:
        signature = bytes.fromhex(signed["signature"])
    except ValueError as error:
        raise InputError("signature is not hexadecimal", place="signature") from error
    body = signed["body"].encode()
    ring.verify(signed["key_id"], _DOCUMENT + body, signature)
    doc = decode(body)
    if not isinstance(doc, dict):
        raise InputError("signed body is not an object", place="body", fix="sign an object")
    return doc


def seal(
    key_id: str, key: bytes, plaintext: bytes, aad: bytes, cipher: Cipher = AES_256_GCM
) -> bytes:
    """Return `plaintext` encrypted and authenticated together with `aad`.

    Args:
        key_id: Name of the key, at most 255 bytes; stands readable in the result.
        key: Secret bytes, as many as the cipher's keys have (32 for AES-256-GCM).
        plaintext: What to keep secret.
        aad: What the seal is bound to (a table and a row, for example); needed to open it.
        cipher: The algorithm.

    Raises:
        InputError: The key has another length, or its name is too long.
    """
    name = key_id.encode()
    if len(key) != (cipher.key_bytes or len(key)) or not key or not 0 < len(name) < 256:
        raise InputError(
            f"a sealing key has {cipher.key_bytes} bytes and a name",
            thing=key_id,
            fix="make a new one",
        )
    nonce = secrets.token_bytes(NONCE_BYTES)
    head = _SEAL_MAGIC + bytes((cipher.number, len(name))) + name + nonce
    return head + cipher.encrypt(key, nonce, plaintext, head + aad)


def seal_algorithm(blob: bytes) -> Cipher:
    """Return the algorithm that sealed `blob`.

    Raises:
        InputError: These bytes are not a seal, or of an algorithm this process does not know.
    """
    start = len(_SEAL_MAGIC)
    if len(blob) < start + 2 or not hmac.compare_digest(blob[:start], _SEAL_MAGIC):
        raise InputError("not a sealed value", fix="give the bytes seal() returned")
    return cipher_numbered(blob[start])


def seal_key_id(blob: bytes) -> str:
    """Return which key sealed `blob`.

    Raises:
        InputError: These bytes are not a seal.
    """
    seal_algorithm(blob)
    start = len(_SEAL_MAGIC)
    end = start + 2 + blob[start + 1]
    if len(blob) < end + NONCE_BYTES + TAG_BYTES:
        raise InputError("sealed value is cut short", fix="restore it from a backup")
    try:
        return blob[start + 2 : end].decode()
    except UnicodeDecodeError as error:
        raise InputError("sealed value names no key", fix="restore it from a backup") from error


def unseal(keys: Mapping[str, bytes], blob: bytes, aad: bytes) -> bytes:
    """Return what `seal` was given, whatever algorithm it was sealed by.

    Args:
        keys: Known keys by id, older ones included after a rotation.
        blob: What `seal` returned.
        aad: What it was bound to.

    Raises:
        InputError: These bytes are not a seal, or its key is not known.
        UnsafeError: The bytes or the binding were changed.
    """
    key_id = seal_key_id(blob)
    cipher, key = seal_algorithm(blob), keys.get(key_id)
    if key is None or len(key) != (cipher.key_bytes or len(key)):
        raise InputError("sealed with an unknown key", thing=key_id, fix="restore that key")
    end = len(_SEAL_MAGIC) + 2 + len(key_id.encode()) + NONCE_BYTES
    try:
        return cipher.decrypt(key, blob[end - NONCE_BYTES : end], blob[end:], blob[:end] + aad)
    except UnsafeError as error:
        raise UnsafeError("sealed value was changed or moved", thing=key_id) from error
