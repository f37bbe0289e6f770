"""The data-asset register: filled from the grading, with what people decided laid over."""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.app.views.governance import DataAssetView
from heatloop.kernel.clock import utc
from heatloop.plant.data_classes import data_classes, field_grades
from heatloop.plant.headings import sheet_names_zh
from heatloop.store.records.governance import AssetRow

_STORES = ("records", "historian", "ledger")


def register(decided: Mapping[str, AssetRow]) -> list[DataAssetView]:
    """Return every data asset, in the order of the classes."""
    places: dict[str, dict[str, None]] = {}
    levels: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for (place, dataset, _), grade in field_grades().items():
        name = grade.class_name
        levels.setdefault(name, set()).add(grade.level)
        counts[name] = counts.get(name, 0) + 1
        # Read models keep nothing; they show what lies elsewhere.
        if place in _STORES:
            places.setdefault(name, {})[_location(place, dataset)] = None
    found: list[DataAssetView] = []
    for each in data_classes().values():
        row = decided.get(each.name)
        body = {} if row is None else row.body
        found.append(
            DataAssetView(
                code=each.name,
                zh=each.zh,
                en=each.en,
                levels=sorted(levels.get(each.name, {each.level})),
                owner=body.get("owner", each.owner),
                custodian=body.get("custodian", each.custodian),
                uses=list(body.get("uses", each.uses)),
                consent=body.get("consent", each.consent),
                retention_days=body.get("retention_days", each.retention_days),
                locations=list(places.get(each.name, ())),
                fields=counts.get(each.name, 0),
                note=body.get("note", ""),
                changed_by=None if row is None else row.user,
                changed=None if row is None else utc(row.at),
            )
        )
    return found


def _location(place: str, dataset: str) -> str:
    if place == "ledger":
        return f"ledger: {dataset} ({sheet_names_zh()[dataset]})"
    return f"{place}: {dataset}"
