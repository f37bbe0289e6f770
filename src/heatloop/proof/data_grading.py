"""Checks that every field of data has a class and a level (clause 6.3 c).

`python -m heatloop.proof.data_grading` collects the columns of the records, the historian and the
ledger's sheets and the fields of the read models, compares them with `plant/data_fields.csv`, and
returns 1 while a field is not graded or a grade is for nothing. `--propose` prints rows for what
is missing, to be judged by a person before they are added; `--json` prints one object.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, get_args, get_type_hints

import heatloop.app
from heatloop.app.device_profiles import Draft, ProfileDetail, ProfileView
from heatloop.app.edge_rules import RulesView
from heatloop.app.field_probes import ProbeState
from heatloop.app.queries.network_shape import Traced
from heatloop.app.queries.sizing import SizingReport
from heatloop.plant.data_classes import (
    UNGRADED,
    Grade,
    Level,
    clearances,
    data_classes,
    field_grades,
    purposes,
)
from heatloop.plant.headings import headings_zh, sheet_names_zh
from heatloop.plant.model_checks_equipment import ChecklistItem
from heatloop.security.access import Role
from heatloop.store.records.records import Records
from heatloop.store.records.schema import metadata

Field = tuple[str, str, str]
"""Place, dataset, field."""

_ELSEWHERE: tuple[type, ...] = (
    ChecklistItem,
    Draft,
    ProbeState,
    ProfileDetail,
    ProfileView,
    RulesView,
    SizingReport,
    Traced,
)
"""Read models that stand beside what makes them."""
_CREATE = re.compile(
    r"CREATE (?:UNLOGGED )?TABLE(?: IF NOT EXISTS)? (?:\{\w+\}\.)?\"?(\w+)\"? *\((.*?)\n\)",
    re.DOTALL | re.IGNORECASE,
)
_LIKE = re.compile(
    r"CREATE TABLE(?: IF NOT EXISTS)? (?:\{\w+\}\.)?(\w+) (?:AS|\(LIKE) (?:\{\w+\}\.)?(\w+)",
    re.IGNORECASE,
)
_ALTER = re.compile(r"ALTER TABLE (?:\{\w+\}\.)?(\w+)(.*?);", re.DOTALL | re.IGNORECASE)
_ADD = re.compile(r"ADD COLUMN(?: IF NOT EXISTS)? (\w+)", re.IGNORECASE)
_COLUMN = re.compile(r"^\s*\"?([a-z_][a-z0-9_]*)\"?\s+[A-Za-z]")
_NO_COLUMN = frozenset(
    ("index", "primary", "unique", "constraint", "check", "foreign", "projection")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What is wrong with the grading."""

    fields: int
    """Fields there are."""
    ungraded: tuple[Field, ...]
    """Fields without a grade."""
    stale: tuple[Field, ...]
    """Grades of fields that do not exist."""
    words: tuple[str, ...]
    """Roles, purposes or levels that do not exist, and classes without rules."""

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not (self.ungraded or self.stale or self.words)


def record_fields() -> Iterator[Field]:
    """Yield every column of the records."""
    assert Records.__module__  # Importing it brings every schema in.
    for table in metadata.sorted_tables:
        for column in table.columns:
            yield "records", table.name, column.name


def historian_fields() -> Iterator[Field]:
    """Yield every column of the historian's tables, whatever engine they are written for."""
    found: dict[str, list[str]] = {}
    for text in _sql(files("heatloop.store.historian").joinpath("migrations")):
        plain = re.sub(r"--.*", "", text)
        for name, body in _CREATE.findall(plain):
            found.setdefault(name, []).extend(_columns(body))
        for name, like in _LIKE.findall(plain):
            found.setdefault(name, []).extend(found.get(like, ()))
        for name, body in _ALTER.findall(plain):
            found.setdefault(name, []).extend(_ADD.findall(body))
    for name, columns in found.items():
        for column in dict.fromkeys(columns):
            yield "historian", name, column


def _sql(folder: Traversable) -> Iterator[str]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _sql(entry)
        elif entry.name.endswith(".sql") and not entry.name.endswith(".down.sql"):
            yield entry.read_text("utf-8")


def _columns(body: str) -> Iterator[str]:
    for line in body.splitlines():
        match = _COLUMN.match(line)
        if match and match[1] not in _NO_COLUMN:
            yield match[1]


def ledger_fields() -> Iterator[Field]:
    """Yield every column of the ledger's sheets."""
    for sheet in sheet_names_zh():
        for column in headings_zh(sheet):
            yield "ledger", sheet, column


