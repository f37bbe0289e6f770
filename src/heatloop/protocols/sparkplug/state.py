"""Whether a host application listens: the retained message `spBv1.0/STATE/<host>`.

Reference: Sparkplug 3.0.0, 5.1.
"""

from __future__ import annotations

import json

from heatloop.protocols.sparkplug.session import NAMESPACE


def state_topic(host: str) -> str:
    """Return the topic of a host's state."""
    return f"{NAMESPACE}/STATE/{host}"


def state(*, online: bool, at_ms: int) -> bytes:
    """Return a host's state.

    Args:
        online: Whether it listens.
        at_ms: When the connection was begun; the same in its last will.
    """
    return json.dumps({"online": online, "timestamp": at_ms}, separators=(",", ":")).encode()
