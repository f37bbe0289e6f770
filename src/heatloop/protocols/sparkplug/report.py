"""Sparkplug B payloads as plain objects, for people and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from heatloop.protocols.sparkplug.datatypes import data_types
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.model import DataSet, Metric, Property, Template


def describe(data: bytes) -> list[dict[str, Any]]:
    """Return what a payload says.

    Raises:
        InputError: It is malformed.
    """
    payload = decode_payload(data)
    found: dict[str, Any] = {
        "timestamp_ms": payload.timestamp_ms,
        "seq": payload.seq,
        "metrics": [_metric(each) for each in payload.metrics],
    }
    if payload.uuid is not None:
        found["uuid"] = payload.uuid
    if payload.body:
        found["body"] = payload.body.hex().upper()
    return [found]


def _type(code: int | None) -> str | None:
    kind = data_types().get(code or 0)
    return kind.name if kind else None


def _metric(metric: Metric) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": metric.name,
        "alias": metric.alias,
        "timestamp_ms": metric.timestamp_ms,
        "type": _type(metric.datatype),
        "value": _plain(metric.value),
        "null": metric.value is None,
        "historical": metric.historical,
    }
    if metric.transient:
        found["transient"] = True
    if metric.metadata:
        found["metadata"] = dict(metric.metadata)
    if metric.properties:
        found["properties"] = _plain(metric.properties)
    return found


def _plain(value: object) -> Any:
    """Return a value as JSON can hold it: no number that is none, bytes as hexadecimal."""
    match value:
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return value.hex().upper()
        case tuple():
            return [_plain(each) for each in value]
        case DataSet():
            types = [_type(code) for code in value.types]
            return {"columns": list(value.columns), "types": types, "rows": _plain(value.rows)}
        case Template():
            return {
                "version": value.version,
                "reference": value.reference,
                "is_definition": value.is_definition,
                "metrics": [_metric(each) for each in value.metrics],
                "parameters": {p.name: _plain(p.value) for p in value.parameters},
            }
        case Property():
            return {"type": _type(value.type), "value": _plain(value.value)}
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case _:
            return value
