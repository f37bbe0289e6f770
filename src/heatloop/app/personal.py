"""Personal data in use: the purpose register, one value revealed at a time, consents."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.personal import (
    ConsentPage,
    ConsentView,
    PersonalFieldView,
    PersonalRegister,
    RevealedView,
)
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.ids import new_id
from heatloop.plant.data_classes import grade_of, purposes, readable
from heatloop.plant.ledger import Ledger
from heatloop.plant.personal_register import masks_of, personal_register, register_findings
from heatloop.security.access import Principal
from heatloop.store.records.personal import ConsentRow

_HOUR_S = 3600.0
_NAMES = ("zh", "en")
_SUBJECTS = ("contract", "person")


def held_value(ledger: Ledger, code: str, field: str) -> object:
    """Return a field of an asset, its names included; None when it has none."""
    asset = ledger.assets[code]
    if field in _NAMES:
        return asset.zh if field == "zh" else asset.en
    return asset.attributes.get(field)


class PersonalData:
    """Reveals values and keeps consents.

    Args:
        platform: Whose ledger, records and trail to use.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform, self._world = platform, platform.world
        self._records, self._audit = platform.records.personal, platform.audit

    def register(self) -> PersonalRegister:
        """Return what is collected about persons, why, and how much of it there is."""
        ledger = self._world.ledger
        held: dict[tuple[str, str], int] = {}
        for place, sheet, field in personal_register():
            if place == "ledger":
                held[sheet, field] = sum(
                    held_value(ledger, asset.code, field) not in (None, "")
                    for asset in ledger.of_kind(sheet)
                )
        items = [
            PersonalFieldView(
                place=each.place,
                dataset=each.dataset,
                field=each.field,
                level=grade_of(each.place, each.dataset, each.field).level.value,
                mask=each.mask,
                subject=each.subject,
                purposes=list(each.purposes),
                basis=each.basis,
                retention_days=each.retention_days,
                legal_days=each.legal_days,
                legal_zh=each.legal_zh,
                legal_en=each.legal_en,
                zh=each.zh,
                en=each.en,
                held=held.get((each.dataset, each.field), 0),
            )
            for each in personal_register().values()
        ]
        return PersonalRegister(total=len(items), items=items, findings=register_findings())

    async def reveal(self, by: Principal, subject: str, field: str, reason: str) -> RevealedView:
        """Return one personal value in clear; who, which and why are in the trail before.

        Raises:
            Refused: There is no such asset in the scope, the field is not personal or empty, or
                too many were looked at within the hour.
            Forbidden: Roles or label do not reach it.
        """
        asset = self._world.asset(by.scope, subject)
        value = held_value(self._world.ledger, asset.code, field)
        if field not in masks_of(asset.kind) or value in (None, ""):
            raise Refused("not_personal", thing=field, place=subject)
        if not readable(by, grade_of("ledger", asset.kind, field)):
            await self._audit.add(by.user, "personal.reveal_refused", subject, field=field)
            raise Forbidden("data_not_yours", thing=subject, detail=field)
        now, most = machine_s(), self._platform.settings.privacy.reveals_per_hour
        used = await in_thread(self._records.reveals, by.user, now - _HOUR_S)
        if used >= most:
            await self._audit.add(by.user, "personal.reveal_limit", subject, field=field, used=used)
            self._platform.security_events.note("mass_reveal", by.user, count=used)
            raise Refused("reveal_limit", thing=by.user, detail=str(most))
        await self._audit.add(by.user, "personal.reveal", subject, field=field, reason=reason)
        await in_thread(
            self._records.add_reveal, at=now, user=by.user, subject=subject, field=field,
            reason=reason,
        )  # fmt: skip
        return RevealedView(subject=subject, field=field, value=str(value), left=most - used - 1)

    async def consents(self, by: Principal, *, subject: str, page: int, size: int) -> ConsentPage:
        """Return a page of consents of subjects inside the scope.

        Raises:
            Refused: The subject asked for is not inside the scope.
        """
        if subject:
            self._world.asset(by.scope, subject)
        codes = self._world.codes_in(by.scope)
        total, rows = await in_thread(
            self._records.consents, subject=subject, subjects=codes,
            offset=(page - 1) * size, limit=size,
        )  # fmt: skip
        return ConsentPage(total=total, items=[_view(row) for row in rows])

    async def give(
        self, by: Principal, subject: str, *, purpose: str, basis: str, note: str
    ) -> ConsentView:
        """Write down that somebody agreed.

        Raises:
            Refused: There is no such person or contract in the scope, or no such purpose.
        """
        asset = self._world.asset(by.scope, subject)
        if asset.kind not in _SUBJECTS:
            raise Refused("invalid", thing=subject, place="subject", detail="contract | person")
        if purpose not in purposes():
            raise Refused("invalid", thing=purpose, place="purpose")
        now = machine_s()
        row = ConsentRow(
            id=new_id(now), subject=subject, purpose=purpose, basis=basis, note=note,
            user=by.user, given_at=now,
        )  # fmt: skip
        await in_thread(self._records.add_consent, row)
        await self._audit.add(
            by.user, "personal.consent", subject, id=row.id, purpose=purpose, basis=basis
        )
        return _view(row)

    async def withdraw(self, by: Principal, id: str) -> ConsentView:  # noqa: A002
        """Write down that somebody took a consent back; data given to others leave him out.

        Raises:
            Refused: There is none inside the scope, or it was taken back before.
        """
        row = await in_thread(self._records.consent, id)
        if row is None:
            raise Refused("not_found", thing=id)
        if row.subject in self._world.ledger.assets:
            self._world.asset(by.scope, row.subject)
        if not await in_thread(self._records.withdraw, id, by=by.user, at=machine_s()):
            raise Refused("already_decided", thing=id)
        await self._audit.add(
            by.user, "personal.consent_withdrawn", row.subject, id=id, purpose=row.purpose
        )
        after = await in_thread(self._records.consent, id)
        assert after is not None
        return _view(after)


def _view(row: ConsentRow) -> ConsentView:
    return ConsentView(
        id=row.id,
        subject=row.subject,
        purpose=row.purpose,
        basis=row.basis,
        note=row.note,
        by=row.user,
        given=utc(row.given_at),
        withdrawn=None if row.withdrawn_at is None else utc(row.withdrawn_at),
        withdrawn_by=row.withdrawn_by or None,
    )
