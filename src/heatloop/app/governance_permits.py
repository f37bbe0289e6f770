"""Approval tickets for exports: asked for by one person, decided by another, for a limited time."""

from __future__ import annotations

from collections.abc import Sequence

from heatloop.app.audit import Audit
from heatloop.app.governance import Governance
from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.governance import PermitPage, PermitView
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.ids import new_id
from heatloop.plant.data_classes import Grade, Level, data_classes
from heatloop.security.access import Permission, Principal
from heatloop.store.records import Records
from heatloop.store.records.governance import APPROVED, REFUSED, REQUESTED, PermitRow

_HOUR_S = 3600.0


class Permits:
    """Keeps tickets.

    Args:
        door: The door for exports, which says what a ticket could open at all.
        records: Where tickets are kept.
        audit: Trail of what people do.
    """

    def __init__(self, door: Governance, records: Records, audit: Audit) -> None:
        self._door, self._records, self._audit = door, records.governance, audit

    @classmethod
    def of(cls, platform: Platform) -> Permits:
        """Return the tickets of a platform."""
        return cls(Governance.of(platform), platform.records, platform.audit)

    async def page(self, by: Principal, *, state: str, page: int, size: int) -> PermitPage:
        """Return a page of tickets: everybody's for who decides or audits, else one's own."""
        sees_all = {Permission.MANAGE_USERS, Permission.AUDIT} & by.permissions
        now = machine_s()
        total, rows = await in_thread(
            self._records.permits,
            user="" if sees_all else by.user,
            state=state,
            at=now,
            offset=(page - 1) * size,
            limit=size,
        )
        return PermitPage(total=total, items=[_view(row, now) for row in rows])

    async def request(
        self,
        by: Principal,
        *,
        purpose: str,
        classes: Sequence[str],
        level: str,
        subject: str,
        reason: str,
    ) -> PermitView:
        """Ask for a ticket.

        Raises:
            Refused: No such purpose, class or asset.
            Forbidden: The purpose is not permitted, or the asker may not read the data at all.
        """
        if subject:
            self._door.world.asset(by.scope, subject)
        for name in classes:
            if name not in data_classes():
                raise Refused("invalid", thing=name, place="classes")
        grades = [Grade(class_name=name, level=Level(level)) for name in classes]
        judged = await self._door.judge(by, purpose, grades, ())
        if judged.refused and judged.refused != "permit_needed":
            raise Forbidden(judged.refused, thing=by.user, detail=judged.detail)
        now = machine_s()
        row = PermitRow(
            id=new_id(now),
            user=by.user,
            purpose=purpose,
            classes=tuple(sorted(set(classes))),
            level=level,
            subject=subject,
            reason=reason,
            state=REQUESTED,
            asked_at=now,
        )
        await in_thread(self._records.add_permit, row)
        told = {"purpose": purpose, "classes": list(row.classes), "level": level, "on": subject}
        await self._audit.add(by.user, "data.permit_request", row.id, **told, reason=reason)
        return _view(row, now)

    async def decide(
        self,
        by: Principal,
        id: str,  # noqa: A002 - the name the interface has
        *,
        approve: bool,
        hours: float,
        note: str,
    ) -> PermitView:
        """Decide on another person's request.

        Raises:
            Refused: There is no such ticket, or it was decided already.
            Forbidden: It is one's own.
        """
        row = await in_thread(self._records.permit, id)
        if row is None:
            raise Refused("not_found", thing=id)
        if row.user == by.user:
            raise Forbidden("own_request", thing=id)
        now = machine_s()
        expires = now + hours * _HOUR_S if approve else None
        state = APPROVED if approve else REFUSED
        done = await in_thread(
            self._records.decide,
            id,
            state=state,
            by=by.user,
            at=now,
            note=note,
            expires_at=expires,
        )
        if not done:
            raise Refused("already_decided", thing=id, detail=row.state)
        await self._audit.add(
            by.user, f"data.permit_{state}", id, before=row.state, after=state, hours=hours,
            note=note, user_asking=row.user,
        )  # fmt: skip
        after = await in_thread(self._records.permit, id)
        assert after is not None
        return _view(after, now)


def _view(row: PermitRow, now: float) -> PermitView:
    over = row.state == APPROVED and row.expires_at is not None and row.expires_at <= now
    return PermitView(
        id=row.id,
        user=row.user,
        purpose=row.purpose,
        classes=list(row.classes),
        level=row.level,
        subject=row.subject,
        reason=row.reason,
        state="expired" if over else row.state,
        asked=utc(row.asked_at),
        decided_by=row.decided_by or None,
        decided=None if row.decided_at is None else utc(row.decided_at),
        note=row.note,
        expires=None if row.expires_at is None else utc(row.expires_at),
        uses=row.uses,
    )
