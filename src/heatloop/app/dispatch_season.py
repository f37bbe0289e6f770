"""The N-1 check: at a glance, and as the report before the season with every pump and branch.

Sources, units, main pumps and boosters fail in turn at the design temperature; the report says
whether consumers get the least share (clause 8.3 e, CJJ/T 34) and which branch falls short.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np

from heatloop.app.dispatch import Dispatch, Prepared
from heatloop.app.dispatch_figures import COMPANY
from heatloop.app.dispatch_networks import ROOM_C, DispatchNetwork, houses_of
from heatloop.app.dispatch_season_worker import Case, SeasonWork, Served, run_cases
from heatloop.app.dispatch_views import named
from heatloop.app.views.n_minus_one import (
    NMinusOneRow,
    NMinusOneView,
    SeasonBranch,
    SeasonCase,
    SeasonReport,
)
from heatloop.app.world import World
from heatloop.control.n_minus_1 import Outage, least_share_pct, n_minus_1
from heatloop.kernel.clock import utc
from heatloop.plant.model import Asset

_PATIENCE_S = 300.0
_FRESH_S = 600.0
_GRAVITY_KPA_M = 9.81
_MAIN = ("circulation", "distributed", "")


class DispatchSeason:
    """Checks what failures leave uncovered.

    Args:
        world: The ledger in force.
        dispatch: Gives problems and workers.
    """

    def __init__(self, world: World, dispatch: Dispatch) -> None:
        self._world, self._dispatch = world, dispatch
        self._made: dict[tuple[str, float], tuple[float, int, SeasonReport]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def check(self, code: str, outdoor_c: float | None = None) -> NMinusOneView:
        """Return what the failure of each source and unit would leave uncovered.

        Args:
            code: Network; empty: the first.
            outdoor_c: Outdoor temperature of the check; None: the design temperature.

        Raises:
            Refused: There is no such network.
        """
        network = self._dispatch.network(code)
        _, rows, need_kw, cold = await self._rows(network, outdoor_c)
        figures = await self._dispatch.figures()
        return NMinusOneView(
            network=network.code,
            at=utc(self._world.now_s()),
            outdoor_c=cold,
            need_kw=need_kw,
            least_pct=least_share_pct(network.design_outdoor_c),
            least_room_c=figures.of(COMPANY, "least_room_c"),
            rows=[
                NMinusOneRow(
                    subject=row.subject,
                    **named(self._world, row.subject),
                    whole_source=row.whole_source,
                    lost_kw=row.lost_kw,
                    left_kw=row.left_kw,
                    uncovered_kw=row.uncovered_kw,
                    covered_pct=row.covered_pct,
                    storage_h=_finite(row.storage_h),
                    houses_h=_finite(row.houses_h),
                    holds=row.holds,
                )
                for row in rows
            ],
        )

    async def _rows(
        self, network: DispatchNetwork, outdoor_c: float | None
    ) -> tuple[Prepared, list[Outage], float, float]:
        prepared = await self._dispatch.prepare(network, 1)
        houses = houses_of(network, await self._dispatch.figures())
        cold = network.design_outdoor_c if outdoor_c is None else outdoor_c
        need_kw = houses.loss_kw_k * max(ROOM_C - cold, 0.0)
        rows = n_minus_1(
            prepared.problem,
            houses,
            outdoor_c=cold,
            need_kw=need_kw,
            design_outdoor_c=network.design_outdoor_c,
            limits_kw={each.source: float(each.most_kw[0]) for each in prepared.problem.limits},
        )
        return prepared, rows, need_kw, cold

    async def report(self, code: str, outdoor_c: float | None = None) -> SeasonReport:
        """Return the report before the season; takes some seconds of a worker.

        One made in the last ten minutes of the same ledger is given again.

        Args:
            code: Network; empty: the first.
            outdoor_c: Outdoor temperature of the check; None: the design temperature.

        Raises:
            Refused: There is no such network.
            StaleError: The worker gave no answer in time.
        """
        network = self._dispatch.network(code)
        cold = network.design_outdoor_c if outdoor_c is None else outdoor_c
        async with self._one_at_a_time:
            ledger, now_s = self._world.ledger, self._world.now_s()
            made = self._made.get((network.code, cold))
            if made is not None and made[1] == ledger.version and now_s - made[0] <= _FRESH_S:
                return made[2]
            prepared, rows, need_kw, cold = await self._rows(network, outdoor_c)
            cases = self._cases(network, prepared)
            work = SeasonWork(ledger=ledger, need_kw=need_kw, cases=tuple(cases.values()))
            served = await self._dispatch.workers.call(run_cases, _PATIENCE_S, work)
            report = self._report(network, rows, served, need_kw, cold)
            self._made[(network.code, cold)] = (now_s, ledger.version, report)
            return report

    def _cases(self, network: DispatchNetwork, prepared: Prepared) -> dict[str, Case]:
        """Return what fails in turn: sources, units, main pumps, boosters."""
        problem, ledger = prepared.problem, self._world.ledger
        units = {unit.code: unit for unit in problem.units}
        limits = {each.source: float(each.most_kw[0]) for each in problem.limits}

        def left(without: str) -> dict[str, float]:
            given = dict.fromkeys(network.sources, 0.0)
            for unit in problem.units:
                out = unit.out is not None and bool(unit.out[0])
                if not out and without not in (unit.code, unit.source):
                    given[unit.source] += unit.most_kw
            return {c: min(kw, limits.get(c, np.inf)) for c, kw in given.items()}

        heads = {c: self._head_kpa(c, "") for c in network.sources}
        known = {c: kpa for c, kpa in heads.items() if kpa is not None}
        found: dict[str, Case] = {}
        for subject in [*network.sources, *(c for c in units if c not in network.sources)]:
            found[subject] = Case(subject=subject, left_kw=left(subject), head_kpa=known)
        for source in network.sources:
            pumps = self._pumps(source)
            duty = sum(_flow(p) for p in pumps if not p.attributes.get("standby"))
            for pump in pumps:
                if pump.attributes.get("standby"):
                    continue
                rest = sum(_flow(p) for p in pumps if p.code != pump.code)
                share = min(rest / duty, 1.0) if duty > 0.0 else float(len(pumps) > 1)
                given = left("")
                given[source] *= share
                kpa = self._head_kpa(source, pump.code)
                mine = known | ({source: kpa} if kpa is not None else {})
                found[pump.code] = Case(subject=pump.code, left_kw=given, head_kpa=mine)
        for booster in ledger.of_kind("booster_station"):
            if self._feeds(network, booster):
                found[booster.code] = Case(
                    subject=booster.code, shut=(booster.code,), left_kw=left(""), head_kpa=known
                )
        return found

    def _feeds(self, network: DispatchNetwork, asset: Asset) -> bool:
        path = self._world.ledger.heat_path(asset.code).split("/")
        return bool(set(network.sources) & set(path))

    def _pumps(self, source: str) -> list[Asset]:
        return [
            asset
            for asset in self._world.ledger.children(source)
            if asset.kind == "pump" and asset.attributes.get("duty", "") in _MAIN
        ]

    def _head_kpa(self, source: str, without: str) -> float | None:
        """Return the head of a source's pumps that are left; None: the ledger does not say."""
        heads = [
            float(pump.attributes["rated_head_m"]) * _GRAVITY_KPA_M
            for pump in self._pumps(source)
            if pump.code != without and "rated_head_m" in pump.attributes
        ]
        return max(heads) if heads else None

    def _report(
        self,
        network: DispatchNetwork,
        rows: list[Outage],
        served: list[Served],
        need_kw: float,
        cold: float,
    ) -> SeasonReport:
        least = least_share_pct(network.design_outdoor_c)
        outages = {row.subject: row for row in rows}
        kinds = {code: self._kind(code) for code in (each.subject for each in served)}
        cases = [
            self._case(network, each, kinds[each.subject], outages.get(each.subject), least)
            for each in served
        ]
        cases.sort(key=lambda case: (case.worst_pct, case.covered_pct, case.subject))
        return SeasonReport(
            network=network.code,
            **named(self._world, network.code),
            at=utc(self._world.now_s()),
            ledger_version=self._world.ledger.version,
            outdoor_c=cold,
            need_kw=need_kw,
            least_pct=least,
            holds=all(case.holds for case in cases),
            pumps_known=all(self._pumps(source) for source in network.sources),
            cases=cases,
        )

    def _kind(self, code: str) -> str:
        asset = self._world.ledger.assets.get(code)
        kinds = {"heat_source": "source", "pump": "pump", "booster_station": "booster"}
        return "unit" if asset is None else kinds.get(asset.kind, "unit")

    def _case(
        self,
        network: DispatchNetwork,
        each: Served,
        kind: str,
        outage: Outage | None,
        least: float,
    ) -> SeasonCase:
        branches = self._branches(network, each.share, least)
        worst = min(each.share, key=lambda code: each.share[code], default="")
        share = 100.0 * each.share.get(worst, 0.0) if each.share else 0.0
        load = {code: self._load(code) for code in each.share}
        total = sum(load.values())
        covered = 100.0 * sum(each.share[c] * load[c] for c in each.share) / total if total else 0.0
        return SeasonCase(
            subject=each.subject,
            **named(self._world, each.subject),
            kind=kind,
            covered_pct=round(covered, 1),
            worst=worst,
            worst_pct=round(share, 1),
            missing_kpa=round(each.missing_kpa, 1),
            storage_h=None if outage is None else _finite(outage.storage_h),
            houses_h=None if outage is None else _finite(outage.houses_h),
            holds=bool(each.share) and share >= least - 1e-6,
            why=each.why,
            branches=branches,
        )

    def _branches(
        self, network: DispatchNetwork, share: Mapping[str, float], least: float
    ) -> list[SeasonBranch]:
        """Return each branch of the company with the stations that fall short, the worst first."""
        groups: dict[str, list[str]] = {}
        layout = self._world.layout
        for code in share:
            station = self._station(code)
            branch = layout.stations[station].branch if station in layout.stations else ""
            groups.setdefault(branch, []).append(code)
        found = []
        for branch, codes in groups.items():
            short = {self._station(c) for c in codes if 100.0 * share[c] < least - 1e-6}
            worst = min(codes, key=lambda code: share[code])
            found.append(
                SeasonBranch(
                    branch=branch,
                    **named(self._world, branch),
                    stations=len({self._station(code) for code in codes}),
                    short=len(short),
                    worst=self._station(worst),
                    worst_pct=round(100.0 * share[worst], 1),
                )
            )
        return sorted(found, key=lambda row: (row.worst_pct, row.branch))

    def _station(self, code: str) -> str:
        unit = self._world.layout.units.get(code)
        return code if unit is None else unit[1].node.asset.code

    def _load(self, code: str) -> float:
        asset = self._world.ledger.assets[code]
        given = asset.attributes.get("design_load_kw") or asset.attributes.get("heated_area_m2")
        return float(given or 1.0)


def _flow(pump: Asset) -> float:
    return float(pump.attributes.get("rated_flow_m3h", 0.0))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
