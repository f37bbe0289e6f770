"""Personal data: purposes, one value revealed at a time, consents, data for others, erasure."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.personal import PersonalData
from heatloop.app.personal_erase import Erasure
from heatloop.app.third_party import ThirdParty, Wish
from heatloop.app.views.personal import (
    ConsentPage,
    ConsentView,
    ErasurePage,
    ErasureView,
    GivenPage,
    GivenView,
    PersonalRegister,
    ReceiverPage,
    ReceiverView,
    RevealedView,
)
from heatloop.kernel.clock import machine_s
from heatloop.security.access import Permission, Principal
from heatloop.store.records.personal_receivers import ReceiverRow
from heatloop.web.access import (
    Platformed,
    PrivacyKeeper,
    PrivacyReader,
    Revealer,
    UserKeeper,
    needs,
)
from heatloop.web.credentials import recent_proof
from heatloop.web.params import Page, Size, Word

router = APIRouter(prefix="/personal", tags=["personal"])
Reader = Annotated[
    Principal, Depends(needs(Permission.VIEW, Permission.MANAGE_USERS, Permission.AUDIT))
]
Ident = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[0-9a-f]+$")]
ReceiverCode = Annotated[
    str, Path(min_length=2, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
]
_Code = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
_Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")]
_Reason = Annotated[str, Field(min_length=2, max_length=500)]
_PROVED = [Depends(recent_proof)]
_SEALED = "application/octet-stream"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class RevealRequest(_Body):
    """Which personal value is to be seen, and why."""

    subject: _Code
    """Asset."""
    field: _Name
    """Field that is shown masked."""
    reason: _Reason
    """Why; it stands in the audit trail."""


class ConsentRequest(_Body):
    """That somebody agreed to a use of his data."""

    subject: _Code
    """Contract or person of the ledger."""
    purpose: _Name
    """One of the purposes of the grading."""
    basis: Annotated[str, Field(pattern="^(consent|contract|legal)$")] = "consent"
    """What it rests on."""
    note: Annotated[str, Field(max_length=500)] = ""
    """How he said so."""


class ReceiverAuthorisation(_Body):
    """What somebody outside may be given, and until when."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name."""
    contract: Annotated[str, Field(min_length=1, max_length=200)]
    """Contract or instruction he gets data by."""
    purposes: Annotated[list[_Name], Field(min_length=1, max_length=20)]
    """What for."""
    fields: Annotated[list[_Name], Field(max_length=40)]
    """Fields he may get."""
    public_key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """His X25519 key, hexadecimal; `heatloop personal key` makes one."""
    valid_from: AwareDatetime
    """Begin."""
    valid_until: AwareDatetime
    """End."""
    active: bool = True
    """Whether it stands."""


