"""Read models of labels and personal data: register, consents, receivers, exports, erasures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelView:
    """The security label of an account."""

    name: str
    """Login name."""
    roles: list[str]
    """Roles."""
    level: str
    """Level in force, `L1` to `L4`."""
    categories: list[str]
    """Categories in force."""
    given: bool
    """Whether it was given; else it follows from the roles."""
    usual_level: str
    """Level that follows from the roles."""
    usual_categories: list[str]
    """Categories that follow from the roles."""
    reason: str
    """Why it was given."""
    given_by: str | None
    """Who gave it."""
    given_at: datetime | None
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelPage:
    """Labels of all accounts."""

    total: int
    """Accounts."""
    items: list[LabelView]
    """Their labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalFieldView:
    """One field of the purpose register."""

    place: str
    """`ledger` or `records`."""
    dataset: str
    """Sheet or table."""
    field: str
    """Name."""
    level: str
    """Level of its label."""
    mask: str
    """How it is shown: name, phone, id, email, address or hidden."""
    subject: str
    """Whom it is about: `person` or `contract`."""
    purposes: list[str]
    """What it is collected for."""
    basis: str
    """`contract`, `consent` or `legal`."""
    retention_days: int
    """How long after the end of the contract it is kept."""
    legal_days: int
    """How long a law has it kept."""
    legal_zh: str
    """That law, in Chinese."""
    legal_en: str
    """That law, in English."""
    zh: str
    """What it is and what for, in Chinese."""
    en: str
    """What it is and what for, in English."""
    held: int
    """Values there are; 0 for tables, which are not counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalRegister:
    """What is collected about persons."""

    total: int
    """Fields."""
    items: list[PersonalFieldView]
    """The fields."""
    findings: list[str]
    """What does not fit the grading; nothing is the aim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RevealedView:
    """One personal value in clear."""

    subject: str
    """Asset."""
    field: str
    """Field."""
    value: str
    """The value; it is not kept anywhere else."""
    left: int
    """Reveals left within the hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentView:
    """That somebody agreed to a use of his data."""

    id: str
    """Id."""
    subject: str
    """Contract or person of the ledger."""
    purpose: str
    """What he agreed to."""
    basis: str
    """`consent`, `contract` or `legal`."""
    note: str
    """How he said so."""
    by: str
    """Who wrote it down."""
    given: datetime
    """Since when."""
    withdrawn: datetime | None
    """When he took it back."""
    withdrawn_by: str | None
    """Who wrote that down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentPage:
    """A page of consents."""

    total: int
    """Consents that fit."""
    items: list[ConsentView]
    """Those of the page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverView:
    """Somebody outside who may be given data."""

    code: str
    """Code."""
    name: str
    """Name."""
    contract: str
    """Contract or instruction."""
    purposes: list[str]
    """What for."""
    fields: list[str]
    """Fields he may get."""
    public_key: str
    """His X25519 key, hexadecimal."""
    valid_from: datetime
    """Begin."""
    valid_until: datetime
    """End."""
    active: bool
    """Whether the authorisation stands."""
    in_force: bool
    """Whether it stands and is within its time."""
    by: str
    """Who authorised him."""
    at: datetime
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedField:
    """A field that may be given to others, and how."""

    field: str
    """Name."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    how: str
    """`pseudonym`, `generalised` or `measured`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverPage:
    """Receivers, and what they can be given at all."""

    total: int
    """Receivers."""
    items: list[ReceiverView]
    """The receivers."""
    offered: list[OfferedField]
    """Fields a data set can have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenView:
    """A data set made for somebody outside."""

    id: str
    """Id."""
    receiver: str
    """Who gets it."""
    purpose: str
    """What for."""
    reason: str
    """Why; or why it was refused."""
    fields: list[str]
    """Fields in it."""
    start: datetime
    """Begin of its time window."""
    end: datetime
    """End of it."""
    k: int
    """Least number of households that should look alike."""
    state: str
    """`done` or `refused`."""
    permit: str
    """Approval ticket."""
    by: str
    """Who made it."""
    at: datetime
    """When."""
    rows: int
    """Rows in it."""
    suppressed: int
    """Rows left out so that nobody stands alone."""
    left_out: int
    """Rows left out because the person objected."""
    k_reached: int
    """Least number of households that look alike; 0 when no row is left."""
    loss_pct: float
    """Information lost in what could betray somebody."""
    steps: dict[str, int]
    """How many steps each field was made coarser."""
    sha256: str
    """Of the sealed file."""
    size_bytes: int
    """Of the sealed file."""
    kept: bool
    """Whether the file can still be fetched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenPage:
    """A page of data sets made for others."""

    total: int
    """Data sets."""
    items: list[GivenView]
    """Those of the page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedField:
    """What becomes of one field of one subject."""

    subject: str
    """Whose."""
    sheet: str
    """Sheet or table it is in."""
    field: str
    """Name."""
    action: str
    """`erased`, or `kept` because a law has it kept."""
    versions: int
    """Versions of the row it was, or would be, taken out of."""
    until: datetime | None
    """How long a law has it kept; plant time."""
    law_zh: str
    """That law, in Chinese."""
    law_en: str
    """That law, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureView:
    """An erasure, a retention run, or the dry run of one."""

    id: str
    """Id."""
    kind: str
    """`erase` or `retention`."""
    dry_run: bool
    """Whether nothing was changed."""
    subject: str
    """Whom it was about; empty: everybody whose time is over."""
    reason: str
    """Why."""
    by: str
    """Who."""
    at: datetime
    """When."""
    subjects: int
    """Persons concerned."""
    erased: int
    """Fields taken out, or to be."""
    kept: int
    """Fields a law has kept."""
    files: int
    """Files made for others that were removed, or would be."""
    fields: list[ErasedField]
    """What became of the fields, the first 500."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasurePage:
    """A page of erasures."""

    total: int
    """Erasures."""
    items: list[ErasureView]
    """Those of the page."""
