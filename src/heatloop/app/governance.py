"""Data governance: who may take data out and what for, the asset register, approval tickets.

`Governance.release` is the one door for exports: it checks purpose, class and level, asks for an
approval ticket from level L3, writes the audit trail, and returns the owner's tag to put on what
goes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog

from heatloop.app.audit import Audit
from heatloop.app.governance_purpose import purpose_named
from heatloop.app.governance_register import register
from heatloop.app.governance_tag import ExportTag
from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused, refusals
from heatloop.app.views.governance import (
    AccessVerdict,
    DataAssetPage,
    DataAssetView,
)
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.plant.data_classes import (
    APPROVAL_FROM,
    PLACES,
    UNGRADED,
    Grade,
    Level,
    grades_of,
    point_grade,
    purposes,
    readable,
)
from heatloop.plant.model import Point
from heatloop.security.access import Principal
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.governance")
_LEAST_KEPT_DAYS = 1096
_KEPT_LONG = ("operating", "metering", "household", "audit_trail", "account", "alarm_command")


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetChange:
    """What is to change about a data asset; None stays."""

    owner: str | None = None
    """Who owns it."""
    custodian: str | None = None
    """Who keeps it."""
    uses: list[str] | None = None
    """Permitted purposes."""
    consent: str | None = None
    """`not_needed`, `needed`, `contract` or `given`."""
    retention_days: int | None = None
    """How long it is kept."""
    note: str | None = None
    """Free text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What would come of an export."""

    classes: tuple[str, ...]
    """Classes of data in it."""
    level: Level
    """Highest level in it."""
    owners: tuple[str, ...]
    """Who owns them."""
    refused: str = ""
    """Code of the refusal; empty when it passes."""
    detail: str = ""
    """What stands in the way."""
    permit: str = ""
    """Ticket that lets it pass."""
    needs_permit: bool = False
    """Whether a ticket is needed."""


class Governance:
    """Grades, register, tickets, and the door for exports."""

    def __init__(self, world: World, records: Records, audit: Audit) -> None:
        self.world, self._audit = world, audit
        self._records = records.governance

    @classmethod
    def of(cls, platform: Platform) -> Governance:
        """Return the governance of a platform."""
        return cls(platform.world, platform.records, platform.audit)

    async def assets(self) -> DataAssetPage:
        """Return the data-asset register."""
        items = register(await in_thread(self._records.assets))
        return DataAssetPage(total=len(items), items=items)

    async def change_asset(self, by: Principal, code: str, change: AssetChange) -> DataAssetView:
        """Change what people decide about a data asset.

        Raises:
            Refused: There is no such asset or purpose, or data would be kept too short a time.
        """
        known = {view.code: view for view in (await self.assets()).items}
        if code not in known:
            raise Refused("not_found", thing=code)
        wanted = {name: value for name, value in asdict(change).items() if value is not None}
        for use in set(wanted.get("uses", ())) - set(purposes()):
            raise Refused("invalid", thing=use, place="uses")
        if code in _KEPT_LONG and wanted.get("retention_days", _LEAST_KEPT_DAYS) < _LEAST_KEPT_DAYS:
            raise Refused("retention_too_short", thing=code, place="retention_days")
        rows = await in_thread(self._records.assets)
        body = (rows[code].body if code in rows else {}) | wanted
        await in_thread(self._records.set_asset, code, body, user=by.user, at=machine_s())
        view = next(each for each in (await self.assets()).items if each.code == code)
        before = {name: getattr(known[code], name) for name in wanted}
        await self._audit.add(by.user, "data.asset", code, before=before, after=wanted)
        return view

    async def check(
        self, by: Principal, *, purpose: str, points: list[str], asset: str, dataset: str
    ) -> AccessVerdict:
        """Return whether an export would pass; nothing is counted.

        Raises:
            Refused: A point, asset or dataset does not exist inside the scope.
        """
        found = [self.world.point(by.scope, code) for code in points]
        if asset:
            top = self.world.asset(by.scope, asset)
            for code in self.world.at_or_below(top.code):
                found += self.world.ledger.points_of(code)
        grades, places = self._of_points(found)
        if dataset:
            grades |= self.of_dataset(dataset)
        judged = await self.judge(by, purpose, grades, places)
        words = refusals().get(judged.refused)
        return AccessVerdict(
            allowed=not judged.refused,
            needs_permit=judged.needs_permit,
            permit=judged.permit or None,
            classes=list(judged.classes),
            level=judged.level,
            owners=list(judged.owners),
            reason_zh="" if words is None else words.zh,
            reason_en="" if words is None else words.en,
        )

    async def release(
        self,
        by: Principal,
        *,
        purpose: str,
        what: str,
        points: Iterable[Point] = (),
        datasets: Iterable[str] = (),
        without: Collection[str] = (),
    ) -> ExportTag:
        """Let an export pass, and return the tag it has to carry.

        Call it before the first byte goes out; it is in the audit trail on return, passed or not.

        Args:
            by: Who takes the data.
            purpose: What for, a row of `data_purposes.csv`.
            what: Says in the audit trail what it is.
            points: Points whose values go out.
            datasets: Tables, sheets or read models that go out, `place.dataset` or `dataset`.
            without: Classes that were left out of the datasets.

        Raises:
            Refused: No such purpose or dataset.
            Forbidden: The purpose is not permitted, the data are not for this role, or an
                approval ticket is needed.
        """
        grades, places = self._of_points(points)
        for dataset in datasets:
            grades |= {g for g in self.of_dataset(dataset) if g.class_name not in without}
        return await self.release_grades(by, purpose, what, grades, places)

    async def release_grades(
        self, by: Principal, purpose: str, what: str, grades: Iterable[Grade], places: Sequence[str]
    ) -> ExportTag:
        """Do the same as `release` for data of these grades, about these assets.

        Raises:
            Refused: No such purpose.
            Forbidden: As `release`.
        """
        judged = await self.judge(by, purpose, grades, places)
        spent = judged.permit and not judged.refused
        if spent and not await in_thread(self._records.use, judged.permit, machine_s()):
            judged = replace(judged, refused="permit_needed", permit="")  # It ran out just now.
        told: dict[str, Any] = {
            "purpose": purpose,
            "classes": list(judged.classes),
            "level": str(judged.level),
        }
        if judged.refused:
            await self._audit.add(by.user, "data.export_refused", what, **told, code=judged.refused)
            raise Forbidden(judged.refused, thing=what, detail=judged.detail)
        await self._audit.add(by.user, "data.export", what, **told, permit=judged.permit)
        return self._tag(by, purpose, judged)

    async def narrowed(self, by: Principal, points: Sequence[Point]) -> list[Point]:
        """Return those of the points whose values he may take out now, for the purpose named.

        For requests of everything there is: what is not for him is left out as what lies outside
        his scope is, and nothing is refused.

        Raises:
            Refused: No such purpose.
        """
        assets = self.world.ledger.assets
        by_grade: dict[Grade, list[Point]] = {}
        for point in points:
            grade = point_grade(point.kind, assets[point.asset].kind)
            by_grade.setdefault(grade, []).append(point)
        found: list[Point] = []
        for grade, some in by_grade.items():
            places = list({point.asset for point in some}) if grade.level >= APPROVAL_FROM else []
            judged = await self.judge(by, purpose_named(), [grade], places)
            found += [] if judged.refused else some
        return found

    async def guard(self, by: Principal, points: Sequence[Point], what: str) -> dict[str, str]:
        """Return the labels an export of points has to carry; what makes the export audits it.

        The purpose is the one the request named. A refusal is in the audit trail.

        Raises:
            Refused: No such purpose.
            Forbidden: As `release`.
        """
        purpose = purpose_named()
        judged = await self.judge(by, purpose, *self._of_points(points))
        if judged.refused:
            await self._audit.add(
                by.user, "data.export_refused", what, purpose=purpose, code=judged.refused,
                classes=list(judged.classes), level=str(judged.level),
            )  # fmt: skip
            raise Forbidden(judged.refused, thing=what, detail=judged.detail)
        return self._tag(by, purpose, judged).plain()

    def _tag(self, by: Principal, purpose: str, judged: Judged) -> ExportTag:
        return ExportTag(
            owners=judged.owners,
            classes=judged.classes,
            level=judged.level,
            purpose=purpose,
            user=by.user,
            permit=judged.permit,
            at=utc(machine_s()).isoformat(timespec="seconds"),
        )

    def of_dataset(self, name: str) -> set[Grade]:
        """Return the grades of a dataset's fields; secret ones are never given out anyway.

        Raises:
            Refused: Nothing of this name is graded.
        """
        place, _, dataset = name.rpartition(".")
        places = (place,) if place else PLACES
        found = {grade for each in places for grade in grades_of(each, dataset).values()}
        if not found:
            raise Refused("not_found", thing=name)
        return found - {UNGRADED}

    def _of_points(self, points: Iterable[Point]) -> tuple[set[Grade], list[str]]:
        """Return the grades of points' values, and the assets of those that need a ticket."""
        assets = self.world.ledger.assets
        grades: set[Grade] = set()
        places: dict[str, None] = {}
        for point in points:
            grade = point_grade(point.kind, assets[point.asset].kind)
            grades.add(grade)
            if grade.level >= APPROVAL_FROM:
                places[point.asset] = None
        return grades, list(places)

    async def judge(
        self, by: Principal, purpose: str, grades: Iterable[Grade], places: Sequence[str]
    ) -> Judged:
        """Return what would come of an export; nothing is counted or written down.

        Args:
            by: Who asks.
            purpose: What for.
            grades: Grades of what goes out.
            places: Assets of what is sensitive in it.

        Raises:
            Refused: No such purpose.
        """
        if purpose not in purposes():
            raise Refused("invalid", thing=purpose, place="purpose", detail=", ".join(purposes()))
        wanted = sorted(set(grades), key=lambda grade: (grade.class_name, grade.level))
        assets = {view.code: view for view in (await self.assets()).items}
        names = tuple(dict.fromkeys(grade.class_name for grade in wanted))
        level = max((grade.level for grade in wanted), default=Level.L1)
        owners = tuple(dict.fromkeys(assets[name].owner for name in names))
        plain: Mapping[str, Any] = {"classes": names, "level": level, "owners": owners}
        closed = [g.class_name for g in wanted if not readable(by, g)]
        if closed:
            return Judged(**plain, refused="data_not_yours", detail=", ".join(closed))
        barred = [name for name in names if purpose not in assets[name].uses]
        if barred:
            return Judged(**plain, refused="purpose_not_permitted", detail=", ".join(barred))
        waiting = [name for name in names if assets[name].consent == "needed"]
        if waiting:
            return Judged(**plain, refused="consent_missing", detail=", ".join(waiting))
        close = {grade.class_name for grade in wanted if grade.level >= APPROVAL_FROM}
        if not close:
            return Judged(**plain)
        for row in await in_thread(self._records.in_force, by.user, machine_s()):
            if (
                row.purpose == purpose
                and close <= set(row.classes)
                and level <= row.level
                and self._inside(row.subject, places, bool(close))
            ):
                return Judged(**plain, permit=row.id, needs_permit=True)
        return Judged(
            **plain, refused="permit_needed", detail=", ".join(sorted(close)), needs_permit=True
        )

    def _inside(self, subject: str, places: Sequence[str], named: bool) -> bool:
        """Return whether a ticket for an asset covers what is asked."""
        if not subject:
            return True
        # A whole dataset holds more than one asset's data.
        return bool(named and places) and set(places) <= self.world.at_or_below(subject)
