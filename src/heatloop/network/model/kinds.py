"""The kinds of links, and what each does to pressure and heat."""

from __future__ import annotations

from enum import IntEnum


class LinkKind(IntEnum):
    """What a link is; supply and return pipes are just pipes."""

    PIPE = 0
    """Friction by wall roughness, minor losses, heat loss to the ground."""
    VALVE = 1
    """Flow coefficient kv of its opening."""
    CHECK_VALVE = 2
    """A valve that lets water through forwards only."""
    PUMP = 3
    """Head curve at a speed; a check valve keeps water from running backwards through it."""
    LIFT = 4
    """A fixed pressure rise, whatever the flow."""
    FLOW = 5
    """A prescribed flow: pressure-independent control."""
    HEAT = 6
    """A prescribed heat and outlet temperature: the flow follows."""
    RESISTANCE = 7
    """A fixed quadratic resistance: exchanger side, strainer, meter."""
    DP_CONTROL = 8
    """A valve that holds the difference between its end and a sensed node."""


class Friction(IntEnum):
    """Laws for the friction factor of pipes."""

    COLEBROOK = 0
    """Colebrook-White by its explicit form, smoothly laminar below Re 4,000: the house's law."""
    NIKURADSE_SUM = 1
    """64 / Re plus fully rough Nikuradse, as pandapipes' "nikuradse"."""
    SWAMEE_JAIN = 2
    """Swamee and Jain, as pandapipes' "swamee-jain"."""
    COLEBROOK_SUM = 3
    """Colebrook-White solved, plus nothing below turbulence, as pandapipes' "colebrook"."""
