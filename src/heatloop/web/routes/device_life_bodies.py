"""What requests about devices may carry: bounded, named, nothing extra."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

Serial = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]
SerialPath = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]
ModelPath = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
DigestPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]
CodeQuery = Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]
Text = Annotated[str, Field(max_length=400)]
Word = Annotated[str, Field(max_length=80)]
Metres = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
Plain = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=30, le=86_400, allow_inf_nan=False)]
DutyName = Literal["design_kpa", "normal", "medium_c", "design_load_kw", "extreme_c"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NewDevice(_Body):
    """A device that is planned."""

    serial: Serial
    model: Serial
    asset: Code = ""
    """Asset or gateway it belongs to."""
    device: Code = ""
    """Ledger device it is, or is read by."""
    point_kind: Code = ""
    """What an instrument measures."""
    purchase: Code = ""
    duty: dict[DutyName, Plain] = Field(default_factory=dict)
    """Design values told for this device."""
    outdoor: bool = False


class DeviceChange(_Body):
    """What is to change; fields left out stay."""

    model: Serial | None = None
    asset: Code | None = None
    device: Code | None = None
    point_kind: Code | None = None
    duty: dict[DutyName, Plain] | None = None
    outdoor: bool | None = None


class Scanned(_Body):
    """One device scanned at arrival."""

    serial: Serial
    model: Serial
    parameters: Word = ""


class Receipt(_Body):
    """A delivery."""

    scanned: Annotated[list[Scanned], Field(max_length=5_000)]


class ArrivalForm(_Body):
    """How one device arrived."""

    photo: Digest
    undamaged: bool
    accessories: dict[Word, bool] = Field(default_factory=dict, max_length=50)


class DocumentForm(_Body):
    """A paper of a device."""

    document: Literal["certificate", "test_report", "manual"]
    file: Digest


class InstallationForm(_Body):
    """What a technician records at the place."""

    location: Text = ""
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    outdoor: bool = False
    photos: Annotated[list[Digest], Field(max_length=20)] = Field(default_factory=list)
    signed_by: Word = ""
    height_m: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    room: Word = ""
    heater_m: Metres | None = None
    window_m: Metres | None = None
    outer_wall: bool | None = None
    distance_mm: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    dn_mm: Annotated[float, Field(gt=0, le=5_000, allow_inf_nan=False)] | None = None
    upstream_d: Metres | None = None
    downstream_d: Metres | None = None
    antifreeze: Text = ""
    rssi_dbm: Annotated[float, Field(ge=-200, le=50, allow_inf_nan=False)] | None = None
    success_pct: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    ticks: dict[Word, bool] = Field(default_factory=dict, max_length=50)


class FailureForm(_Body):
    """A failure of a device in service."""

    down_h: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
    """How long it was down."""
    note: Text = ""


class SpotCheckForm(_Body):
    """A comparison with a reference instrument."""

    shown: Plain
    reference: Plain


class WaiverForm(_Body):
    """A decision to let a failed item pass."""

    item: Annotated[str, Field(min_length=1, max_length=120)]
    reason: Annotated[str, Field(min_length=4, max_length=400)]


class AdvanceForm(_Body):
    """The state a device is to enter."""

    to: Literal["arrived", "accepted", "installed", "tested", "in_service", "retired"]


class EvidenceForm(_Body):
    """What was shown for one item of the GB/T 50893 checklist."""

    item: Word
    file: Digest


class LimitsForm(_Body):
    """A company's own limits; fields left out are the standard's."""

    room_accuracy_c: Annotated[float, Field(gt=0, le=0.5)] | None = None
    pipe_accuracy_c: Annotated[float, Field(gt=0, le=1.0)] | None = None
    pressure_range_ratio: Annotated[float, Field(ge=1.5, le=10)] | None = None
    pressure_class: Annotated[float, Field(gt=0, le=0.5)] | None = None
    pressure_span_pct: (
        tuple[Annotated[float, Field(ge=0, le=100)], Annotated[float, Field(ge=0, le=100)]] | None
    ) = None
    temperature_span_pct: (
        tuple[Annotated[float, Field(ge=0, le=100)], Annotated[float, Field(ge=0, le=100)]] | None
    ) = None
    indoor_ip: Annotated[int, Field(ge=54, le=69)] | None = None
    outdoor_ip: Annotated[int, Field(ge=65, le=69)] | None = None
    efficiency_pct: dict[Word, Annotated[float, Field(ge=0, le=110)]] | None = None
    bands_mhz: Annotated[list[tuple[float, float]], Field(max_length=50)] | None = None


class TrialOptions(_Body):
    """How long and how exactly a test looks; fields left out have their usual values."""

    confirm_heating: bool = False
    """That heat is being delivered and the station is to be moved all the same."""
    window_s: Seconds | None = None
    feedback_pct: Annotated[float, Field(ge=0.5, le=10)] | None = None
    loop_step_k: Annotated[float, Field(ge=1, le=10)] | None = None
    loop_s: Seconds | None = None
    technician_s: Seconds | None = None
    recover_s: Seconds | None = None


class DeviceTestRequest(TrialOptions):
    """A functional test of one device."""

    serial: Serial
    go_on: Code = ""
    """A run of the device that was given up: what it passed is not done again."""


class SeasonRequest(TrialOptions):
    """A pre-season check of the substations at or below an asset."""

    asset: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
    ambient_c: Annotated[float, Field(ge=-60, le=60, allow_inf_nan=False)] | None = None
