"""Security labels of people, and which right every route asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.governance_labels import Labels
from heatloop.app.views.personal import LabelPage, LabelView
from heatloop.app.views.rights import RightsMatrix
from heatloop.web.access import Platformed, RightsReader, UserKeeper
from heatloop.web.credentials import recent_proof
from heatloop.web.params import UserName
from heatloop.web.rights import matrix_of, route_rights

router = APIRouter(tags=["people"])
_PROVED = [Depends(recent_proof)]


class LabelRequest(BaseModel):
    """A security label for a person."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    level: Annotated[str, Field(pattern="^L[1-4]$")]
    """How far he may see."""
    categories: Annotated[
        list[Annotated[str, Field(pattern="^(operation|customer|control|account|audit)$")]],
        Field(max_length=5),
    ]
    """What he may deal with."""
    reason: Annotated[str, Field(min_length=2, max_length=500)]
    """Why; it stands in the audit trail."""


@router.get("/labels", summary="Security labels of all accounts")
async def list_labels(platform: Platformed, by: RightsReader) -> LabelPage:
    """Return the label of every account: given, or following from its roles."""
    return await Labels(platform).page()


@router.put("/labels/{name}", summary="Give somebody a security label", dependencies=_PROVED)
async def put_label(
    name: UserName, body: LabelRequest, platform: Platformed, by: UserKeeper
) -> LabelView:
    """Put a label in force; what it does not dominate is closed to him whatever his roles say."""
    return await Labels(platform).give(
        by, name, level=body.level, categories=body.categories, reason=body.reason
    )


@router.delete(
    "/labels/{name}", summary="Take somebody's security label away", dependencies=_PROVED
)
async def delete_label(name: UserName, platform: Platformed, by: UserKeeper) -> LabelView:
    """Put the label that follows from his roles in force again."""
    return await Labels(platform).take(by, name)


@router.get("/rights", summary="Which right every route asks for, and who has it")
async def get_rights(request: Request, by: RightsReader) -> RightsMatrix:
    """Return the matrix of routes and roles, found in the running program itself."""
    return matrix_of(route_rights(request.app.routes))
