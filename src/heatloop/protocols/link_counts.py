"""Words both ends of a link count in: kinds of failure, and sparse histograms that add up.

Round trips and bytes a minute are kept as histograms, so an hour, a month or a company has a
true median and p95 without keeping every figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor, log
from typing import Any

FAILURES = ("timeout", "checksum", "length", "malformed", "refused", "unreachable")
"""Why an expected message did not arrive, or arrived and was thrown away."""
REPORT_S = 600
"""Plant seconds between two reports of a gateway."""
HOUR_S = 3600
CHANNELS = ("main", "spare")
"""Subjects of link measures that are no devices."""
_RTT_FIRST_S, _RTT_STEP, _RTT_MOST = 1e-4, 1.1, 160
_BYTES_STEP, _BYTES_MOST = 1.01, 4000


def rtt_bucket(rtt_s: float) -> int:
    """Return the bucket a round trip falls in: bucket k begins at 0.1 ms * 1.1^k."""
    if rtt_s <= _RTT_FIRST_S:
        return 0
    return min(floor(log(rtt_s / _RTT_FIRST_S) / log(_RTT_STEP)), _RTT_MOST)


def _bytes_bucket(count: int) -> int:
    return min(floor(log(count) / log(_BYTES_STEP)), _BYTES_MOST) if count > 0 else -1


def _quantile_bucket(buckets: Mapping[int, int], share: float) -> int | None:
    """Return the bucket of the value that `share` of all do not exceed, None without any."""
    wanted, seen = max(ceil(share * sum(buckets.values())), 1), 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            return bucket
    return None


def rtt_quantile_s(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the round trip that `share` of all do not exceed, within 5 %; None without any."""
    bucket = _quantile_bucket(buckets, share)
    return None if bucket is None else _RTT_FIRST_S * _RTT_STEP ** (bucket + 0.5)


@dataclass(slots=True)
class LinkTotals:
    """What was counted of one device or channel over any time; totals add up."""

    asked: int = 0
    """Messages that should have come (channels: envelopes sent)."""
    answered: int = 0
    """Messages that came and were good (channels: envelopes acknowledged)."""
    up: int = 0
    """Bytes towards the platform."""
    down: int = 0
    """Bytes towards the device."""
    failed: Counter[str] = field(default_factory=Counter)
    """Failures by kind."""
    rtt: Counter[int] = field(default_factory=Counter)
    """Round trips by bucket."""
    minutes: Counter[int] = field(default_factory=Counter)
    """Channels: minutes by bucket of bytes, idle ones left out."""
    hours: int = 0
    """Hours in which anything was counted."""
    medium: str = ""
    """Channels: what it is made of."""
    rssi_dbm: float | None = None
    """Weakest signal."""
    snr_db: float | None = None
    """Worst signal to noise."""

    @classmethod
    def of_device(cls, said: Mapping[str, Any]) -> LinkTotals:
        """Return the totals in a gateway's words about a device's hour.

        Raises:
            KeyError, TypeError, ValueError: They are malformed.
        """
        return cls(
            asked=_count(said["asked"]),
            answered=_count(said["answered"]),
            up=_count(said["up"]),
            down=_count(said["down"]),
            failed=Counter({k: _count(n) for k, n in said["failed"].items() if k in FAILURES}),
            rtt=_histogram(said["rtt"]),
            hours=1,
            rssi_dbm=_level(said.get("rssi_dbm")),
            snr_db=_level(said.get("snr_db")),
        )

    @classmethod
    def of_channel(cls, said: Mapping[str, Any]) -> LinkTotals:
        """Return the totals in a gateway's words about a channel's hour.

        Raises:
            KeyError, TypeError, ValueError: They are malformed.
        """
        up, down = _histogram(said["up"]), _histogram(said["down"])
        sent, lost = _count(said["messages"]), _count(said["lost"])
        return cls(
            asked=sent,
            answered=max(sent - lost, 0),
            up=sum(up.values()),
            down=sum(down.values()),
            rtt=_histogram(said["rtt"]),
            # The busier way counts: a channel is full when either is.
            minutes=Counter(_bytes_bucket(max(up[m], down[m])) for m in up.keys() | down.keys()),
            hours=1,
            medium=str(said["medium"])[:40],
        )

    def add(self, other: LinkTotals) -> None:
        """Add what was counted at another time or of another link."""
        for name in ("asked", "answered", "up", "down", "hours"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failed.update(other.failed)
        self.rtt.update(other.rtt)
        self.minutes.update(other.minutes)
        self.medium = other.medium or self.medium
        self.rssi_dbm = _lower(self.rssi_dbm, other.rssi_dbm)
        self.snr_db = _lower(self.snr_db, other.snr_db)

    @property
    def success_pct(self) -> float | None:
        """Answered over asked; None when nothing was asked."""
        return 100.0 * min(self.answered / self.asked, 1.0) if self.asked else None

    def used_kbps(self, share: float = 0.95) -> float:
        """Return the throughput that `share` of all minutes do not exceed, within 1 %."""
        idle = max(60 * self.hours - sum(self.minutes.values()), 0)
        bucket = _quantile_bucket(self.minutes + Counter({-1: idle}), share)
        if bucket is None or bucket < 0:
            return 0.0
        return float(_BYTES_STEP ** (bucket + 0.5)) * 8.0 / 60.0 / 1000.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` reads back."""
        return {
            "failed": dict(self.failed),
            "rtt": {str(k): n for k, n in self.rtt.items()},
            "minutes": {str(k): n for k, n in self.minutes.items()},
            "hours": self.hours,
            "medium": self.medium,
            "rssi_dbm": self.rssi_dbm,
            "snr_db": self.snr_db,
        }

    @classmethod
    def from_dict(
        cls, plain: Mapping[str, Any], *, asked: int, answered: int, up: int, down: int
    ) -> LinkTotals:
        """Return totals from plain values and the four counts kept beside them."""
        return cls(
            asked=asked,
            answered=answered,
            up=up,
            down=down,
            failed=Counter(plain["failed"]),
            rtt=Counter({int(k): n for k, n in plain["rtt"].items()}),
            minutes=Counter({int(k): n for k, n in plain["minutes"].items()}),
            hours=plain["hours"],
            medium=plain["medium"],
            rssi_dbm=plain["rssi_dbm"],
            snr_db=plain["snr_db"],
        )


def _count(value: Any) -> int:
    number = int(value)
    if number < 0 or number > 1 << 53:
        raise ValueError(f"no count: {value}")
    return number


def _histogram(said: Mapping[str, Any]) -> Counter[int]:
    return Counter({int(k): _count(n) for k, n in said.items()})


def _level(value: Any) -> float | None:
    return None if value is None else float(value)


def _lower(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)
