"""What goes wrong when, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

TICK_S = 30
OUTAGE_S = 13 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    """See `KINDS`."""
    at_s: int
    """Plant seconds after the start of its phase."""
    gateway: int
    """Which gateway it strikes, where it strikes one."""
    lasts_s: int
    """Plant seconds until it is mended, where it lasts."""
    machine_s: float = 0.0
    """The same in machine seconds, for what holds plant time up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A run of one seed."""

    seed: int
    """The seed."""
    stepped: tuple[Fault, ...]
    """While every tick waits for the gateways."""
    stepped_s: int
    """Plant seconds of that phase."""
    free: tuple[Fault, ...]
    """While time runs by itself: here a dead gateway misses slots, and clocks can be wrong."""
    free_s: int
    """Plant seconds of that phase."""
    small_spool: bool
    """Whether the first gateway's spool holds 1 MB only."""
    outage: bool
    """Whether the platform cannot be reached for 13 h."""


KINDS = (
    "cut",
    "stall",
    "lossy",
    "kill_broker",
    "kill_platform",
    "kill_historian",
    "kill_edge",
    "disk_full",
)
_FREE_KINDS = ("kill_edge", "kill_platform", "kill_historian", "cut", "lossy")
STEPPED_S = 110 * TICK_S
FREE_S = 10 * TICK_S


def plan_of(seed: int, *, short: bool = False) -> Plan:
    """Return the plan of a seed.

    Args:
        seed: The seed.
        short: Whether to leave out the long outage.
    """
    rng = Random(seed)
    kinds = list(KINDS)
    rng.shuffle(kinds)
    # Every kind of fault comes up in turn, whatever the seeds: two by turn and three drawn.
    chosen = [KINDS[seed % len(KINDS)], KINDS[(seed // 2 + 3) % len(KINDS)], *kinds[:3]]
    stepped = [_fault(rng, kind, STEPPED_S - 20 * TICK_S, 40 * TICK_S) for kind in chosen]
    free = [
        Fault(
            kind=rng.choice(("clock_ahead", "clock_behind")),
            at_s=rng.randrange(15, 60),
            gateway=rng.randrange(2),
            lasts_s=rng.randrange(60, 150),
        )
    ]
    free += [_fault(rng, rng.choice(_FREE_KINDS), FREE_S - 90, 60) for _ in range(2)]
    outage = not short and seed % 4 == 1
    return Plan(
        seed=seed,
        stepped=tuple(sorted(stepped, key=lambda f: f.at_s)),
        stepped_s=STEPPED_S + (OUTAGE_S if outage else 0),
        free=tuple(sorted(free, key=lambda f: f.at_s)),
        free_s=FREE_S,
        small_spool=outage and rng.random() < 0.5,
        outage=outage,
    )


def _fault(rng: Random, kind: str, until_s: int, longest_s: int) -> Fault:
    return Fault(
        kind=kind,
        at_s=rng.randrange(TICK_S, until_s),
        gateway=rng.randrange(2),
        # A disk must stay full for some ticks to be noticed at all.
        lasts_s=rng.randrange(6 * TICK_S if kind == "disk_full" else TICK_S, longest_s),
        machine_s=rng.uniform(1.0, 4.0),
    )
