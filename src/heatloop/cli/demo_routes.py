"""Mounts the demo's control API into the platform's web application; production never does."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from heatloop.app.platform import Platform
from heatloop.demo.web import demo_router
from heatloop.security.access import Permission
from heatloop.web.access import needs


def router(platform: Platform) -> APIRouter:
    """Return the demo's routes for the city this platform's clock comes from."""
    return demo_router(
        Path(platform.settings.clock.socket), needs(Permission.VIEW), needs(Permission.DEMO)
    )
