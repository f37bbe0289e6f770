"""Data for others: who may get them, and data sets in which nobody can be found (clause 8.2 g).

A data set is made only with an authorisation of the receiver in force (given by the security
administrator), a purpose and fields within it, and an approval ticket in force. Names become the
receiver's own pseudonyms, every combination of what could betray a household is shared by k of
them, whoever objected is left out, and the file is sealed so that only the receiver opens it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from heatloop.app.governance import Governance
from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.third_party_rows import (
    OFFERED,
    Household,
    coarser,
    households,
    mean_temperatures,
    plain_rows,
)
from heatloop.app.third_party_views import given_view, receiver_view
from heatloop.app.views.personal import (
    GivenPage,
    GivenView,
    OfferedField,
    ReceiverPage,
    ReceiverView,
)
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.kernel.ids import new_id
from heatloop.plant.data_classes import Grade, Level, purposes
from heatloop.security.access import Principal
from heatloop.security.anonymity import Anonymised, anonymise, smallest_group
from heatloop.security.receiver_seal import check_public, seal_for
from heatloop.store.records.personal_receivers import JobRow, ReceiverRow
from heatloop.store.tables import CSV, write_tables

FOLDER = "third-party"
"""Folder below the data folder where sealed files wait for their receivers."""
_ALWAYS = "household"
_LONGEST_S = 400 * 86_400
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to be given to somebody."""

    receiver: str
    """Who."""
    purpose: str
    """What for."""
    reason: str
    """Why now."""
    fields: Sequence[str]
    """Fields."""
    start_s: int
    """Begin of the time window, plant seconds since 1970 UTC."""
    end_s: int
    """End of it."""
    asset: str = ""
    """Part of the plant; empty: all there is in the scope."""
    k: int = 0
    """Least number of households that look alike; 0: as the settings say, never less."""


