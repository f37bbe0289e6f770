"""The gateway link's text frames: JSON objects beside the binary envelopes on one WebSocket.

Server to gateway: `challenge` {nonce}; per gateway `welcome` {gateway, through,
profile_version}, `refused` {gateway, reason}, `ack` {gateway, epoch, through}, `command`
{gateway, command}, `profile` {gateway, document}, `quarantined` {gateway, first, reason}.
Gateway to server: `hello` {gateway, signature, epoch, profile_version}, once a gateway on the
link: several gateways may share one link, and then every frame names its gateway. Binary frames
go one way, up, and name their gateway inside.
"""

from __future__ import annotations

import json
from typing import Any

from heatloop.kernel.errors import InputError

PATH = "/api/v1/gateways/link"
MAX_TEXT_BYTES = 4 << 20
_SIGNED = b"heatloop-link\x00"


def challenge_bytes(nonce: str) -> bytes:
    """Return what a gateway signs to prove who it is.

    Args:
        nonce: The challenge's nonce, hexadecimal.

    Raises:
        InputError: The nonce is not at least 16 bytes in hexadecimal.
    """
    try:
        raw = bytes.fromhex(nonce)
    except ValueError as error:
        raise InputError("nonce is not hexadecimal", place="challenge") from error
    if len(raw) < 16:
        raise InputError("nonce is too short to prove anything", place="challenge")
    return _SIGNED + raw


def pack_text(message: dict[str, Any]) -> str:
    """Return a text frame."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def unpack_text(text: str) -> dict[str, Any]:
    """Read a text frame.

    Raises:
        InputError: It is not a JSON object with a `type`.
    """
    try:
        message = json.loads(text)
    except ValueError as error:
        raise InputError("text frame is not JSON", place="link") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InputError("text frame is no object with a type", place="link")
    return message
