"""What an estimate trusts, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field

from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind

_LAW_SHARE = {
    LinkKind.PIPE: 0.10,
    LinkKind.VALVE: 0.30,
    LinkKind.CHECK_VALVE: 0.20,
    LinkKind.PUMP: 0.05,
    LinkKind.LIFT: 0.03,
    LinkKind.RESISTANCE: 0.20,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """How far the model is trusted where nothing is measured."""

    law_share: dict[LinkKind, float] = field(default_factory=lambda: dict(_LAW_SHARE))
    """Standard error of the pressure loss of each kind, over the loss."""
    law_least_kpa: float = 0.05
    """Its floor."""
    held_kpa: float = 1.0
    """Standard error of the held pressure."""
    flow_share: float = 0.3
    """Standard error of an unmetered FLOW or HEAT link, over what is set."""
    flow_least_kgs: float = 0.3
    """Its floor."""
    makeup_kgs: float = 100.0
    """Spread of unmetered make-up at nodes that hold pressure."""
    free_kgs: float = 300.0
    """Spread of the flow of links without any law (DP_CONTROL)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Estimate:
    """The state, how sure it is, and what did not fit."""

    flow_kgs: Floats
    """Shape (n_link,)."""
    flow_sigma_kgs: Floats
    """Shape (n_link,)."""
    pressure_kpa: Floats
    """Shape (n_node,)."""
    pressure_sigma_kpa: Floats
    """Shape (n_node,); large where no pressure reaches."""
    outflow_kgs: Floats
    """Water leaving at each node (leak; negative: make-up), shape (n_node,)."""
    outflow_sigma_kgs: Floats
    """Shape (n_node,)."""
    leak_score: Floats
    """How many sigma a leak at the node alone would be away from none, shape (n_node,)."""
    leak_sigma_kgs: Floats
    """Standard error of that leak if it were the only one, shape (n_node,)."""
    residual: Floats
    """Reading less estimate of each flow, pressure and inflow meter, nan otherwise, (n_meter,)."""
    normalised: Floats
    """Residual over its own sigma; 0: nothing else checks this meter, shape (n_meter,)."""
    bad: tuple[int, ...]
    """Meters that were taken out, worst first."""
    chi_square: float
    """Sum of the squared misses over their sigmas."""
    degrees: int
    """What the sum should be on average."""
    steps: int
    """Gauss-Newton steps."""
    settled: bool
    """Whether the last step was negligible."""

    @property
    def plausible(self) -> bool:
        """Whether the sum of squares is within 99.9 % of chance."""
        # Wilson and Hilferty 1931: the cube root of chi-square over its degrees is nearly normal.
        n = max(self.degrees, 1)
        return bool(
            self.chi_square <= n * (1.0 - 2.0 / (9 * n) + 3.09 * (2.0 / (9 * n)) ** 0.5) ** 3
        )
