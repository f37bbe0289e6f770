"""The sweep: fair to what else the gateway does, and no slot held up by a slow line."""

import asyncio

import pytest

from heatloop.edge.drivers import registry
from heatloop.edge.drivers.port import Driver
from heatloop.edge.gaps import OVERRUN
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.poller import Poller
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.model import Binding, Device

SLOT = 1_800_000_000


class Slow(Driver):
    """Answers when told."""

    slow = True
    gate = asyncio.Event()
    asked = 0

    async def _read(self, planned, reading):
        type(self).asked += 1
        if self.slow:
            await self.gate.wait()
        for rows in planned:
            reading.add(rows.bindings, [1.0] * len(rows.bindings))

    def _drop(self):
        pass


class Quick(Slow):
    slow = False


def index_of(kinds):
    devices = tuple(
        Device(code=f"DV{n:04d}", asset=f"SS{n:04d}", gateway="GW0001", profile="p", protocol=kind)
        for n, kind in enumerate(kinds, 1)
    )
    bindings = tuple(
        Binding(key=n, point=f"SS{n:04d}.k", kind="k", device=f"DV{n:04d}", register=0, dtype="")
        for n in range(1, len(kinds) + 1)
    )
    return ProfileIndex(
        EdgeProfile(
            gateway="GW0001", version=1, ledger_version=1, devices=devices, bindings=bindings
        )
    )


@pytest.fixture
def make(monkeypatch):
    Slow.gate, Slow.asked, Quick.asked = asyncio.Event(), 0, 0
    classes = {"x_slow": Slow, "x_quick": Quick}
    monkeypatch.setattr(registry, "driver_class", classes.__getitem__)
    made = []

    def poller(*kinds, **rest):
        made.append(Poller(index_of(kinds), LatestValues(), **rest))
        return made[-1]

    yield poller
    for each in made:
        each.close()


async def test_a_slow_line_is_waited_for_apart_and_misses_the_slots_it_overruns(make):
    poller, late = make("x_quick", "x_slow"), []
    sweep = await poller.sweep(SLOT, 0.0, lambda slot, seen: late.append((slot, seen)))
    assert (sweep.answered, sweep.missed) == (["DV0001"], {})
    sweep = await poller.sweep(SLOT + 30, 30.0, lambda slot, seen: late.append((slot, seen)))
    assert sweep.missed == {"DV0002": OVERRUN}
    assert Slow.asked == 1  # its questions do not queue up
    Slow.gate.set()
    while not late:
        await asyncio.sleep(0)
    assert [(slot, seen.device, seen.reading.cause) for slot, seen in late] == [
        (SLOT, "DV0002", None)
    ]
    sweep = await poller.sweep(SLOT + 60, 60.0, lambda slot, seen: late.append((slot, seen)))
    assert sweep.missed == {}
    await asyncio.sleep(0.01)
    assert len(late) == 2


async def test_in_lockstep_a_slow_line_is_waited_for(make):
    poller = make("x_slow", lockstep=True)
    Slow.gate.set()
    sweep = await poller.sweep(SLOT, 0.0)
    assert sweep.answered == ["DV0001"]


async def test_others_get_their_turn_while_thousands_of_devices_are_begun(make):
    poller = make(*["x_quick"] * 2000)
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    sweep = await poller.sweep(SLOT, 0.0)
    task.cancel()
    assert len(sweep.answered) == 2000
    assert sweep.answered == sorted(sweep.answered)  # the same order in every slot
    assert turns > 100


def test_a_large_profile_is_indexed_in_time_that_grows_with_it():
    import time

    started = time.perf_counter()
    index = index_of(["x_quick"] * 20_000)
    assert time.perf_counter() - started < 5.0  # device by device over all points: minutes
    assert [b.key for b in index.by_device["DV20000"]] == [20_000]
