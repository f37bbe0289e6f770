"""Figures for Prometheus, for programs on this machine and holders of the token."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.bridge.metrics import MEDIA
from heatloop.security.access import Permission
from heatloop.web.access import Platformed
from heatloop.web.credentials import find_session

router = APIRouter(tags=["interfaces"])
root = APIRouter()
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_bearer = HTTPBearer(auto_error=False, description="Token of metrics.token_file")
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}

_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _from_here(request: Request) -> bool:
    """Return whether a program on this machine asks, and not a proxy for somebody else."""
    client = request.client
    if client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(client.host).is_loopback
    except ValueError:
        return False


def _knows(platform: Platform, bearer: HTTPAuthorizationCredentials | None) -> bool:
    """Return whether the right token was given."""
    token = platform.outside.metrics.token
    given = bearer.credentials if bearer is not None else ""
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


async def _answer(platform: Platform) -> Response:
    if not platform.settings.metrics.enabled:
        raise Refused("not_found", thing="metrics")
    return Response(await platform.outside.metrics.text(), media_type=MEDIA)


@router.get(
    "/metrics",
    summary="Figures in the Prometheus text format",
    response_class=Response,
    responses=_TEXT,
)
async def get_metrics(request: Request, platform: Platformed, bearer: _Bearer) -> Response:
    """Return figures of the platform: no names of persons, a bounded number of series.

    For holders of the token, and signed-in users who see the whole company.
    """
    if not _knows(platform, bearer):
        session = await find_session(request)
        if session is None or session.waits_for:
            raise Refused("unauthenticated")
        who = session.principal
        if Permission.VIEW not in who.permissions or not who.scope.holds(""):
            await platform.audit.refused(who.user, request.method, request.url.path)
            raise Forbidden("forbidden", thing=who.user)
    return await _answer(platform)


@root.get("/metrics", include_in_schema=False)
async def get_metrics_here(request: Request, platform: Platformed, bearer: _Bearer) -> Response:
    """Return the same where Prometheus looks first, also to programs on this machine."""
    here = platform.settings.metrics.loopback and _from_here(request)
    if not here and not _knows(platform, bearer):
        raise Refused("unauthenticated")
    return await _answer(platform)