class GiveRequest(_Body):
    """A data set for somebody outside."""

    receiver: _Code
    """Who gets it."""
    purpose: _Name
    """What for."""
    reason: _Reason
    """Why now."""
    fields: Annotated[list[_Name], Field(min_length=1, max_length=40)]
    """Fields."""
    start: AwareDatetime
    """Begin of the time window."""
    end: AwareDatetime
    """End of it."""
    asset: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Part of the plant; empty: all of it."""
    k: Annotated[int, Field(ge=0, le=1000)] = 0
    """Least number of households that look alike; never less than the settings say."""


class EraseRequest(_Body):
    """Whose data are to be erased, and why."""

    subject: _Code
    """Contract or person of the ledger."""
    reason: _Reason
    """Who asked for it, and how."""
    dry_run: bool = True
    """Whether only to tell what would go and what would stay."""


class RetentionRequest(_Body):
    """Whether data whose time is over are erased now."""

    dry_run: bool = True
    """Whether only to tell what would go."""


@router.get("/register", summary="What is collected about persons, and what for")
async def get_personal_register(platform: Platformed, by: Reader) -> PersonalRegister:
    """Return every personal field with purposes, basis, retention and mask."""
    return PersonalData(platform).register()


@router.post("/reveal", summary="See one personal value")
async def reveal_personal(body: RevealRequest, platform: Platformed, by: Revealer) -> RevealedView:
    """Return one value in clear; who saw it and why is in the audit trail before it is given."""
    return await PersonalData(platform).reveal(by, body.subject, body.field, body.reason)


@router.get("/consents", summary="Consents, newest first")
async def list_consents(
    platform: Platformed, by: PrivacyReader, subject: Word = "", page: Page = 1, size: Size = 100
) -> ConsentPage:
    """Return a page of what people agreed to, and what they took back."""
    return await PersonalData(platform).consents(by, subject=subject, page=page, size=size)


@router.post("/consents", status_code=201, summary="Write down a consent")
async def add_consent(body: ConsentRequest, platform: Platformed, by: PrivacyKeeper) -> ConsentView:
    """Write down that somebody agreed to a use of his data."""
    return await PersonalData(platform).give(
        by, body.subject, purpose=body.purpose, basis=body.basis, note=body.note
    )


@router.post("/consents/{id}/withdraw", summary="Write down that a consent was taken back")
async def withdraw_consent(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    by: PrivacyKeeper,
) -> ConsentView:
    """End a consent; data sets for that purpose leave the person out from now on."""
    return await PersonalData(platform).withdraw(by, id)


@router.get("/receivers", summary="Who outside may be given data")
async def list_receivers(platform: Platformed, by: PrivacyReader) -> ReceiverPage:
    """Return receivers with their authorisations, and the fields a data set can have."""
    return await ThirdParty(platform).receivers()


@router.put("/receivers/{code}", summary="Authorise a receiver", dependencies=_PROVED)
async def put_receiver(
    code: ReceiverCode, body: ReceiverAuthorisation, platform: Platformed, by: UserKeeper
) -> ReceiverView:
    """Say what somebody outside may be given, what for and until when."""
    row = ReceiverRow(
        code=code,
        name=body.name,
        contract=body.contract,
        purposes=tuple(body.purposes),
        fields=tuple(body.fields),
        public_key=body.public_key,
        valid_from=body.valid_from.timestamp(),
        valid_until=body.valid_until.timestamp(),
        active=body.active,
        user=by.user,
        at=machine_s(),
    )
    return await ThirdParty(platform).authorise(by, row)


@router.get("/given", summary="Data sets made for others, newest first")
async def list_given(
    platform: Platformed, by: PrivacyReader, page: Page = 1, size: Size = 50
) -> GivenPage:
    """Return a page of data sets, refused ones among them, with the anonymity reached."""
    return await ThirdParty(platform).given(page=page, size=size)


@router.post("/given", status_code=201, summary="Make a data set for somebody outside")
async def give_data(body: GiveRequest, platform: Platformed, by: PrivacyKeeper) -> GivenView:
    """Make pseudonyms, make coarser, leave out, seal; needs an authorisation and a ticket."""
    wish = Wish(
        receiver=body.receiver,
        purpose=body.purpose,
        reason=body.reason,
        fields=tuple(body.fields),
        start_s=int(body.start.timestamp()),
        end_s=int(body.end.timestamp()),
        asset=body.asset,
        k=body.k,
    )
    return await ThirdParty(platform).make(by, wish)


@router.get(
    "/given/{id}/file",
    summary="The sealed file of a data set",
    response_class=Response,
    responses={200: {"content": {_SEALED: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_given_file(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    by: PrivacyKeeper,
) -> Response:
    """Return a file only its receiver can open."""
    body = await ThirdParty(platform).file(by, id)
    disposition = f'attachment; filename="{id}.hlr"'
    headers = {"content-disposition": disposition, "cache-control": "no-store"}
    return Response(body, media_type=_SEALED, headers=headers)


@router.get("/erasures", summary="Erasures, newest first")
async def list_erasures(
    platform: Platformed, by: PrivacyReader, page: Page = 1, size: Size = 50
) -> ErasurePage:
    """Return a page of erasures, retention runs and dry runs."""
    return await Erasure(platform).runs(page=page, size=size)


@router.post("/erasures", summary="Erase a person's data", dependencies=_PROVED)
async def erase_personal(
    body: EraseRequest, platform: Platformed, by: PrivacyKeeper
) -> ErasureView:
    """Take a person's data out of ledger, its past and the exchange; or tell what would go."""
    return await Erasure(platform).erase(by, body.subject, reason=body.reason, dry_run=body.dry_run)


@router.post("/retention", summary="Erase data whose time is over")
async def retain_personal(
    body: RetentionRequest, platform: Platformed, by: PrivacyKeeper
) -> ErasureView:
    """Take out everybody's data whose time is over; it also runs by itself every day."""
    return await Erasure(platform).retain(by, dry_run=body.dry_run)
