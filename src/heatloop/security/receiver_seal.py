"""A file only its receiver can open: X25519 key agreement, HKDF-SHA256, AES-256-GCM.

Layout::

    "HLR" | u8 version | 32 bytes ephemeral public key | 12 bytes nonce | ciphertext, tag

Everything before the ciphertext is authenticated together with the receiver's own key. The sender
keeps no key: what was sealed for somebody the company itself cannot open again.

Reference: RFC 7748 (X25519), RFC 5869 (HKDF), NIST SP 800-38D (GCM).
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from heatloop.kernel.errors import InputError, UnsafeError

_MAGIC = b"HLR\x01"
_INFO = b"heatloop-receiver-seal"
_KEY, _NONCE, _TAG = 32, 12, 16


def new_receiver_key() -> tuple[bytes, bytes]:
    """Return a new (private, public) pair; the private half stays with the receiver."""
    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()


def check_public(public: bytes) -> bytes:
    """Return a receiver's public key if something can be sealed for it.

    Raises:
        InputError: It has not 32 bytes, or is a point everybody knows the secret of.
    """
    if len(public) != _KEY:
        raise InputError("a receiver's key has 32 bytes", thing=f"{len(public)} bytes")
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise InputError("not a usable X25519 key", fix="have the receiver make one") from error
    return public


def seal_for(public: bytes, plaintext: bytes) -> bytes:
    """Return `plaintext` sealed for the holder of the private half of `public`.

    Raises:
        InputError: The key cannot be used.
    """
    check_public(public)
    own = X25519PrivateKey.generate()
    head = _MAGIC + own.public_key().public_bytes_raw()
    shared = own.exchange(X25519PublicKey.from_public_bytes(public))
    nonce = secrets.token_bytes(_NONCE)
    return (
        head
        + nonce
        + AESGCM(_derived(shared, head, public)).encrypt(nonce, plaintext, head + nonce + public)
    )


def open_sealed(private: bytes, blob: bytes) -> bytes:
    """Return what `seal_for` was given.

    Raises:
        InputError: These bytes are not such a file, or the key is none.
        UnsafeError: It was sealed for somebody else, or was changed.
    """
    begin = len(_MAGIC) + _KEY
    if not blob.startswith(_MAGIC) or len(blob) < begin + _NONCE + _TAG or len(private) != _KEY:
        raise InputError(
            "not a file sealed for a receiver", fix="give the file and the key as made"
        )
    key = X25519PrivateKey.from_private_bytes(private)
    public = key.public_key().public_bytes_raw()
    head, nonce = blob[:begin], blob[begin : begin + _NONCE]
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(head[len(_MAGIC) :]))
        return AESGCM(_derived(shared, head, public)).decrypt(
            nonce, blob[begin + _NONCE :], head + nonce + public
        )
    except (InvalidTag, ValueError) as error:
        raise UnsafeError("sealed for another key, or changed", fix="ask for it again") from error


def _derived(shared: bytes, head: bytes, public: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=head + public, info=_INFO).derive(shared)
