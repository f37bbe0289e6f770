"""The leak balance on simulated weeks: silent on quiet days, quick when 1 % begins to leak."""

import math

import numpy as np
import pytest

from heatloop.network.twin.balance import BalanceSample, LeakBalance, LeakState
from heatloop.network.water import density_kg_m3

FLOW_KGS = 320.0
TARGET = 0.01 * FLOW_KGS
DAY = 86400.0
STEP = 60.0
VOLUME_M3 = 1500.0


def wander(rng, n, hours):
    keep = math.exp(-STEP / 3600.0 / hours)
    push = math.sqrt(1.0 - keep * keep) * rng.normal(size=n)
    out = np.empty(n)
    last = rng.normal()
    for i, p in enumerate(push):
        last = keep * last + p
        out[i] = last
    return out


def weeks(seed, days, leak_kgs=0.0, leak_s=math.inf, *, two_meters=True, seen=1.0):
    """Make-up that swells with the water, old losses that wander, meters with bias and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(days * DAY / STEP)) * STEP
    daily = 0.2 * np.cos(2 * np.pi * (t / DAY - 0.1))
    flow = FLOW_KGS * (1 - daily + 0.03 * wander(rng, len(t), 2))
    hot = 90 - 6 * np.cos(2 * np.pi * t / DAY) + 0.7 * wander(rng, len(t), 3)
    cold = 48 - 1.5 * np.cos(2 * np.pi * t / DAY) + 0.3 * wander(rng, len(t), 3)
    stored = VOLUME_M3 * (density_kg_m3(hot) + density_kg_m3(cold))
    old = 0.003 * FLOW_KGS * (1 + 0.1 * wander(rng, len(t), 12))
    lost = old + leak_kgs * (t >= leak_s)
    made = lost + np.gradient(stored, STEP)
    back = flow - made
    gains = 1 + 0.005 * rng.normal(size=2)
    noise = 1 + 0.01 * rng.normal(size=(3, len(t)))
    rows = zip(
        t.tolist(),
        (made * noise[2]).tolist(),
        (flow * gains[0] * noise[0] if two_meters else flow * math.nan).tolist(),
        (back * gains[1] * noise[1] if two_meters else flow * math.nan).tolist(),
        # The mean temperature of the water is known only roughly.
        (90 + seen * (hot - 90)).tolist(),
        (48 + seen * (cold - 48)).tolist(),
        strict=True,
    )
    for at, makeup, supply, ret, hot_c, cold_c in rows:
        yield BalanceSample(
            t_s=at, makeup_kgs=makeup, supply_kgs=supply, return_kgs=ret,
            supply_c=hot_c, return_c=cold_c,
        )  # fmt: skip


def balance():
    return LeakBalance(TARGET, supply_m3=VOLUME_M3, return_m3=VOLUME_M3)


def first_alarm_s(samples):
    watch = balance()
    for sample in samples:
        if watch.take(sample).state is LeakState.LEAKING:
            return sample.t_s
    return None


@pytest.mark.parametrize("seed", range(6))
def test_a_leak_of_one_percent_is_alarmed_within_half_an_hour(seed):
    begins = 3.0 * DAY + seed * 4.1 * 3600.0
    alarm = first_alarm_s(weeks(seed, 4, TARGET, begins, seen=0.9))
    assert alarm is not None
    assert begins < alarm <= begins + 1800.0


def test_sixty_quiet_days_raise_no_alarm():
    assert [first_alarm_s(weeks(100 + s, 15, seen=0.9)) for s in range(4)] == [None] * 4


def test_makeup_alone_is_enough():
    begins = 3.5 * DAY
    alarm = first_alarm_s(weeks(7, 4, TARGET, begins, two_meters=False, seen=0.9))
    assert alarm is not None
    assert begins < alarm <= begins + 1800.0


def test_a_smaller_leak_is_found_by_its_sum_and_said_to_be_below_the_limit():
    watch, begins = balance(), 3.0 * DAY
    found = None
    for sample in weeks(8, 5, 0.4 * TARGET, begins, seen=0.95):
        verdict = watch.take(sample)
        if verdict.state is LeakState.LEAKING:
            found = sample.t_s, verdict
            break
    assert found is not None
    assert begins + 1800.0 < found[0] < begins + DAY
    assert found[1].detectable_kgs > 0.4 * TARGET
    assert found[1].since_s == pytest.approx(begins, abs=6 * 3600.0)


def test_the_stated_smallest_leak_is_alarmed_in_time_in_most_cases():
    hits = []
    for seed in range(20, 32):
        watch, size, begins = balance(), None, 2.5 * DAY
        for sample in weeks(seed, 2.5, seen=0.9):
            size = watch.take(sample).detectable_kgs
        alarm = first_alarm_s(weeks(seed, 2.6, size, begins, seen=0.9))
        hits.append(alarm is not None and begins <= alarm <= begins + 1800.0)
    assert np.mean(hits) >= 0.9


def test_it_clears_when_the_leak_is_mended():
    watch, states = balance(), []
    for sample in weeks(9, 4, TARGET, 2.0 * DAY, seen=0.9):
        mended = sample.t_s > 2.5 * DAY
        less = TARGET if mended else 0.0
        states.append(
            watch.take(
                BalanceSample(
                    t_s=sample.t_s, makeup_kgs=sample.makeup_kgs - less,
                    supply_kgs=sample.supply_kgs, return_kgs=sample.return_kgs + less,
                    supply_c=sample.supply_c, return_c=sample.return_c,
                )
            ).state
        )  # fmt: skip
    assert LeakState.LEAKING in states
    assert states[-1] is LeakState.QUIET
