"""Platform instances: who works since when, who stands by, how far behind."""

from __future__ import annotations

from fastapi import APIRouter

from heatloop.app.views.instances import InstanceList
from heatloop.web.access import Platformed, Viewer

router = APIRouter(prefix="/instances", tags=["system"])


@router.get("", summary="Platform instances: active, standby, heartbeats, lag")
async def list_instances(platform: Platformed, viewer: Viewer) -> InstanceList:
    """Return every instance that shares the stores, and which one holds the lease."""
    del viewer
    return await platform.standing.view()
