"""Reading Sparkplug B payloads.

DATA messages leave out names and types: `types` and `names` of the birth certificate fill them
in (`sparkplug.session.HostNode` keeps them).

Reference: Sparkplug 3.0.0, 6.4 and the schema `org.eclipse.tahu.protobuf`.
"""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.kernel.errors import InputError
from heatloop.protocols.sparkplug.datatypes import (
    BOOLEAN,
    THING,
    DataType,
    data_type,
    read_array,
    read_integer,
)
from heatloop.protocols.sparkplug.model import (
    DataSet,
    Metric,
    Parameter,
    Payload,
    Property,
    Scalar,
    Template,
    Value,
)
from heatloop.protocols.sparkplug.reader import Message, mismatch, read_message
from heatloop.protocols.sparkplug.wire import FIXED32, FIXED64, as_float

MAX_METRICS = 100_000
MAX_BYTES = 4 << 20
"""Longest payload; an empty element of two bytes costs some hundred in memory."""
_METADATA = {
    1: "is_multi_part", 2: "content_type", 3: "size", 4: "seq", 5: "file_name", 6: "file_type",
    7: "md5", 8: "description",
}  # fmt: skip
_SLOTS = ("int", "long", "float", "double", "boolean", "string")


def _scalar(message: Message, first: int, kind: DataType) -> Scalar:
    """Return the value in the slots int, long, float, double, boolean, string from `first` on."""
    slot = first + _SLOTS.index(kind.slot)
    match kind.slot:
        case "int" | "long":
            # A sender may use the wider or narrower slot.
            raw = message.whole(slot)
            if raw is None:
                raw = message.whole(2 * first + 1 - slot)
            return None if raw is None else read_integer(kind, raw)
        case "float" | "double":
            found = message.raw(first + 2, (FIXED32,)) + message.raw(first + 3, (FIXED64,))
            return as_float(found[-1][0]) if found else None
        case "boolean":
            flag = message.whole(slot)
            return None if flag is None else bool(flag)
        case _:
            return message.text(slot)


def _data_set(message: Message) -> DataSet:
    columns = message.texts(2)
    codes = message.whole_list(3)
    kinds = [data_type(code) for code in codes]
    wide = message.whole(1)
    if len(columns) != len(codes) or wide not in {None, len(columns)}:
        raise mismatch("a data set has as many types as columns", message.base)
    if any(kind.slot not in _SLOTS for kind in kinds):
        raise mismatch("columns of a data set are numbers, booleans or texts", message.base)
    rows = []
    for row in message.inner(4):
        cells = row.inner(1)
        if len(cells) != len(kinds):
            raise mismatch("a row has as many values as there are columns", row.base)
        rows.append(tuple(_scalar(cell, 1, kind) for cell, kind in zip(cells, kinds, strict=True)))
    return DataSet(columns=tuple(columns), types=tuple(codes), rows=tuple(rows))


def _properties(message: Message) -> dict[str, Property]:
    keys, values = message.texts(1), message.inner(2)
    if len(keys) != len(values):
        raise mismatch("a property set has as many keys as values", message.base)
    return {key: _property(value) for key, value in zip(keys, values, strict=True)}


def _property(message: Message) -> Property:
    kind = data_type(message.whole(1) or 0)
    if message.whole(2):
        return Property(type=kind.code, value=None)
    value: Value
    if kind.slot == "propertyset":
        inner = message.inner(9)
        value = _properties(inner[-1]) if inner else None
    elif kind.slot == "propertysets":
        inner = message.inner(10)
        value = tuple(_properties(each) for each in inner[-1].inner(1)) if inner else None
    elif kind.slot in _SLOTS:
        value = _scalar(message, 3, kind)
    else:
        raise mismatch(f"a property cannot be a {kind.name}", message.base)
    return Property(type=kind.code, value=value)


