"""SM2: signatures and encryption on the curve of GB/T 32918, in plain integers.

Signatures are r and s, 32 bytes each; public keys 04, x, y. Encryption is C1 C3 C2. The work on
the curve is done by `tongsuopy` where it is installed (some 50 times faster); what is here needs
nothing and is the reference. Python's integers take a time that depends on their values: where
others may measure it, install the library or use a hardware module.

Reference: GB/T 32918.2 (signature), .4 (encryption), .5 (curve); GM/T 0009 (DER, default ID).
"""

from __future__ import annotations

import importlib
import secrets
from functools import cache
from typing import Any

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.sm3 import sm3

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
DEFAULT_ID = b"1234567812345678"
"""The user's name where nobody gives one (GM/T 0009)."""
_Point = tuple[int, int, int]
_FAR: _Point = (1, 1, 0)
_BYTES = 32


@cache
def _tongsuo() -> Any:
    try:
        return importlib.import_module("tongsuopy.crypto.asymciphers.ec")
    except ImportError:  # no wheel for this machine: plain integers do it
        return None


def _double(point: _Point) -> _Point:
    x, y, z = point
    if not z or not y:
        return _FAR
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    z3 = ((y + z) * (y + z) - gamma - delta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, z3


def _add(one: _Point, other: _Point) -> _Point:
    if not one[2]:
        return other
    if not other[2]:
        return one
    z1, z2 = one[2] * one[2] % P, other[2] * other[2] % P
    u1, u2 = one[0] * z2 % P, other[0] * z1 % P
    s1, s2 = one[1] * other[2] * z2 % P, other[1] * one[2] * z1 % P
    if u1 == u2:
        return _double(one) if s1 == s2 else _FAR
    h, r = (u2 - u1) % P, (s2 - s1) % P
    h2 = h * h % P
    h3, v = h * h2 % P, u1 * h2 % P
    x3 = (r * r - h3 - 2 * v) % P
    return x3, (r * (v - x3) - s1 * h3) % P, h * one[2] * other[2] % P


def _times(scalar: int, point: tuple[int, int]) -> _Point:
    found, base = _FAR, (*point, 1)
    for bit in range(255, -1, -1):
        found = _double(found)
        added = _add(found, base)  # also where it is not wanted: fewer secrets show in the time
        if scalar >> bit & 1:
            found = added
    return found


def _plain(point: _Point) -> tuple[int, int]:
    if not point[2]:
        raise UnsafeError("not a point of the curve", thing="SM2")
    inverse = pow(point[2], -1, P)
    square = inverse * inverse % P
    return point[0] * square % P, point[1] * square * inverse % P


def _number(value: int) -> bytes:
    return value.to_bytes(_BYTES, "big")


def public_of(secret: int) -> bytes:
    """Return the public key of a secret number, 65 bytes."""
    x, y = _plain(_times(secret, G))
    return b"\x04" + _number(x) + _number(y)


def point_of(public: bytes) -> tuple[int, int]:
    """Return the point of a public key.

    Raises:
        InputError: It is not 04, x, y of a point on the curve.
    """
    if len(public) == 2 * _BYTES + 1 and public[0] == 4:
        x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
        if x < P and y < P and (y * y - x * x * x - A * x - B) % P == 0:
            return x, y
    raise InputError("not an SM2 public key", fix="send 65 bytes: 04, x, y")


def new_secret() -> int:
    """Return a random secret number."""
    return secrets.randbelow(N - 2) + 1


def message_digest(public: bytes, data: bytes, name: bytes = DEFAULT_ID) -> int:
    """Return the number that is signed: SM3 over who signs (Z) and the data."""
    head = (8 * len(name)).to_bytes(2, "big") + name
    curve = b"".join(map(_number, (A, B, *G)))
    return int.from_bytes(sm3(sm3(head + curve + public[1:]) + data), "big")


def sign(secret: int, public: bytes, data: bytes) -> bytes:
    """Return r and s over the data."""
    if _tongsuo() is not None:
        return _tongsuo_sign(secret, data)
    digest = message_digest(public, data)
    while True:
        signature = sign_with(secret, digest, new_secret())
        if signature is not None:
            return signature


def sign_with(secret: int, digest: int, k: int) -> bytes | None:
    """Return r and s with this random number, None if it is one of the few that do not fit."""
    x, _ = _plain(_times(k, G))
    r = (digest + x) % N
    if r == 0 or r + k == N:
        return None
    s = pow(1 + secret, -1, N) * (k - r * secret) % N
    return _number(r) + _number(s) if s else None


def verify(public: bytes, data: bytes, signature: bytes) -> bool:
    """Return whether r and s are of this key over the data."""
    try:
        point = point_of(public)
    except InputError:
        return False
    if len(signature) != 2 * _BYTES:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:_BYTES], signature[_BYTES:]))
    if not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    if _tongsuo() is not None:
        return _tongsuo_verify(point, data, signature)
    return verify_plain(point, message_digest(public, data), r, s)


