"""Read models of rights: every route with the right it asks for and the roles that have it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RightRow:
    """One route."""

    method: str
    """HTTP method, or WEBSOCKET."""
    path: str
    """Path."""
    right: str
    """Permission asked for, several joined by | when one is enough; or an open route's word."""
    reason_zh: str
    """Why it is open, in Chinese; empty when it is not."""
    reason_en: str
    """Why it is open, in English; empty when it is not."""
    roles: list[str]
    """Roles that may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RightsMatrix:
    """Routes and roles."""

    roles: list[str]
    """All roles."""
    items: list[RightRow]
    """All routes by path and method."""
