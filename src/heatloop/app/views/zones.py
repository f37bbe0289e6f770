"""Read models of the two zones: freshness of the streams, what is said to heat users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierView:
    """One way a stream travels."""

    name: str
    """`file` or `udp`."""
    ok: bool
    """Whether it works, as far as this end can see."""
    detail: str
    """What is wrong, or what lies waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamView:
    """One direction between the zones, as this end sees it."""

    name: str
    """`feed` (control to customer) or `gate` (customer to control)."""
    role: str
    """`sends` or `receives`."""
    set_up: bool
    """Whether it is configured and the zones are paired."""
    age_s: float | None
    """Since something was last sent or taken, machine seconds."""
    silent: bool
    """Whether that is too long."""
    delay_s: float | None
    """From issue to effect of the newest batch; receivers only."""
    batches: int
    """Batches since the start."""
    records: int
    """Records since the start."""
    refused: int
    """Batches or records refused since the start."""
    gaps: int
    """Gaps no snapshot has healed yet."""
    carriers: list[CarrierView]
    """Ways it travels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneState:
    """Which zone this is, and how fresh it is."""

    zone: str
    """`all`, `control` or `customer`."""
    plant_time: datetime
    """Plant time here."""
    fresh: bool
    """Whether what is shown here is of now."""
    streams: list[StreamView]
    """Both directions; empty when the zones are not parted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneEventView:
    """Something that happened to a stream."""

    number: int
    """Number."""
    kind: str
    """Kind of event."""
    stream: str
    """`feed` or `gate`."""
    text_zh: str
    """What it means, in Chinese."""
    text_en: str
    """What it means, in English."""
    detail: str
    """What was seen."""
    count: int
    """How often, folded."""
    at: datetime
    """When first."""
    last_at: datetime
    """When last."""
    ended_at: datetime | None
    """When it was over; empty: it goes on, or was a moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneEventPage:
    """A page of events."""

    total: int
    """Rows in all."""
    items: list[ZoneEventView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateRecordView:
    """A record of the reverse gate."""

    id: str
    """Its id."""
    kind: str
    """Its schema."""
    place: str
    """What it is about."""
    at: datetime
    """When it was taken or written."""
    state: str
    """`waiting`, `sent`, `accepted` or `refused`."""
    reason: str
    """Why it was refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateRecordPage:
    """A page of records of the gate."""

    total: int
    """Rows in all."""
    items: list[GateRecordView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CauseView:
    """What is probably the matter."""

    code: str
    """Name."""
    zh: str
    """Chinese words."""
    en: str
    """English words."""
    advice_zh: str
    """What to do, in Chinese."""
    advice_en: str
    """What to do, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceAnswer:
    """What can be said of a building or a flat."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    building: str
    """Code of the building."""
    at: datetime
    """Plant time the answer was worked out for."""
    age_s: float
    """Age of what the answer stands on, machine seconds."""
    fresh: bool
    """Whether the feed is alive; else this was so `age_s` ago."""
    room_c: float | None
    """Room temperature, degC."""
    basis: str
    """`measured` there, `building` (others in the building), `estimated` or `none`."""
    rooms: int
    """Sensors in the building that are fresh."""
    supply_c: float | None
    """Temperature of the supply water, degC."""
    outdoor_c: float | None
    """Outdoor temperature, degC."""
    cause: CauseView
    """What is probably the matter."""
    hours_cold: float | None
    """Without heat from now on: hours until 18 degC; empty: over 72, or not known."""
    hours_frost: float | None
    """The same until 5 degC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceView:
    """A place that can be asked about."""

    code: str
    """Asset code."""
    kind: str
    """`community`, `building` or `flat`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacePage:
    """A page of places."""

    total: int
    """Rows in all."""
    items: list[PlaceView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainAlarm:
    """An alarm of the plant in plain words."""

    id: str
    """Id, the same in both zones."""
    place: str
    """Asset code."""
    zh: str
    """What it means, in Chinese."""
    en: str
    """What it means, in English."""
    priority: int
    """1 critical to 4 low."""
    onset: datetime
    """When it began."""
    state: str
    """`active`, `acknowledged` or `returned`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainAlarmPage:
    """A page of alarms."""

    total: int
    """Rows in all."""
    items: list[PlainAlarm]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentView:
    """Trouble that concerns many heat users."""

    id: str
    """Id."""
    place: str
    """Where it sits."""
    zh: str
    """Chinese name of that place."""
    en: str
    """English name of that place."""
    cause: CauseView
    """What it is."""
    since: datetime
    """Since when."""
    buildings: list[str]
    """Buildings concerned, inside the reader's scope."""
    flats: int
    """Flats concerned in all."""
    area_m2: float
    """Heated area concerned in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingView:
    """What is believed to be wrong in the network."""

    place: str
    """Water zone it concerns."""
    sort: str
    """`leak`."""
    state: str
    """How sure it is."""
    zh: str
    """Chinese words."""
    en: str
    """English words."""
    since: datetime | None
    """Since when."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherHourView:
    """The weather of one hour, as forecast."""

    at: datetime
    """The hour."""
    temperature_c: float | None
    """Air temperature, degC."""
    condition: int | None
    """WMO 4677 code of the sky."""
    humidity_pct: float | None
    """Relative humidity, %."""
    wind_ms: float | None
    """Wind speed, m/s."""
    solar_w_m2: float | None
    """Global radiation, W/m2."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneWeather:
    """The weather as the control zone knows it."""

    outdoor_c: float | None
    """Outdoor temperature now, degC."""
    known_at: datetime | None
    """When the forecast became known."""
    hours: list[WeatherHourView]
    """The forecast."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZonePoint:
    """A value of the plant."""

    code: str
    """Point code."""
    kind: str
    """Point kind."""
    unit: str
    """Unit."""
    value: float | None
    """Newest value."""
    quality: int
    """Quality code."""
    at: datetime | None
    """When it was measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZonePointPage:
    """A page of values."""

    total: int
    """Rows in all."""
    items: list[ZonePoint]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneHour:
    """The mean of one hour."""

    at: datetime
    """Beginning of the hour."""
    mean: float
    """Mean, in the point's unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneHours:
    """Hourly means of a point."""

    code: str
    """Point code."""
    unit: str
    """Unit."""
    hours: list[ZoneHour]
    """By time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSent:
    """What was handed to the reverse gate."""

    ids: list[str]
    """Ids of the records."""
