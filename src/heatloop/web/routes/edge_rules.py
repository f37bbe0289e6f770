"""Edge rules: what a gateway works out, raises and writes by itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.edge_rules import RulesView
from heatloop.web.access import LedgerKeeper, Platformed, Viewer
from heatloop.web.params import AssetCode

router = APIRouter(prefix="/gateways", tags=["gateways"])
_Rows = Annotated[list[dict[str, Any]], Field(max_length=200)]


class RulesRequest(BaseModel):
    """A rule document; gateway and version are given by the platform."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    derived: _Rows = []
    """Values worked out at the gateway: name, asset, expr, unit."""
    report: _Rows = []
    """Values told when they change: of, band, max_interval_s."""
    outputs: _Rows = []
    """Set-points written by the gateway: name, point, expr, when, every_s."""
    alarms: _Rows = []
    """Conditions raised by the gateway: name, subject, when, for_s, priority, zh, en."""
    note: Annotated[str, Field(max_length=400)] = ""
    """What it is for; kept in the audit trail."""


@router.get("/{code}/rules", summary="A gateway's rules and their versions")
async def get_edge_rules(code: AssetCode, platform: Platformed, viewer: Viewer) -> RulesView:
    """Return every version with what the gateway said of it."""
    return await platform.edge_rules.view(viewer, code)


@router.put("/{code}/rules", summary="Deploy a new version of a gateway's rules")
async def put_edge_rules(
    code: AssetCode, body: RulesRequest, platform: Platformed, user: LedgerKeeper
) -> RulesView:
    """Check the document as a whole, sign it, keep it and send it to the gateway."""
    rules = body.model_dump(exclude={"note"}, exclude_defaults=True)
    return await platform.edge_rules.put(user, code, rules, body.note)


@router.post("/{code}/rules/rollback", summary="Bring back the version before")
async def roll_back_edge_rules(
    code: AssetCode, platform: Platformed, user: LedgerKeeper
) -> RulesView:
    """Send the version before the newest again, as a new document."""
    return await platform.edge_rules.roll_back(user, code)
