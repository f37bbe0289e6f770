"""Passwords by Argon2id, their policy, and session tokens kept only as hashes.

Reference: RFC 9106; GB/T 22239 8.1.4.1 (complexity).
"""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from heatloop.kernel.errors import InputError

MIN_LENGTH, MAX_LENGTH, MIN_CLASSES = 8, 128, 3
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
# No characters that are mistaken for each other when read from a screen.
_READABLE = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-_+=.")


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordPolicy:
    """What a password must be."""

    min_length: int = MIN_LENGTH
    """Fewest characters."""
    min_classes: int = MIN_CLASSES
    """How many of small, capital, digit, other."""

    @property
    def rule(self) -> str:
        """Return the rule in words."""
        return (
            f"{self.min_length}-{MAX_LENGTH} characters, {self.min_classes} of: "
            "small, capital, digit, other"
        )


DEFAULT_POLICY = PasswordPolicy()
"""What holds unless an installation asks for more."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe())


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, with its salt and parameters."""
    return _hasher().hash(password)


def verify_password(hashed: str | None, password: str) -> bool:
    """Return whether the password belongs to the hash; takes some 50 ms by design.

    Args:
        hashed: What `hash_password` returned; None for an unknown user, which takes as long, so
            that the time tells nobody which users exist.
        password: What was typed.
    """
    try:
        _hasher().verify(_nobody() if hashed is None else hashed, password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def needs_rehash(hashed: str) -> bool:
    """Return whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(hashed)


def _classes(password: str) -> int:
    known = sum(any(c in letters for c in password) for letters in _CLASSES)
    return known + any(all(c not in letters for letters in _CLASSES) for c in password)


def check_password(password: str, user: str = "", policy: PasswordPolicy = DEFAULT_POLICY) -> None:
    """Return if the password is strong enough.

    Raises:
        InputError: It is too short, too long, too plain, or holds the user's name.
    """
    rule = policy.rule
    if not policy.min_length <= len(password) <= MAX_LENGTH:
        raise InputError("password is too short or too long", place="password", fix=rule)
    if _classes(password) < policy.min_classes:
        raise InputError("password is too plain", place="password", fix=rule)
    if len(set(password)) < policy.min_length // 2:
        raise InputError("password repeats a few characters", place="password", fix=rule)
    if user and user.casefold() in password.casefold():
        raise InputError(
            "password holds the user's name", place="password", fix="leave the name out"
        )


def random_password(length: int = 16) -> str:
    """Return a random password that passes the policy and reads well."""
    size = max(length, MIN_LENGTH)
    # One of each class, the rest of any, in random order: never refused by the policy.
    chosen = [secrets.choice(letters) for letters in _READABLE]
    every = "".join(_READABLE)
    while len(chosen) < size:
        chosen.append(secrets.choice(every))
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def new_token() -> str:
    """Return a random session or enrolment token of 256 bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what the store keeps of a token: its SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
