"""Prices keep many stations under the caps of plant and branch, and no dearer than needed."""

from __future__ import annotations

import numpy as np
import pytest

from bench.control_fleet import BASE_YUAN_KWH, stations
from heatloop.control.coordination import Limit, StationGroup, coordinate, hydraulic_cap_kw
from heatloop.control.mpc_task import N_STEP
from heatloop.kernel.errors import InputError

COUNT = 24


def _group(limits: int = 1) -> StationGroup:
    members = np.ones((limits, COUNT))
    if limits > 1:
        members[1, COUNT // 3 :] = 0.0
    return StationGroup(
        stations=stations(0, COUNT), members=members, base_price=np.full(N_STEP, BASE_YUAN_KWH)
    )


def test_without_scarcity_one_sweep_and_no_price() -> None:
    group = _group()
    cap = Limit(name="plant", cap_kw=np.full(N_STEP, 1e9), members=np.ones(COUNT))
    found = coordinate([cap], group.respond, group.answer_kw())
    assert found.sweeps == 1
    assert not found.price.any()
    assert found.relaxed == ()


@pytest.mark.parametrize("share", [0.95, 0.85])
def test_a_plant_cap_is_kept_and_prices_rise_only_where_heat_is_short(share: float) -> None:
    group = _group()
    free = group.respond(np.zeros((1, N_STEP)))
    cap = share * free.max()
    limit = Limit(name="plant", cap_kw=np.full(N_STEP, cap), members=np.ones(COUNT))
    found = coordinate([limit], group.respond, group.answer_kw())
    assert found.violation <= 0.005
    assert found.sweeps <= 20
    assert found.total_kw.max() <= 1.005 * cap
    # Complementary: where much heat is left over, it costs nothing more.
    idle = found.total_kw[0] < 0.9 * cap
    assert found.price[0][idle].max(initial=0.0) < 0.05 * found.price.max()


def test_plant_and_branch_are_kept_together() -> None:
    group = _group(2)
    free = group.respond(np.zeros((2, N_STEP)))
    carried = hydraulic_cap_kw(
        0.85 * free[1].max() / (4.186 * 40.0), np.full(N_STEP, 90.0), np.full(N_STEP, 50.0)
    )
    limits = [
        Limit(name="plant", cap_kw=np.full(N_STEP, 0.93 * free[0].max()), members=group.members[0]),
        Limit(name="branch", cap_kw=carried, members=group.members[1]),
    ]
    found = coordinate(limits, group.respond, group.answer_kw())
    assert found.violation <= 0.005
    assert found.relaxed == ()
    # Behind the branch heat is dearer than elsewhere.
    assert found.price[1].max() > 0.0


def test_a_cap_nobody_can_keep_is_named_and_still_answered() -> None:
    group = _group()
    limit = Limit(name="plant", cap_kw=np.full(N_STEP, 10.0), members=np.ones(COUNT))
    found = coordinate([limit], group.respond, group.answer_kw(), sweeps=4)
    assert found.relaxed == ("plant",)
    assert found.violation > 0.005
    assert all(np.all(np.isfinite(plan.supply_c)) for plan in group.plans)


def test_limits_must_make_sense() -> None:
    with pytest.raises(InputError):
        coordinate([], lambda price: price, np.eye(2))
