"""Writing Sparkplug B payloads.

Reference: Sparkplug 3.0.0, 6.4 and the schema `org.eclipse.tahu.protobuf`.
"""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.kernel.errors import InputError
from heatloop.protocols.sparkplug.datatypes import (
    THING,
    DataType,
    data_type,
    write_array,
    write_integer,
)
from heatloop.protocols.sparkplug.model import (
    DataSet,
    Metric,
    Payload,
    Property,
    Template,
)
from heatloop.protocols.sparkplug.wire import (
    field_bytes,
    field_double,
    field_float,
    field_varint,
)

_SLOTS = ("int", "long", "float", "double", "boolean", "string")
_METADATA = {
    "is_multi_part": 1, "content_type": 2, "size": 3, "seq": 4, "file_name": 5, "file_type": 6,
    "md5": 7, "description": 8,
}  # fmt: skip


def _text(number: int, text: str) -> bytes:
    try:
        return field_bytes(number, text.encode())
    except UnicodeEncodeError as error:
        raise InputError("text cannot be written as UTF-8", thing=THING) from error


def _scalar(kind: DataType, value: object, first: int) -> bytes:
    slot = first + _SLOTS.index(kind.slot)
    match kind.slot, value:
        case (("int" | "long"), _):
            return field_varint(slot, write_integer(kind, value))
        case "float", int() | float():
            return field_float(slot, value)
        case "double", int() | float():
            return field_double(slot, value)
        case "boolean", bool():
            return field_varint(slot, value)
        case "string", str():
            return _text(slot, value)
        case _:
            raise InputError(f"{value!r} does not fit {kind.name}", thing=THING)


def _data_set(found: DataSet) -> bytes:
    kinds = [data_type(code) for code in found.types]
    if len(kinds) != len(found.columns) or any(kind.slot not in _SLOTS for kind in kinds):
        raise InputError("a data set has a simple type for each column", thing=THING)
    out = field_varint(1, len(found.columns))
    out += b"".join(_text(2, name) for name in found.columns)
    out += b"".join(field_varint(3, code) for code in found.types)
    for row in found.rows:
        if len(row) != len(kinds):
            raise InputError("a row has a value for each column", thing=THING)
        cells = [
            b"" if value is None else _scalar(kind, value, 1)
            for value, kind in zip(row, kinds, strict=True)
        ]
        out += field_bytes(4, b"".join(field_bytes(1, cell) for cell in cells))
    return out


def _properties(found: Mapping[str, Property]) -> bytes:
    out = b"".join(_text(1, key) for key in found)
    return out + b"".join(field_bytes(2, _property(each)) for each in found.values())


def _property(each: Property) -> bytes:
    kind = data_type(each.type)
    out = field_varint(1, kind.code)
    match kind.slot, each.value:
        case _, None:
            return out + field_varint(2, 1)
        case "propertyset", dict() as inner:
            return out + field_bytes(9, _properties(inner))
        case "propertysets", tuple() as sets:
            listed = b"".join(field_bytes(1, _properties(_mapping(each))) for each in sets)
            return out + field_bytes(10, listed)
        case slot, value if slot in _SLOTS:
            return out + _scalar(kind, value, 3)
        case _:
            raise InputError(f"a property cannot be a {kind.name}", thing=THING)


def _mapping(found: object) -> Mapping[str, Property]:
    if not isinstance(found, Mapping):
        raise InputError("a list of property sets holds property sets", thing=THING)
    return found


def _template(found: Template) -> bytes:
    out = b"" if found.version is None else _text(1, found.version)
    out += b"".join(field_bytes(2, _metric(each)) for each in found.metrics)
    for each in found.parameters:
        kind = data_type(each.type)
        if kind.slot not in _SLOTS:
            raise InputError(f"a parameter cannot be a {kind.name}", thing=THING)
        inner = _text(1, each.name) + field_varint(2, kind.code)
        if each.value is not None:
            inner += _scalar(kind, each.value, 3)
        out += field_bytes(3, inner)
    if found.reference is not None:
        out += _text(4, found.reference)
    return out + (field_varint(5, 1) if found.is_definition else b"")


def _value(kind: DataType, value: object) -> bytes:
    match kind.slot, value:
        case "dataset", DataSet():
            return field_bytes(17, _data_set(value))
        case "template", Template():
            return field_bytes(18, _template(value))
        case "bytes", bytes():
            return field_bytes(16, value)
        case "array", tuple() | list():
            return field_bytes(16, write_array(kind, value))
        case slot, _ if slot in _SLOTS:
            return _scalar(kind, value, 10)
        case _:
            raise InputError(f"{value!r} does not fit {kind.name}", thing=THING)


def _metadata(found: Mapping[str, int | str | bool]) -> bytes:
    out = b""
    for name, value in found.items():
        number = _METADATA.get(name)
        if number is None or isinstance(value, str) != (number not in {1, 3, 4}):
            raise InputError("no such metadata", thing=name, fix=f"use {', '.join(_METADATA)}")
        out += _text(number, value) if isinstance(value, str) else field_varint(number, value)
    return out


def _metric(metric: Metric, *, with_type: bool = True) -> bytes:
    out = b"" if metric.name is None else _text(1, metric.name)
    code = metric.datatype if with_type else None
    for number, whole in ((2, metric.alias), (3, metric.timestamp_ms), (4, code)):
        if whole is not None:
            out += field_varint(number, whole)
    if metric.historical:
        out += field_varint(5, 1)
    if metric.transient:
        out += field_varint(6, 1)
    if metric.value is None:
        out += field_varint(7, 1)
    if metric.metadata:
        out += field_bytes(8, _metadata(metric.metadata))
    if metric.properties:
        out += field_bytes(9, _properties(metric.properties))
    if metric.value is None:
        return out
    if metric.datatype is None:
        raise InputError("a value needs its data type", thing=metric.name or THING)
    return out + _value(data_type(metric.datatype), metric.value)


def encode_payload(payload: Payload, *, with_types: bool = True) -> bytes:
    """Return the payload's bytes.

    Args:
        payload: What to say.
        with_types: Whether metrics carry their data type; DATA messages may leave it to the
            birth certificate.

    Raises:
        InputError: A value does not fit its type, or has none.
    """
    if payload.seq is not None and not 0 <= payload.seq <= 255:
        raise InputError("seq is 0 to 255", thing=THING)
    out = b"" if payload.timestamp_ms is None else field_varint(1, payload.timestamp_ms)
    for metric in payload.metrics:
        out += field_bytes(2, _metric(metric, with_type=with_types))
    if payload.seq is not None:
        out += field_varint(3, payload.seq)
    if payload.uuid is not None:
        out += _text(4, payload.uuid)
    return out + (field_bytes(5, payload.body) if payload.body else b"")
