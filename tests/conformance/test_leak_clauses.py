"""Clause 7.7 d: the leak balance runs all the time and finds a leak of 1 % within half an hour."""

import math

from heatloop.demo.city import City
from heatloop.network.twin.balance import BalanceSample, LeakBalance, LeakState, Verdict
from heatloop.network.water import density_kg_m3

START_S = 1_766_246_400.0
LEAST_S, STEP_S = 1800.0, 30.0


def _watch(city: City, balance: LeakBalance, hours: float) -> list[Verdict]:
    """Let the city run and the balance see what its meters show once a minute."""
    found = []
    for step in range(int(hours * 3600 / STEP_S)):
        city.step(STEP_S)
        if step % 2:
            continue
        shown = {
            kind: float(city.shown[city.measured[f"HS0001.{kind}"]])
            for kind in (
                "source_makeup_flow",
                "source_flow",
                "source_return_pressure",
                "source_supply_temperature",
                "source_return_temperature",
            )
        }
        back_c = shown["source_return_temperature"]
        found.append(
            balance.take(
                BalanceSample(
                    t_s=city.now_s,
                    makeup_kgs=shown["source_makeup_flow"] / 3.6,
                    supply_kgs=shown["source_flow"] * float(density_kg_m3(back_c)) / 3600.0,
                    pressure_kpa=shown["source_return_pressure"],
                    supply_c=shown["source_supply_temperature"],
                    return_c=back_c,
                )
            )
        )
    return found


def test_7_7_d_1_a_leak_of_one_percent_is_found_within_half_an_hour() -> None:
    city = City(3, "small", START_S)
    flow_kgs = float(city.works.primary_kgs.sum())
    balance = LeakBalance(0.01 * flow_kgs)
    quiet = _watch(city, balance, 27.0)
    assert not [v for v in quiet if v.state is LeakState.LEAKING], "a false alarm"
    assert quiet[-1].state is LeakState.QUIET
    began_s = city.now_s
    city.works.wear.main_leak_kgs["PN00005"] = 0.01 * flow_kgs
    found = _watch(city, balance, 1.0)
    alarms = [v for v in found if v.state is LeakState.LEAKING]
    assert alarms, "not found"
    after_s = STEP_S * 2 * next(i for i, v in enumerate(found) if v.state is LeakState.LEAKING)
    assert after_s <= LEAST_S
    assert math.isclose(alarms[-1].excess_kgs, 0.01 * flow_kgs, rel_tol=0.35)
    assert abs(alarms[0].since_s - began_s) <= LEAST_S
