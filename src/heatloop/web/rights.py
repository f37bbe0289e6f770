"""Which right each route asks for, found in the code itself; a route without one is an error.

Deny by default: every route states its right through a dependency of `web.access`, or stands in
`open_routes.csv` with the reason why it checks in its own way or lets everybody in.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIWebSocketRoute, iter_route_contexts
from starlette.routing import BaseRoute, WebSocketRoute

from heatloop.app.views.rights import RightRow, RightsMatrix
from heatloop.kernel.errors import ConfigError
from heatloop.security.access import PERMISSIONS, Role
from heatloop.web.access import session_of, signed_in

SIGNED_IN, SESSION = "signed_in", "session"
"""Rights of everybody who has signed in; the second also before the first password changed."""
WEBSOCKET = "WEBSOCKET"
_HEAD = ("HEAD", "OPTIONS")
_ORDER = {SESSION: 1, SIGNED_IN: 2}
_ROLE = "role:"


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteRight:
    """What one route asks for."""

    method: str
    """HTTP method, or WEBSOCKET."""
    path: str
    """Path with its parameters in braces."""
    right: str
    """Permission, `signed_in`, `session`, a word of the open routes, or empty: none declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRoute:
    """One row of `open_routes.csv`."""

    right: str
    """`open`, `gateway` or `token`, or the permission the route itself checks."""
    reason_zh: str
    """Why, in Chinese."""
    reason_en: str
    """Why, in English."""


@cache
def open_routes() -> Mapping[tuple[str, str], OpenRoute]:
    """Return the routes that do not declare a right, by (method, path)."""
    text = resources.files(__package__).joinpath("open_routes.csv").read_text("utf-8")
    return {
        (row["method"], row["path"]): OpenRoute(
            right=row["right"], reason_zh=row["reason_zh"], reason_en=row["reason_en"]
        )
        for row in csv.DictReader(io.StringIO(text))
    }


def route_rights(routes: Sequence[BaseRoute]) -> list[RouteRight]:
    """Return the right of every route, by path and method; empty where none was declared."""
    found = {}
    for method, path, dependant in _routes(routes):
        declared = _declared(dependant) if dependant is not None else ""
        listed = open_routes().get((method, path))
        right = declared or (listed.right if listed is not None else "")
        found[path, method] = RouteRight(method=method, path=path, right=right)
    return [found[place] for place in sorted(found)]


def check_rights(routes: Sequence[BaseRoute]) -> None:
    """Return if every route has a right, and the list of open ones names only what exists.

    Raises:
        ConfigError: A route would stand open without anybody having said so.
    """
    rights = route_rights(routes)
    for each in rights:
        if not each.right:
            raise ConfigError(
                "a route declares no right",
                thing=f"{each.method} {each.path}",
                fix="add a dependency of web.access, or a row with the reason to open_routes.csv",
            )


def _routes(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, str, Dependant | None]]:
    for each in iter_route_contexts(routes):
        path, dependant = each.path or "", getattr(each, "dependant", None)
        if isinstance(each.original_route, WebSocketRoute | APIWebSocketRoute):
            yield WEBSOCKET, path, dependant
            continue
        for method in sorted(set(getattr(each, "methods", None) or ()) - set(_HEAD)):
            yield method, path, dependant


def _declared(dependant: Dependant) -> str:
    """Return the strongest right among a route's dependencies; the outer word wins."""
    best = ""
    for inner in dependant.dependencies:
        here = str(getattr(inner.call, "right", ""))
        if inner.call is signed_in:
            here = SIGNED_IN
        elif inner.call is session_of:
            here = SESSION
        each = here or _declared(inner)
        if _strength(each) > _strength(best):
            best = each
    return best


def _strength(right: str) -> int:
    return _ORDER.get(right, 3 if right else 0)


def roles_that_may(right: str) -> list[str]:
    """Return the roles that have a right; every role where it is enough to have signed in."""
    if right in (SIGNED_IN, SESSION, "open"):
        return [role.value for role in Role]
    wanted = set(right.split("|"))
    return [role.value for role in Role if wanted & {*PERMISSIONS[role], f"{_ROLE}{role.value}"}]


def matrix_of(rights: Sequence[RouteRight]) -> RightsMatrix:
    """Return routes and the roles that may use them."""
    items = []
    for each in rights:
        listed = open_routes().get((each.method, each.path))
        items.append(
            RightRow(
                method=each.method,
                path=each.path,
                right=each.right,
                reason_zh="" if listed is None else listed.reason_zh,
                reason_en="" if listed is None else listed.reason_en,
                roles=roles_that_may(each.right),
            )
        )
    return RightsMatrix(roles=[role.value for role in Role], items=items)
