"""Secondary balance on risers with real resistances: the returns come together, the rooms too."""

from __future__ import annotations

import numpy as np
import pytest

from heatloop.control.balance import balance_by_flow, balance_by_return
from heatloop.kernel.errors import InputError
from heatloop.network.emitter import emitter_outlet_c, emitter_size_kw
from heatloop.network.risers import Risers, balanced_openings, riser_flows_kgs

FLOORS, RISERS, SUPPLY, ROOM = 6, 4, 60.0, 20.0


def _house() -> tuple[Risers, np.ndarray, np.ndarray]:
    """Return risers, design flows and emitters of a house nobody balanced."""
    rng = np.random.default_rng(5)
    shape = (RISERS, FLOORS)
    flow = 0.02 * np.exp(rng.normal(0.0, 0.25, shape))
    risers = Risers(
        section_kpa_kgs2=np.full(shape, 12.0),
        branch_kpa_kgs2=np.full(shape, 2500.0),
        kvs_m3h=np.full(shape, 0.63),
        entry_kpa_kgs2=np.full(RISERS, 5.0),
    )
    load = flow * 4.186 * 10.0
    size = emitter_size_kw(load.ravel(), 60.0, 50.0, 20.0, 0.3)
    return risers, flow, np.asarray(size)


def _returns(flows: np.ndarray, size: np.ndarray) -> np.ndarray:
    return emitter_outlet_c(np.full(size.shape, SUPPLY), ROOM, flows.ravel(), size, 0.3)


@pytest.mark.parametrize("by", ["return", "flow"])
def test_balance_converges_on_the_plant(by: str) -> None:
    risers, wanted, size = _house()
    opening = np.full(wanted.size, 100.0)
    total = 0.8 * wanted.sum(axis=1)

    def flows(pct: np.ndarray) -> np.ndarray:
        return riser_flows_kgs(risers, pct.reshape(wanted.shape), flow_kgs=total)

    first = float(np.ptp(_returns(flows(opening), size)))
    assert first > 6.0
    for _ in range(6):
        now = flows(opening)
        # The risers of the house are balanced among themselves: one round each.
        new = opening.copy()
        for riser in range(RISERS):
            own = slice(riser * FLOORS, (riser + 1) * FLOORS)
            if by == "return":
                step = balance_by_return(
                    opening[own],
                    supply_c=SUPPLY,
                    return_c=_returns(now, size)[own],
                    room_c=ROOM,
                    share=wanted[riser],
                )
            else:
                step = balance_by_flow(opening[own], flow_kgs=now[riser], wanted_kgs=wanted[riser])
            new[own] = step.opening_pct
        opening = new
    returns = _returns(flows(opening), size).reshape(wanted.shape)
    assert float(np.ptp(returns, axis=1).max()) < 1.0
    assert np.allclose(opening.reshape(wanted.shape).max(axis=1), 100.0)
    share = flows(opening) / total[:, None]
    assert np.abs(share / (wanted / wanted.sum(axis=1, keepdims=True)) - 1.0).max() < 0.05
    # The closed form from known resistances gives the same division of the water.
    known, _ = balanced_openings(risers, 0.8 * wanted)
    ideal = riser_flows_kgs(risers, known, flow_kgs=total)
    assert np.abs(flows(opening) / ideal - 1.0).max() < 0.06


def test_a_branch_without_reading_is_left_alone_and_named() -> None:
    back = np.array([45.0, np.nan, 40.0, 60.5])
    step = balance_by_return(
        np.full(4, 80.0), supply_c=60.0, return_c=back, room_c=20.0, share=np.ones(4)
    )
    assert step.unknown == (1, 3)
    assert step.opening_pct[1] == step.opening_pct[3] == 80.0
    assert step.opening_pct[0] < step.opening_pct[2] == 100.0
    assert not step.done


def test_a_branch_fully_open_and_still_short_is_named() -> None:
    step = balance_by_flow(
        np.array([100.0, 60.0]), flow_kgs=np.array([0.5, 1.5]), wanted_kgs=np.ones(2)
    )
    assert step.at_stop == (0,)
    assert step.opening_pct[1] < 60.0


def test_shares_must_fit() -> None:
    with pytest.raises(InputError):
        balance_by_flow(np.full(2, 50.0), flow_kgs=np.ones(2), wanted_kgs=np.array([1.0, 0.0]))
