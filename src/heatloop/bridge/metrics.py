"""Figures as Prometheus reads them: the text exposition format, version 0.0.4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heatloop.kernel.errors import InputError

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
MOST_SERIES = 2_000
"""Series of one metric at most: a figure by point or user does not belong here."""
_KINDS = ("gauge", "counter")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its series."""

    name: str
    """Name, unit at the end; counters end in `_total`."""
    kind: str
    """`gauge` or `counter`."""
    help: str
    """What it says, one line."""
    series: tuple[tuple[Mapping[str, str], float], ...]
    """Labels and value of each."""


def gauge(name: str, help_: str, value: float) -> Metric:
    """Return a figure that goes up and down."""
    return Metric(name, "gauge", help_, (({}, float(value)),))


def counter(name: str, help_: str, value: float) -> Metric:
    """Return a count since the start."""
    return Metric(name, "counter", help_, (({}, float(value)),))


def by(kind: str, name: str, help_: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a figure by one label."""
    return Metric(name, kind, help_, tuple(({label: k}, float(v)) for k, v in values.items()))


def exposition(metrics: Iterable[Metric]) -> str:
    """Return the text of all metrics.

    Raises:
        InputError: A metric comes twice, has too many series, or a name is none.
    """
    lines: list[str] = []
    seen: set[str] = set()
    for metric in metrics:
        _check(metric, seen)
        lines.append(f"# HELP {metric.name} {_escape(metric.help, quotes=False)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels, value in metric.series:
            words = ",".join(f'{k}="{_escape(v)}"' for k, v in labels.items())
            lines.append(f"{metric.name}{f'{{{words}}}' if words else ''} {_number(value)}")
    return "\n".join(lines) + "\n"


def _check(metric: Metric, seen: set[str]) -> None:
    named = metric.name.isascii() and metric.name.isidentifier()
    counted = metric.kind != "counter" or metric.name.endswith("_total")
    if not named or not counted or metric.kind not in _KINDS or metric.name in seen:
        raise InputError("no metric", thing=metric.name, fix="give a new, fitting name")
    if len(metric.series) > MOST_SERIES:
        raise InputError(f"{len(metric.series)} series", thing=metric.name, fix="drop a label")
    seen.add(metric.name)


def _escape(text: str, *, quotes: bool = True) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quotes else plain


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
