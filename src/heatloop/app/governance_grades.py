"""The grades of all data as people read them: classes, levels, purposes, clearances, fields."""

from __future__ import annotations

from heatloop.app.views.governance import (
    DataClassView,
    FieldGradePage,
    FieldGradeView,
    GradingView,
    NamedView,
    RoleClearanceView,
)
from heatloop.plant.data_classes import (
    APPROVAL_FROM,
    LEVEL_NAMES,
    clearances,
    data_classes,
    field_grades,
    purposes,
)


def grading() -> GradingView:
    """Return the closed lists."""
    counts: dict[str, int] = {}
    for grade in field_grades().values():
        counts[grade.class_name] = counts.get(grade.class_name, 0) + 1
    return GradingView(
        classes=[
            DataClassView(
                name=each.name,
                zh=each.zh,
                en=each.en,
                level=each.level,
                owner=each.owner,
                readers=sorted(each.readers),
                fields=counts.get(each.name, 0),
            )
            for each in data_classes().values()
        ],
        levels=[NamedView(name=name, zh=zh, en=en) for name, (zh, en) in LEVEL_NAMES.items()],
        purposes=[NamedView(name=name, zh=zh, en=en) for name, (zh, en) in purposes().items()],
        clearances=[
            RoleClearanceView(role=role, level=level) for role, level in clearances().items()
        ],
        approval_from=APPROVAL_FROM,
    )


def fields(
    *, place: str, class_name: str, level: str, q: str, page: int, size: int
) -> FieldGradePage:
    """Return a page of graded fields."""
    words = q.casefold()
    found = [
        (key, grade)
        for key, grade in field_grades().items()
        if place in ("", key[0])
        and class_name in ("", grade.class_name)
        and level in ("", grade.level)
        and words in f"{key[1]}.{key[2]}".casefold()
    ]
    start = (page - 1) * size
    items = [
        FieldGradeView(
            place=key[0],
            dataset=key[1],
            field=key[2],
            class_name=grade.class_name,
            level=grade.level,
            owner=grade.owner,
        )
        for key, grade in found[start : start + size]
    ]
    return FieldGradePage(total=len(found), items=items)
