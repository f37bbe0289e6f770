"""Which dispatch plan is followed: its caps reach the stations' control, until it grows too old.

Each network has a stage, as units have: `observe` (plans do nothing), `advise` (the caps of an
approved plan hold) and `automatic` (those of every plan that is made, unless it is rejected).
Set-points of sources are the whole network's business and pass the command door with two people
in every stage; see `dispatch_order`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.app.audit import Audit
from heatloop.app.dispatch_networks import DispatchNetwork
from heatloop.app.dispatch_views import named
from heatloop.app.history import in_thread
from heatloop.app.strategy_worker import PlantCap
from heatloop.app.views.dispatch_now import DispatchFollowing, DispatchSourceCap
from heatloop.app.world import World
from heatloop.control.mpc_task import N_STEP, STEP_S
from heatloop.control.strategy import Stage
from heatloop.kernel.clock import utc
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.dispatch import PlanRow

Floats = NDArray[np.float64]
HOLDS_S = {"proposed": 2 * 3600.0, "approved": 12 * 3600.0}
"""How long the caps of a plan hold: made hourly it is soon replaced, approved it was meant."""
_STAGES = "dispatch.stages"
_STATES = {Stage.ADVISE: ("approved",), Stage.AUTOMATIC: ("approved", "proposed")}
_LEAST_DELIVERED = 0.7
_LEAST_CAP_KW = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Followed:
    """A plan that is followed, as far as its caps go."""

    row: PlanRow
    """Its head."""
    reach_kw: Mapping[str, Floats]
    """Most heat of each unit a step."""
    rated_kw: Mapping[str, float]
    """Most heat of each unit, for steps it says nothing of."""
    source_of: Mapping[str, str]
    """Source of each unit."""
    stored_kw: Mapping[str, Floats]
    """Heat out of the storage of each source a step."""
    limit_kw: Mapping[str, float]
    """What the network takes from a source, where that is bounded."""

    @property
    def until_s(self) -> float:
        """Plant time from which it is too old."""
        return self.row.made_at + HOLDS_S[self.row.state]

    def source_kw(self, source: str, times_s: Floats, failed: frozenset[str]) -> Floats:
        """Return the most heat a source gives, shape (n,); failed units give nothing."""
        at = np.floor((times_s - self.row.start_s) / self.row.step_s).astype(np.int64)
        inside = (at >= 0) & (at < self.row.steps)
        held = np.clip(at, 0, self.row.steps - 1)
        total = np.zeros(len(times_s))
        for code, reach in self.reach_kw.items():
            if self.source_of[code] == source and code not in failed:
                total += np.where(inside, reach[held], self.rated_kw[code])
        if source in self.stored_kw:
            total += np.where(inside, self.stored_kw[source][held], 0.0)
        return np.minimum(total, self.limit_kw.get(source, np.inf))


class DispatchFollow:
    """Follows plans.

    Args:
        world: Ledger and latest values.
        records: Plans and stages.
        audit: Trail of what people do.
        networks: Gives the networks of the ledger in force.
        failed: Gives the units that say they have failed.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        audit: Audit,
        networks: Callable[[], Sequence[DispatchNetwork]],
        failed: Callable[[], frozenset[str]],
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._networks, self._failed = networks, failed
        self._stages: dict[str, dict[str, Any]] | None = None
        self.followed: dict[str, Followed] = {}
        """Newest plan of each network its stage lets act, however old."""

    def stage(self, network: str) -> Stage:
        """Return the stage of a network."""
        return Stage((self._stages or {}).get(network, {}).get("stage", Stage.OBSERVE))

    async def set_stage(self, by: Principal, network: DispatchNetwork, stage: Stage) -> None:
        """Set how far the plans of a network may go."""
        await self._load()
        now_s, before = self._world.now_s(), self.stage(network.code)
        stages = dict(self._stages or {})
        stages[network.code] = {"stage": str(stage), "by": by.user, "at": now_s}
        await in_thread(
            self._records.settings.set, _STAGES, stages, source="operator", by=by.user, at=now_s
        )
        self._stages = stages
        await self._audit.add(
            by.user, "dispatch.stage", network.code, before=str(before), after=str(stage)
        )
        await self.refresh()

    async def _load(self) -> None:
        if self._stages is None:
            kept = await in_thread(self._records.settings.get, _STAGES)
            self._stages = dict(kept.value) if kept is not None else {}

    async def refresh(self) -> None:
        """Look which plan of each network is the one to follow."""
        await self._load()
        found: dict[str, Followed] = {}
        for network in self._networks():
            states = _STATES.get(self.stage(network.code), ())
            row = None
            for state in states:
                newest = await in_thread(self._records.dispatch.newest, network.code, (state,))
                if newest is not None and (row is None or self._before(row, newest)):
                    row = newest
            if row is not None:
                held = self.followed.get(network.code)
                same = held is not None and held.row == row
                found[network.code] = held if held is not None and same else followed_of(row)
        self.followed = found

    def _before(self, row: PlanRow, other: PlanRow) -> bool:
        """Return whether another plan comes before a row: one that holds, then the newer."""
        now_s = self._world.now_s()

        def rank(each: PlanRow) -> tuple[bool, int]:
            return now_s <= each.made_at + HOLDS_S[each.state], each.number

        return rank(other) > rank(row)

    def acting(self, network: str) -> Followed | None:
        """Return the plan whose caps hold now; None: none does."""
        found = self.followed.get(network)
        if found is None or not found.row.made_at <= self._world.now_s() <= found.until_s:
            return None
        return found

    def caps(self, start_s: float) -> list[PlantCap]:
        """Return the most heat the units of each network may draw from a time on."""
        times: Floats = start_s + STEP_S * (np.arange(N_STEP, dtype=np.float64) + 0.5)
        failed, found = self._failed(), []
        for network in self._networks():
            plan = self.acting(network.code)
            if plan is None or not network.units:
                continue
            each = [plan.source_kw(source, times, failed) for source in network.sources]
            cap = np.maximum(np.sum(each, axis=0) * self.delivered(network), _LEAST_CAP_KW)
            found.append(PlantCap(name=network.code, cap_kw=cap, units=frozenset(network.units)))
        return found

    def delivered(self, network: DispatchNetwork) -> float:
        """Return the share of the sources' heat that reaches the units; 1 where nobody knows."""
        world = self._world
        sent = [world.latest.value(key) for key in self._keys(network.sources)]
        units = [world.layout.units.get(code) for code in network.units]
        keys = [None if u is None else u[0].keys.get("secondary_heat_power") for u in units]
        taken = [None if key is None else world.latest.value(key) for key in keys]
        if None in sent or None in taken or not sent or not taken:
            return 1.0
        total = sum(kw for kw in sent if kw is not None)
        if total <= 0.0:
            return 1.0
        share = sum(kw for kw in taken if kw is not None) / total
        return float(np.clip(share, _LEAST_DELIVERED, 1.0))

    def _keys(self, sources: Sequence[str]) -> list[int]:
        points = self._world.ledger.points
        found = (points.get(f"{code}.source_heat_power") for code in sources)
        return [-1 if point is None else point.key for point in found]

    async def view(self) -> list[DispatchFollowing]:
        """Return how far plans act, by network."""
        await self.refresh()
        return [self._view(network) for network in self._networks()]

    def _view(self, network: DispatchNetwork) -> DispatchFollowing:
        now_s, plan = self._world.now_s(), self.acting(network.code)
        stage, failed = self.stage(network.code), self._failed()
        times: Floats = now_s + STEP_S * np.arange(N_STEP, dtype=np.float64)
        sources: list[DispatchSourceCap] = []
        for source in network.sources if plan is not None else ():
            assert plan is not None
            kw = plan.source_kw(source, times, failed)
            sources.append(
                DispatchSourceCap(
                    source=source,
                    **named(self._world, source),
                    now_kw=float(kw[0]),
                    least_kw=float(kw.min()),
                )
            )
        share = self.delivered(network)
        why = "" if plan else "too_old" if network.code in self.followed else "no_plan"
        return DispatchFollowing(
            network=network.code,
            stage=str(stage),
            stage_by=str((self._stages or {}).get(network.code, {}).get("by", "")),
            plan=None if plan is None else plan.row.number,
            why="observe" if stage is Stage.OBSERVE else why,
            until=None if plan is None else utc(plan.until_s),
            delivered_pct=round(100.0 * share, 1),
            cap_kw=None if plan is None else share * sum(each.now_kw for each in sources),
            sources=sources,
        )


def followed_of(row: PlanRow) -> Followed:
    """Return a plan as it is followed."""
    body = json.loads(row.body)
    units = {unit["code"]: unit for unit in body["units"]}
    stored: dict[str, Floats] = {}
    for tank in body["storages"]:
        out = np.maximum(-np.asarray(tank["charge_kw"], dtype=np.float64), 0.0)
        source = tank.get("source", "")
        stored[source] = stored.get(source, np.zeros(row.steps)) + out
    return Followed(
        row=row,
        # A plan of before reach was kept: what it plans is what it is known to reach.
        reach_kw={
            code: np.asarray(unit.get("reach_kw") or unit["heat_kw"], dtype=np.float64)
            for code, unit in units.items()
        },
        rated_kw={code: float(unit["most_kw"]) for code, unit in units.items()},
        source_of={code: str(unit["source"]) for code, unit in units.items()},
        stored_kw=stored,
        limit_kw={code: float(kw) for code, kw in body.get("limits", {}).items()},
    )
