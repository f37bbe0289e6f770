"""The physics pre-check: what a write would do to every station, asked of the twin beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from heatloop.app.command_settings import DoorSettings
from heatloop.app.refusals import Refused
from heatloop.app.twin_job import Known
from heatloop.app.twin_state import WhatIf, WhatIfAnswer
from heatloop.app.views.command_door import HurtStation, PhysicsView
from heatloop.app.world import World
from heatloop.control.command_classes import rule_of
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.scope import Scope
from heatloop.plant.model import Point

PASSED, REFUSED, UNKNOWN, NOT_NEEDED = "passed", "refused", "unknown", "not_needed"
_MOST_NAMED = 20
_SHUT_PCT = 0.5


class Thinker(Protocol):
    """Who answers what-if questions; `Twin` is one."""

    async def think(self, what: WhatIf) -> tuple[Known, WhatIfAnswer]:
        """Return what a change would do to the network as it is now."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One point to be written."""

    point: Point
    """The point."""
    value: float
    """In its unit."""


def what_if_of(writes: Sequence[Write]) -> WhatIf | None:
    """Return the question the twin is asked, None when no write moves the network's water."""
    close: list[str] = []
    opening: dict[str, float] = {}
    dp: dict[str, float] = {}
    supply: dict[str, float] = {}
    for write in writes:
        kind, asset, value = write.point.kind, write.point.asset, write.value
        if not rule_of(kind, value).physics:
            continue
        if kind == "valve_opening_setpoint" and value <= _SHUT_PCT:
            close.append(asset)
        elif kind == "valve_opening_setpoint":
            opening[asset] = value
        elif kind == "source_differential_pressure_setpoint":
            dp[asset] = value
        elif kind == "source_supply_temperature_setpoint":
            supply[asset] = value
    if not (close or opening or dp or supply):
        return None
    return WhatIf(close=tuple(close), opening=opening, source_dp_kpa=dp, source_supply_c=supply)


class Physics:
    """Asks the twin, within a time, and judges its answer by the thresholds of the settings.

    Args:
        world: Names of stations.
        twin: Who answers.
        settings: Thresholds and patience.
    """

    def __init__(self, world: World, twin: Thinker, settings: DoorSettings) -> None:
        self._world, self._twin, self._settings = world, twin, settings

    async def check(self, writes: Sequence[Write], scope: Scope) -> PhysicsView:
        """Return what the writes together would do; never raises.

        Args:
            writes: What is to be written.
            scope: Stations outside it are counted, not named.
        """
        what = what_if_of(writes)
        if what is None:
            return self._view(NOT_NEEDED)
        began = machine_s()
        try:
            async with asyncio.timeout(self._settings.physics_s):
                known, answer = await self._twin.think(what)
        except TimeoutError:
            return self._view(UNKNOWN, why="no_answer", took_s=machine_s() - began)
        except Refused as error:
            why = {"twin_not_fresh": "twin_not_fresh", "invalid": "not_in_network"}
            return self._view(
                UNKNOWN, why=why.get(error.code, "unavailable"), took_s=machine_s() - began
            )
        except HeatloopError:
            return self._view(UNKNOWN, why="unavailable", took_s=machine_s() - began)
        touched = {*what.close, *what.opening}
        return self._judged(known, answer, touched, scope, machine_s() - began)

    def _judged(
        self,
        known: Known,
        answer: WhatIfAnswer,
        touched: set[str],
        scope: Scope,
        took_s: float,
    ) -> PhysicsView:
        limits = self._settings
        ledger = self._world.ledger
        stations = [
            ledger.assets[unit].parent if ledger.assets[unit].kind == "unit" else unit
            for unit in answer.units
        ]
        # Whoever is closed on purpose is not hurt; his neighbours may be.
        own = np.array(
            [u in touched or s in touched for u, s in zip(answer.units, stations, strict=True)],
            bool,
        )
        after = np.where(np.isfinite(answer.dp_after_kpa), answer.dp_after_kpa, -np.inf)
        dry = (answer.dp_kpa >= limits.least_dp_kpa) & (after < limits.least_dp_kpa) & ~own
        high = np.where(np.isfinite(answer.supply_after_kpa), answer.supply_after_kpa, -np.inf)
        tight = (answer.supply_kpa <= limits.most_supply_kpa) & (high > limits.most_supply_kpa)
        starved = {stations[n]: n for n in np.flatnonzero(dry).tolist()}
        strained = {stations[n]: n for n in np.flatnonzero(tight).tolist()}
        worst = sorted({**strained, **starved}.items(), key=lambda each: float(after[each[1]]))
        hurt = [self._hurt(code, answer, n, scope) for code, n in worst[:_MOST_NAMED]]
        bad = len({*starved, *strained}) > limits.most_hurt
        return PhysicsView(
            state=REFUSED if bad else PASSED,
            why="",
            at=utc(known.run.t_s),
            took_ms=1000.0 * took_s,
            least_dp_kpa=limits.least_dp_kpa,
            most_supply_kpa=limits.most_supply_kpa,
            starved=len(starved),
            strained=len(strained),
            hurt=hurt,
        )

    def _hurt(self, code: str, answer: WhatIfAnswer, n: int, scope: Scope) -> HurtStation:
        seen = self._world.sees(scope, code)
        asset = self._world.ledger.assets[code]
        return HurtStation(
            code=code if seen else "",
            zh=asset.zh if seen else "",
            en=asset.en if seen else "",
            dp_kpa=float(answer.dp_kpa[n]),
            dp_after_kpa=_maybe(answer.dp_after_kpa[n]),
            supply_kpa=float(answer.supply_kpa[n]),
            supply_after_kpa=_maybe(answer.supply_after_kpa[n]),
        )

    def _view(self, state: str, *, why: str = "", took_s: float = 0.0) -> PhysicsView:
        return PhysicsView(
            state=state,
            why=why,
            at=None,
            took_ms=1000.0 * took_s,
            least_dp_kpa=self._settings.least_dp_kpa,
            most_supply_kpa=self._settings.most_supply_kpa,
            starved=0,
            strained=0,
            hurt=[],
        )


def because(view: PhysicsView) -> str:
    """Return why the twin refuses, as facts both languages share: count, limit, worst stations."""
    parts = []
    if view.starved:
        parts.append(f"{view.starved} < {view.least_dp_kpa:g} kPa")
    if view.strained:
        parts.append(f"{view.strained} > {view.most_supply_kpa:g} kPa")
    for each in [hurt for hurt in view.hurt if hurt.code][:5]:
        if each.dp_after_kpa is None or each.dp_after_kpa < view.least_dp_kpa:
            then = "0" if each.dp_after_kpa is None else f"{each.dp_after_kpa:.0f}"
            parts.append(f"{each.code} {each.dp_kpa:.0f} → {then} kPa")
        elif each.supply_after_kpa is not None:
            parts.append(f"{each.code} {each.supply_kpa:.0f} → {each.supply_after_kpa:.0f} kPa")
    return "; ".join(parts)


def _maybe(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
