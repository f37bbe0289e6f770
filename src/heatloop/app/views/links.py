"""Read models of links: success, round trips, bandwidth, signal, cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkRowView:
    """One gateway, device or channel over a period."""

    code: str
    """Gateway or device code; of a channel that of its gateway."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    gateway: str
    """Gateway code."""
    channel: str | None
    """Channels: `main` or `spare`."""
    medium: str
    """What it is made of: channel type of the ledger, or a device's field protocol."""
    asked: int
    """Messages that should have come (channels: envelopes sent)."""
    answered: int
    """Messages that came (channels: envelopes acknowledged)."""
    success_pct: float | None
    """Answered over asked; None when nothing was asked."""
    passed: bool | None
    """Whether that is at least 99 % (clause 5.1 c 1)."""
    failed: dict[str, int]
    """Failures by kind: timeout, checksum, length, malformed, refused, unreachable."""
    rtt_median_ms: float | None
    """Median round trip, machine time."""
    rtt_p95_ms: float | None
    """95th percentile of round trips."""
    bytes_up: int
    """Bytes towards the platform."""
    bytes_down: int
    """Bytes towards the device."""
    capacity_kbps: float | None
    """Channels: declared capacity; None where it is not known."""
    used_p95_kbps: float | None
    """Channels: throughput that 95 % of the minutes do not exceed."""
    margin_pct: float | None
    """Channels: capacity to spare."""
    margin_passed: bool | None
    """Channels: whether that is at least 20 % (clause 6.1.3 d)."""
    rssi_dbm: float | None
    """Devices: weakest signal."""
    snr_db: float | None
    """Devices: worst signal to noise."""
    blind: str | None
    """Devices by radio: why it counts as a blind spot: `signal`, `success`, `silent`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelCost:
    """What one channel type costs."""

    medium: str
    """Channel type."""
    gateways: int
    """Gateways whose main channel it is."""
    points: int
    """Points they read."""
    monthly_cost_yuan: float
    """Cost a month, spare channels with their gateways."""
    cost_per_point_yuan: float | None
    """Cost a month and point."""
    success_pct: float | None
    """Success rate of what these gateways asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkReportView:
    """Links over a period."""

    start: datetime
    """Begin."""
    end: datetime
    """End."""
    by: str
    """`gateway`, `device` or `channel`."""
    success_rule_pct: float
    """Least success rate."""
    margin_rule_pct: float
    """Least bandwidth margin."""
    items: list[LinkRowView]
    """Worst first."""
    costs: list[ChannelCost]
    """By channel type (clause 4.2.2 -2)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinksNow:
    """How links are now: the last 24 hours, and 7 days for blind spots."""

    at: datetime
    """Plant time."""
    gateways: list[LinkRowView]
    """By gateway, worst first."""
    channels: list[LinkRowView]
    """By channel, least margin first."""
    blind_spots: list[LinkRowView]
    """Radio devices that are not heard well enough (clause 5.2 e)."""
    costs: list[ChannelCost]
    """By channel type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedDocument:
    """A document under the platform's signature."""

    body: str
    """The canonical text that was signed."""
    key_id: str
    """Key that signed."""
    alg: str
    """Algorithm."""
    signature: str
    """Hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedDocument:
    """Whether a signed document is the platform's own and unchanged."""

    valid: bool
    """Whether it is."""
    reason: str
    """Why not; empty when it is."""
    kind: str | None
    """Kind of the document, when it is valid."""
