"""The leak balance of every water zone, each minute: results kept as points, leaks as alarms.

A zone is the network behind all heat sources, or that behind one pressure-isolation station.
After a restart the balances learn from the last days' roll-ups instead of from nothing.
"""

from __future__ import annotations

import math
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.app.alarming import Alarming
from heatloop.app.history import AsyncHistorian
from heatloop.app.layout import Node
from heatloop.app.live import Hub
from heatloop.app.world import World
from heatloop.kernel.messages import Alarm
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.network.twin.balance import BalanceSample, LeakBalance, LeakState, Verdict
from heatloop.network.water import density_kg_m3

LEAK = "leak"
TARGET_SHARE = 0.01
"""Leak looked for over the zone's flow."""
_PRIORITY = 2
_KG_M3 = 1000.0
_LEARN_S = 3 * 86400
_ROLLUP_S, _BLOCK_S = 600, 300
_LEAST_KGS = 1.0
_KINDS = ("makeup", "flow", "pressure", "supply", "back")
_SOURCE = (
    "source_makeup_flow",
    "source_flow",
    "source_return_pressure",
    "source_supply_temperature",
    "source_return_temperature",
)
_ISOLATION = (
    "makeup_flow",
    "secondary_flow",
    "secondary_return_pressure",
    "secondary_supply_temperature",
    "secondary_return_temperature",
)
_STATES = (LeakState.LEARNING, LeakState.QUIET, LeakState.SUSPECT, LeakState.LEAKING)
Readings = dict[str, list[float]]


@dataclass(kw_only=True, slots=True)
class Zone:
    """One water zone."""

    asset: str
    """Asset its results belong to."""
    keys: dict[str, list[int]]
    """Point keys by what they say; sources stand side by side."""
    results: Mapping[str, int]
    """Keys of the points its results are kept in."""
    balance: LeakBalance | None = None
    """Its balance; made when the zone's flow is known."""
    alarm: Alarm | None = None
    """The alarm it raised."""


class LeakWatch:
    """Runs the balances of all zones."""

    def __init__(
        self, world: World, historian: AsyncHistorian, alarming: Alarming, hub: Hub
    ) -> None:
        self._world, self._historian = world, historian
        self._alarming, self._hub = alarming, hub
        self._zones: list[Zone] = []
        self._ledger: object = None
        self.verdicts: dict[str, Verdict] = {}
        """Latest verdict by asset."""

    async def run(self, due: float) -> None:
        """Take one sample of every zone, judge it, keep the results."""
        world = self._world
        if self._ledger is not world.ledger:
            self._zones, self._ledger = list(_zones(world)), world.ledger
        rows: list[tuple[int, float]] = []
        changes: list[AlarmChange] = []
        for zone in self._zones:
            now = {kind: [_known(world, key) for key in keys] for kind, keys in zone.keys.items()}
            if zone.balance is None and not await self._begin(zone, now, due):
                continue
            assert zone.balance is not None
            verdict = zone.balance.take(_sample(due, now))
            self.verdicts[zone.asset] = verdict
            rows += _results(zone, verdict)
            changes += self._changes(zone, verdict, due)
        if rows:
            await self._keep(rows, due)
        for job in self._applied(changes):
            await job

    async def _begin(self, zone: Zone, now: Readings, due: float) -> bool:
        """Make a zone's balance and let it learn from the past; False while no flow is known."""
        flow = _total(now["flow"]) / 3.6
        if not flow > _LEAST_KGS:
            return False
        zone.balance = LeakBalance(TARGET_SHARE * flow)
        keys = sorted({key for keys in zone.keys.values() for key in keys})
        past = await self._historian.rollup(
            np.asarray(keys, "u4"), int(due) - _LEARN_S, int(due), _ROLLUP_S
        )
        table: dict[int, dict[int, float]] = {}
        for key, slot, mean in zip(
            past.keys.tolist(), past.slots.tolist(), past.mean.tolist(), strict=True
        ):
            table.setdefault(slot, {})[key] = mean
        for slot in sorted(table):
            then = {
                kind: [table[slot].get(key, math.nan) for key in keys]
                for kind, keys in zone.keys.items()
            }
            # A window of ten minutes fills two blocks of the balance.
            for offset in (0, _BLOCK_S):
                zone.balance.take(_sample(slot + offset, then))
        return True

    def _changes(self, zone: Zone, verdict: Verdict, due: float) -> Iterable[AlarmChange]:
        if verdict.state is LeakState.LEAKING and zone.alarm is None:
            zone.alarm = lifecycle.raise_(
                zone.asset,
                LEAK,
                verdict.since_s,
                priority=_PRIORITY,
                value=round(verdict.excess_kgs * 3.6, 2),
            )
            yield AlarmChange(change=Change.RAISE, alarm=zone.alarm, at=due)
        elif verdict.state is LeakState.QUIET and zone.alarm is not None:
            yield AlarmChange(change=Change.CLEAR, alarm=zone.alarm, at=due)
            zone.alarm = None

    def _applied(self, changes: list[AlarmChange]) -> list[Coroutine[Any, Any, None]]:
        return self._alarming.apply(changes) if changes else []

    async def _keep(self, rows: list[tuple[int, float]], due: float) -> None:
        columns = Columns(
            np.array([key for key, _ in rows], "u4"),
            np.full(len(rows), int(due), "u4"),
            np.array([value for _, value in rows], "f8"),
            np.full(len(rows), Quality.ESTIMATED, "u1"),
        )
        await self._historian.append(columns)
        self._world.latest.update(columns)
        self._hub.values_changed()


