"""Device profiles over the API: those that come along, and the company's own as ledger records.

A profile of one's own is drawn up from what a probe found and the point kinds people choose for
it, checked row by row and against the live values, and put into the ledger like any other change:
a new version, in the audit trail, in force at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heatloop.app.audit import Audit
from heatloop.app.ledger_admin import Ledgers
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.errors import InputError
from heatloop.kernel.units import convert
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.changes import revise
from heatloop.plant.check_devices import device_profiles
from heatloop.plant.headings import PROFILE, PROFILE_ROW
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.own_profiles import OwnProfile, PlacedRow, check_own_profiles
from heatloop.plant.profiles import ProfileRow, rows_markdown
from heatloop.plant.row_reading import read_profiles
from heatloop.plant.rows import profile_sheets
from heatloop.security.access import Principal
from heatloop.store.tables import read_tables, write_tables

_FIRST_ROW = 2
_APART = 4
_FACTORS = (1.0, 0.1, 0.01, 0.001, 10.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileView:
    """One profile in a list."""

    profile: str
    """Name."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    assets: list[str]
    """Kinds of assets such a device may serve."""
    protocols: list[str]
    """Protocols it speaks."""
    rows: int
    """Values it has."""
    own: bool
    """Whether it is the company's own."""
    devices: int
    """Devices of the ledger that use it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileDetail:
    """One profile."""

    about: ProfileView
    """What it is."""
    rows: list[ProfileRow]
    """Its values."""
    markdown: str
    """Register map as a document for device makers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One value of a probe and the point it becomes."""

    kind: str
    """Point kind."""
    n: int = 0
    """Number of the point when there are several of the kind."""
    child: str = "device"
    """`device`, or the kind of the child the value belongs to."""
    stride: int = 0
    """Registers from one child to the next."""
    register: int | None = None
    """As the probe found it; None: the protocol has none."""
    source: str = ""
    """As the probe found it."""
    dtype: str = ""
    """As the probe found it, or one of its guesses."""
    word_order: str = ""
    """Of the value, where it differs from the device's."""
    unit: str = ""
    """As the device said it."""
    value: float | None = None
    """As the probe saw it, not scaled."""
    factor: float | None = None
    """Raw to house unit; None: suggest one."""
    offset: float = 0.0
    """Raw to house unit."""
    access: str = "r"
    """`r` or `rw`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A profile as it would be, and what is wrong with it."""

    ok: bool
    """Whether it can be saved."""
    rows: list[ProfileRow]
    """Its values."""
    bad_rows: list[dict[str, Any]] = field(default_factory=list)
    """What must be corrected."""
    doubts: list[dict[str, Any]] = field(default_factory=list)
    """Live values outside what their point kind can be."""


def suggested_factor(choice: Choice) -> float:
    """Return the factor that makes a value one of its kind: by its unit, else by its size."""
    kind = point_kinds().get(choice.kind)
    if kind is None:
        return 1.0
    if choice.unit:
        try:
            zero, one = (convert(x, choice.unit, kind.unit) for x in (0.0, 1.0))
        except InputError:
            return 1.0
        return one - zero
    if choice.value is None or "float" in choice.dtype:
        return 1.0
    # Of several that fit the first: makers scale by tens, and most do not scale more than needed.
    fits = (f for f in _FACTORS if kind.low <= choice.value * f + choice.offset <= kind.high)
    return next(fits, 1.0)


def drafted_rows(choices: Sequence[Choice]) -> list[ProfileRow]:
    """Return the rows of a profile from what was chosen of a probe."""
    rows = []
    for number, choice in enumerate(choices):
        dtype = choice.dtype if choice.register is not None else ""
        if choice.word_order and dtype and ":" not in dtype:
            dtype = f"{dtype}:{choice.word_order}"
        factor = suggested_factor(choice) if choice.factor is None else choice.factor
        rows.append(
            ProfileRow(
                child=choice.child,
                stride=choice.stride,
                register=_APART * number if choice.register is None else choice.register,
                kind=choice.kind,
                n=choice.n,
                dtype=dtype,
                factor=factor,
                offset=choice.offset,
                access=choice.access,
                source=choice.source,
            )
        )
    return rows


