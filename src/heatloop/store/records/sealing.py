"""Sealing of values that must not stand readable in the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import ConfigError
from heatloop.security.keys import seal, seal_algorithm, seal_key_id, unseal
from heatloop.security.provider import Cipher, cipher_named


class _Known(NamedTuple):
    keys: dict[str, bytes]
    key_id: str
    cipher: Cipher


class Sealer:
    """Seals under one key and opens what any of the known keys sealed; safe between threads."""

    def __init__(
        self, keys: Mapping[str, bytes], key_id: str, algorithm: str = "AES-256-GCM"
    ) -> None:
        self._known = _Known(dict(keys), key_id, cipher_named(algorithm))

    def use(self, keys: Mapping[str, bytes], key_id: str, algorithm: str) -> None:
        """Seal with another key from now on.

        Args:
            keys: All known keys by name, older ones included.
            key_id: Name of the one to seal with.
            algorithm: What to seal by.
        """
        # One assignment: a thread in between has the old set or the new one.
        self._known = _Known(dict(keys), key_id, cipher_named(algorithm))

    @property
    def key_id(self) -> str:
        """Return the name of the key in use."""
        return self._known.key_id

    def seal(self, aad: bytes, value: dict[str, Any]) -> bytes:
        """Return plain values as a sealed byte string bound to its place.

        Raises:
            ConfigError: No data key was given.
        """
        return self._seal(aad, canonical(value))

    def _seal(self, aad: bytes, plain: bytes) -> bytes:
        keys, key_id, cipher = self._known
        key = keys.get(key_id)
        if key is None:
            raise ConfigError(
                "personal data cannot be stored without a data key",
                thing=aad.decode(),
                fix="give the records the platform's data key",
            )
        return seal(key_id, key, plain, aad, cipher)

    def open(self, aad: bytes, blob: bytes) -> dict[str, Any]:
        """Return the values of a sealed byte string.

        Raises:
            UnsafeError: It was sealed with another key, or was changed or moved.
        """
        value: dict[str, Any] = decode(unseal(self._known.keys, bytes(blob), aad))
        return value

    def reseal(self, aad: bytes, blob: bytes) -> bytes | None:
        """Return a seal anew under the key in use, None if it is under that one already.

        Raises:
            UnsafeError: It was changed or moved.
            InputError: Its key is not known.
        """
        keys, key_id, cipher = self._known
        if seal_key_id(blob) == key_id and seal_algorithm(blob).number == cipher.number:
            return None
        return self._seal(aad, unseal(keys, blob, aad))