def view_fields() -> Iterator[Field]:
    """Yield every field of the read models and of what they hold: answers are made of these."""
    waiting: list[type] = list(_ELSEWHERE)
    for info in pkgutil.walk_packages(heatloop.app.__path__, "heatloop.app."):
        if "view" not in info.name.rpartition(".app.")[2]:
            continue
        module = importlib.import_module(info.name)
        for _, thing in sorted(vars(module).items()):
            if isinstance(thing, type) and thing.__module__ == module.__name__:
                waiting.append(thing)
    seen: set[type] = set()
    while waiting:
        model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        for name, kind in _told(model).items():
            yield "view", model.__name__, name
            waiting += _models_in(kind)


def _told(model: type) -> dict[str, Any]:
    """Return the fields of a read model with their types."""
    if is_dataclass(model):
        names = [field.name for field in fields(model)]
    else:
        names = list(getattr(model, "model_fields", {}))
    hints = get_type_hints(model) if names else {}
    return {name: hints.get(name) for name in names}


def _models_in(kind: Any) -> Iterator[type]:
    """Yield the models a type is made of."""
    if isinstance(kind, type) and kind.__module__.startswith("heatloop.") and is_dataclass(kind):
        yield kind
    for part in get_args(kind):
        yield from _models_in(part)


def every_field() -> list[Field]:
    """Return all fields there are, once each."""
    every = (*record_fields(), *historian_fields(), *ledger_fields(), *view_fields())
    return list(dict.fromkeys(every))


def check(every: Sequence[Field], grades: Mapping[Field, Grade]) -> Findings:
    """Return what is wrong.

    Args:
        every: Fields there are.
        grades: Grades by field.
    """
    known = set(every)
    return Findings(
        fields=len(every),
        ungraded=tuple(field for field in every if field not in grades),
        stale=tuple(field for field in grades if field not in known),
        words=tuple(_wrong_words()),
    )


def _wrong_words() -> Iterator[str]:
    roles = {role.value for role in Role}
    for role in roles ^ set(clearances()):
        yield f"role without clearance, or clearance without role: {role}"
    for name, data_class in data_classes().items():
        for role in ({data_class.owner, data_class.custodian} | data_class.readers) - roles:
            yield f"{name}: no such role: {role}"
        for use in set(data_class.uses) - set(purposes()):
            yield f"{name}: no such purpose: {use}"
        if not data_class.uses:
            yield f"{name}: no permitted use"
    for (_, dataset, field), grade in field_grades().items():
        if grade.level is Level.L4 and grade.class_name != UNGRADED.class_name:
            yield f"{dataset}.{field}: only secrets are L4"


_SECRET = re.compile(r"password|token|nonce|secret|private_key|credential")
_PERSONAL = re.compile(r"phone|email|e_mail|id_number|full_name|user_name|contact|caller")


def propose(field: Field) -> Grade:
    """Return a grade to be judged by a person, from the field's name and its neighbours."""
    place, dataset, name = field
    if _SECRET.search(name):
        return UNGRADED
    if _PERSONAL.search(name):
        return Grade(class_name="personal", level=Level.L3)
    near = [
        grade
        for (at, other, _), grade in field_grades().items()
        if (at, other) == (place, dataset) and grade.level < Level.L3
    ]
    if near:
        return max(near, key=near.count)
    if name in ("total", "items") and place == "view":
        return Grade(class_name="system", level=Level.L1)
    return Grade(class_name="system", level=Level.L2)


def proposed_rows(ungraded: Sequence[Field]) -> Iterator[str]:
    """Yield rows of the table for fields that have no grade."""
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for field in ungraded:
        grade = propose(field)
        place, dataset, name = field
        rows.setdefault((place, dataset, grade.class_name, grade.level), []).append(name)
    for (place, dataset, class_name, level), names in rows.items():
        yield f"{place},{dataset},{' '.join(names)},{class_name},{level}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the grading, print what is wrong, and return 1 if anything is."""
    parser = argparse.ArgumentParser(prog="heatloop.proof.data_grading", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--propose", action="store_true", help="print rows for what is missing")
    given = parser.parse_args(arguments)
    found = check(every_field(), field_grades())
    if given.propose:
        for row in proposed_rows(found.ungraded):
            print(row)
    elif given.json:
        names = {
            key: [".".join(field) for field in getattr(found, key)] for key in ("ungraded", "stale")
        }
        print(json.dumps({"ok": found.ok, "fields": found.fields, "words": found.words, **names}))
    else:
        for place, dataset, name in found.ungraded:
            print(f"data_grading: not graded: {place} {dataset}.{name}")
        for place, dataset, name in found.stale:
            print(f"data_grading: no such field: {place} {dataset}.{name}")
        for text in found.words:
            print(f"data_grading: {text}")
        print(f"data_grading: {found.fields} fields, {len(found.ungraded)} not graded")
    return 0 if found.ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
