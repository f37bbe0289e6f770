"""The API's own document: every operation described, every parameter and body bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from heatloop.plant.data_classes import field_grades
from heatloop.web.factory import bare_app

Schema = dict[str, Any]
_DOCUMENT: Schema = bare_app().openapi()
_SCHEMAS: dict[str, Schema] = _DOCUMENT["components"]["schemas"]
# What comes in as a file is bounded by the server's limit on bodies, and parsed row by row.
_BODY_KINDS = ("application/json", "application/x-www-form-urlencoded")


def operations() -> Iterator[tuple[str, Schema]]:
    """Yield the name and description of every operation."""
    for path, methods in _DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def follow(schema: Schema) -> Schema:
    """Return what a reference stands for."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return _SCHEMAS[name] if name else schema


def unbounded(schema: Schema, at: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the places of a schema that take input without a bound."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in seen:
        return
    seen |= {name} if name else frozenset()
    schema = follow(schema)
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from unbounded(part, at, seen)
    if "enum" in schema or "const" in schema:
        return
    match schema.get("type"):
        case "integer" | "number":
            low = {"minimum", "exclusiveMinimum"} & schema.keys()
            high = {"maximum", "exclusiveMaximum"} & schema.keys()
            if not (low and high):
                yield f"{at}: number without bounds"
        case "string":
            if not {"maxLength", "format"} & schema.keys() and not _closed(schema):
                yield f"{at}: text without maxLength"
        case "array":
            if "maxItems" not in schema:
                yield f"{at}: list without maxItems"
            yield from unbounded(schema.get("items", {}), f"{at}[]", seen)
        case "object":
            for field, inner in schema.get("properties", {}).items():
                yield from unbounded(inner, f"{at}.{field}", seen)


def _closed(schema: Schema) -> bool:
    """Return whether a pattern bounds the length by itself."""
    pattern = schema.get("pattern", "")
    return bool(pattern) and pattern.startswith("^") and "*" not in pattern and "+" not in pattern


def test_it_is_openapi_3_1() -> None:
    assert _DOCUMENT["openapi"].startswith("3.1")
    assert sum(1 for _ in operations()) > 100


def test_every_operation_says_what_it_does_answers_and_refuses() -> None:
    found = []
    for name, operation in operations():
        if not operation.get("summary"):
            found.append(f"{name}: no summary")
        if not operation.get("description"):
            found.append(f"{name}: no description")
        if not operation.get("tags"):
            found.append(f"{name}: no tag")
        answers = operation["responses"]
        if not any(status.startswith("4") for status in answers):
            found.append(f"{name}: no error answer")
        for status, answer in answers.items():
            if status == "204" or not status.startswith("2"):
                continue
            content = answer.get("content", {})
            if not content:
                found.append(f"{name}: {status} without a model")
            found += [
                f"{name}: {status} {media} without a schema"
                for media, body in content.items()
                if not body.get("schema") and "event-stream" not in media
            ]
    assert found == []


def test_every_parameter_is_bounded() -> None:
    found = []
    for name, operation in operations():
        for parameter in operation.get("parameters", ()):
            at = f"{name} {parameter['in']} {parameter['name']}"
            found += list(unbounded(parameter["schema"], at))
    assert found == []


def test_every_body_is_bounded() -> None:
    found = []
    for name, operation in operations():
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            if media in _BODY_KINDS:
                found += list(unbounded(body["schema"], name))
    assert found == []


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        ({"type": "integer", "minimum": 1}, 1),
        ({"type": "integer", "minimum": 1, "maximum": 5}, 0),
        ({"type": "string"}, 1),
        ({"type": "string", "pattern": "^[0-9a-f]{64}$"}, 0),
        ({"type": "string", "pattern": "^a+$"}, 1),
        ({"type": "array", "items": {"type": "string"}}, 2),
        ({"type": "object", "properties": {"x": {"anyOf": [{"type": "number"}]}}}, 1),
        ({"enum": ["a"], "type": "string"}, 0),
    ],
)
def test_what_is_unbounded_is_found(schema: Schema, count: int) -> None:
    assert len(list(unbounded(schema, "x"))) == count


def answered(schema: Schema, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield model and field of everything an answer is made of."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in seen:
        return
    if name:
        seen.add(name)
    schema = follow(schema)
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items") or {}]
    inner = schema.get("additionalProperties")
    parts += [inner] if isinstance(inner, dict) else []
    for field, part in schema.get("properties", {}).items():
        if name:
            # Two models of one name carry their modules in front.
            yield name.rpartition("__")[2], field
        parts.append(part)
    for part in parts:
        if part:
            yield from answered(part, seen)


def test_every_field_an_answer_carries_is_graded() -> None:
    """Clause 6.3 c: also those of models that are not read models (errors, bad rows)."""
    # Errors, and what a route gives back of what it was sent, hold no data of the company.
    own = {
        "ErrorEnvelope", "ErrorBody", "BadRowView", "HTTPValidationError", "ValidationError",
        "Decoded", "Queued",
    }  # fmt: skip
    seen: set[str] = set(own)
    fields = {
        pair
        for _, operation in operations()
        for answer in operation["responses"].values()
        for body in answer.get("content", {}).values()
        for pair in answered(body.get("schema", {}), seen)
    }
    graded = {(dataset, field) for place, dataset, field in field_grades() if place == "view"}
    assert sorted(fields - graded) == []
