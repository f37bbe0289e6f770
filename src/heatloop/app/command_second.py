"""The second signature: what a whole-network set-point carries beside the platform's own.

Its key is made and used apart from the one that signs every command: whoever can make the
platform sign a set-point cannot thereby make gateways move the head of a source.
"""

from __future__ import annotations

from pathlib import Path

from heatloop.app.keys import write_secret
from heatloop.kernel.errors import ConfigError
from heatloop.kernel.messages import Command
from heatloop.security.keys import SigningKey

_FILE = "second.ed25519"
_MARK = b"heatloop-second\x00"


class SecondKey:
    """Signs what a second person, or a broken glass, stands behind.

    Args:
        folder: Folder of the platform's secrets.

    Raises:
        ConfigError: The key file can be read by others, or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / _FILE
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_secret(path, SigningKey.generate().raw)
        if path.stat().st_mode & 0o077:
            raise ConfigError(
                "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
            )
        content = path.read_bytes()
        if len(content) != 32:
            raise ConfigError(
                f"a key file has {len(content)} bytes, not 32",
                thing=str(path),
                fix="restore it from the backup",
            )
        self._key = SigningKey.from_bytes(content)

    @property
    def public(self) -> bytes:
        """Return the public half, which gateways hold."""
        return self._key.public

    def sign(self, command: Command) -> str:
        """Return the second signature of a signed command, hexadecimal."""
        return self._key.sign(_MARK + command.signed_bytes()).hex()
