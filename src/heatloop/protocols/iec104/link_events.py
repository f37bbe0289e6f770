"""What both ends of an IEC 60870-5-104 connection agree on, and what can happen on it."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.iec104.apci import NUMBERS
from heatloop.protocols.iec104.asdu import Asdu


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Parameters both ends agree on."""

    k: int = 12
    """Most frames sent without acknowledgement."""
    w: int = 8
    """Most frames received before acknowledging."""
    t0_s: float = 30.0
    """Longest time to connect."""
    t1_s: float = 15.0
    """Longest time for an acknowledgement or confirmation."""
    t2_s: float = 10.0
    """Longest time before acknowledging."""
    t3_s: float = 20.0
    """Silence after which the line is tested."""
    waiting: int = 10_000
    """Most messages that may wait for their turn."""

    def __post_init__(self) -> None:
        ordered = 0 < self.t2_s < self.t1_s and self.t3_s > 0 and self.t0_s > 0
        if not ordered or not 1 <= self.w <= self.k < NUMBERS or self.waiting < 1:
            raise InputError(
                "needs t2 < t1 and 1 <= w <= k < 32768", thing="IEC 104 limits",
                fix="usual: k 12, w 8, t1 15 s, t2 10 s, t3 20 s",
            )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """A message came."""

    asdu: Asdu
    """The message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A message came that cannot be read; the connection goes on."""

    error: InputError
    """Why."""
    data: bytes
    """Its bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """Data transfer has begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """Data transfer has ended; the connection stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """The connection must be closed; the link takes and gives nothing more."""

    error: LinkError
    """Why."""
    damaged: bool = False
    """Whether bytes came that are no frame; else the other end was late or broke the rules."""


Event = Arrived | Refused | Started | Stopped | Broken
