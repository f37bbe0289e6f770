"""The network twin: each minute the flows and pressures that fit what is measured best.

Estimates are kept as points of quality `estimated`; what is behind them (all nodes, readings that
do not fit) stands in memory for the screens. Questions of the kind "what if" start from the last
estimate. The work itself is done by a worker; nothing here waits on the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import structlog

from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.live import Hub
from heatloop.app.refusals import Refused
from heatloop.app.setting_sections import TwinSettings
from heatloop.app.twin_points import Kept, columns_of, kept_points
from heatloop.app.twin_readings import Sheet, sheet_of
from heatloop.app.twin_state import Failed, TwinRun, TwinState, WhatIf, WhatIfAnswer
from heatloop.app.twin_worker import UNKNOWN, estimate, think
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, StaleError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns, concat
from heatloop.network.arrays import Floats
from heatloop.plant.ledger import Ledger

_log = structlog.get_logger("heatloop.twin")
# Loops may have to be compiled at first, which takes long on a small machine.
_PATIENCE_S = 300.0
_MOST_ASKING = 8
ANSWER_S = 10.0
"""Machine time within which a question is answered or refused."""
FRESH_S, FRESH_MACHINE_S = 300.0, 60.0
"""An estimate is fresh for so long, by plant time or by the machine's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The last estimate and what it was made of."""

    run: TwinRun
    """The estimate."""
    sheet: Sheet
    """The readings' places."""
    values: Floats
    """The readings, shape (n_reading,)."""
    at_machine_s: float
    """Machine time it was finished."""