def _template(message: Message) -> Template:
    parameters = []
    for each in message.inner(3):
        kind = data_type(each.whole(2) or 0)
        if kind.slot not in _SLOTS:
            raise mismatch(f"a parameter cannot be a {kind.name}", each.base)
        name = each.text(1) or ""
        parameters.append(Parameter(name=name, type=kind.code, value=_scalar(each, 3, kind)))
    return Template(
        version=message.text(1),
        metrics=tuple(_metric(each, {}) for each in message.inner(2)),
        parameters=tuple(parameters),
        reference=message.text(4),
        is_definition=bool(message.whole(5)),
    )


def _guess(message: Message) -> DataType | None:
    """Return a data type for a value that came without one."""
    for number, code in ((10, 7), (11, 8), (12, 9), (13, 10), (14, BOOLEAN), (15, 12), (16, 17)):
        if number in message.fields:
            return data_type(code)
    return data_type(16) if 17 in message.fields else None


def _value(message: Message, kind: DataType) -> Value:
    if kind.slot in _SLOTS:
        return _scalar(message, 10, kind)
    if kind.slot == "dataset":
        sets = message.inner(17)
        return _data_set(sets[-1]) if sets else None
    if kind.slot == "template":
        templates = message.inner(18)
        return _template(templates[-1]) if templates else None
    if kind.slot not in {"bytes", "array"}:
        raise mismatch(f"a metric cannot be a {kind.name}", message.base)
    blobs = message.raw(16)
    if not blobs:
        return None
    return blobs[-1][0] if kind.slot == "bytes" else read_array(kind, blobs[-1][0])


def _metadata(message: Message) -> dict[str, int | str | bool]:
    found: dict[str, int | str | bool] = {}
    for number, name in _METADATA.items():
        if number in {1, 3, 4}:
            whole = message.whole(number)
            if whole is not None:
                found[name] = bool(whole) if number == 1 else whole
        else:
            text = message.text(number)
            if text is not None:
                found[name] = text
    return found


def _metric(message: Message, types: Mapping[int | str, int]) -> Metric:
    try:
        return _metric_of(message, types)
    except InputError as error:
        if error.place:
            raise
        # Types and integers know only what is wrong, the metric knows where.
        raise mismatch(error.message, message.base) from error


def _metric_of(message: Message, types: Mapping[int | str, int]) -> Metric:
    name, alias, code = message.text(1), message.whole(2), message.whole(4)
    known = types.get(alias) if alias is not None else None
    if known is None and name is not None:
        known = types.get(name)
    kind = data_type(code) if code else data_type(known) if known else _guess(message)
    sets, metadata = message.inner(9), message.inner(8)
    return Metric(
        name=name,
        alias=alias,
        timestamp_ms=message.whole(3),
        datatype=code or known,
        value=None if message.whole(7) or kind is None else _value(message, kind),
        historical=bool(message.whole(5)),
        transient=bool(message.whole(6)),
        metadata=_metadata(metadata[-1]) if metadata else {},
        properties=_properties(sets[-1]) if sets else {},
    )


def decode_payload(data: bytes, types: Mapping[int | str, int] | None = None) -> Payload:
    """Return what a payload says.

    Args:
        data: The body of the MQTT message.
        types: Data type by alias or name, from the birth certificate, for metrics without one.

    Raises:
        InputError: It is malformed, or a value does not fit its type.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"more than {MAX_BYTES} bytes", thing=THING, place="byte 0")
    message = read_message(data, 0)
    metrics = message.inner(2)
    if len(metrics) > MAX_METRICS:
        raise InputError(f"more than {MAX_METRICS} metrics", thing=THING, place="byte 0")
    body = message.raw(5)
    return Payload(
        timestamp_ms=message.whole(1),
        seq=message.whole(3),
        metrics=tuple(_metric(each, types or {}) for each in metrics),
        uuid=message.text(4),
        body=body[-1][0] if body else b"",
    )
