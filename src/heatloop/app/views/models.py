"""Read models of learnt models: the list, one unit with its versions, cards, days and events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSummary:
    """The model in force of a unit."""

    unit: str
    """Unit."""
    zh: str
    """Its Chinese name."""
    en: str
    """Its English name."""
    version: int | None
    """Champion; None: there is none yet."""
    learned: bool
    """False: it follows from the design and the heat used, rooms unseen."""
    learned_until: datetime | None
    """End of what it learned from."""
    loss_kw_k: float | None
    """Heat lost to the outside a kelvin, kW/K."""
    loss_sigma_pct: float | None
    """Its uncertainty, one sigma, %."""
    capacity_kwh_k: float | None
    """Heat held a kelvin by rooms and walls, kWh/K."""
    time_constant_h: float | None
    """Slowest time constant, h."""
    mae_k: float | None
    """Mean error of a day foretold, over the last week it has not learned from, K."""
    drift: float
    """How far its errors have drifted, in standard deviations."""
    drift_limit: float
    """The limit."""
    challenger: int | None
    """Version that foretells beside it."""
    former: int | None
    """Version that would come back."""
    state: str
    """How the last night went, in a word the screens translate."""
    looked: datetime | None
    """Plant time of the last night."""
    failure: str
    """Why the last night failed; empty when it did not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPage:
    """A page of units."""

    total: int
    """Units in scope."""
    learned: int
    """Those with a learned champion."""
    drifting: int
    """Those whose champion drifts."""
    items: list[ModelSummary]
    """The page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersionView:
    """A version with its card."""

    version: int
    """Number."""
    stage: str
    """`champion`, `challenger`, `former`, `rejected` or `rolled_back`."""
    learned: bool
    """False: from the design and the heat used."""
    at: datetime
    """Plant time it was made."""
    data_from: datetime | None
    """First moment it learned from."""
    data_until: datetime
    """End of what it learned from."""
    parent: int
    """Version it was learned from; 0: none."""
    digest: str
    """SHA-256 of the history it learned from."""
    model: dict[str, Any]
    """Its figures, units in their names."""
    card: dict[str, Any]
    """Sensors used and rejected, errors, intervals, curve, valve and exchanger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDay:
    """A day foretold by a version."""

    version: int
    """Version."""
    day: date
    """Local day."""
    mae_k: float
    """Mean absolute error of the room temperature, K."""
    bias_k: float
    """Mean error, above 0: foretold too warm, K."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelEvent:
    """Something that happened to a version."""

    at: datetime
    """Plant time."""
    unit: str
    """Unit."""
    kind: str
    """`building`, `curve`, `valve` or `exchanger`."""
    version: int
    """Version."""
    action: str
    """`start`, `challenge`, `promote`, `reject` or `roll_back`."""
    reason: str
    """Why, in a word the screens translate."""
    by: str
    """Who; `learning` for the platform itself."""
    detail: dict[str, Any]
    """Figures of the decision."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCharacteristic:
    """What else is learned of a unit: its weather curve, primary valve or plate exchanger."""

    kind: str
    """`curve`, `valve` or `exchanger`."""
    version: int | None
    """In force; None: none is good enough yet."""
    error: float | None
    """Mean error over the last week it has not learned from, in `error_unit`."""
    error_unit: str
    """`K` of supply, `%` of flow or of conductance."""
    challenger: int | None
    """Version that foretells beside it."""
    former: int | None
    """Version that would come back."""
    state: str
    """How the last night went, in a word the screens translate."""
    looked: datetime | None
    """Plant time of the last night."""
    versions: list[ModelVersionView]
    """Newest first."""
    days: list[ModelDay]
    """Last weeks, errors in `error_unit`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDetail:
    """One unit."""

    summary: ModelSummary
    """The model in force."""
    versions: list[ModelVersionView]
    """Newest first."""
    days: list[ModelDay]
    """Last weeks, by day, of all versions that took part."""
    events: list[ModelEvent]
    """Newest first."""
    characteristics: list[ModelCharacteristic]
    """Weather curve, primary valve and plate exchanger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelEventPage:
    """A page of events."""

    total: int
    """How many there are."""
    items: list[ModelEvent]
    """The page, newest first."""
