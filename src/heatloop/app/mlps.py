"""The self-assessment against GB/T 22239-2019 level 3: every item by a probe of what runs.

Items are rows of `mlps_items.csv`. A probe looks at the settings in force, the records, and asks
the application as a stranger would; it says what it found in both languages. An item that fails
counts as compensated while a measure for it is in the register of exceptions. Items software
cannot show are listed as such, with what an assessor has to look at.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Protocol

import structlog

from heatloop import __version__
from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.settings import Settings
from heatloop.app.views.security import AssessedItem, Assessment
from heatloop.app.watch_duty import latest_of_each
from heatloop.app.watch_registers import EXCEPTION
from heatloop.kernel.clock import machine_s, utc
from heatloop.store.records import Records
from heatloop.store.records.users import UserRow

_log = structlog.get_logger("heatloop.mlps")
PROBE, REGISTER, NOT_SOFTWARE = "probe", "register", "not_software"
PASS, FAIL, COMPENSATED = "pass", "fail", "compensated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One row of `mlps_items.csv`."""

    code: str
    """Item of the assessment."""
    chapter: str
    """Chapter of GB/T 22239."""
    kind: str
    """`probe`, `register` or `not_software`."""
    probe: str
    """Name of its probe."""
    zh: str
    """What is asked, in Chinese."""
    en: str
    """What is asked, in English."""
    note_zh: str
    """What to look at where software shows nothing, in Chinese."""
    note_en: str
    """The same in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the application answered to a stranger."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers by lower-case name."""
    body: bytes
    """Beginning of the body."""


class Ask(Protocol):
    """Asks the application as somebody who has not signed in."""

    async def __call__(self, method: str, path: str, **headers: str) -> Asked:
        """Return the answer to a request."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a probe found."""

    ok: bool
    """Whether the item is met."""
    zh: str
    """In Chinese."""
    en: str
    """In English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What probes look at."""

    platform: Platform
    """The platform."""
    ask: Ask
    """Asks it as a stranger."""
    now_s: float
    """Machine time."""
    users: tuple[UserRow, ...]
    """Every account."""

    @property
    def settings(self) -> Settings:
        """Return the settings in force."""
        return self.platform.settings

    @property
    def records(self) -> Records:
        """Return the records."""
        return self.platform.records

    @property
    def enabled(self) -> list[UserRow]:
        """Return the accounts that may sign in."""
        return [user for user in self.users if not user.disabled]


Probe = Callable[[Context], Awaitable[Verdict]]
Fact = tuple[bool, str, str]
"""Whether it is well, and what is so, in Chinese and English."""


def judged(*facts: Fact) -> Verdict:
    """Return a verdict over facts: what is wrong if anything is, else everything."""
    wrong = [fact for fact in facts if not fact[0]]
    shown = wrong or list(facts)
    mark = "✗ " if wrong else ""
    return Verdict(
        ok=not wrong,
        zh="；".join(mark + fact[1].strip() for fact in shown),
        en="; ".join(mark + fact[2].strip() for fact in shown),
    )


@cache
def items() -> tuple[Item, ...]:
    """Return every item."""
    text = resources.files(__package__).joinpath("mlps_items.csv").read_text("utf-8")
    return tuple(Item(**row) for row in csv.DictReader(io.StringIO(text)))


@cache
def probes() -> Mapping[str, Probe]:
    """Return every probe by name."""
    from heatloop.app import mlps_access, mlps_audit, mlps_data, mlps_field, mlps_guard
    from heatloop.app import mlps_identity as identity

    found: dict[str, Probe] = {}
    for module in (identity, mlps_access, mlps_audit, mlps_guard, mlps_data, mlps_field):
        found |= module.PROBES
    return found


async def assess(platform: Platform, ask: Ask) -> Assessment:
    """Probe every item now.

    Args:
        platform: What is assessed.
        ask: Asks it as a stranger.
    """
    users = await in_thread(platform.records.users.list)
    now_s = machine_s()
    context = Context(platform=platform, ask=ask, now_s=now_s, users=tuple(users))
    measures = await _measures(platform.records, now_s)
    found = [await _one(context, item, measures) for item in items()]
    info = platform.health.info()
    return Assessment(
        at=utc(now_s),
        version=__version__,
        company_zh=info.company_zh,
        company_en=info.company_en,
        demo=info.demo,
        counts=dict(Counter(item.result for item in found)),
        items=found,
    )


async def _measures(records: Records, now_s: float) -> dict[str, str]:
    """Return the compensating measures that hold now, by item."""
    _, rows = await in_thread(records.watch.entries, EXCEPTION, limit=500)
    return {
        row.code: f"{row.body.get('measure', '')} ({row.body.get('approved_by', '')})"
        for row in latest_of_each(rows)
        if row.until is not None and row.until > now_s
    }


async def _one(context: Context, item: Item, measures: Mapping[str, str]) -> AssessedItem:
    measure = measures.get(item.code, "")
    if item.kind == NOT_SOFTWARE:
        verdict = Verdict(ok=False, zh=item.note_zh, en=item.note_en)
        result = COMPENSATED if measure else NOT_SOFTWARE
    else:
        verdict = await _tried(context, item)
        result = PASS if verdict.ok else COMPENSATED if measure else FAIL
    return AssessedItem(
        code=item.code,
        chapter=item.chapter,
        zh=item.zh,
        en=item.en,
        kind=item.kind,
        result=result,
        found_zh=verdict.zh,
        found_en=verdict.en,
        compensating=measure,
    )


async def _tried(context: Context, item: Item) -> Verdict:
    try:
        return await probes()[item.probe](context)
    except Exception as error:  # noqa: BLE001 - a probe that cannot look has not shown anything
        _log.warning("probe failed", item=item.code, exc_info=error)
        name = type(error).__name__
        return Verdict(ok=False, zh=f"探测失败：{name}", en=f"the probe failed: {name}: {error}")
