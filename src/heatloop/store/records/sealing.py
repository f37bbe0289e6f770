"""Sealing of values that must not stand readable in the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import ConfigError
from heatloop.security.keys import seal, unseal


class Sealer:
    """Seals under one key and opens what any of the known keys sealed."""

    def __init__(self, keys: Mapping[str, bytes], key_id: str) -> None:
        self._keys = dict(keys)
        self._key_id = key_id

    def seal(self, aad: bytes, value: dict[str, Any]) -> bytes:
        """Return plain values as a sealed byte string bound to its place.

        Raises:
            ConfigError: No data key was given.
        """
        key = self._keys.get(self._key_id)
        if key is None:
            raise ConfigError(
                "personal data cannot be stored without a data key",
                thing=aad.decode(),
                fix="give the records the platform's data key",
            )
        return seal(self._key_id, key, canonical(value), aad)

    def open(self, aad: bytes, blob: bytes) -> dict[str, Any]:
        """Return the values of a sealed byte string.

        Raises:
            UnsafeError: It was sealed with another key, or was changed or moved.
        """
        value: dict[str, Any] = decode(unseal(self._keys, bytes(blob), aad))
        return value