class Twin:
    """Runs the twin and answers questions about the network as it is.

    Args:
        world: The present.
        historian: Where estimates are kept.
        hub: Told when values changed.
        workers: Who does the work.
        settings: How much is kept.
    """

    def __init__(
        self,
        world: World,
        historian: AsyncHistorian,
        hub: Hub,
        workers: Workers,
        settings: TwinSettings,
    ) -> None:
        self._world, self._historian, self._hub = world, historian, hub
        self._workers, self._settings = workers, settings
        self._ledger: Ledger | None = None
        self._sheet: Sheet | None = None
        self._kept: Kept | None = None
        self._count = 0
        self.last: Known | None = None
        """The last estimate of the ledger in force."""
        self.state = TwinState.NO_DATA
        """How the last run went."""
        self.reason = "starting"
        """Why there is no estimate: `starting`, `off`, a code of `Failed`, or `unavailable`."""
        self.detail = ""
        """The same in an English sentence."""
        self._asking = 0

    async def run(self, due: float) -> None:
        """Estimate the state of the network and keep it; never raises but when cancelled."""
        if not self._settings.enabled:
            self.reason = "off"
            return
        try:
            await self._run(due)
        except HeatloopError as error:
            self._say(TwinState.FAILED, "unavailable", error.message)
        except Exception as error:  # noqa: BLE001 - screens must say so, whatever broke
            self._say(TwinState.FAILED, "unavailable", repr(error))

    async def _run(self, due: float) -> None:
        sheet = await self._sheet_now()
        if sheet is None:
            detail = "the ledger has no heat source with pipes"
            self._say(TwinState.NO_DATA, "no_network", detail)
            return
        values = sheet.values(self._world)
        answer: TwinRun | Failed
        try:
            answer = await self._asked(sheet, due, values)
        except StaleError:
            await self._workers.restart()
            raise
        if self._ledger is not self._world.ledger:
            return  # Another ledger came into force meanwhile.
        if isinstance(answer, Failed):
            failed = answer.code == "not_settled"
            state = TwinState.FAILED if failed else TwinState.NO_DATA
            self._say(state, answer.code, answer.message)
            await self._keep(Columns.empty(), due, 0)
            return
        if self._kept is None:
            most = self._settings.max_points
            self._kept = await in_thread(kept_points, self._world, answer.names, most)
            if self._kept.left_out:
                _log.info("estimates without history", points=self._kept.left_out, most=most)
        if answer.state is not TwinState.FAILED:
            self.last = Known(run=answer, sheet=sheet, values=values, at_machine_s=machine_s())
        unsettled = answer.state is TwinState.FAILED
        self._say(answer.state, "not_settled" if unsettled else "", "")
        rows = Columns.empty()
        if answer.state is not TwinState.FAILED:
            rows = await in_thread(columns_of, answer, self._kept, int(due))
        await self._keep(rows, due, len(answer.misfits))

    async def think(self, what: WhatIf) -> tuple[Known, WhatIfAnswer]:
        """Return what a change would do to the network as it is now.

        Raises:
            Refused: There is no fresh estimate, the change is not possible, or no answer came
                within `ANSWER_S`.
        """
        known = self.last
        if known is None or not self.is_fresh():
            raise Refused("twin_not_fresh", thing="network", detail=self.detail)
        if self._asking >= _MOST_ASKING:
            raise Refused("unavailable", thing="network", detail="too many questions at a time")
        plant = known.sheet.plant
        self._asking += 1
        try:
            answer = await self._workers.call(
                think, ANSWER_S, plant.token, None, known.run, known.values, what
            )
            if answer == UNKNOWN:
                answer = await self._workers.call(
                    think, ANSWER_S, plant.token, plant, known.run, known.values, what
                )
        except HeatloopError as error:
            raise Refused("unavailable", thing="network", detail=error.message) from error
        finally:
            self._asking -= 1
        if isinstance(answer, Failed):
            code = "invalid" if answer.code == "invalid" else "twin_not_fresh"
            raise Refused(code, thing=answer.thing, detail=answer.message)
        return known, answer

    async def close(self) -> None:
        """End the workers for good."""
        await self._workers.close()

    def is_fresh(self) -> bool:
        """Return whether the last estimate may be started from."""
        if self.last is None or self._ledger is not self._world.ledger:
            return False
        # When plant time races, a minute of it is over before anything could be computed.
        age_s = self._world.now_s() - self.last.run.t_s
        return age_s <= FRESH_S or machine_s() - self.last.at_machine_s <= FRESH_MACHINE_S

    async def _sheet_now(self) -> Sheet | None:
        world = self._world
        if self._ledger is not world.ledger:
            self._ledger, self._kept, self.last, self._sheet = world.ledger, None, None, None
            if world.ledger.of_kind("pipe_segment") and world.ledger.of_kind("heat_source"):
                self._count += 1
                token = f"{world.ledger.version}.{self._count}"
                self._sheet = await in_thread(sheet_of, world, token)
        return self._sheet

    async def _asked(self, sheet: Sheet, due: float, values: Floats) -> TwinRun | Failed:
        token = sheet.plant.token
        answer = await self._workers.call(estimate, _PATIENCE_S, token, None, due, values)
        if answer == UNKNOWN:
            answer = await self._workers.call(
                estimate, _PATIENCE_S, token, sheet.plant, due, values
            )
        return answer

    async def _keep(self, rows: Columns, due: float, suspects: int) -> None:
        """Store samples with the state of the twin."""
        own: list[tuple[int, float]] = []
        for company in self._world.ledger.of_kind("company")[:1]:
            for point in self._world.ledger.points_of(company.code):
                if point.kind == "twin_state":
                    own.append((point.key, float(self.state)))
                elif point.kind == "twin_suspect_count":
                    own.append((point.key, float(suspects)))
        state = Columns(
            np.array([key for key, _ in own], "u4"),
            np.full(len(own), int(due), "u4"),
            np.array([value for _, value in own], "f8"),
            np.full(len(own), Quality.ESTIMATED, "u1"),
        )
        columns = concat([rows, state])
        if len(columns.keys):
            await self._historian.append(columns)
            self._world.latest.update(columns)
            self._hub.values_changed()

    def _say(self, state: TwinState, reason: str, detail: str) -> None:
        """Note how it went; the log hears of it when it changes."""
        working = (TwinState.OK, TwinState.SUSPICIOUS)
        if state not in working and reason != self.reason:
            _log.warning("no estimate of the network", reason=reason, detail=detail)
        elif state in working and self.state not in working:
            _log.info("the network twin works")
        self.state, self.reason, self.detail = state, reason, detail
