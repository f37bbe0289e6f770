"""Choosing beforehand how an export goes out."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.export_seal import Wish
from heatloop.app.views.crypto import ExportRule, ExportTicket
from heatloop.security.access import Permission, Principal
from heatloop.web.access import Platformed, signed_in

router = APIRouter(prefix="/exports", tags=["exports"])
# What one may export is decided by the export; the audit administrator views nothing else.
Anybody = Annotated[Principal, Depends(signed_in)]


class ExportChoice(BaseModel):
    """How an export is to go out."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    how: Literal["passphrase", "key", "plain"]
    """Encrypted for whoever knows a passphrase, for the holder of a key, or in clear."""
    passphrase: Annotated[str, Field(max_length=200)] = ""
    """At least 12 letters."""
    public_key: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{64}|04[0-9a-fA-F]{128})?$")] = ""
    """X25519 or SM2 public key, hexadecimal."""
    reason: Annotated[str, Field(max_length=400)] = ""
    """Why in clear; kept in the audit trail."""


@router.get("", summary="How exports may go out")
async def get_export_rule(platform: Platformed, viewer: Anybody) -> ExportRule:
    """Return whether one's exports may go out in clear."""
    plain = platform.exports.plain
    may = plain == "free" or (plain == "reason" and Permission.PLAIN_EXPORT in viewer.permissions)
    return ExportRule(plain=plain, may_plain=may)


@router.post("", summary="Choose how an export goes out", status_code=201)
async def choose_export(platform: Platformed, viewer: Anybody, body: ExportChoice) -> ExportTicket:
    """Return a ticket; the export that names it as `export` spends it, within ten minutes."""
    wish = Wish(
        passphrase=body.passphrase if body.how == "passphrase" else "",
        public_key=body.public_key if body.how == "key" else "",
        plain_reason=body.reason if body.how == "plain" else "",
    )
    if body.how != "plain" and not (wish.passphrase or wish.public_key):
        # Nothing given must not quietly become an export in clear.
        wish = Wish(passphrase="-")
    return ExportTicket(ticket=await platform.exports.choose(viewer, wish))
