"""The rule documents a gateway keeps: the one in force, the one before it, what it was sent.

Versions only rise: a document that was in force once, or was refused, cannot be sent again to
bring back what was taken away. Going back is a new document of the platform, or the gateway's own
doing when the one in force keeps failing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json
from heatloop.kernel.errors import HeatloopError, InputError, StaleError, UnsafeError
from heatloop.security.keys import KeyRing, open_document

Signed = dict[str, Any]


class RuleKeeper:
    """Keeps rule documents in their signed form; what is read back is verified again.

    Args:
        path: JSON file they are kept in.
        gateway: Gateway code.
    """

    def __init__(self, path: Path, gateway: str) -> None:
        self._path, self._gateway = path, gateway
        stored = load_json(path) or {}
        self.active: Signed | None = stored.get("active")
        """In force."""
        self.previous: Signed | None = stored.get("previous")
        """In force before it."""
        self.highest = int(stored.get("highest", 0))
        """Highest version ever seen."""
        self.version = int(stored.get("version", 0))
        """Version in force; 0 without rules."""
        self.offered: Signed | None = None
        """Came over the link and was not looked at yet; the next slot does."""

    def opened(self, ring: KeyRing, document: Signed) -> dict[str, Any]:
        """Return what stands in a signed document.

        Raises:
            UnsafeError: It is not signed by the platform, or is for another gateway.
            InputError: It is malformed.
        """
        plain = open_document(ring, document)
        if plain.get("gateway") != self._gateway:
            raise UnsafeError("rules are for another gateway", thing=str(plain.get("gateway")))
        if type(plain.get("version")) is not int:
            raise InputError("rules have no version", fix="send them again")
        return plain

    def newer(self, ring: KeyRing, document: Signed) -> dict[str, Any]:
        """Return what stands in a document newer than all before, and remember its version.

        Raises:
            UnsafeError: It is not genuine.
            StaleError: It is not newer.
            InputError: It is malformed.
        """
        plain = self.opened(ring, document)
        if plain["version"] <= self.highest:
            raise StaleError("rules are not newer", thing=str(plain["version"]))
        self.highest = plain["version"]
        self._save()
        return plain

    def put_in_force(self, document: Signed, version: int) -> None:
        """Keep a checked document as the one in force."""
        self.previous, self.active, self.version = self.active, document, version
        self._save()

    def go_back(self, ring: KeyRing) -> int:
        """Put the document before in force again; return its version, 0 when there was none."""
        self.active, self.previous = self.previous, None
        self.version = 0
        if self.active is not None:
            try:
                self.version = int(self.opened(ring, self.active)["version"])
            except HeatloopError:
                self.active = None  # damaged on the disk: better no rules than unsigned ones
        self._save()
        return self.version

    def _save(self) -> None:
        save_json(
            self._path,
            {
                "active": self.active,
                "previous": self.previous,
                "highest": self.highest,
                "version": self.version,
            },
        )
