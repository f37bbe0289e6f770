"""The `.hlx` container: a file encrypted in pieces, for a passphrase or for somebody's public key.

Layout::

    "HLX" | u8 version | u32 n, n bytes header (JSON) | pieces: u32 n, n bytes ciphertext and tag

Each file has a content key of its own, wrapped for every recipient in the header. A piece's nonce
is its number and whether it is the last, its binding the hash of all before the pieces: a changed
header, and pieces that were changed, swapped, repeated, left out or cut off at the end, show.

Reference: STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.container_keys import Opener, Recipient, new_receiver, unwrap, wrap
from heatloop.security.international import AES_256_GCM
from heatloop.security.provider import (
    TAG_BYTES,
    Cipher,
    CryptoProvider,
    cipher_named,
    data_key_id,
)
from heatloop.security.providers import provider

__all__ = ["MEDIA", "SUFFIX", "Opener", "Opening", "Recipient", "Sealing", "new_receiver"]
SUFFIX, MEDIA = ".hlx", "application/vnd.heatloop.sealed"
PIECE_BYTES = 1 << 20
_MAGIC = b"HLX\x01"
_MOST_HEADER, _MOST_PIECE = 64 << 10, 16 << 20
_FINGERPRINT = b"heatloop-container\x00"


class Sealing:
    """Writes a container, piece by piece.

    Args:
        suite: What it is encrypted with.
        recipients: Who can open it.
        about: What stands readable in the header: file name, media type, labels.
        made_at: Machine time.

    Raises:
        InputError: There is no recipient, or one that nothing can be sealed for.
    """

    def __init__(
        self,
        suite: CryptoProvider,
        recipients: Sequence[Recipient],
        *,
        about: Mapping[str, Any],
        made_at: float,
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        if not recipients:
            raise InputError("nobody could open it", thing="recipients", fix="name one")
        # A module's keys cannot be handed to whoever opens the file.
        soft = suite if suite.cipher.key_bytes else provider("international")
        self._cipher, self._piece = soft.cipher, piece_bytes
        self._key = soft.new_data_key()
        core = {
            "cipher": soft.cipher.name,
            "key_id": data_key_id(self._key),
            "piece": piece_bytes,
            "made_at": made_at,
            "about": dict(about),
        }
        wrapped = [wrap(soft, each, self._key, canonical(core)) for each in recipients]
        header = canonical({**core, "recipients": wrapped})
        self._head = _MAGIC + len(header).to_bytes(4, "big") + header
        self._binding = hashlib.sha256(_FINGERPRINT + self._head).digest()
        self._room, self._number, self._begun = bytearray(), 0, False

    def add(self, data: bytes) -> bytes:
        """Return what the container grows by; empty while a piece is not full."""
        self._room += data
        out = bytearray(self._begin())
        # The last piece is told apart, so one full piece always waits until more comes.
        while len(self._room) > self._piece:
            out += self._sealed(bytes(self._room[: self._piece]), last=False)
            del self._room[: self._piece]
        return bytes(out)

    def end(self) -> bytes:
        """Return the end of the container."""
        out = self._begin() + self._sealed(bytes(self._room), last=True)
        self._room.clear()
        return out

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._head

    def _sealed(self, data: bytes, *, last: bool) -> bytes:
        nonce = _nonce(self._number, last)
        self._number += 1
        blob = self._cipher.encrypt(self._key, nonce, data, self._binding)
        return len(blob).to_bytes(4, "big") + blob


class Opening:
    """Reads a container, piece by piece.

    Args:
        opener: Passphrase or private key.
    """

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._room = bytearray()
        self._number, self._ended = 0, False
        self._key, self._binding = b"", b""
        self._cipher: Cipher = AES_256_GCM
        self._most = _MOST_PIECE
        self.about: dict[str, Any] = {}
        """What stands in the header; to be believed once `add` has returned something."""
        self.cipher_name = ""
        """Algorithm; empty until the header was read."""

    def add(self, data: bytes) -> Iterator[bytes]:
        """Give what the bytes that came hold.

        Raises:
            InputError: It is no container, or of another version.
            UnsafeError: It cannot be opened with this, or was changed.
        """
        self._room += data
        if not self.cipher_name and not self._header():
            return
        while len(self._room) >= 4:
            size = int.from_bytes(self._room[:4], "big")
            if size < TAG_BYTES or size > self._most:
                raise UnsafeError("container was changed", place=f"piece {self._number}")
            if len(self._room) < 4 + size:
                return
            if self._ended:
                raise UnsafeError("container goes on behind its end", thing="container")
            blob = bytes(self._room[4 : 4 + size])
            del self._room[: 4 + size]
            yield self._opened(blob)

    def end(self) -> None:
        """Return if the container was whole.

        Raises:
            UnsafeError: It was cut off, or something follows it.
            InputError: It is no container.
        """
        if not self.cipher_name:
            raise InputError("not a container, or cut off at the start", fix="fetch it again")
        if not self._ended or self._room:
            raise UnsafeError(
                "container is cut off or goes on behind its end", fix="fetch it again"
            )

    def _opened(self, blob: bytes) -> bytes:
        for last in (False, True):
            try:
                nonce = _nonce(self._number, last)
                plain = self._cipher.decrypt(self._key, nonce, blob, self._binding)
            except UnsafeError:
                continue
            self._number += 1
            self._ended = last
            return plain
        raise UnsafeError("container was changed", place=f"piece {self._number}")

    def _header(self) -> bool:
        room = self._room
        if len(room) >= 4 and bytes(room[:4]) != _MAGIC:
            raise InputError("not a container of this version", fix="give an .hlx file")
        if len(room) < 8:
            return False
        size = int.from_bytes(room[4:8], "big")
        if not 2 <= size <= _MOST_HEADER:
            raise InputError("container's header is damaged", fix="fetch it again")
        if len(room) < 8 + size:
            return False
        head = bytes(room[: 8 + size])
        try:
            plain = json.loads(head[8:])
            recipients = list(plain.pop("recipients"))
            cipher = cipher_named(str(plain["cipher"]))
            key = unwrap(recipients, self._opener, canonical(plain))
            self.about = dict(plain["about"])
            if data_key_id(key) != plain["key_id"] or len(key) != cipher.key_bytes:
                raise UnsafeError("container was changed", place="header")
            self._most = min(int(plain["piece"]) + TAG_BYTES, _MOST_PIECE)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError("container's header is damaged", fix="fetch it again") from error
        self._key, self._cipher, self.cipher_name = key, cipher, cipher.name
        self._binding = hashlib.sha256(_FINGERPRINT + head).digest()
        del room[: 8 + size]
        return True


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
