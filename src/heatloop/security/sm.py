"""The Chinese national suite: SM4-GCM, SM3, HMAC-SM3, SM2, PBKDF2-SM3.

Reference: GB/T 32907 (SM4), GB/T 32905 (SM3), GB/T 32918 (SM2), GM/T 0009 (use of SM2).
"""

from __future__ import annotations

import secrets
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security import sm2
from heatloop.security.international import SigningKey
from heatloop.security.provider import (
    TAG_BYTES,
    key_id_of,
    register_cipher,
    register_verifier,
)
from heatloop.security.sm3 import pbkdf2_sm3

ALGORITHM = "SM2-SM3"
_ITERATIONS, _LEAST_ITERATIONS, _MOST_ITERATIONS = 600_000, 10_000, 10_000_000
_SALT_BYTES, _KEY_BYTES = 16, 32


class Sm2Key(SigningKey):
    """A private SM2 key; its text form never shows the secret."""

    __slots__ = ("_secret",)

    def __init__(self, secret: int) -> None:
        self._secret = secret
        self.algorithm = ALGORITHM
        self.public = sm2.public_of(secret)
        self.key_id = key_id_of(self.public)

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(sm2.new_secret())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Return the key of these 32 secret bytes.

        Raises:
            InputError: They are no SM2 key.
        """
        secret = int.from_bytes(raw, "big")
        if len(raw) != _KEY_BYTES or not 0 < secret < sm2.N - 1:
            raise InputError("these bytes are no SM2 key", fix="give the key file")
        return cls(secret)

    @property
    def raw(self) -> bytes:
        """Return the 32 secret bytes, to be kept in a file only its owner can read."""
        return self._secret.to_bytes(_KEY_BYTES, "big")

    def sign(self, data: bytes) -> bytes:
        """Return r and s over `data`, 64 bytes."""
        return sm2.sign(self._secret, self.public, data)

    def decrypt(self, blob: bytes) -> bytes:
        """Return what `sm2.encrypt` hid for this key.

        Raises:
            UnsafeError: It is for another key, or was changed.
        """
        return sm2.decrypt(self._secret, blob)


class _Sm2:
    """Verifies SM2."""

    name = ALGORITHM

    def fits(self, public: bytes) -> bool:
        """Return whether these are 04, x, y of a point of the curve."""
        try:
            sm2.point_of(public)
        except InputError:
            return False
        return True

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether the signature is good."""
        return sm2.verify(public, data, signature)


class Sm4Gcm:
    """SM4-GCM."""

    number, name, key_bytes = 2, "SM4-GCM", 16

    def encrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return ciphertext and tag."""
        work = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
        work.authenticate_additional_data(aad)
        return work.update(data) + work.finalize() + work.tag

    def decrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            UnsafeError: Something was changed.
        """
        if len(data) < TAG_BYTES:
            raise UnsafeError("sealed value was changed or moved")
        mode = modes.GCM(nonce, data[-TAG_BYTES:])
        work = Cipher(algorithms.SM4(key), mode).decryptor()
        work.authenticate_additional_data(aad)
        try:
            return work.update(data[:-TAG_BYTES]) + work.finalize()
        except InvalidTag as error:
            raise UnsafeError("sealed value was changed or moved") from error


SM4_GCM = Sm4Gcm()
register_cipher(SM4_GCM)
register_verifier(_Sm2())


def pbkdf2_terms() -> dict[str, object]:
    """Return fresh terms of PBKDF2 over HMAC-SM3: 600,000 rounds, half a second."""
    salt = secrets.token_hex(_SALT_BYTES)
    return {"kdf": "pbkdf2-sm3", "salt": salt, "iterations": _ITERATIONS}


def derive_sm3(passphrase: str, terms: dict[str, object], length: int) -> bytes:
    """Return a key of a passphrase.

    Raises:
        InputError: The terms would cost too little or too much.
    """
    try:
        salt, rounds = bytes.fromhex(str(terms["salt"])), int(str(terms["iterations"]))
    except (KeyError, ValueError) as error:
        raise InputError("terms of a derived key are malformed", place="kdf") from error
    if not _LEAST_ITERATIONS <= rounds <= _MOST_ITERATIONS or not 8 <= len(salt) <= 64:
        raise InputError("terms of a derived key are out of bounds", place="kdf")
    return pbkdf2_sm3(passphrase, salt, rounds, length)
