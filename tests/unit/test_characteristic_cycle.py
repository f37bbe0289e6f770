"""Curve, valve and exchanger of a unit: learned, compared on unseen days, doubted, rolled back."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from heatloop.app.characteristics_work import contest_of, plain_of
from heatloop.control.characteristic_cycle import Basis, Contest, Decided, decide, roll_back
from heatloop.control.characteristic_error import Kind, balance, day_errors, frozen
from heatloop.control.learning.characteristics import LearnedValve
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Action, Reason
from heatloop.control.learning.registry import Stage
from heatloop.control.learning.unit_rooms import coarser
from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import InputError
from heatloop.network.exchanger import conductance_kw_k, log_mean_k
from heatloop.network.water import CP_KJ_KGK
from tests.unit.learning_unit import DAY_S, DESIGN, past, true_model

UA = 60.0


@cache
def station(days: int = 50, *, kvs: float = 25.0, plates: float = UA, since: int = 0,
            before: float = 0.0) -> UnitHistory:  # fmt: skip
    """The unit with a primary side; valve and plates are others before day `since`."""
    house = coarser(past(days), 3600.0)
    n, rng = len(house), np.random.default_rng(3)
    hours = np.arange(n)
    hot = 88.0 + 3.0 * np.sin(hours / 50.0) - 0.6 * house.outdoor_c
    ua = np.where(hours < 24 * since, before or plates, plates)
    low, high = house.return_c + 0.6, np.minimum(hot - 1.0, house.return_c + 45.0)
    for _ in range(50):
        back = 0.5 * (low + high)
        flow = house.heat_kw / (CP_KJ_KGK * (hot - back))
        factor = conductance_kw_k(np.ones(n), flow / 5.0, house.flow_kgs / 9.0)
        carried = ua * factor * log_mean_k(hot - house.supply_c, back - house.return_c)
        low, high = (
            np.where(carried < house.heat_kw, back, low),
            np.where(carried < house.heat_kw, high, back),
        )
    dp = 120.0 + 25.0 * np.sin(hours / 31.0) + rng.normal(0.0, 1.0, n)
    valve = LearnedValve(
        kvs_m3h=kvs, rangeability=50.0, rest_kpa_kgs2=0.3, error_pct=0.0, moments=0
    )
    grid = np.linspace(5.0, 100.0, 400)
    opening = [
        np.interp(f, valve.flow_kgs(grid, np.full(400, p)), grid)
        for f, p in zip(flow, dp, strict=True)
    ]
    return replace(
        house,
        valve_pct=np.array(opening) + rng.normal(0.0, 0.2, n),
        primary_kgs=flow * (1.0 + rng.normal(0.0, 0.01, n)),
        primary_kpa=dp,
        primary_supply_c=hot,
        primary_return_c=back,
    )


def nights(
    kind: Kind, history: UnitHistory, first: int, last: int, contest: Contest | None = None
) -> tuple[Contest, list[tuple[int, Decided]]]:
    contest, number, found = contest or Contest(), 1, []
    if contest.champion is not None:
        number = contest.champion.number + 1
    for day in range(first, last + 1):
        end_s = history.start_s + day * DAY_S
        basis = Basis(
            kind=kind,
            history=history.part(end_s - 42 * DAY_S, end_s),
            model=true_model(),
            model_until_s=end_s - 7 * DAY_S,
            target_c=20.0,
            outdoor_c=DESIGN.outdoor_c,
        )
        made = decide(basis, contest, number)
        contest, number = made.contest, number + (made.made is not None)
        if made.action is not Action.NONE:
            found.append((day, made))
    return contest, found


@pytest.mark.parametrize(
    ("kind", "name", "truth", "rel"),
    [(Kind.VALVE, "kvs_m3h", 25.0, 0.3), (Kind.EXCHANGER, "ua_kw_k", None, 0.1)],
)
def test_the_first_version_must_foretell_days_it_has_not_seen(
    kind: Kind, name: str, truth: float | None, rel: float
) -> None:
    contest, found = nights(kind, station(), 4, 14)
    assert contest.champion is not None
    assert [(each.action, each.reason) for _, each in found] == [(Action.PROMOTE, Reason.FIRST)]
    assert contest.champion.learned_until_s <= station().start_s + (found[0][0] - 7) * DAY_S
    if truth is not None:
        assert contest.champion.figures[name] == pytest.approx(truth, rel=rel)
    errors = day_errors(kind, contest.champion.figures, station())
    assert np.median(errors.mae_k) < 6.0


def test_the_weather_curve_comes_from_the_building_and_is_judged_by_the_supply() -> None:
    contest, found = nights(Kind.CURVE, station(), 14, 16)
    assert found
    assert found[0][1].reason is Reason.FIRST
    assert contest.champion is not None
    errors = day_errors(Kind.CURVE, contest.champion.figures, station())
    assert np.median(errors.mae_k) < 1.5
    warm = dict(contest.champion.figures) | {"target_c": 15.0}
    assert np.median(day_errors(Kind.CURVE, warm, station()).mae_k) > 5.0


def test_plates_that_were_cleaned_are_learned_anew_by_winning() -> None:
    history = station(50, plates=75.0, since=20, before=50.0)
    contest, found = nights(Kind.EXCHANGER, history, 14, 50)
    actions = [(each.action, each.reason) for _, each in found]
    assert actions[0] == (Action.PROMOTE, Reason.FIRST)
    assert (Action.PROMOTE, Reason.WON) in actions
    won = next(each for _, each in found if each.reason is Reason.WON)
    assert won.verdict is not None
    assert won.verdict.better
    assert {change.stage for change in won.changes} == {Stage.CHAMPION, Stage.FORMER}
    first = found[0][1].contest.champion
    assert contest.champion is not None
    assert first is not None
    assert contest.champion.figures["ua_kw_k"] > 1.25 * first.figures["ua_kw_k"]


def test_nothing_changes_while_nothing_is_better() -> None:
    contest, found = nights(Kind.VALVE, station(), 14, 45)
    assert contest.champion is not None
    assert contest.champion.number == 1
    assert (Action.PROMOTE, Reason.WON) not in [(e.action, e.reason) for _, e in found]
    assert (Action.REJECT, Reason.NOT_BETTER) in [(e.action, e.reason) for _, e in found]


@pytest.mark.parametrize("fault", ["drift", "frozen"])
def test_a_flow_meter_gone_wrong_never_leads_to_a_promotion(fault: str) -> None:
    history = station()
    flow = history.primary_kgs.copy()
    late = np.arange(len(flow)) >= 24 * 20
    if fault == "drift":
        flow[late] *= 1.25
    else:
        flow[late] = flow[24 * 20]
    poisoned = replace(history, primary_kgs=flow)
    contest, found = nights(Kind.VALVE, poisoned, 14, 45)
    assert contest.champion is not None
    assert contest.champion.number == 1
    assert (Action.PROMOTE, Reason.WON) not in [(e.action, e.reason) for _, e in found]
    end = poisoned.part(poisoned.start_s + 35 * DAY_S, poisoned.start_s + 42 * DAY_S)
    if fault == "drift":
        assert balance(end) == pytest.approx(1.25, rel=0.05)
    else:
        assert frozen(Kind.VALVE, end) == "primary_kgs"


def test_a_person_brings_the_former_one_back_and_a_restart_knows_who_takes_part() -> None:
    history = station(50, plates=75.0, since=20, before=50.0)
    contest, _ = nights(Kind.EXCHANGER, history, 14, 50)
    if contest.former is None:
        contest = replace(contest, former=replace(contest.champion, number=1))
    assert contest_of(decode(canonical(plain_of(contest)))) == contest
    back, changes = roll_back(contest, 5.0)
    assert back.champion is not None
    assert contest.former is not None
    assert back.champion.number == contest.former.number
    assert back.champion.since_s == 5.0
    assert changes[0].stage is Stage.ROLLED_BACK
    with pytest.raises(InputError):
        roll_back(back, 6.0)
