"""The eight words everybody speaks: frozen, keyword-only, a docstring under each field.

Times are plant time in seconds since 1970 UTC. In bulk, samples travel as `kernel.batch`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality


class _Message:
    """What all eight words can do: become plain values and come back."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the message as plain values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read a message from plain values.

        Raises:
            InputError: A field is missing or unknown.
        """
        names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(data) - names)
        if unknown:
            raise InputError(
                f"{cls.__name__} has no field {unknown[0]}", thing=unknown[0], fix="leave it out"
            )
        try:
            return cls(**data)
        except TypeError as error:
            raise InputError(f"{cls.__name__}: {error}", fix="give every field") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample(_Message):
    """One value of one point at one time."""

    key: int
    """Point key of the ledger, u32, never reused."""
    slot: int
    """Scheduled poll slot, whole seconds."""
    value: float
    """In the point's unit."""
    quality: int = Quality.GOOD
    """`Quality` code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast(_Message):
    """What a quantity is expected to be."""

    subject: str
    """Point code or asset code forecast."""
    known_at: float
    """When this was known; a back-test may not use it earlier."""
    start: float
    """Time of the first step."""
    step_s: int
    """Length of a step."""
    low: list[float]
    """10 % quantile per step."""
    middle: list[float]
    """Median per step."""
    high: list[float]
    """90 % quantile per step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan(_Message):
    """What a controller means to do, and why."""

    subject: str
    """Asset code the plan is for."""
    point: str
    """Point code that would be set."""
    issued: float
    """When it was decided."""
    start: float
    """Time of the first step."""
    step_s: int
    """Length of a step."""
    values: list[float]
    """Set-point per step, in the point's unit."""
    reason: str
    """Why, in a word the screens translate."""


class CommandState(StrEnum):
    """Life of a command (clause 7.3 b): forward only, three ways to end."""

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    VERIFIED = "verified"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command(_Message):
    """An order to set one point; the only thing that can move a device."""

    id: str
    """Unique id."""
    point: str
    """Code of the point to set."""
    value: float
    """In the point's unit."""
    mode: str
    """Who decided: `automatic`, `manual` or `emergency`."""
    gateway: str
    """Code of the gateway that is to do it."""
    issued: float
    """Plant time of signing."""
    expires: float
    """Plant time after which it must not be done."""
    nonce: str
    """Random; an edge refuses one it has seen."""
    counter: int
    """Rises by at least one a command and gateway; an edge refuses a lower one."""
    key_id: str = ""
    """Which key signed."""
    signature: str = ""
    """Ed25519 over `signed_bytes()`, hexadecimal."""

    def signed_bytes(self) -> bytes:
        """Return what the signature covers: everything but the signature."""
        plain = self.to_dict()
        del plain["signature"]
        return b"heatloop-command\x00" + canonical(plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack(_Message):
    """Everything of a gateway's spool epoch up to this sequence is safe in the historian."""

    gateway: str
    """Gateway code."""
    epoch: int
    """Spool epoch."""
    through: int
    """Last sequence stored; cumulative."""


class AlarmState(StrEnum):
    """Life of an alarm after ISA-18.2: active or returned, acknowledged or not."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    CLEARED = "cleared"


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm(_Message):
    """A limit or a rule is broken."""

    id: str
    """`ids.alarm_id(subject, rule, onset)`, the same at edge and centre."""
    subject: str
    """Point or asset code."""
    rule: str
    """`high`, `low`, `stale`, `link`, `interlock.<name>`, `foreign_write` ..."""
    priority: int
    """1 critical, 2 high, 3 medium, 4 low."""
    onset: float
    """When it began."""
    value: float | None = None
    """Value at onset, if there is one."""
    limit: float | None = None
    """Limit that was crossed, if there is one."""
    state: str = AlarmState.ACTIVE
    """`AlarmState`."""
    detail: str = ""
    """Further facts as `name=value` words; screens translate the rule, not this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding(_Message):
    """What diagnosis believes is wrong."""

    id: str
    """Unique id."""
    subject: str
    """Asset code."""
    cause: str
    """Cause code of the diagnosis catalogue."""
    confidence: float
    """0 to 1."""
    first_action: str
    """Action code of the catalogue."""
    since: float
    """Since when it is believed to hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket(_Message):
    """A piece of work with a deadline."""

    id: str
    """Unique id."""
    kind: str
    """`complaint`, `repair`, `emergency` or `inspection`."""
    subject: str
    """Asset code."""
    opened: float
    """When it was opened."""
    due: float
    """When it must be done."""
    state: str
    """Where in its life it is."""
