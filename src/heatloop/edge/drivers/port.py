"""What every field protocol offers a gateway: points read together, one point written.

A driver is one file with one subclass of `Driver`. Protocols whose devices speak by themselves on
an open link (subscriptions, spontaneous messages) keep the newest values and answer `read` from
them; values with a time of their own go to `DriverTools.keep_late`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from array import array
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.backoff import Backoff, LinkLog
from heatloop.edge.drivers.shared import Shared
from heatloop.edge.link_stats import LinkStats
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding, Device

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
UNREACHABLE = "device_unreachable"
DEVICE_ERROR = "device_error"
DAMAGED = "frame_damaged"


class DamagedError(LinkError):
    """A frame came that is not whole: wrong checksum, length or shape. Counted, never stored."""

    def __init__(self, message: str, *, kind: str = "malformed", thing: str = "") -> None:
        super().__init__(message, thing=thing)
        self.kind = kind
        """`checksum`, `length` or `malformed`."""


class Planned(Protocol):
    """Points that are read together."""

    @property
    def keys(self) -> array[int]:
        """Point keys in the order of the values."""

    @property
    def bindings(self) -> Sequence[Binding]:
        """The points."""

    @property
    def floats(self) -> bool:
        """Whether a value may be not a number."""


class Rows:
    """Some points of one device, in an order of their own: what most drivers plan and answer."""

    __slots__ = ("bindings", "floats", "keys")

    def __init__(self, bindings: Sequence[Binding], *, floats: bool = True) -> None:
        self.bindings = tuple(bindings)
        self.keys = array("I", (b.key for b in self.bindings))
        self.floats = floats


@dataclass(slots=True)
class Reading:
    """What one device answered: values by what was planned, and why some are missing."""

    blocks: list[tuple[Planned, array[float]]]
    """What was answered, in house units."""
    cause: str | None = None
    """`device_unreachable`, `device_error`, `frame_damaged`, or None when all is there."""
    doubtful: dict[int, Quality] = field(default_factory=dict)
    """Point key -> quality, for values the device itself calls less than good."""

    def add(self, bindings: Sequence[Binding], raws: Sequence[float]) -> None:
        """Take raw numbers of some points; factor and offset are applied here."""
        values = [r * b.factor + b.offset for b, r in zip(bindings, raws, strict=True)]
        self.blocks.append((Rows(bindings), array("d", values)))


async def _drop_late(batch: SampleBatch) -> None:
    del batch


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverTools:
    """What a gateway lends its drivers."""

    timeout_s: float
    """Longest wait for a connection or an answer, machine time."""
    backoff: Callable[[], Backoff]
    """Makes the pacing of attempts at a dead device."""
    now_s: Callable[[], float]
    """Plant time."""
    shared: Shared
    """Connections several devices of the gateway share."""
    stats: LinkStats
    """Counts what was asked, answered and refused."""
    keep_late: Callable[[SampleBatch], Awaitable[None]] = _drop_late
    """Spools samples that carry a time of their own; returns when they are fsynced."""
    secrets: Path | None = None
    """Folder with keys, certificates and passwords of devices; None: there are none."""

    def secret(self, name: str) -> bytes:
        """Return a secret by its file name.

        Raises:
            InputError: There is none of this name.
        """
        path = self.secrets / name if self.secrets is not None else None
        if path is None or "/" in name or name.startswith(".") or not path.is_file():
            fix = "put it into the gateway's secrets folder"
            raise InputError("no such secret", thing=name, fix=fix)
        return path.read_bytes()


class Driver(ABC):
    """Talks to one device; reads and writes take turns.

    Subclasses give `_read` and, where the protocol can write, `_write`; both may raise
    `LinkError` or `OSError` (the link is broken), `DamagedError` (a frame was refused) and
    `InputError` (the device lives but its answer does not fit its profile).

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.
    """

    slow: bool = False
    """Whether one read may take seconds: then the slot does not wait for it."""
    guarded: bool = True
    """Whether its writable points are looked at between slots; not meters on batteries."""

    def __init__(self, device: Device, tools: DriverTools) -> None:
        self.device, self.tools = device, tools
        self.backoff = tools.backoff()
        self.writes = 0
        """Writes begun so far."""
        self.written: dict[int, int] = {}
        """Point key -> number of its last write."""
        self.closed = False
        self._turn = asyncio.Lock()
        self._log = LinkLog(_LOG, f"{device.code} {device.protocol} {device.host}:{device.port}")

    @property
    def broken(self) -> bool:
        """Whether the last attempt to reach the device failed."""
        return self.backoff.failures > 0

    def plan(self, bindings: Sequence[Binding]) -> tuple[Planned, ...]:
        """Return the reads that cover these points of the device; prepared once, used often."""
        return (Rows(bindings),) if bindings else ()

    async def read(self, planned: Sequence[Planned], now_s: float) -> Reading:
        """Return what the device answers; never raises for a device that does not.

        Args:
            planned: What to read, as `plan` gave it.
            now_s: Time for the back-off: plant time in lockstep, else the loop's.
        """
        reading = Reading([])
        if self.broken and now_s < self.backoff.due_s:
            reading.cause = UNREACHABLE
            return reading
        async with self._turn:
            try:
                if self.closed:
                    raise LinkError("driver is closed", thing=self.device.code)
                await self._read(planned, reading)
            except DamagedError as error:
                self.tools.stats.failed(self.device.code, error.kind)
                self._fail(error, now_s)
                reading.cause = DAMAGED
                return reading
            except (LinkError, OSError, TimeoutError) as error:
                kind = "timeout" if isinstance(error, TimeoutError) else "unreachable"
                self.tools.stats.failed(self.device.code, kind)
                self._fail(error, now_s)
                reading.cause = UNREACHABLE
                return reading
            except InputError as error:
                self.misfit(error, reading)
        if self.backoff.succeeded() or reading.cause is None:
            self._log.healed()
        return reading

    async def write(self, binding: Binding, value: float, *, read_back: bool = True) -> float:
        """Write one point and return what the device holds afterwards, in the point's unit.

        Args:
            binding: The point.
            value: In its unit.
            read_back: Whether to ask the device at once; else what was sent is returned.

        Raises:
            InputError: The value does not fit, or the device refuses it.
            LinkError: The device does not answer.
        """
        async with self._turn:
            self.writes += 1
            self.written[binding.key] = self.writes
            if self.closed:
                raise LinkError("driver is closed", thing=self.device.code)
            try:
                raw = (value - binding.offset) / binding.factor
                back = await self._write(binding, raw, read_back=read_back)
            except (OSError, TimeoutError) as error:
                self._drop()
                raise LinkError(
                    f"device does not answer: {error}", thing=self.device.code
                ) from error
            except LinkError:
                self._drop()
                raise
        return back * binding.factor + binding.offset

    def misfit(self, error: InputError, reading: Reading) -> None:
        """Say that a part of an answer does not fit the profile: the rest goes on."""
        self.tools.stats.failed(self.device.code, "refused")
        self._log.broken(error)
        reading.cause = DEVICE_ERROR

    @abstractmethod
    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        """Ask the device and add what it answers to `reading`."""

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        """Write a raw number; return the raw number the device holds (or what was sent)."""
        del raw, read_back
        raise InputError(f"nothing can be written over {self.device.protocol}", thing=binding.point)

    @abstractmethod
    def _drop(self) -> None:
        """Give up the connection, so that a late answer is never taken for the next one."""

    def _fail(self, error: Exception, now_s: float) -> None:
        self._drop()
        self._log.broken(error)
        self.backoff.failed(now_s)

    def close(self) -> None:
        """Close the connection for good."""
        self.closed = True
        self._drop()
