"""The platform's keys and the certificates of its gateways."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.crypto import (
    CertificateList,
    IssuedCertificate,
    KeyList,
    ResealView,
    Revoked,
)
from heatloop.security.access import Permission, Principal
from heatloop.web.access import Platformed, Viewer, needs
from heatloop.web.bodies import SignedRequest
from heatloop.web.credentials import recent_proof

router = APIRouter(tags=["keys"])
KeyKeeper = Annotated[Principal, Depends(needs(Permission.MANAGE_KEYS))]
_PROVED = [Depends(recent_proof)]
_Reason = Annotated[str, Field(min_length=5, max_length=400)]
_Gateway = Annotated[str, Path(min_length=1, max_length=40, description="Gateway code")]


class KeyKind(StrEnum):
    """What a key is for."""

    DATA = "data"
    SIGNING = "signing"


class RotateRequest(BaseModel):
    """A new key."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kind: KeyKind
    """What it is for."""
    reason: _Reason
    """What for; kept in the audit trail."""


class ResealRequest(BaseModel):
    """A re-sealing run."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    reason: _Reason
    """What for; kept in the audit trail."""


class RetireRequest(RotateRequest):
    """An old key to forget."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """Id of the key."""
    force: bool = False
    """Do not wait for gateways that were not heard; they must be enrolled anew."""


class RevokeRequest(BaseModel):
    """A certificate that must not be accepted any more."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    serial: Annotated[str, Field(pattern=r"^[0-9a-f]{0,40}$")] = ""
    """Serial number; empty: all of the gateway."""
    reason: _Reason
    """Why."""


class CertificateRequest(BaseModel):
    """A gateway asks for a certificate."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    gateway: Annotated[str, Field(min_length=1, max_length=40)]
    """Gateway code."""
    request: SignedRequest
    """Signed with the gateway's own key."""


@router.get("/keys", summary="Keys of the platform and what needs them")
async def get_keys(platform: Platformed, _: KeyKeeper) -> KeyList:
    """Return ids, algorithms and use; never a secret."""
    return await platform.key_room.view()


@router.post("/keys/rotate", summary="Make a new key the one in use", dependencies=_PROVED)
async def rotate_key(platform: Platformed, keeper: KeyKeeper, body: RotateRequest) -> KeyList:
    """Seal or sign with a new key from now on; older ones are kept for what they did."""
    return await platform.key_room.rotate(keeper.user, body.kind, body.reason)


@router.post("/keys/reseal", summary="Seal everything anew", status_code=202)
async def reseal_values(platform: Platformed, keeper: KeyKeeper, body: ResealRequest) -> ResealView:
    """Begin to seal every stored value under the data key in use."""
    return await platform.key_room.reseal(keeper.user, body.reason)


@router.post("/keys/retire", summary="Forget an old key", dependencies=_PROVED)
async def retire_key(platform: Platformed, keeper: KeyKeeper, body: RetireRequest) -> KeyList:
    """Forget a key nothing needs any more; refused while something does."""
    return await platform.key_room.retire(
        keeper.user, body.kind, body.id, body.reason, force=body.force
    )


@router.get("/gateways/certificates", summary="Certificates of gateways")
async def list_certificates(
    platform: Platformed,
    viewer: Viewer,
    gateway: Annotated[str, Query(max_length=40, description="Gateway code")] = "",
) -> CertificateList:
    """Return the certificates of gateways inside the viewer's scope, newest first."""
    found = platform.gateways.certificates.page(gateway)
    items = [
        each for each in found.items if platform.world.sees_gateway(viewer.scope, each.gateway)
    ]
    return CertificateList(required=found.required, urls=found.urls, total=len(items), items=items)


@router.post("/gateways/certificate", summary="Certificate for a gateway")
async def certify_gateway(platform: Platformed, body: CertificateRequest) -> IssuedCertificate:
    """Renew a gateway's certificate against a request signed with its own key."""
    return await platform.gateways.certify(body.gateway, body.request.model_dump())


@router.get(
    "/gateways/crl",
    summary="Revoked certificates of gateways",
    response_class=Response,
    responses={200: {"content": {"application/x-pem-file": {"schema": {"type": "string"}}}}},
)
async def get_revoked(platform: Platformed, _: Viewer) -> Response:
    """Return the revocation list, signed by the platform's authority (PEM)."""
    text = await platform.gateways.certificates.crl()
    return Response(text, media_type="application/x-pem-file")


@router.post(
    "/gateways/{gateway}/revoke", summary="Revoke a gateway's certificate", dependencies=_PROVED
)
async def revoke_certificate(
    platform: Platformed, keeper: KeyKeeper, gateway: _Gateway, body: RevokeRequest
) -> Revoked:
    """Revoke certificates and hang up on the gateway; it comes back with a new token only."""
    count = await platform.gateways.revoke(keeper, gateway, body.serial, body.reason)
    return Revoked(count=count)
