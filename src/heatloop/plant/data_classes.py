"""Class, level and owner of every field of data (GB/T 22239; clauses 6.3 c and 9.2.3).

Four tables: classes with owner, permitted uses and readers; purposes; grades of fields; grades of
measured values by what is measured where. How far each role may read are the labels of
`security.access`. What is not graded is treated as the most secret there is, and fails the checks
of the sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import point_kinds
from heatloop.plant.resources import table
from heatloop.security.access import ROLE_LABELS, Principal
from heatloop.security.labels import Category, Label, Level

__all__ = ["Level"]
_ANY = "*"


APPROVAL_FROM = Level.L3
"""Level from which an export needs an approval ticket."""
LEVEL_NAMES: Mapping[Level, tuple[str, str]] = MappingProxyType(
    {
        Level.L1: ("公开", "public"),
        Level.L2: ("内部", "internal"),
        Level.L3: ("敏感", "sensitive"),
        Level.L4: ("机密", "secret"),
    }
)
"""Chinese and English names of the levels."""
PERSONAL = "personal"
"""Class of personal data."""
PLACES = ("records", "historian", "ledger", "view")
"""Where graded fields are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataClass:
    """One row of `data_classes.csv`."""

    name: str
    """Name, unique."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    level: Level
    """Usual level of its fields."""
    owner: str
    """Role that owns it."""
    custodian: str
    """Role that keeps it."""
    uses: tuple[str, ...]
    """Purposes it may be used for."""
    consent: str
    """`not_needed`, `needed`, `contract` or `given`."""
    retention_days: int | None
    """How long it is kept; None: as long as the installation."""
    readers: frozenset[str]
    """Roles that may read it at all."""
    categories: frozenset[str]
    """Categories of its security label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grade:
    """Class and level of a field or a measured value."""

    class_name: str
    """Row of `data_classes.csv`."""
    level: Level
    """How closely it is kept."""

    @property
    def owner(self) -> str:
        """Return the role that owns it."""
        return data_classes()[self.class_name].owner

    @property
    def label(self) -> Label:
        """Return the security label of the data."""
        return Label(level=self.level, categories=data_classes()[self.class_name].categories)


UNGRADED = Grade(class_name="secret", level=Level.L4)
"""What holds for a field nobody graded."""


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word for word in cell.split("|") if word)


@cache
def data_classes() -> Mapping[str, DataClass]:
    """Return every class of data by name."""
    return MappingProxyType(
        {
            row["class"]: DataClass(
                name=row["class"],
                zh=row["zh"],
                en=row["en"],
                level=Level(row["level"]),
                owner=row["owner"],
                custodian=row["custodian"],
                uses=_words(row["uses"]),
                consent=row["consent"],
                retention_days=int(row["retention_days"]) if row["retention_days"] else None,
                readers=frozenset(_words(row["readers"])),
                categories=frozenset(Category(c).value for c in _words(row["categories"])),
            )
            for row in table("data_classes.csv")
        }
    )


@cache
def purposes() -> Mapping[str, tuple[str, str]]:
    """Return the Chinese and English name of every purpose."""
    return MappingProxyType(
        {row["purpose"]: (row["zh"], row["en"]) for row in table("data_purposes.csv")}
    )


@cache
def clearances() -> Mapping[str, Level]:
    """Return up to which level each role may read."""
    return MappingProxyType({role.value: label.level for role, label in ROLE_LABELS.items()})


@cache
def field_grades() -> Mapping[tuple[str, str, str], Grade]:
    """Return the grade of every field by (place, dataset, field).

    Raises:
        InputError: A field is graded twice, or by a class, level or place that does not exist.
    """
    found: dict[tuple[str, str, str], Grade] = {}
    for row in table("data_fields.csv"):
        place, dataset = row["place"], row["dataset"]
        if place not in PLACES or row["class"] not in data_classes():
            raise InputError("no such place or class", thing=dataset, place="data_fields.csv")
        grade = Grade(class_name=row["class"], level=Level(row["level"]))
        for name in row["fields"].split():
            if (place, dataset, name) in found:
                raise InputError(
                    "field graded twice", thing=f"{dataset}.{name}", place="data_fields.csv"
                )
            found[place, dataset, name] = grade
    return MappingProxyType(found)


def grade_of(place: str, dataset: str, field: str) -> Grade:
    """Return the grade of a field, the most secret where nobody graded it."""
    return field_grades().get((place, dataset, field), UNGRADED)


def grades_of(place: str, dataset: str) -> dict[str, Grade]:
    """Return the grade of every graded field of a dataset."""
    return {
        field: grade
        for (at, name, field), grade in field_grades().items()
        if (at, name) == (place, dataset)
    }


@cache
def _point_rows() -> tuple[tuple[str, str, Grade], ...]:
    return tuple(
        (row["asset_kind"], row["point_class"],
         Grade(class_name=row["class"], level=Level(row["level"])))
        for row in table("data_points.csv")
    )  # fmt: skip


@cache
def point_grade(kind: str, asset_kind: str) -> Grade:
    """Return the grade of a point's values, by what is measured at what kind of asset."""
    measured = point_kinds()[kind].class_
    for at, what, grade in _point_rows():
        if at in (asset_kind, _ANY) and what in (measured, _ANY):
            return grade
    return UNGRADED


def may_read(roles: Iterable[str], class_name: str, level: Level) -> bool:
    """Return whether one of the roles reads the class and is cleared for the level."""
    readers = data_classes()[class_name].readers
    return any(role in readers and clearances().get(role, Level.L1) >= level for role in roles)


def readable(principal: Principal, grade: Grade) -> bool:
    """Return whether somebody may read data of this grade: by his roles, and by his label.

    The label is mandatory: what it does not dominate stays closed whatever the roles allow.
    """
    readers = data_classes()[grade.class_name].readers
    if not any(role in readers for role in principal.roles):
        return False
    return principal.label.dominates(grade.label)


@cache
def personal_fields(sheet: str) -> frozenset[str]:
    """Return the fields of a ledger sheet that are personal data: sealed at rest, masked."""
    grades = grades_of("ledger", sheet)
    return frozenset(name for name, grade in grades.items() if grade.class_name == PERSONAL)
