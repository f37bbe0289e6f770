"""Where what is written down comes from: role, address and request, known to the task at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from heatloop.security.access import Principal
from heatloop.store.records.audit_rows import DONE, FAILED, REFUSED

_REFUSED = ("refused", "denied", "locked", "forbidden")
_FAILED = ("failed", "broken", "misfit", "expired", "spoilt", "unavailable")


@dataclass(slots=True)
class Origin:
    """Who asks, from where, in which request."""

    request: str = ""
    """Id of the request; empty outside of any."""
    address: str = ""
    """Address of the other end."""
    role: str = ""
    """Roles of the user, joined by `|`; known once he is."""


_ORIGIN: ContextVar[Origin | None] = ContextVar("heatloop_audit_origin", default=None)
_NOWHERE = Origin()


def origin() -> Origin:
    """Return where what happens now comes from."""
    return _ORIGIN.get() or _NOWHERE


@contextmanager
def coming_from(where: Origin) -> Iterator[Origin]:
    """Have what is written down within the block, its tasks and threads, come from there."""
    token = _ORIGIN.set(where)
    try:
        yield where
    finally:
        _ORIGIN.reset(token)


def roles_of(principal: Principal) -> str:
    """Return somebody's roles as entries have them."""
    return "|".join(sorted(role.value for role in principal.roles))


def result_of(action: str) -> str:
    """Return how it went, told by the last word of an action's name."""
    last = action.replace("_", ".").rpartition(".")[2]
    if last in _REFUSED:
        return REFUSED
    return FAILED if last in _FAILED else DONE
