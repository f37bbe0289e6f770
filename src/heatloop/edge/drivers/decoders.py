"""Payloads nobody of us knows: decoders of third parties in the gateway's intake.

A device names its decoder in its parameters, `decoder=x_acme_frame`; `source` of a point is then
the name of the number in what the decoder returns, by default the name of its kind. A decoder is
an entry point of the group `heatloop.decoders`: a class with `decode(payload, port)` that returns
name -> number and raises `ValueError` for bytes that are none of its.

It runs in a thread of its own, one message at a time. One that hangs, or fails again and again, is
stopped until the gateway starts anew: its devices' reports are refused, everybody else's go on.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import structlog

from heatloop.edge.index import kind_name
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding, Device

GROUP = "heatloop.decoders"
PARAMETER = "decoder"
TIMEOUT_S = 2.0
MOST_FAILURES = 5
_MOST_NAMES = 1_000
_MOST_BYTES = 64 << 10
_log = structlog.get_logger("heatloop.edge")


@dataclass(slots=True)
class _Loaded:
    """A decoder that was loaded."""

    made: Any
    """It."""
    thread: ThreadPoolExecutor
    """Where it runs."""
    failures: int = 0
    """Failures in a row, other than bytes that are none of its."""
    stopped: str = ""
    """Why it was stopped; empty while it works."""


def decoder_of(device: Device) -> str:
    """Return the decoder a device names, empty for none."""
    return field_parameters(device.parameters).get(PARAMETER, "")


def picked(
    bindings: tuple[Binding, ...], numbers: Mapping[str, float]
) -> list[tuple[Binding, float]]:
    """Return the numbers that points of a device ask for."""
    found = [(b, numbers.get(b.source or kind_name(b))) for b in bindings]
    return [(binding, number) for binding, number in found if number is not None]


@dataclass(slots=True)
class Decoders:
    """Loads decoders when they are first asked for, and guards against them."""

    timeout_s: float = TIMEOUT_S
    """What one message may take."""
    _loaded: dict[str, _Loaded] = field(default_factory=dict)

    async def decode(self, name: str, payload: bytes, port: int) -> dict[str, float]:
        """Return the numbers in a payload.

        Args:
            name: Name of the entry point.
            payload: Bytes of the message.
            port: LoRaWAN port, or 0.

        Raises:
            InputError: The bytes are none of its, or it was stopped.
            ConfigError: There is no such decoder.
        """
        if len(payload) > _MOST_BYTES:
            raise InputError("payload is too long", thing=name, place="length")
        one = self._loaded.get(name) or self._load(name)
        if one.stopped:
            raise InputError(f"decoder is stopped: {one.stopped}", thing=name, fix="mend it")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout_s):
                found = await loop.run_in_executor(one.thread, _decoded, one.made, payload, port)
        except InputError:
            one.failures = 0
            raise
        except TimeoutError as error:
            # Its thread cannot be ended: nobody waits for it again.
            self._stop(name, one, "it hangs")
            raise InputError("decoder hangs", thing=name) from error
        except Exception as error:
            one.failures += 1
            if one.failures >= MOST_FAILURES:
                self._stop(name, one, f"{type(error).__name__}: {error}"[:200])
            raise InputError(f"decoder failed: {error}"[:200], thing=name) from error
        one.failures = 0
        return found

    def _load(self, name: str) -> _Loaded:
        plug = next((p for p in entry_points(group=GROUP) if p.name == name), None)
        if plug is None:
            fix = f"install a package with an entry point {name} in {GROUP}"
            raise ConfigError("no such decoder", thing=name, fix=fix)
        try:
            found = plug.load()
            made = found() if isinstance(found, type) else found
        except Exception as error:
            raise ConfigError(f"decoder cannot be loaded: {error}"[:200], thing=name) from error
        if not callable(getattr(made, "decode", None)):
            raise ConfigError("plug-in is no decoder", thing=name, place=str(found)[:80])
        thread = ThreadPoolExecutor(1, f"decoder-{name}")
        self._loaded[name] = _Loaded(made, thread)
        return self._loaded[name]

    def _stop(self, name: str, one: _Loaded, why: str) -> None:
        one.stopped = why
        one.thread.shutdown(wait=False, cancel_futures=True)
        _log.error("decoder stopped", decoder=name, reason=why)

    def close(self) -> None:
        """Give the threads back."""
        for one in self._loaded.values():
            one.thread.shutdown(wait=False, cancel_futures=True)


def _decoded(made: Any, payload: bytes, port: int) -> dict[str, float]:
    try:
        found = made.decode(payload, port)
    except ValueError as error:
        raise InputError(f"not a message of this decoder: {error}"[:200]) from error
    if not isinstance(found, Mapping) or len(found) > _MOST_NAMES:
        raise TypeError("it returns no mapping of numbers")
    numbers = {str(name): float(value) for name, value in found.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