def draft(own: OwnProfile, choices: Sequence[Choice] = ()) -> Draft:
    """Return what is wrong with a profile and which of its live values are doubtful.

    Args:
        own: The profile; its rows are taken if no choices are given.
        choices: What was chosen of a probe.
    """
    rows = drafted_rows(choices) if choices else list(own.rows)
    findings = Findings()
    placed = [
        PlacedRow(place=Place(PROFILE_ROW, number), profile=own.profile, row=row)
        for number, row in enumerate(rows, _FIRST_ROW)
    ]
    check_own_profiles(findings, [(Place(PROFILE, _FIRST_ROW), own)], placed)
    doubts = []
    for number, (choice, row) in enumerate(zip(choices, rows, strict=False), _FIRST_ROW):
        kind = point_kinds().get(row.kind)
        if kind is None or choice.value is None:
            continue
        value = choice.value * row.factor + row.offset
        if not kind.low <= value <= kind.high:
            doubts.append(
                {
                    "row": number,
                    "kind": row.kind,
                    "value": value,
                    "low": kind.low,
                    "high": kind.high,
                    "zh": f"现值 {value:g} {kind.unit} 超出 {kind.low:g}～{kind.high:g}",
                    "en": f"is {value:g} {kind.unit} now, outside {kind.low:g} to {kind.high:g}",
                }
            )
    bad = [row.to_dict() for row in findings.rows]
    return Draft(ok=not bad, rows=rows, bad_rows=bad, doubts=doubts)


class DeviceProfiles:
    """Reads and changes device profiles.

    Args:
        world: Ledger in force.
        ledgers: Puts changed ledgers in force.
        audit: Audit trail.
    """

    def __init__(self, world: World, ledgers: Ledgers, audit: Audit) -> None:
        self._world, self._ledgers, self._audit = world, ledgers, audit

    def list(self) -> list[ProfileView]:
        """Return all profiles."""
        return [self._view(name) for name in self._world.ledger.profiles.names()]

    def show(self, name: str) -> ProfileDetail:
        """Return one profile.

        Raises:
            Refused: There is none of this name.
        """
        self._known(name)
        rows = self._world.ledger.profiles.rows(name)
        return ProfileDetail(
            about=self._view(name), rows=list(rows), markdown=rows_markdown(name, rows)
        )

    def _known(self, name: str) -> None:
        if name not in self._world.ledger.profiles.names():
            raise Refused("not_found", thing=name)

    def _view(self, name: str) -> ProfileView:
        ledger = self._world.ledger
        own = ledger.profiles.own.get(name)
        about = own or device_profiles()[name]
        return ProfileView(
            profile=name,
            zh=about.zh,
            en=about.en,
            assets=list(about.assets),
            protocols=list(about.protocols),
            rows=len(ledger.profiles.rows(name)),
            own=own is not None,
            devices=sum(device.profile == name for device in ledger.devices.values()),
        )

    async def save(self, by: Principal, own: OwnProfile) -> ProfileDetail:
        """Put a profile into the ledger, new or instead of the one of its name.

        Raises:
            LedgerErrors: It is wrong, or devices that use it would be.
            Refused: The whole company is not his.
        """

        def make(ledger: Ledger, version: int) -> Ledger:
            return revise(ledger, version=version, put=[own])

        await self._ledgers.change(by, "profile.save", own.profile, make)
        return self.show(own.profile)

    async def delete(self, by: Principal, name: str) -> None:
        """Take an own profile out of the ledger.

        Raises:
            Refused: It does not exist, or devices use it.
        """
        self._known(name)
        view = self._view(name)
        if not view.own:
            raise Refused("forbidden", thing=name, detail="it comes with the package")
        if view.devices:
            raise Refused("profile_in_use", thing=name, detail=f"{view.devices}")

        def make(ledger: Ledger, version: int) -> Ledger:
            return revise(ledger, version=version, remove=[name])

        await self._ledgers.change(by, "profile.delete", name, make)

    async def export(self, by: Principal, name: str) -> bytes:
        """Return a profile as a zip of two CSV files.

        Raises:
            Refused: There is none of this name.
        """
        detail = self.show(name)
        about = detail.about
        own = OwnProfile(
            profile=name,
            zh=about.zh,
            en=about.en,
            assets=tuple(about.assets),
            protocols=tuple(about.protocols),
            rows=tuple(detail.rows),
        )
        await self._audit.add(by.user, "profile.export", name)
        return write_tables(profile_sheets([own]), "csv")


def read_profile(data: bytes, name: str = "") -> OwnProfile:
    """Return the profile of a file as `export` writes it.

    Args:
        data: The file.
        name: New name; empty: the one in the file.

    Raises:
        Refused: The file cannot be read, or holds not exactly one profile.
        LedgerErrors: A row is wrong.
    """
    try:
        sheets = read_tables(data, "csv")
    except InputError as error:
        raise Refused("ledger_file", detail=error.message) from error
    found = read_profiles(sheets, name)
    if len(found) != 1:
        raise Refused("ledger_file", detail=f"{len(found)} profiles")
    return found[0]


def own_profile(
    name: str,
    zh: str,
    en: str,
    assets: Sequence[str],
    protocols: Sequence[str],
    rows: Sequence[ProfileRow],
) -> OwnProfile:
    """Return a profile that is not checked yet."""
    return OwnProfile(
        profile=name,
        zh=zh,
        en=en or zh,
        assets=tuple(assets),
        protocols=tuple(protocols),
        rows=tuple(sorted(rows, key=lambda row: row.register)),
    )
