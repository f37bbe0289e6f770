"""What anybody may know: whether the platform works, and whose it is."""

from __future__ import annotations

from fastapi import APIRouter

from heatloop.app.views.system import Health, Info
from heatloop.web.access import Platformed

router = APIRouter(tags=["status"])


@router.get("/health", summary="Health of every part by layer")
async def get_health(platform: Platformed) -> Health:
    """Return the state of every part (clause 4.1)."""
    return await platform.health.report()


@router.get("/info", summary="Version, company and plant time")
async def get_info(platform: Platformed) -> Info:
    """Return what the sign-in page shows."""
    return platform.health.info()
