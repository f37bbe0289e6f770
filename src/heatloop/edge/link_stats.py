"""How well every link works: asked, answered, failed by kind, round trips, bytes, signal.

Counters run over a whole hour of plant time and are said again every ten minutes: a report
replaces the one before it (same `hour` and `run`), so one that is sent twice counts once.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from heatloop.edge.raised import Note
from heatloop.protocols.link_counts import FAILURES, HOUR_S, REPORT_S, rtt_bucket


@dataclass(slots=True)
class _Device:
    """One device's hour."""

    asked: int = 0
    answered: int = 0
    up: int = 0
    down: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    rtt: Counter[int] = field(default_factory=Counter)
    rssi_dbm: float | None = None
    snr_db: float | None = None

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "asked": self.asked,
            "answered": self.answered,
            "up": self.up,
            "down": self.down,
            "failed": dict(self.failed),
            "rtt": {str(k): n for k, n in self.rtt.items()},
        }
        if self.rssi_dbm is not None:
            found["rssi_dbm"] = self.rssi_dbm
        if self.snr_db is not None:
            found["snr_db"] = self.snr_db
        return found


@dataclass(slots=True)
class _Channel:
    """One uplink channel's hour; bytes by minute, since bandwidth is judged by its peaks."""

    medium: str
    up: Counter[int] = field(default_factory=Counter)
    down: Counter[int] = field(default_factory=Counter)
    rtt: Counter[int] = field(default_factory=Counter)
    messages: int = 0
    lost: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "medium": self.medium,
            "messages": self.messages,
            "lost": self.lost,
            "up": {str(k): n for k, n in self.up.items()},
            "down": {str(k): n for k, n in self.down.items()},
            "rtt": {str(k): n for k, n in self.rtt.items()},
        }


class LinkStats:
    """Counters of one gateway: drivers count devices, uplinks count channels.

    Not thread-safe: call it on the event loop. Nothing here raises on the field's behalf, and
    nothing reads a clock.
    """

    def __init__(self) -> None:
        self._run = secrets.randbits(31)
        self._devices: dict[str, _Device] = {}
        self._channels: dict[str, _Channel] = {}
        self._refused: Counter[str] = Counter()
        self._hour: int | None = None
        self._said_s = 0.0
        self._number = 0

    def _device(self, device: str) -> _Device:
        found = self._devices.get(device)
        if found is None:
            found = self._devices[device] = _Device()
        return found

    def asked(self, device: str) -> None:
        """Count a message that should come from a device: a question, or a report that is due."""
        self._device(device).asked += 1

    def answered(
        self, device: str, rtt_s: float | None = None, bytes_up: int = 0, bytes_down: int = 0
    ) -> None:
        """Count a message that came and was good.

        Args:
            device: Device code.
            rtt_s: From question to answer, machine time; None for a report nobody asked for.
            bytes_up: Bytes from the device.
            bytes_down: Bytes to the device.
        """
        found = self._device(device)
        found.answered += 1
        found.up += bytes_up
        found.down += bytes_down
        if rtt_s is not None:
            found.rtt[rtt_bucket(rtt_s)] += 1

    def failed(self, device: str, kind: str) -> None:
        """Count a message that did not come, or came and was thrown away.

        Args:
            device: Device code.
            kind: One of `FAILURES`; anything else counts as `malformed`.
        """
        self._device(device).failed[kind if kind in FAILURES else "malformed"] += 1

    def command_refused(self, reason: str) -> None:
        """Count a command the door refused."""
        self._refused[reason[:40]] += 1

    def signal(
        self, device: str, *, rssi_dbm: float | None = None, snr_db: float | None = None
    ) -> None:
        """Keep the weakest signal of the hour that a report carried."""
        found = self._device(device)
        if rssi_dbm is not None:
            found.rssi_dbm = rssi_dbm if found.rssi_dbm is None else min(rssi_dbm, found.rssi_dbm)
        if snr_db is not None:
            found.snr_db = snr_db if found.snr_db is None else min(snr_db, found.snr_db)

    def _channel(self, channel: str, medium: str) -> _Channel:
        found = self._channels.get(channel)
        if found is None:
            found = self._channels[channel] = _Channel(medium)
        found.medium = medium
        return found

    def carried(
        self, channel: str, medium: str, at_s: float, *, bytes_up: int = 0, bytes_down: int = 0
    ) -> None:
        """Count bytes an uplink channel carried.

        Args:
            channel: `main` or `spare`.
            medium: What it is made of, as in the ledger.
            at_s: Plant time.
            bytes_up: To the platform; counts one message if there are any.
            bytes_down: From the platform.
        """
        found = self._channel(channel, medium)
        minute = int(at_s) // 60 * 60
        if bytes_up:
            found.up[minute] += bytes_up
            found.messages += 1
        if bytes_down:
            found.down[minute] += bytes_down

    def acknowledged(self, channel: str, medium: str, rtt_s: float) -> None:
        """Count the machine time from an envelope to its acknowledgement."""
        self._channel(channel, medium).rtt[rtt_bucket(rtt_s)] += 1

    def lost(self, channel: str, medium: str, messages: int) -> None:
        """Count envelopes a channel took and never acknowledged; they are sent again."""
        self._channel(channel, medium).lost += messages

    def report(self, now_s: float, *, final: bool = False) -> Note | None:
        """Return the note that is due, else None.

        Call it before a slot is polled, and at the end with `final`.

        Args:
            now_s: Plant time.
            final: Whether to say what there is, due or not.
        """
        hour = int(now_s) // HOUR_S * HOUR_S
        if self._hour is None:
            self._hour, self._said_s = hour, now_s
        over = hour != self._hour
        # Plant time may be put back: then what was counted belongs to the hour it was in.
        due = over or final or not 0 <= now_s - self._said_s < REPORT_S
        if not due:
            return None
        note = self._note() if self._devices or self._channels or self._refused else None
        self._said_s = now_s
        if over:
            self._hour = hour
            self._devices.clear()
            self._channels.clear()
            self._refused.clear()
        return note

    def _note(self) -> Note:
        self._number += 1
        return {
            "type": "link_stats",
            "hour": self._hour,
            "run": self._run,
            "n": self._number,
            "devices": {code: device.to_dict() for code, device in self._devices.items()},
            "channels": {name: channel.to_dict() for name, channel in self._channels.items()},
            "commands_refused": dict(self._refused),
        }
