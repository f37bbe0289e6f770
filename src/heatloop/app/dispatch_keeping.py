"""What people enter for dispatch: figures with their history, and outages."""

from __future__ import annotations

from heatloop.app.audit import Audit
from heatloop.app.dispatch_figures import (
    COMPANY,
    ELECTRICITY,
    FUELS,
    KINDS,
    Figures,
    kind_of,
    names_of,
)
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.dispatch_now import (
    DispatchFigure,
    DispatchFigureEntry,
    DispatchFigurePage,
    DispatchOutage,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.dispatch import OutageRow

_OUTAGE_KINDS = ("heat_source", "boiler", "chp")


class DispatchKeeping:
    """Keeps figures and outages."""

    def __init__(self, world: World, records: Records, audit: Audit) -> None:
        self._world, self._records, self._audit = world, records, audit

    async def figures(self) -> list[DispatchFigure]:
        """Return every figure there is, with the value that holds now."""
        ledger = self._world.ledger
        entered = await in_thread(self._records.dispatch.figures_at, self._world.now_s())
        figures = Figures(ledger, entered)
        found = []
        for kind in KINDS:
            own = {"fuel": FUELS[:-1], ELECTRICITY: (ELECTRICITY,), COMPANY: (COMPANY,)}
            subjects = own.get(kind.of) or tuple(a.code for a in ledger.of_kind(kind.of))
            for subject in subjects:
                for name in names_of(kind):
                    mark = f" {name[-2:]}:00" if "{hour}" in kind.name else ""
                    found.append(
                        DispatchFigure(
                            subject=subject,
                            name=name,
                            zh=kind.zh + mark,
                            en=kind.en + mark,
                            unit=kind.unit,
                            value=figures.of(subject, name),
                            low=kind.low,
                            high=kind.high,
                            entered=figures.entered(subject, name),
                        )
                    )
        return found

    async def enter(
        self,
        by: Principal,
        *,
        subject: str,
        name: str,
        value: float,
        valid_from_s: float | None,
        note: str,
    ) -> None:
        """Enter a figure that holds from a time on (now when left out).

        Raises:
            Refused: There is no such figure, or it is not believable.
        """
        kind = kind_of(self._world.ledger, subject, name)
        if not kind.low <= value <= kind.high:
            raise Refused(
                "out_of_range", thing=f"{subject}.{name}", detail=f"{kind.low:g} - {kind.high:g}"
            )
        now_s = self._world.now_s()
        await in_thread(
            self._records.dispatch.add_figure,
            subject=subject,
            name=name,
            value=value,
            valid_from=now_s if valid_from_s is None else valid_from_s,
            note=note,
            user=by.user,
            at=now_s,
        )
        await self._audit.add(by.user, "dispatch.figure", f"{subject}.{name}", value=value)

    async def entries(self, subject: str, page: int, size: int) -> DispatchFigurePage:
        """Return a page of what was entered."""
        total, rows = await in_thread(
            self._records.dispatch.figures, subject=subject, offset=(page - 1) * size, limit=size
        )
        items = [
            DispatchFigureEntry(
                number=row.number,
                subject=row.subject,
                name=row.name,
                value=row.value,
                valid_from=utc(row.valid_from),
                note=row.note,
                by=row.user,
                at=utc(row.at),
            )
            for row in rows
        ]
        return DispatchFigurePage(total=total, items=items)

    async def outages(self) -> list[DispatchOutage]:
        """Return outages that are not over."""
        rows = await in_thread(self._records.dispatch.outages, self._world.now_s())
        return [_view(row) for row in rows]

    async def add_outage(
        self,
        by: Principal,
        *,
        subject: str,
        kind: str,
        start_s: float,
        end_s: float,
        note: str,
    ) -> list[DispatchOutage]:
        """Enter a time in which a unit or source may not run.

        Raises:
            Refused: There is no such unit, or the time ends before it begins.
        """
        asset = self._world.asset(by.scope, subject)
        if asset.kind not in _OUTAGE_KINDS:
            raise Refused("not_found", thing=subject)
        if end_s <= start_s:
            raise Refused("range_invalid", thing=subject)
        number = await in_thread(
            self._records.dispatch.add_outage,
            subject=subject,
            kind=kind,
            start_s=start_s,
            end_s=end_s,
            note=note,
            user=by.user,
            at=self._world.now_s(),
        )
        await self._audit.add(by.user, "dispatch.outage", subject, number=number, kind=kind)
        return await self.outages()

    async def end_outage(self, by: Principal, number: int) -> list[DispatchOutage]:
        """Let an outage end now.

        Raises:
            Refused: There is none that is not over.
        """
        done = await in_thread(self._records.dispatch.end_outage, number, self._world.now_s())
        if not done:
            raise Refused("not_found", thing=str(number))
        await self._audit.add(by.user, "dispatch.outage_end", str(number))
        return await self.outages()


def _view(row: OutageRow) -> DispatchOutage:
    return DispatchOutage(
        number=row.number,
        subject=row.subject,
        kind=row.kind,
        start=utc(row.start_s),
        end=utc(row.end_s),
        note=row.note,
        by=row.user,
    )
