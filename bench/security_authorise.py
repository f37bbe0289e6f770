"""What one decision about a right costs: permission, label and scope together."""

from __future__ import annotations

from time import perf_counter

from heatloop.kernel.scope import Scope
from heatloop.security.access import (
    COMMAND_LABELS,
    CommandClass,
    Permission,
    Principal,
    Role,
    authorise,
)

_ROUNDS, _CALLS = 50, 2_000
_BRANCHES = 8


def authorise_us() -> float:
    """Return the microseconds of one `authorise`, the median over rounds.

    A dispatcher of eight branches gives a dangerous command to a unit in the last of them.
    """
    scope = Scope.of([f"CO01/BR{n:02d}" for n in range(_BRANCHES)] + ["HS0001/SS0009"])
    who = Principal(user="bench", roles=frozenset((Role.DISPATCHER,)), scope=scope)
    label = COMMAND_LABELS[CommandClass.DANGEROUS]
    paths = (f"CO01/BR{_BRANCHES - 1:02d}/TM02", "HS0001/SS0001/UN0001")
    rounds = []
    for _ in range(_ROUNDS):
        begin = perf_counter()
        for _ in range(_CALLS):
            authorise(who, Permission.COMMAND, *paths, label=label)
        rounds.append((perf_counter() - begin) / _CALLS)
    return sorted(rounds)[len(rounds) // 2] * 1e6
