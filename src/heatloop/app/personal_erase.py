"""Erasing personal data: on a person's wish, and when their time is over; dry run first.

Names, telephones and addresses go out of the ledger in force, out of every past version of it, and
out of what other systems sent. What a law has the company keep stays until that time and says so.
The codes of flat, contract and meter stay: measured values keep their pseudonym.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from heatloop.app.history import in_thread
from heatloop.app.personal import held_value
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.third_party import ThirdParty
from heatloop.app.views.personal import ErasedField, ErasurePage, ErasureView
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.ids import new_id
from heatloop.kernel.scope import Scope
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.plant.personal_register import masks_of, personal_register
from heatloop.plant.rows import from_rows, to_rows
from heatloop.security.access import Principal
from heatloop.store.records.personal import RunRow

ERASE, RETENTION = "erase", "retention"
ERASED, KEPT = "erased", "kept"
GONE = ("已删除", "erased")
"""What stands where a name must stand."""
_DAY_S = 86_400.0
_MOST_LISTED = 500
_NAMES = ("zh", "en")
_SYSTEM = Principal(user="system", roles=frozenset(), scope=Scope.everything())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Due:
    """One field and what is to become of it."""

    subject: str
    """Contract or person it is about."""
    sheet: str
    """Where it is."""
    code: str
    """Row of the sheet."""
    field: str
    """Name."""
    until_s: float | None
    """How long a law has it kept; plant seconds; None: it may go."""


class Erasure:
    """Erases, and tells what it did.

    Args:
        platform: Whose ledger, records and trail to use.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform, self._world = platform, platform.world
        self._records, self._audit = platform.records, platform.audit
        self._files = ThirdParty(platform)

    async def erase(
        self, by: Principal, subject: str, *, reason: str, dry_run: bool
    ) -> ErasureView:
        """Take a person's data out, on his wish.

        Raises:
            Refused: There is no such person or contract.
            Forbidden: The whole company is not his.
        """
        self._whole(by)
        asset = self._world.asset(by.scope, subject)
        if asset.kind not in ("contract", "person"):
            raise Refused("invalid", thing=subject, place="subject", detail="contract | person")
        due = list(self._of_subject(asset, on_wish=True))
        return await self._run(by, ERASE, due, subject=subject, reason=reason, dry_run=dry_run)

    async def retain(self, by: Principal, *, dry_run: bool) -> ErasureView:
        """Take out everybody's data whose time is over, and files made for others long ago.

        Raises:
            Forbidden: The whole company is not his.
        """
        self._whole(by)
        due: list[_Due] = []
        for kind in ("contract", "person"):
            for asset in self._world.ledger.of_kind(kind):
                due += self._of_subject(asset, on_wish=False)
        due += await in_thread(self._gone)
        return await self._run(by, RETENTION, due, subject="", reason="", dry_run=dry_run)

    async def retention_job(self, _: float) -> None:
        """Do what `retain` does, every day."""
        await self.retain(_SYSTEM, dry_run=False)

    async def runs(self, *, page: int, size: int) -> ErasurePage:
        """Return a page of erasures, newest first."""
        total, rows = await in_thread(
            self._records.personal.runs, offset=(page - 1) * size, limit=size
        )
        return ErasurePage(total=total, items=[_view(row) for row in rows])

    @staticmethod
    def _whole(by: Principal) -> None:
        if not by.scope.holds(""):
            raise Forbidden("forbidden", thing=by.user, detail="the whole company")

    def _of_subject(self, asset: Asset, *, on_wish: bool) -> Iterable[_Due]:
        """Yield what is to become of the fields of one contract or person."""
        ended_s, now_s = self._ended(asset), self._world.now_s()
        for sheet, code, field in self._fields(asset):
            known = personal_register()["ledger", sheet, field]
            legal_s, kept_s = known.legal_days * _DAY_S, known.retention_days * _DAY_S
            if on_wish:
                over = not legal_s or (ended_s is not None and ended_s + legal_s <= now_s)
                # While a contract runs, nobody can say yet until when.
                until_s = None if over else (ended_s if ended_s is not None else now_s) + legal_s
                yield _Due(subject=asset.code, sheet=sheet, code=code, field=field, until_s=until_s)
            elif ended_s is not None and ended_s + kept_s <= now_s:
                yield _Due(subject=asset.code, sheet=sheet, code=code, field=field, until_s=None)

    def _fields(self, asset: Asset) -> Iterable[tuple[str, str, str]]:
        """Yield (sheet, code, field) of every personal value there is about a subject."""
        ledger = self._world.ledger
        about = [asset]
        above = ledger.assets.get(asset.parent)
        if asset.kind == "contract" and above is not None and above.kind == "flat":
            others = [
                each for each in ledger.children(above.code)
                if each.kind == "contract" and each.code != asset.code and not _stopped(each)
            ]  # fmt: skip
            # Whoever lives there now has the same address.
            about += [] if others else [above]
        for each in about:
            for field in sorted(masks_of(each.kind)):
                value = held_value(ledger, each.code, field)
                if value not in (None, "", *GONE):
                    yield each.kind, each.code, field

    def _ended(self, asset: Asset) -> float | None:
        """Return when a contract ended, plant seconds; None while it runs, and for staff."""
        if asset.kind != "contract":
            return None
        expires = str(asset.attributes.get("expires") or "")
        if expires:
            end = dt.datetime.fromisoformat(expires).replace(tzinfo=dt.UTC).timestamp()
            if end <= self._world.now_s() or _stopped(asset):
                return end
        elif _stopped(asset):
            return self._stopped_at(asset)
        return None

    def _stopped_at(self, asset: Asset) -> float:
        """Return when the ledger first said that a contract is stopped."""
        began = self._world.now_s()
        for at, row in self._records.sync_feed.began("contract", asset.code):
            if not row.get("stopped"):
                break
            began = at
        return began

    def _gone(self) -> list[_Due]:
        """Return fields of rows that left the ledger longer ago than they may be kept."""
        now_s, found = self._world.now_s(), []
        for sheet, code, at in self._records.ledger.gone():
            for field in sorted(masks_of(sheet)) if sheet in asset_kinds() else ():
                kept_s = personal_register()["ledger", sheet, field].retention_days * _DAY_S
                if at + kept_s <= now_s:
                    found.append(
                        _Due(subject=code, sheet=sheet, code=code, field=field, until_s=None)
                    )
        return found

    async def _run(
        self, by: Principal, kind: str, due: Sequence[_Due], *, subject: str, reason: str,
        dry_run: bool,
    ) -> ErasureView:  # fmt: skip
        now = machine_s()
        out = [each for each in due if each.until_s is None]
        files = await asyncio.to_thread(self._old_files, kind, now)
        versions: dict[tuple[str, str], int] = {}
        if not dry_run:
            if out:
                versions = await self._take_out(by, out)
            for path in files:
                path.unlink(missing_ok=True)
        listed = [_told(each, versions) for each in due[:_MOST_LISTED]]
        body: dict[str, Any] = {
            "subjects": len({each.subject for each in due}),
            "erased": len(out),
            "kept": len(due) - len(out),
            "files": len(files),
            "fields": [_plain(each) for each in listed],
        }
        row = RunRow(
            id=new_id(now), kind=kind, dry_run=dry_run, subject=subject, reason=reason,
            user=by.user, at=now, body=body,
        )  # fmt: skip
        if by is not _SYSTEM or out or files:
            await in_thread(self._records.personal.add_run, row)
            await self._audit.add(
                by.user, f"personal.{kind}", subject or "*", dry_run=dry_run, reason=reason,
                erased=body["erased"], kept=body["kept"], files=body["files"], run=row.id,
            )  # fmt: skip
        return _view(row)

    def _old_files(self, kind: str, now: float) -> list[Any]:
        if kind != RETENTION or not self._files.folder.is_dir():
            return []
        oldest = now - self._platform.settings.privacy.file_days * _DAY_S
        return [each for each in self._files.folder.iterdir() if each.stat().st_mtime < oldest]

    async def _take_out(self, by: Principal, out: Sequence[_Due]) -> dict[tuple[str, str], int]:
        """Put a ledger without the values in force, then take them out of every past version."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for each in out:
            rows.setdefault((each.sheet, each.code), {})[each.field] = _instead(each)
        assets = self._world.ledger.assets
        if any(code in assets for _, code in rows):
            subject = ", ".join(sorted({each.subject for each in out})[:20])
            await self._platform.ledgers.change(
                by, "personal.ledger", subject, lambda ledger, n: _without(ledger, n, rows)
            )

        def past() -> dict[tuple[str, str], int]:
            for code in {code for _, code in rows}:
                self._records.sync.erase(code)
            return {
                (sheet, code): self._records.ledger.erase(sheet, code, fields)
                for (sheet, code), fields in rows.items()
            }

        return await in_thread(past)


def _without(ledger: Ledger, version: int, rows: dict[tuple[str, str], dict[str, Any]]) -> Ledger:
    sheets = to_rows(ledger)
    for (sheet, code), fields in rows.items():
        for row in sheets.get(sheet, ()):
            if row["code"] == code:
                row.update(fields)
    return from_rows(sheets, version=version, keys=ledger.keys)


def _instead(each: _Due) -> str | None:
    """Return what stands where a value was: a word where there must be one."""
    if each.field in _NAMES:
        return GONE[_NAMES.index(each.field)]
    return GONE[0] if asset_kinds()[each.sheet].attributes[each.field].required else None


def _stopped(contract: Asset) -> bool:
    return bool(contract.attributes.get("stopped"))


def _told(each: _Due, versions: dict[tuple[str, str], int]) -> ErasedField:
    known = personal_register()["ledger", each.sheet, each.field]
    kept = each.until_s is not None
    return ErasedField(
        subject=each.subject,
        sheet=each.sheet,
        field=each.field,
        action=KEPT if kept else ERASED,
        versions=versions.get((each.sheet, each.code), 0),
        until=None if each.until_s is None else utc(each.until_s),
        law_zh=known.legal_zh if kept else "",
        law_en=known.legal_en if kept else "",
    )


def _plain(each: ErasedField) -> dict[str, Any]:
    plain = asdict(each)
    return plain | {"until": None if each.until is None else each.until.isoformat()}


def _view(row: RunRow) -> ErasureView:
    fields = []
    for each in row.body["fields"]:
        until = each["until"]
        fields.append(
            ErasedField(**(each | {"until": dt.datetime.fromisoformat(until) if until else None}))
        )
    return ErasureView(
        id=row.id,
        kind=row.kind,
        dry_run=row.dry_run,
        subject=row.subject,
        reason=row.reason,
        by=row.user,
        at=utc(row.at),
        subjects=row.body["subjects"],
        erased=row.body["erased"],
        kept=row.body["kept"],
        files=row.body["files"],
        fields=fields,
    )
