"""The zero-loss benchmark's own judgement: it must be able to find what is wrong.

Its quick form runs with the other benchmarks (`test_benches`).
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.zero_loss_judge import DEAD, DISK, Window, judge
from bench.zero_loss_plan import KINDS, plan_of
from heatloop.demo.ledger import demo_ledger
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger

START = 1_766_246_400


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return build_ledger(*demo_ledger("tiny", 1), version=1, keys={})


def missing(ledger: Ledger, device: str, slots: list[int]) -> np.ndarray:
    keys = [b.key for b in ledger.bindings_of_device(device)][:2]
    return np.array([key << 32 | slot for key in keys for slot in slots], "u8")


def gap(device: str, first: int, last: int | None, cause: str) -> dict[str, object]:
    def text(slot: int) -> str:
        return str(np.datetime64(slot, "s")) + "+00:00"

    end = None if last is None else text(last)
    return {"device": device, "start": text(first), "end": end, "cause": cause}


def test_a_loss_is_excused_only_by_a_gap_record_and_a_fault_that_made_it(ledger: Ledger) -> None:
    device = next(iter(ledger.devices))
    gateway = ledger.devices[device].gateway
    lost = missing(ledger, device, [START + 30, START + 60])
    killed = Window(gateway=gateway, causes=DEAD, start_s=START + 40, end_s=START + 60)
    record = gap(device, START + 30, START + 60, "edge_restart")

    def verdict(gaps: list[dict[str, object]], windows: list[Window]) -> tuple[int, int, int]:
        found = judge(lost, gaps, windows, ledger)
        return found.missing, found.unjustified, found.justified

    assert verdict([record], [killed]) == (0, 0, 4)
    assert verdict([], [killed]) == (4, 0, 0)  # nobody wrote it down
    assert verdict([record], []) == (0, 4, 0)  # nothing was done to it
    assert verdict([gap(device, START + 60, None, "edge_restart")], [killed]) == (2, 0, 2)
    assert verdict([gap(device, START, None, "device_unreachable")], [killed]) == (0, 4, 0)
    disk = Window(gateway=gateway, causes=DISK, start_s=START - 600, end_s=START - 30)
    assert verdict([record], [disk]) == (0, 4, 0)  # too late for that fault
    other = Window(gateway="GW9999", causes=DEAD, start_s=START, end_s=START + 90)
    assert verdict([record], [other]) == (0, 4, 0)
    stranger = gap(list(ledger.devices)[1], START, None, "edge_restart")
    assert verdict([stranger], [killed]) == (4, 0, 0)


def test_twenty_seeds_meet_every_kind_of_fault_and_plans_repeat() -> None:
    plans = [plan_of(seed) for seed in range(20)]
    assert plans == [plan_of(seed) for seed in range(20)]
    met = {fault.kind for plan in plans for fault in (*plan.stepped, *plan.free)}
    assert met >= {*KINDS, "clock_ahead", "clock_behind"}
    assert sum(plan.outage for plan in plans) == 5
    assert any(plan.small_spool for plan in plans)
    assert not plan_of(1, short=True).outage
