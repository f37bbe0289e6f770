"""Ed25519 signatures by named keys, and AES-256-GCM seals; every result names its key.

A key id is the first 16 hexadecimal digits of SHA-256 over the raw public key. Seal layout::

    "HLS" | u8 version | u8 algorithm | u8 n, n bytes key id | 12 bytes nonce | ciphertext, tag

Everything before the ciphertext is authenticated together with the caller's `aad`.

Reference: RFC 8032 (Ed25519), NIST SP 800-38D (GCM).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import InputError, UnsafeError

ALGORITHM = "Ed25519"
_DOCUMENT = b"heatloop-document\x00"
_FIELDS = frozenset(("body", "key_id", "alg", "signature"))
_SEAL_MAGIC = b"HLS\x01"
_AES_256_GCM = 1
_NONCE_BYTES, _TAG_BYTES, _KEY_BYTES = 12, 16, 32


def key_id_of(public: bytes) -> str:
    """Return the id of a raw public key."""
    return hashlib.sha256(public).hexdigest()[:16]


class SigningKey:
    """A private Ed25519 key; its text form never shows the secret."""

    __slots__ = ("_private", "key_id", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Return the key of these 32 secret bytes.

        Raises:
            InputError: There are not 32 bytes.
        """
        if len(raw) != _KEY_BYTES:
            raise InputError(f"a signing key has 32 bytes, not {len(raw)}", fix="give the key file")
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def raw(self) -> bytes:
        """Return the 32 secret bytes, to be kept in a file only its owner can read."""
        return self._private.private_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Return the 64 signature bytes over `data`."""
        return self._private.sign(data)


class KeyRing:
    """The public keys somebody trusts, by key id."""

    __slots__ = ("_keys",)

    def __init__(self, publics: Iterable[bytes] = ()) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        for public in publics:
            self.add(public)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, public: bytes) -> str:
        """Trust a raw public key and return its id.

        Raises:
            InputError: These are not the 32 bytes of a public key.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(public)
        except ValueError as error:
            raise InputError("not an Ed25519 public key", fix="send its 32 bytes") from error
        key_id = key_id_of(public)
        self._keys[key_id] = key
        return key_id

    def remove(self, key_id: str) -> None:
        """Trust this key no longer; unknown ids are ignored."""
        self._keys.pop(key_id, None)

    def verify(self, key_id: str, data: bytes, signature: bytes) -> None:
        """Return if the signature is good.

        Raises:
            UnsafeError: The key is not trusted, or the signature is not its own over `data`.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise UnsafeError("signed by a key that is not trusted", thing=key_id, fix="enrol it")
        try:
            key.verify(signature, data)
        except InvalidSignature as error:
            raise UnsafeError(
                "signature does not fit the data", thing=key_id, fix="sign and send it again"
            ) from error


def sign_document(key: SigningKey, doc: dict[str, Any]) -> dict[str, str]:
    """Return the signed form of a plain document.

    The body is the canonical text itself, so that what was signed is what is sent.

    Raises:
        InputError: The document holds more than plain, finite values.
    """
    body = canonical(doc)
    return {
        "body": body.decode(),
        "key_id": key.key_id,
        "alg": ALGORITHM,
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
    if signed["alg"] != ALGORITHM:
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


def seal(key_id: str, key32: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Return `plaintext` encrypted and authenticated together with `aad`.

    Args:
        key_id: Name of the key, at most 255 bytes; stands readable in the result.
        key32: 32 secret bytes.
        plaintext: What to keep secret.
        aad: What the seal is bound to (a table and a row, for example); needed to open it.

    Raises:
        InputError: The key has not 32 bytes, or its name is too long.
    """
    name = key_id.encode()
    if len(key32) != _KEY_BYTES or not 0 < len(name) < 256:
        raise InputError(
            "a sealing key has 32 bytes and a name", thing=key_id, fix="make a new one"
        )
    nonce = secrets.token_bytes(_NONCE_BYTES)
    head = _SEAL_MAGIC + bytes((_AES_256_GCM, len(name))) + name + nonce
    return head + AESGCM(key32).encrypt(nonce, plaintext, head + aad)


def seal_key_id(blob: bytes) -> str:
    """Return which key sealed `blob`.

    Raises:
        InputError: These bytes are not a seal.
    """
    start = len(_SEAL_MAGIC)
    if len(blob) < start + 2 or not hmac.compare_digest(blob[:start], _SEAL_MAGIC):
        raise InputError("not a sealed value", fix="give the bytes seal() returned")
    if blob[start] != _AES_256_GCM:
        raise InputError(f"unknown seal algorithm {blob[start]}", fix="update the software")
    end = start + 2 + blob[start + 1]
    if len(blob) < end + _NONCE_BYTES + _TAG_BYTES:
        raise InputError("sealed value is cut short", fix="restore it from a backup")
    try:
        return blob[start + 2 : end].decode()
    except UnicodeDecodeError as error:
        raise InputError("sealed value names no key", fix="restore it from a backup") from error


def unseal(keys: Mapping[str, bytes], blob: bytes, aad: bytes) -> bytes:
    """Return what `seal` was given.

    Args:
        keys: Known keys by id, older ones included after a rotation.
        blob: What `seal` returned.
        aad: What it was bound to.

    Raises:
        InputError: These bytes are not a seal, or its key is not known.
        UnsafeError: The bytes or the binding were changed.
    """
    key_id = seal_key_id(blob)
    if key_id not in keys:
        raise InputError("sealed with an unknown key", thing=key_id, fix="restore that key")
    end = len(_SEAL_MAGIC) + 2 + len(key_id.encode()) + _NONCE_BYTES
    try:
        return AESGCM(keys[key_id]).decrypt(
            blob[end - _NONCE_BYTES : end], blob[end:], blob[:end] + aad
        )
    except InvalidTag as error:
        raise UnsafeError("sealed value was changed or moved", thing=key_id) from error