def verify_plain(point: tuple[int, int], digest: int, r: int, s: int) -> bool:
    """Return whether r and s belong to the digest, by plain integers."""
    total = _add(_times(s, G), _times((r + s) % N, point))
    return bool(total[2]) and (digest + _plain(total)[0]) % N == r


def _mask(x: int, y: int, length: int) -> bytes:
    seed, out, count = _number(x) + _number(y), b"", 0
    while len(out) < length:
        count += 1
        out += sm3(seed + count.to_bytes(4, "big"))
    return out[:length]


def encrypt(public: bytes, data: bytes, k: int | None = None) -> bytes:
    """Return C1 C3 C2: data only the holder of the secret can read.

    Raises:
        InputError: It is no public key, or there are no data.
    """
    if not data:
        raise InputError("nothing to encrypt", thing="SM2")
    point = point_of(public)
    while True:
        number = new_secret() if k is None else k
        x, y = _plain(_times(number, point))
        mask = _mask(x, y, len(data))
        if any(mask):
            hidden = bytes(a ^ b for a, b in zip(data, mask, strict=True))
            return public_of(number) + sm3(_number(x) + data + _number(y)) + hidden


def decrypt(secret: int, blob: bytes) -> bytes:
    """Return what `encrypt` was given.

    Raises:
        UnsafeError: It was encrypted for another key, or changed.
        InputError: It is not C1 C3 C2.
    """
    if len(blob) <= 97:
        raise InputError("SM2 ciphertext is cut short", fix="give C1 C3 C2")
    x, y = _plain(_times(secret, point_of(blob[:65])))
    hidden = blob[97:]
    mask = _mask(x, y, len(hidden))
    data = bytes(a ^ b for a, b in zip(hidden, mask, strict=True))
    if not secrets.compare_digest(sm3(_number(x) + data + _number(y)), blob[65:97]):
        raise UnsafeError("SM2 ciphertext is for another key, or was changed")
    return data


def to_der(signature: bytes) -> bytes:
    """Return r and s as the DER sequence other programs read (GM/T 0009)."""
    parts = b""
    for half in (signature[:_BYTES], signature[_BYTES:]):
        number = half.lstrip(b"\x00") or b"\x00"
        number = b"\x00" + number if number[0] & 0x80 else number
        parts += bytes((2, len(number))) + number
    return bytes((0x30, len(parts))) + parts


def from_der(der: bytes) -> bytes:
    """Return r and s of a DER sequence.

    Raises:
        InputError: It is none.
    """
    fault = InputError("not an SM2 signature in DER", fix="send SEQUENCE of two INTEGERs")
    if len(der) < 8 or der[0] != 0x30 or der[1] != len(der) - 2:
        raise fault
    at, halves = 2, []
    for _ in range(2):
        if at + 2 > len(der) or der[at] != 2:
            raise fault
        number = der[at + 2 : at + 2 + der[at + 1]]
        at += 2 + len(number)
        if len(number.lstrip(b"\x00")) > _BYTES:
            raise fault
        halves.append(number.lstrip(b"\x00").rjust(_BYTES, b"\x00"))
    if at != len(der):
        raise fault
    return b"".join(halves)


def _ecdsa() -> Any:
    hashes = importlib.import_module("tongsuopy.crypto.hashes")
    return _tongsuo().ECDSA(hashes.SM3())


def _tongsuo_sign(secret: int, data: bytes) -> bytes:
    curve = _tongsuo()
    return from_der(curve.derive_private_key(secret, curve.SM2()).sign(data, _ecdsa()))


def _tongsuo_verify(point: tuple[int, int], data: bytes, signature: bytes) -> bool:
    exceptions = importlib.import_module("tongsuopy.crypto.exceptions")
    try:
        curve = _tongsuo()
        key = curve.EllipticCurvePublicNumbers(*point, curve.SM2()).public_key()
        key.verify(to_der(signature), data, _ecdsa())
    except (exceptions.InvalidSignature, ValueError):
        return False
    return True
