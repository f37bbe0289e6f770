"""Devices and their tests as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heatloop.plant.acceptance import OpenItem
from heatloop.plant.acceptance_arrival import Mismatch
from heatloop.plant.installation import TickItem
from heatloop.plant.model_checks import Check


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelView:
    """A device model with what is known of its papers."""

    model: dict[str, Any]
    """The model, as `plant.models.DeviceModel`."""
    class_zh: str
    """Chinese name of its class."""
    class_en: str
    """English name of its class."""
    checks: list[Check]
    """Checks that do not depend on a place."""
    missing_zh: list[str]
    """Papers missing on its GB/T 50893 checklist, in Chinese."""
    missing_en: list[str]
    """The same in English."""
    devices: int
    """Devices of this model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceView:
    """One device in a list."""

    serial: str
    """Serial number."""
    model: str
    """Model code."""
    device_class: str
    """Device class."""
    class_zh: str
    """Chinese name of its class."""
    class_en: str
    """English name of its class."""
    asset: str
    """Asset (or gateway) it belongs to."""
    asset_zh: str
    """Chinese name of the asset."""
    asset_en: str
    """English name of the asset."""
    device: str
    """Ledger device."""
    point_kind: str
    """What an instrument measures."""
    purchase: str
    """Purchase list."""
    state: str
    """`LifeState`."""
    auto_ready: bool
    """Whether its loop test passed."""
    outdoor: bool
    """Whether it stands outdoors."""
    changed: datetime
    """Last change, plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DevicePage:
    """A page of devices."""

    total: int
    """Rows in all."""
    states: dict[str, int]
    """Devices by state."""
    items: list[DeviceView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordView:
    """Something recorded of a device."""

    kind: str
    """Kind of record."""
    body: dict[str, Any]
    """What was recorded."""
    by: str
    """Who."""
    at: datetime
    """When, plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """One functional test or pre-season check."""

    id: str
    """Id."""
    kind: str
    """`acceptance` or `season`."""
    subject: str
    """Serial number, or asset."""
    station: str
    """Station."""
    state: str
    """`running`, `restoring`, `passed`, `failed` or `aborted`."""
    by: str
    """Who started it."""
    started: datetime
    """Plant time."""
    ended: datetime | None
    """Plant time."""
    steps: list[dict[str, Any]]
    """Steps, as `plant.acceptance_run.StepRecord`."""
    instruction: dict[str, Any] | None
    """What the technician is to do now."""
    problems: list[dict[str, str]]
    """What could not be put back, or was found."""
    findings: list[dict[str, Any]]
    """Findings of a pre-season check, ready to become work orders."""
    checks: list[Check]
    """Sensor checks of a pre-season check."""
    signed: bool
    """Whether the signed report is there."""
    key_id: str
    """Key it was signed with."""
    pdf_sha256: str
    """Digest of the report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """A page of runs."""

    total: int
    """Rows in all."""
    items: list[RunView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceDetail:
    """All that is known of a device."""

    device: DeviceView
    """The device."""
    next: str
    """State that follows; empty at the end."""
    open: list[OpenItem]
    """What holds it back, waived or not."""
    selection: list[Check]
    """Selection checks."""
    installation: list[Check]
    """Installation checks."""
    ticks: list[TickItem]
    """What is asked at its place."""
    accessories: list[str]
    """Accessories it must come with."""
    mismatches: list[Mismatch]
    """Differences of its delivery."""
    records: list[RecordView]
    """What was recorded, oldest first."""
    steps: list[str]
    """Steps of its functional test."""
    runs: list[RunView]
    """Its tests, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetReport:
    """What all devices together show."""

    label: dict[str, float]
    """Energy labels: devices, best (grade 1 or 2), unknown, share_pct."""
    failing: list[Check]
    """Every failed selection check."""
    radio: list[Check]
    """Every failed radio check of a model."""
    rooms: list[Check]
    """Room sensors that hang at no representative place, by their values."""
    reliability: list[dict[str, Any]]
    """Run hours, failures, MTBF and availability of each device in service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileView:
    """A kept file."""

    sha256: str
    """Digest; its name."""
    media: str
    """Media type."""
    size_bytes: int
    """Size."""
    name: str
    """Name it was sent under."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptView:
    """What came of a delivery."""

    purchase: str
    """Purchase list."""
    arrived: list[str]
    """Serial numbers that are now arrived."""
    mismatches: list[Mismatch]
    """Every difference; one blocks the acceptance of the delivery."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureView:
    """Whether a report is what was signed."""

    ok: bool
    """Whether result and report fit their signatures."""
    key_id: str
    """Key."""
    alg: str
    """Algorithm."""
    public_key: str
    """Public key, hexadecimal."""
    pdf_sha256: str
    """Digest of the report."""
    pdf_signature: str
    """Detached signature over the report's bytes, hexadecimal."""
    document: dict[str, str]
    """Signed result: canonical body, key_id, alg, signature."""
