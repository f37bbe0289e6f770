"""Set-points of the primary network for the day ahead: temperature, heads, flow of every station.

Everything is worked out in a worker from the ledger's network; the answer is advice, like a
dispatch plan, until somebody sends it through the door for commands.
"""

from __future__ import annotations

import math

import numpy as np

from heatloop.app.dispatch import Dispatch
from heatloop.app.dispatch_networks import ROOM_C, DispatchNetwork
from heatloop.app.dispatch_views import named, told_points
from heatloop.app.network_heads import LEAST_DP_KPA
from heatloop.app.network_valves import UnitFlow
from heatloop.app.network_worker import STEP_S, Found, Work, work_out
from heatloop.app.price_settings import PriceSettings
from heatloop.app.refusals import Refused
from heatloop.app.views.dispatch import DispatchSetpoint
from heatloop.app.views.network_plan import (
    NetworkCandidate,
    NetworkHead,
    NetworkPlanView,
    NetworkPump,
    NetworkUnit,
)
from heatloop.app.world import World
from heatloop.control.source_temperature import Worth
from heatloop.kernel.clock import utc

_HOURS = 24
_PATIENCE_S = 180.0
_HOLDS_S = 3600.0
_STEP_K = 20.0
"""Most a source's supply set-point is moved at once: the door's own bound."""
_DENSITY_KG_L = 0.96


class NetworkPlan:
    """Works out set-points of a network on demand.

    Args:
        world: Ledger and newest values.
        dispatch: Knows networks and their demand.
        prices: What heat lost and electricity of pumps cost.
    """

    def __init__(self, world: World, dispatch: Dispatch, prices: PriceSettings) -> None:
        self._world, self._dispatch = world, dispatch
        self._worth = Worth(
            heat_yuan_kwh=prices.heat_yuan_kwh, power_yuan_kwh=prices.power_yuan_kwh
        )
        self._last: dict[str, tuple[float, Found]] = {}

    async def view(self, code: str) -> NetworkPlanView:
        """Return the set-points of a network for the next day.

        Raises:
            Refused: There is no such network, or nothing flows in it.
            InputError: Its flows do not settle.
        """
        dispatch = self._dispatch
        network = dispatch.network(code)
        now_s = self._world.now_s()
        demand, told = await dispatch.demands.of(network, now_s, STEP_S, _HOURS)
        if demand.max() <= 0.0:
            raise Refused("invalid", thing=network.code, detail="no heat is wanted")
        work = self._work(network, demand)
        found = await dispatch.workers.call(work_out, _PATIENCE_S, work)
        self._last[network.code] = (now_s, found)
        return self._view(network, found, now_s, told)

    def _work(
        self, network: DispatchNetwork, demand: np.ndarray[tuple[int], np.dtype[np.float64]]
    ) -> Work:
        dispatch, ledger = self._dispatch, self._world.ledger
        loss = network.load_kw / max(ROOM_C - network.design_outdoor_c, 1.0)
        given = {
            c: max(dispatch.maker.value(f"{c}.source_heat_power") or 0.0, 0.0)
            for c in network.sources
        }
        rated = {
            c: float(ledger.asset(c).attributes.get("rated_load_kw", 1.0)) for c in network.sources
        }
        base = given if sum(given.values()) > 0.0 else rated
        supplies = [dispatch.maker.value(f"{c}.source_supply_temperature") for c in network.sources]
        known = [value for value in supplies if value is not None]
        flows = [ledger.asset(c).attributes.get("design_flow_m3h") for c in network.sources]
        most = sum(float(each) for each in flows if each) if all(flows) else math.inf
        return Work(
            ledger=ledger,
            network=network,
            demand_kw=demand,
            outdoor_c=np.maximum(ROOM_C - demand / max(loss, 1e-9), network.design_outdoor_c),
            supply_c=float(np.mean(known)) if known else 90.0,
            share={c: kw / sum(base.values()) for c, kw in base.items()},
            total_kgs=most * _DENSITY_KG_L / 3.6,
            worth=self._worth,
        )

    def setpoints(self, code: str) -> list[DispatchSetpoint]:
        """Return what the last plan of a network asks of its sources, where they have such points.

        Raises:
            Refused: There is no such network, or nothing was worked out within the last hour.
        """
        network = self._dispatch.network(code)
        at, found = self._last.get(network.code, (-math.inf, None))
        if found is None or self._world.now_s() - at > _HOLDS_S:
            raise Refused("invalid", thing=network.code, detail="work the set-points out first")
        return self._setpoints(network, found)

    def _setpoints(self, network: DispatchNetwork, found: Found) -> list[DispatchSetpoint]:
        supply_c = float(found.judged[0].supply_c[0])
        wanted: list[tuple[str, float]] = []
        for source in network.sources:
            now = self._dispatch.maker.value(f"{source}.source_supply_temperature_setpoint")
            here = supply_c if now is None else min(max(supply_c, now - _STEP_K), now + _STEP_K)
            wanted.append((f"{source}.source_supply_temperature_setpoint", round(here, 1)))
            kpa = found.heads.head_kpa.get(source)
            if kpa is not None:
                wanted.append((f"{source}.source_differential_pressure_setpoint", round(kpa, 0)))
        return told_points(self._world, wanted)

    def _view(
        self, network: DispatchNetwork, found: Found, now_s: float, told: str
    ) -> NetworkPlanView:
        return NetworkPlanView(
            network=network.code,
            start=utc(now_s),
            step_s=STEP_S,
            demand_from=told,
            candidates=[
                NetworkCandidate(
                    supply_c=[round(c, 2) for c in each.supply_c.tolist()],
                    cost_yuan=each.cost_yuan,
                    loss_kwh=each.loss_kwh,
                    pump_kwh=each.pump_kwh,
                    return_c=each.return_c,
                    cold_kh=each.cold_kh,
                    coldest=each.coldest,
                    margin_k=each.margin_k,
                )
                for each in found.judged
            ],
            heads=[
                NetworkHead(source=code, head_kpa=kpa, flow_kgs=found.heads.flow_kgs[code])
                for code, kpa in found.heads.head_kpa.items()
            ],
            worst=found.heads.worst,
            least_kpa=LEAST_DP_KPA,
            pumps=[
                NetworkPump(
                    station=each.station,
                    **named(self._world, each.station),
                    kind=each.kind,
                    head_kpa=each.head.head_kpa,
                    flow_kgs=each.head.flow_kgs,
                    inlet_kpa=each.head.inlet_kpa,
                    worst=each.head.worst,
                    supply_c=each.supply_c,
                    enough=each.enough,
                    separable=each.head.separable,
                )
                for each in found.pumps
            ],
            units=[self._unit(each) for each in found.units],
            given_pct=round(100.0 * found.given_share, 1),
            setpoints=self._setpoints(network, found),
        )

    def _unit(self, each: UnitFlow) -> NetworkUnit:
        asset = self._world.ledger.assets.get(each.unit)
        station = each.unit if asset is None or asset.kind != "unit" else asset.parent
        return NetworkUnit(
            unit=each.unit,
            station=station,
            **named(self._world, station),
            flow_m3h=round(each.flow_kgs * 3.6 / _DENSITY_KG_L, 2),
            arrives_c=round(each.arrives_c, 1),
            opening_pct=round(each.opening_pct, 1),
            present_pct=self._dispatch.maker.value(f"{each.unit}.valve_opening"),
            spare_kpa=round(each.spare_kpa, 1) + 0.0,
            short=each.short,
        )