def _zones(world: World) -> Iterable[Zone]:
    ledger, layout = world.ledger, world.layout
    sources = list(layout.sources.values())
    companies = ledger.of_kind("company")
    if sources and companies:
        yield from _zone(layout.node(companies[0]), sources, _SOURCE)
    for asset in ledger.of_kind("isolation_station"):
        node = layout.node(asset)
        yield from _zone(node, [node], _ISOLATION)


def _zone(owner: Node, nodes: list[Node], kinds: tuple[str, ...]) -> Iterable[Zone]:
    """Yield the zone, unless make-up or flow is not measured everywhere or has nowhere to go."""
    keys = {
        name: [node.keys[kind] for node in nodes if kind in node.keys]
        for name, kind in zip(_KINDS, kinds, strict=True)
    }
    if "leak_state" in owner.keys and all(
        len(keys[name]) == len(nodes) for name in ("makeup", "flow")
    ):
        yield Zone(asset=owner.asset.code, keys=keys, results=owner.keys)


def _known(world: World, key: int) -> float:
    value = world.latest.value(key)
    return math.nan if value is None else value


def _total(values: list[float]) -> float:
    return sum(values) if values else math.nan


def _mean(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def _sample(t_s: float, now: Readings) -> BalanceSample:
    """Return what a zone's meters say; one meter that is missing makes its sum missing."""
    back_c = _mean(now["back"])
    density = float(density_kg_m3(back_c)) if math.isfinite(back_c) else _KG_M3
    return BalanceSample(
        t_s=t_s,
        makeup_kgs=_total(now["makeup"]) * _KG_M3 / 3600.0,
        supply_kgs=_total(now["flow"]) * density / 3600.0,
        pressure_kpa=_mean(now["pressure"]),
        supply_c=_mean(now["supply"]),
        return_c=back_c,
    )


def _results(zone: Zone, verdict: Verdict) -> list[tuple[int, float]]:
    values = {
        "water_loss_flow": verdict.lost_kgs * 3.6,
        "water_loss_excess": verdict.excess_kgs * 3.6,
        "leak_detectable_flow": verdict.detectable_kgs * 3.6,
        "leak_state": float(_STATES.index(verdict.state)),
    }
    return [
        (zone.results[kind], value)
        for kind, value in values.items()
        if kind in zone.results and math.isfinite(value)
    ]
