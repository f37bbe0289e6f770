"""Read models of points found by what they mean, and of the words they are found by."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.app.views.plant import PointView


@dataclass(frozen=True, kw_only=True, slots=True)
class TagView:
    """What a point means, in words of a closed vocabulary."""

    medium: str
    """What is measured: `water`, `makeup_water`, `indoor_air`, `outdoor_air`, `electricity` .."""
    side: str
    """`supply`, `return`, `inlet`, `outlet`, `top`, `bottom` or `none`."""
    quantity: str
    """`temperature`, `pressure`, `flow`, `heat`, `heat_power` .."""
    role: str
    """`measured`, `total`, `state`, `setpoint`, `limit`, `command` or `estimated`."""
    stage: str
    """Where on the way of the heat: `source`, `primary`, `station`, `secondary`, `user` .."""
    unit: str
    """Unit of the value."""
    si_unit: str
    """Unit of the International System it converts to."""
    si_factor: float
    """SI value = value * si_factor + si_offset."""
    si_offset: float
    """See `si_factor`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticPoint(PointView):
    """A point with its meaning and the asset it belongs to."""

    asset_kind: str
    """Kind of its asset."""
    asset_zh: str
    """Chinese name of its asset."""
    asset_en: str
    """English name of its asset."""
    tags: TagView
    """What it means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """How a piece of a question in words was understood."""

    words: str
    """As written."""
    field: str
    """Which filter it became, `ignored` for filling words."""
    values: list[str]
    """Values of that filter; several are alternatives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticPage:
    """A page of points found by their meaning."""

    total: int
    """Points in all."""
    understood: list[Understood]
    """How the question in words was understood; empty without one."""
    items: list[SemanticPoint]
    """This page, in the order of the ledger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TagWord:
    """One value of a tag."""

    value: str
    """What programs send."""
    zh: str
    """Chinese word."""
    en: str
    """English word."""
    points: int
    """Points of the scope that carry it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Every word points can be found by."""

    medium: list[TagWord]
    """What is measured."""
    side: list[TagWord]
    """Which side."""
    quantity: list[TagWord]
    """Which quantity."""
    role: list[TagWord]
    """What the value is for."""
    stage: list[TagWord]
    """Where on the way of the heat."""
    kind: list[TagWord]
    """Point kinds."""
    asset_kind: list[TagWord]
    """Asset kinds."""
