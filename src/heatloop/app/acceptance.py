"""Functional tests of devices: started, watched, given up, put back after a restart (5.3 c)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from heatloop.app.acceptance_course import RESTARTED, course_of, given_up, target_from
from heatloop.app.acceptance_driver import Bench, Driver
from heatloop.app.acceptance_findings import findings_of
from heatloop.app.acceptance_ready import Readiness
from heatloop.app.acceptance_report import Reports
from heatloop.app.audit import Audit
from heatloop.app.device_life import DeviceLife
from heatloop.app.device_life_facts import run_view
from heatloop.app.device_life_views import RunPage, RunView
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.unit_stages import UnitStages
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.kernel.ids import new_id
from heatloop.kernel.scope import Scope
from heatloop.plant.acceptance import LifeState
from heatloop.plant.acceptance_run import ENDED, PASSED, FunctionalTest, StepRecord
from heatloop.plant.acceptance_steps import TrialSettings
from heatloop.plant.acceptance_target import target_of
from heatloop.plant.model_checks import FAIL, Check
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.device_life_runs import RunRow

_log = structlog.get_logger("heatloop.acceptance")
_OBSERVE = "observe"


class Acceptance:
    """Runs functional tests, one a station at a time."""

    def __init__(
        self,
        *,
        bench: Bench,
        records: Records,
        audit: Audit,
        life: DeviceLife,
        stages: UnitStages,
        reports: Reports,
        time_zone: str,
    ) -> None:
        self.bench, self._records, self._audit = bench, records, audit
        self._life, self._stages, self.reports = life, stages, reports
        self.ready = Readiness(bench.world, time_zone).check
        """Returns if a station's devices may be moved now, else refuses."""
        self.busy: dict[str, str] = {}
        """Station: run that works on it."""
        self._live: dict[str, tuple[FunctionalTest, Driver, RunRow]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def load(self) -> None:
        """End the runs a stopped process left, and put back what they had set."""
        for row in await in_thread(self._records.device_runs.list_open):
            target = target_from(self.bench.world.ledger, row.body)
            left = replace(row, state="restoring")
            if target is None:
                await self._keep_ended(left, "aborted", [RESTARTED])
                continue
            test = FunctionalTest(target, only=())
            test.originals = dict(row.body["originals"])
            test.aborted = RESTARTED
            steps = [given_up(step, self.bench.world.now_s()) for step in row.body["steps"]]
            self._begin(test, replace(left, body={**row.body, "steps": steps}), None)

    async def close(self) -> None:
        """Stop driving; what is under way is put back at the next start."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def start(
        self,
        by: Principal,
        serial: str,
        *,
        confirm_heating: bool,
        settings: TrialSettings,
        go_on: str = "",
    ) -> RunView:
        """Begin a functional test.

        Args:
            by: The tester; every command is his.
            serial: Device.
            confirm_heating: Whether he knows that heat is being delivered and tests all the same.
            settings: How long and how exactly.
            go_on: An earlier run of the device that was given up: what it passed is kept.

        Raises:
            Refused: No such device, it is not installed, its station is local, busy or heating
                without confirmation, or nothing of it is read.
        """
        item = await self._life.item(by.scope, serial)
        if item.state not in (LifeState.INSTALLED, LifeState.TESTED, LifeState.IN_SERVICE):
            raise Refused("device_state", thing=serial, detail=item.state)
        model = await in_thread(self._life.facts.model, item.model)
        forms = await in_thread(self._records.devices.notes, serial, "installation")
        rssi = forms[-1].body.get("rssi_dbm") if forms else None
        try:
            target = target_of(
                self.bench.world.ledger,
                serial,
                model,
                item.asset,
                item.device,
                item.point_kind,
                rssi,
            )
        except InputError as error:
            raise Refused("test_not_possible", thing=serial, detail=error.message) from error
        passed = await self._passed(by.scope, serial, go_on)
        test = FunctionalTest(target, settings, passed=passed)
        if not test.records:
            raise Refused("test_not_possible", thing=serial, detail="no steps")
        if test.moving:
            self.ready(target, confirm_heating=confirm_heating)
        return await self.run(by, test, "acceptance")

    async def _passed(self, scope: Scope, serial: str, run_id: str) -> dict[str, StepRecord]:
        if not run_id:
            return {}
        row = await self.row(scope, run_id)
        if row.subject != serial or row.state not in ENDED:
            raise Refused("not_found", thing=run_id)
        # A direction is told from the flows of a stroke, so the two belong together.
        good = {s["name"]: StepRecord(**s) for s in row.body["steps"] if s["state"] == PASSED}
        if "flow_direction" not in good:
            good.pop("valve_stroke", None)
        return good

    async def run(
        self,
        by: Principal,
        test: FunctionalTest,
        kind: str,
        checks: Sequence[Check] = (),
    ) -> RunView:
        """Begin a run that was prepared.

        Args:
            by: Who is responsible; every command is his.
            test: What is to be done.
            kind: `acceptance` or `season`.
            checks: Checks made before it, which stand in the same report.

        Raises:
            Refused: Another one works on the station.
        """
        subject, station = test.target.subject, test.target.station
        if station in self.busy:
            raise Refused("station_under_test", thing=station, detail=self.busy[station])
        now_s = self.bench.world.now_s()
        row = RunRow(
            id=new_id(now_s),
            kind=kind,
            subject=subject,
            station=station,
            state="running",
            user=by.user,
            started_at=now_s,
            ended_at=None,
            body={},
            document={},
            pdf="",
            pdf_signature="",
            key_id="",
        )
        self.busy[station] = row.id
        aside = {
            "stages": await self._put_aside(by, test),
            "checks": [check.to_dict() for check in checks],
        }
        row = replace(row, body=course_of(test, aside))
        await in_thread(self._records.device_runs.put, row)
        await self._audit.add(by.user, f"device.{kind}_begin", subject, run=row.id, station=station)
        self._begin(test, row, by)
        return run_view(row)

    async def _put_aside(self, by: Principal, test: FunctionalTest) -> dict[str, str]:
        """Let the strategy only observe the units while they are tested; return their stages."""
        if not test.moving:
            return {}
        stages = self.bench.world.stages
        held = {u.code: stages.get(u.code, _OBSERVE) for u in test.target.units}
        for unit, stage in held.items():
            if stage != _OBSERVE:
                await self._stages.set(by, unit, _OBSERVE)
        return held

    def _begin(self, test: FunctionalTest, row: RunRow, by: Principal | None) -> None:
        self.busy[row.station] = row.id

        async def changed() -> None:
            held = self._live[row.id][2]
            kept = replace(held, state=test.state, body=course_of(test, held.body))
            self._live[row.id] = (test, driver, kept)
            await in_thread(self._records.device_runs.put, kept)

        driver = Driver(self.bench, test, by, row.user, changed)
        self._live[row.id] = (test, driver, row)
        self._tasks[row.id] = asyncio.create_task(self._drive(row.id, driver), name=row.id)

    async def _drive(self, run_id: str, driver: Driver) -> None:
        try:
            await driver.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a broken test must not stay unseen
            _log.error("functional test broke", run=run_id, exc_info=error)
            self._live[run_id][0].problems.append((f"测试程序出错：{error!r}", f"broke: {error!r}"))
        test, _, row = self._live.pop(run_id)
        self._tasks.pop(run_id, None)
        self.busy.pop(row.station, None)
        state = test.state if test.state in ENDED else "aborted"
        row = replace(row, body=course_of(test, row.body))
        for unit, stage in row.body["stages"].items():
            await self._restore_stage(row.user, unit, stage)
        await self._keep_ended(row, state, [])
        if state == PASSED and test.auto_ready:
            await in_thread(
                self._records.devices.change,
                row.subject,
                at=self.bench.world.now_s(),
                auto_ready=True,
            )

    async def _restore_stage(self, user: str, unit: str, stage: str) -> None:
        if stage == _OBSERVE or unit not in self.bench.world.ledger.assets:
            return
        now_s = self.bench.world.now_s()
        await in_thread(self._records.stages.set, unit, stage, by=user, at=now_s)
        self.bench.world.stages[unit] = stage
        await self._audit.add(user, "unit.stage", unit, before=_OBSERVE, after=stage)

    async def _keep_ended(self, row: RunRow, state: str, problems: list[tuple[str, str]]) -> None:
        body = dict(row.body)
        body["problems"] = [*body.get("problems", []), *problems]
        body["instruction"] = None
        if row.kind == "season":
            if state == PASSED and any(check["state"] == FAIL for check in body["checks"]):
                state = "failed"
            body["findings"] = findings_of(row.station, body, self.bench.world.now_s())
        ended = replace(row, state=state, ended_at=self.bench.world.now_s(), body=body)
        await in_thread(self._records.device_runs.put, ended)
        await self._audit.add(
            ended.user, f"device.{row.kind}_end", row.subject, run=row.id, state=state
        )
        try:
            await self.reports.make(ended)
        except HeatloopError as error:
            _log.error("report could not be made", run=row.id, error=str(error))

    async def abort(self, by: Principal, run_id: str) -> RunView:
        """Give a run up; what it set is put back.

        Raises:
            Refused: There is none under way inside the scope.
        """
        row = await self.row(by.scope, run_id)
        live = self._live.get(run_id)
        if live is None:
            raise Refused("run_ended", thing=run_id)
        live[0].abort(f"由 {by.user} 中止", f"given up by {by.user}", self.bench.world.now_s())
        await self._audit.add(by.user, "device.run_abort", row.subject, run=run_id)
        return run_view(await self.row(by.scope, run_id))

    async def confirm(self, by: Principal, run_id: str) -> RunView:
        """Take the technician's word that he did what he was told.

        Raises:
            Refused: There is no such run under way, or nothing is asked.
        """
        row = await self.row(by.scope, run_id)
        live = self._live.get(run_id)
        if live is None or live[0].instruction is None:
            raise Refused("run_ended", thing=run_id)
        live[1].confirmed = True
        await self._audit.add(by.user, "device.run_confirm", row.subject, run=run_id)
        return run_view(row)

    async def row(self, scope: Scope, run_id: str) -> RunRow:
        """Return a run inside the scope.

        Raises:
            Refused: There is none.
        """
        found = await in_thread(self._records.device_runs.get, run_id)
        if found is None or not self._life.facts.sees(scope, found.station):
            raise Refused("not_found", thing=run_id)
        return found

    async def one(self, scope: Scope, run_id: str) -> RunView:
        """Return a run as people read it.

        Raises:
            Refused: There is none.
        """
        return run_view(await self.row(scope, run_id))

    async def page(self, scope: Scope, kind: str, subject: str, page: int, size: int) -> RunPage:
        """Return a page of the runs inside a scope, newest first."""
        subjects = [subject] if subject else None
        _, rows = await in_thread(
            self._records.device_runs.list, kind=kind, subjects=subjects, limit=5_000
        )
        seen = [row for row in rows if self._life.facts.sees(scope, row.station)]
        start = (page - 1) * size
        return RunPage(total=len(seen), items=[run_view(r) for r in seen[start : start + size]])