class ThirdParty:
    """Keeps receivers and makes data sets.

    Args:
        platform: Whose ledger, records and trail to use.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform, self._world = platform, platform.world
        self._records, self._audit = platform.records.receivers, platform.audit
        self._objecting = platform.records.personal.objecting
        self._door = Governance.of(platform)
        self.folder = platform.settings.data / FOLDER

    async def receivers(self) -> ReceiverPage:
        """Return who may be given data, and what can be given at all."""
        rows, now = await in_thread(self._records.all), machine_s()
        return ReceiverPage(
            total=len(rows),
            items=[receiver_view(row, now) for row in rows],
            offered=[
                OfferedField(field=name, zh=each.zh, en=each.en, how=each.how)
                for name, each in OFFERED.items()
            ],
        )

    async def authorise(self, by: Principal, row: ReceiverRow) -> ReceiverView:
        """Authorise a receiver, or change what he is authorised for.

        Raises:
            Refused: A purpose or field does not exist, the time is over before it begins, or
                nothing can be sealed with his key.
        """
        for word, known, place in (
            *((use, purposes(), "purposes") for use in row.purposes),
            *((name, OFFERED, "fields") for name in row.fields),
        ):
            if word not in known:
                raise Refused("invalid", thing=word, place=place)
        if row.valid_until <= row.valid_from:
            raise Refused("range_invalid", place="valid_from, valid_until")
        try:
            check_public(bytes.fromhex(row.public_key))
        except (InputError, ValueError) as error:
            raise Refused("invalid", thing=row.code, place="public_key") from error
        before = await in_thread(self._records.get, row.code)
        await in_thread(self._records.put, row, secrets.token_bytes(_KEY_BYTES))
        await self._audit.add(
            by.user, "third_party.authorise", row.code,
            before=None if before is None else _plain(before), after=_plain(row),
        )  # fmt: skip
        return receiver_view(row, machine_s())

    async def make(self, by: Principal, wish: Wish) -> GivenView:
        """Make a data set for a receiver.

        Raises:
            Refused: A field or purpose does not exist, the time window is not valid, or too few
                households are left.
            Forbidden: The receiver is not authorised, or the approval ticket is missing.
        """
        settings = self._platform.settings.privacy
        names = tuple(dict.fromkeys((_ALWAYS, *wish.fields)))
        for name in names:
            if name not in OFFERED:
                raise Refused("invalid", thing=name, place="fields")
        if not 0 < wish.end_s - wish.start_s <= _LONGEST_S:
            raise Refused("range_invalid", place="start, end")
        now = machine_s()
        job = JobRow(
            id=new_id(now), receiver=wish.receiver, purpose=wish.purpose, reason=wish.reason,
            fields=names, start_s=wish.start_s, end_s=wish.end_s, k=max(wish.k, settings.k),
            state="refused", permit="", user=by.user, at=now, steps={},
        )  # fmt: skip
        try:
            receiver = await self._authorised(wish, names, now)
            flats = households(self._world, by.scope, wish.asset)
            grades = {
                Grade(class_name=OFFERED[name].purposes_class, level=Level.L3) for name in names
            }
            places = [each.flat.code for each in flats] if wish.asset else ()
            tag = await self._door.release_grades(
                by, wish.purpose, f"third-party {wish.receiver}", grades, places
            )
        except Forbidden as error:
            await in_thread(self._records.add_job, replace(job, reason=error.code))
            await self._audit.add(
                by.user, "third_party.refused", wish.receiver, job=job.id, code=error.code
            )
            raise
        objecting = await in_thread(self._objecting, wish.purpose)
        agreeing = [each for each in flats if not _codes(each) & objecting]
        made = await self._anonymised(wish, job, names, agreeing)
        if not made.rows or smallest_group(made.rows, list(coarser(agreeing, names))) < job.k:
            await self._audit.add(
                by.user, "third_party.refused", wish.receiver, code="too_few_rows"
            )
            raise Refused("too_few_rows", thing=wish.receiver, detail=f"k = {job.k}")
        done = replace(
            job, state="done", permit=tag.permit, rows=len(made.rows), suppressed=made.suppressed,
            left_out=len(flats) - len(agreeing), k_reached=made.k,
            loss_pct=round(made.loss_pct, 2), steps=made.steps,
        )  # fmt: skip
        done = await asyncio.to_thread(self._keep, done, receiver, made, tag.plain())
        await in_thread(self._records.add_job, done)
        await self._audit.add(
            by.user, "third_party.given", wish.receiver, job=done.id, purpose=wish.purpose,
            fields=list(names), rows=done.rows, k=done.k_reached, permit=done.permit,
            sha256=done.sha256,
        )  # fmt: skip
        return given_view(done, kept=True)

    async def _authorised(self, wish: Wish, names: Sequence[str], now: float) -> ReceiverRow:
        row = await in_thread(self._records.get, wish.receiver)
        if row is None:
            raise Refused("not_found", thing=wish.receiver)
        stands = row.active and row.valid_from <= now < row.valid_until
        # A pseudonym of the household says nothing, so that everybody may get it.
        wanting = sorted(set(names) - {_ALWAYS} - set(row.fields))
        if not stands or wish.purpose not in row.purposes or wanting:
            detail = ", ".join(wanting) or (wish.purpose if stands else "")
            raise Forbidden("receiver_not_authorised", thing=wish.receiver, detail=detail)
        return row

    async def _anonymised(
        self, wish: Wish, job: JobRow, names: Sequence[str], flats: Sequence[Household]
    ) -> Anonymised:
        temperatures: dict[str, float] = {}
        if "room_temperature_c" in names:
            temperatures = await mean_temperatures(
                self._world, self._platform.historian, flats, wish.start_s, wish.end_s
            )
        key = await in_thread(self._records.pseudonym_key, wish.receiver)
        most = self._platform.settings.privacy.most_suppressed_pct / 100.0

        def work() -> Anonymised:
            rows = plain_rows(flats, names, key, temperatures)
            # In the ledger's order the first row would be the first flat, whatever it is called.
            rows.sort(key=lambda row: str(row[_ALWAYS]))
            return anonymise(rows, coarser(flats, names), k=job.k, most_suppressed=most)

        return await asyncio.to_thread(work)

    def _keep(
        self, job: JobRow, receiver: ReceiverRow, made: Anonymised, tag: dict[str, str]
    ) -> JobRow:
        facts = {
            **tag, "receiver": receiver.code, "contract": receiver.contract, "k": job.k_reached,
            "rows": job.rows, "suppressed": job.suppressed, "left_out": job.left_out,
            "loss_pct": job.loss_pct,
        }  # fmt: skip
        about = [{"name": name, "value": str(value)} for name, value in facts.items()]
        plain = write_tables({"data": made.rows, "about": about}, CSV)
        sealed = seal_for(bytes.fromhex(receiver.public_key), plain)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.path(job.id)
        draft = path.with_suffix(".new")
        draft.write_bytes(sealed)
        draft.replace(path)
        return replace(job, sha256=hashlib.sha256(sealed).hexdigest(), size_bytes=len(sealed))

    def path(self, id: str) -> Path:  # noqa: A002 - the name the interface has
        """Return where the sealed file of a data set is."""
        return self.folder / f"{id}.hlr"

    async def given(self, *, page: int, size: int) -> GivenPage:
        """Return a page of data sets, newest first."""
        total, rows = await in_thread(self._records.jobs, offset=(page - 1) * size, limit=size)
        kept = await asyncio.to_thread(lambda: {r.id for r in rows if self.path(r.id).exists()})
        return GivenPage(total=total, items=[given_view(r, kept=r.id in kept) for r in rows])

    async def file(self, by: Principal, id: str) -> bytes:  # noqa: A002 - the interface's name
        """Return the sealed file of a data set; it is in the trail.

        Raises:
            Refused: There is none, or it was removed.
        """
        row = await in_thread(self._records.job, id)
        if row is None:
            raise Refused("not_found", thing=id)
        try:
            body = await asyncio.to_thread(self.path(row.id).read_bytes)
        except FileNotFoundError as error:
            raise Refused("not_found", thing=id, place="file") from error
        await self._audit.add(by.user, "third_party.fetched", row.receiver, job=id)
        return body


def _codes(each: Household) -> set[str]:
    return {each.flat.code} | ({each.contract.code} if each.contract is not None else set())


def _plain(row: ReceiverRow) -> dict[str, object]:
    plain = asdict(row)
    return plain | {"purposes": list(row.purposes), "fields": list(row.fields)}
