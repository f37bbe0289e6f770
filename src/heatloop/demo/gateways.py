"""Which gateway of the demo city reads which station."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.demo.plans import Streets

MOST_STATIONS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateways:
    """The gateways in code order: each reads stations of one branch, no more than sixty."""

    branch: tuple[int, ...]
    """Branch of each gateway."""
    station: tuple[int, ...]
    """Gateway of each substation, in code order."""

    def code_of(self, station: int) -> str:
        """Return the code of the gateway that reads a substation."""
        return code(self.station[station])

    def code_at(self, branch: int) -> str:
        """Return the code of a branch's first gateway, which reads its plants."""
        return code(self.branch.index(branch))


def code(number: int) -> str:
    """Return the code of a gateway, counted from 0."""
    return f"GW{number + 1:04d}"


def gateways_of(streets: Streets) -> Gateways:
    """Return the gateways of a city."""
    branches: list[int] = []
    station = [0] * len(streets.substations)
    for branch in (0, 1):
        own = [k for k, plan in enumerate(streets.substations) if plan.branch == branch]
        parts = max(-(-len(own) // MOST_STATIONS), 1)
        for rank, number in enumerate(own):
            station[number] = len(branches) + rank * parts // len(own)
        branches += [branch] * parts
    return Gateways(branch=tuple(branches), station=tuple(station))
