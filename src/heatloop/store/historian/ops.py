"""The server's side of every operation but `append`, which the group writer does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.historian.checks import check_fields
from heatloop.store.historian.port import (
    COLUMN_DTYPES,
    ROLLUP_DTYPES,
    EventRow,
    Historian,
    RollupColumns,
)
from heatloop.store.historian.wire import Arrays, Head

Op = Callable[[Historian, Head, list[NDArray[Any]]], tuple[Head, Arrays]]


def columns_of(arrays: list[NDArray[Any]]) -> Columns:
    """Return samples sent along.

    Raises:
        InputError: The arrays are not the columns of samples.
    """
    return Columns(*_expect(arrays, COLUMN_DTYPES))


def answer(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    """Do one operation and return the head and columns of its answer.

    Raises:
        InputError: The operation is not known, or a word of it is missing or wrong.
    """
    op = OPS.get(head["op"]) if isinstance(head.get("op"), str) else None
    if op is None:
        raise InputError(
            "no such operation", thing=str(head.get("op"))[:80], fix=f"use one of {sorted(OPS)}"
        )
    return op(historian, head, arrays)


def _expect(arrays: list[NDArray[Any]], dtypes: Sequence[str]) -> list[NDArray[Any]]:
    found = [array.dtype.str.lstrip("<|") for array in arrays]
    if found != list(dtypes):
        raise InputError(f"columns {found}", place="arrays", fix=f"send columns {list(dtypes)}")
    return arrays


def _int(head: Head, name: str) -> int:
    value = head.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError("not a whole number", thing=name, place="head", fix="send an integer")
    return value


def _text(head: Head, name: str) -> str:
    value = head.get(name)
    if not isinstance(value, str):
        raise InputError("not a text", thing=name, place="head", fix="send a string")
    return value


def _ping(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {}, ()


def _stats(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {"stats": historian.stats()}, ()


def _append_events(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    try:
        rows = [
            EventRow(int(key), int(at_ms), str(subject), str(text))
            for key, at_ms, subject, text in head["events"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"events are malformed: {error}", fix="send [[key, at_ms, subject, text]..]"
        ) from error
    historian.append_events(rows)
    return {}, ()


def _revise(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    historian.revise(columns_of(arrays), method=_text(head, "method"), who=_text(head, "who"))
    return {}, ()


def _latest(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {}, historian.latest(_expect(arrays, ["u4"])[0] if arrays else None)


def _raw(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    return {}, historian.raw(keys, _int(head, "start"), _int(head, "end"), _int(head, "limit"))


def _trace(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    found = historian.trace(keys, _int(head, "start"), _int(head, "end"), _int(head, "limit"))
    # A method and a name are said once, however many samples they made.
    words: dict[tuple[str, str], int] = {}
    which = [
        words.setdefault(pair, len(words)) for pair in zip(found.methods, found.who, strict=True)
    ]
    columns = (*found.received, found.counters, *found.laid, found.laid_counters)
    return {"words": list(words)}, [*columns, np.asarray(which, "u4")]


def _events(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    found = historian.events(
        _int(head, "start"),
        _int(head, "end"),
        subject=_text(head, "subject"),
        limit=_int(head, "limit"),
    )
    return {"events": found}, ()


def _rollup(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    given = head.get("fields", [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InputError("not a list of names", thing="fields", place="head", fix="send names")
    fields = check_fields(given)
    found = historian.rollup(
        keys, _int(head, "start"), _int(head, "end"), _int(head, "step"), fields=fields
    )
    return {}, [getattr(found, name) for name in ("keys", "slots", *fields)]


def _seed_rollup(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    columns = RollupColumns(*_expect(arrays, ROLLUP_DTYPES))
    as_they_were = head.get("as_they_were") is True
    historian.seed_rollup(_int(head, "step"), columns, as_they_were=as_they_were)
    return {}, ()


def _refresh(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {"n": historian.refresh_rollups()}, ()


def _count(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {"n": historian.count(_int(head, "start"), _int(head, "end"))}, ()


def _duplicates(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    return {"n": historian.duplicates(_int(head, "start"), _int(head, "end"))}, ()


def _completeness(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    try:
        day = date.fromisoformat(_text(head, "day"))
    except ValueError as error:
        raise InputError("not a day", thing=str(head["day"])[:40], fix="send 2026-11-22") from error
    return {}, historian.completeness(keys, day)


def _received(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    return {}, historian.received(keys, _int(head, "start"), _int(head, "end"))


def _set_periods(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    historian.set_periods(*_expect(arrays, ["u4", "u4"]))
    return {}, ()


def _periods(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {}, historian.periods()


def _define_frames(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    keys, sizes = _expect(arrays, ["u4", "u4"])
    names = head.get("names")
    if not isinstance(names, list) or len(names) != len(sizes) or int(sizes.sum()) != len(keys):
        raise InputError("frames are malformed", place="names", fix="send a name and a size each")
    parts = np.split(keys, np.cumsum(sizes.astype("i8"))[:-1]) if names else []
    frames = {str(name): part.tolist() for name, part in zip(names, parts, strict=True)}
    return {"n": historian.define_frames(frames)}, ()


def _changed(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    step_s = _int(head, "step")
    if not 0 < step_s <= 366 * 86400:
        raise InputError("not a stretch of time", thing=str(step_s), fix="give seconds")
    return {}, historian.changed(_text(head, "table"), _int(head, "after"), step_s)


def _keys_of(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {}, historian.keys_of(_text(head, "table"), _int(head, "start"), _int(head, "end"))


def _as_received(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    return {}, historian.as_received(keys, _int(head, "start"), _int(head, "end"))


def _differing(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    return {"differing": historian.differing(_int(head, "start"), _int(head, "end"))}, ()


def _day_digest(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    return {"digest": historian.day_digest(_int(head, "start"), _int(head, "end")).hex()}, ()


def _day_counter(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    return {"n": historian.day_counter(_int(head, "start"), _int(head, "end"))}, ()


def _compare_kept(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    return {"compared": historian.compare_kept()}, ()


def _partitions(
    historian: Historian, head: Head, arrays: list[NDArray[Any]]
) -> tuple[Head, Arrays]:
    return {"partitions": historian.partitions()}, ()


def _measure(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    (keys,) = _expect(arrays, ["u4"])
    return {"partition": historian.measure(keys, _int(head, "start"), _int(head, "end"))}, ()


def _drop(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    (keep,) = _expect(arrays, ["u4"])
    return {"n": historian.drop_partition(_text(head, "table"), _int(head, "name"), keep)}, ()


def _compact(historian: Historian, head: Head, arrays: list[NDArray[Any]]) -> tuple[Head, Arrays]:
    historian.compact()
    return {}, ()


OPS: dict[str, Op] = {
    "ping": _ping,
    "stats": _stats,
    "append_events": _append_events,
    "revise": _revise,
    "latest": _latest,
    "raw": _raw,
    "trace": _trace,
    "events": _events,
    "rollup": _rollup,
    "seed_rollup": _seed_rollup,
    "refresh_rollups": _refresh,
    "count": _count,
    "duplicates": _duplicates,
    "completeness": _completeness,
    "received": _received,
    "set_periods": _set_periods,
    "periods": _periods,
    "define_frames": _define_frames,
    "changed": _changed,
    "keys_of": _keys_of,
    "as_received": _as_received,
    "differing": _differing,
    "day_digest": _day_digest,
    "day_counter": _day_counter,
    "compare_kept": _compare_kept,
    "partitions": _partitions,
    "measure": _measure,
    "drop_partition": _drop,
    "compact": _compact,
}
