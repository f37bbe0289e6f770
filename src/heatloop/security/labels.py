"""Security labels: a level and categories, on people and on what they ask for.

The mandatory rule of GB/T 22239 level 3: whatever a role allows, data are read and commands are
given only by whoever's label dominates the object's. Levels are ordered, categories are kept
apart from each other; an object's label is below a person's when its level is not higher and
every category of it is among the person's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from heatloop.kernel.errors import InputError


class Level(StrEnum):
    """How closely something is kept; later ones more so."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"


class Category(StrEnum):
    """What something is about; a person may be kept out of any of them."""

    OPERATION = "operation"
    CUSTOMER = "customer"
    CONTROL = "control"
    ACCOUNT = "account"
    AUDIT = "audit"


CATEGORY_NAMES = MappingProxyType(
    {
        Category.OPERATION: ("生产运行", "operation of the plant"),
        Category.CUSTOMER: ("用户与用热", "customers and their heat"),
        Category.CONTROL: ("危险操作", "dangerous operations"),
        Category.ACCOUNT: ("账号与权限", "accounts and rights"),
        Category.AUDIT: ("审计", "audit"),
    }
)
"""Chinese and English names of the categories."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A level and categories."""

    level: Level = Level.L1
    """How closely it is kept, or how far somebody may see."""
    categories: frozenset[str] = frozenset()
    """What it is about, or what somebody may deal with."""

    def dominates(self, other: Label) -> bool:
        """Return whether whoever has this label may deal with what has the other."""
        return self.level >= other.level and self.categories >= other.categories

    def text(self) -> str:
        """Return it as people write it: `L3 {customer, operation}`."""
        return f"{self.level.value} {{{', '.join(sorted(self.categories))}}}"


LOWEST = Label()
"""Public, about nothing in particular."""
HIGHEST = Label(level=Level.L4, categories=frozenset(each.value for each in Category))
"""What nobody needs to be given; for objects nobody labelled."""


def label_of(level: str, categories: Iterable[str]) -> Label:
    """Return a label from words.

    Raises:
        InputError: There is no such level or category.
    """
    try:
        return Label(
            level=Level(level), categories=frozenset(Category(each).value for each in categories)
        )
    except ValueError as error:
        known = ", ".join((*Level, *Category))
        raise InputError(
            "no such level or category", thing=str(error)[:60], fix=f"use of: {known}"
        ) from error


def joined(labels: Iterable[Label]) -> Label:
    """Return the lowest label that dominates all of these; the lowest of all for none."""
    level, categories = Level.L1, frozenset[str]()
    for label in labels:
        level = max(level, label.level)
        categories |= label.categories
    return Label(level=level, categories=categories)
