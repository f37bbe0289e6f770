"""What all checks of devices share: the check itself, limits, duty, and comparing (clause 5.1).

Every rule says pass or fail, with the device, the value, the limit and the clause in words.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

PASS, WARN, FAIL = "pass", "warn", "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One rule applied to one device."""

    rule: str
    """Name of the rule."""
    clause: str
    """Where the standard asks for it."""
    subject: str
    """Device the rule was applied to."""
    state: str
    """`pass`, `warn` or `fail`."""
    zh: str
    """Reason in Chinese."""
    en: str
    """Reason in English."""
    value: float | None = None
    """What was found; None where nothing is stated."""
    limit: float | None = None
    """What it was compared with."""
    unit: str = ""
    """Unit of both."""

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the rules compare with; a company may set its own."""

    room_accuracy_c: float = 0.5
    """Largest error of a room sensor."""
    pipe_accuracy_c: float = 1.0
    """Largest error of a pipe sensor."""
    pressure_range_ratio: float = 1.5
    """Least range of a pressure transmitter over the design pressure."""
    pressure_class: float = 0.5
    """Worst accuracy class of a pressure transmitter."""
    pressure_span_pct: tuple[float, float] = (100.0 / 3.0, 200.0 / 3.0)
    """Where the normal pressure should lie in the span (HG/T 20507)."""
    temperature_span_pct: tuple[float, float] = (50.0, 70.0)
    """Where the normal temperature should lie in the span (HG/T 20507)."""
    indoor_ip: int = 54
    """Least protection indoors."""
    outdoor_ip: int = 65
    """Least protection outdoors."""
    efficiency_pct: dict[str, float] = field(
        default_factory=lambda: {"pump": 70.0, "vfd": 95.0, "boiler": 90.0}
    )
    """Least rated efficiency by device class."""
    bands_mhz: tuple[tuple[float, float], ...] = ((470.0, 510.0), (779.0, 787.0), (814.0, 960.0))
    """Radio bands that may be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """What a device stands up to at its place; None where nobody has said."""

    design_kpa: float | None = None
    """Design pressure of the system."""
    normal: float | None = None
    """Normal operating value of what is measured, in the model's unit."""
    medium_c: float | None = None
    """Hottest medium at the place."""
    outdoor: bool = False
    """Whether it stands outdoors."""
    design_load_kw: float | None = None
    """Design load it is to carry."""


def verdict(
    rule: str,
    clause: str,
    subject: str,
    what: tuple[str, str],
    value: float | None,
    limit: float | None,
    unit: str,
    *,
    least: bool,
    strict: bool = False,
    otherwise: str = FAIL,
) -> Check:
    """Return the check of a value against a limit.

    Args:
        rule: Name of the rule.
        clause: Clause.
        subject: Device.
        what: What is compared, in Chinese and English.
        value: What was found; None fails.
        limit: What it is compared with; None: nobody has said, which fails too.
        unit: Unit of both.
        least: Whether the limit is the least allowed value, else the most.
        strict: Whether the limit itself is not allowed.
        otherwise: State when it does not hold.
    """
    if value is None or limit is None:
        missing = (
            ("未填写", "is not stated") if value is None else ("无设计值", "has no design value")
        )
        zh, en = (f"{subject} {what[0]}{missing[0]}", f"{subject}: {what[1]} {missing[1]}")
        state = otherwise
    else:
        good = (
            (value > limit if strict else value >= limit)
            if least
            else (value < limit if strict else value <= limit)
        )
        sign = (">" if strict else "≥") if least else ("<" if strict else "≤")
        held = ("符合", "meets") if good else ("不符合", "does not meet")
        facts = f"{value:g} {unit}".strip(), f"{sign} {limit:g} {unit}".strip()
        zh = f"{subject} {what[0]} {facts[0]}，{held[0]} {facts[1]}（{clause}）"
        en = f"{subject}: {what[1]} {facts[0]} {held[1]} {facts[1]} ({clause})"
        state = PASS if good else otherwise
    return Check(
        rule=rule,
        clause=clause,
        subject=subject,
        state=state,
        zh=zh.replace("degC", "℃"),
        en=en,
        value=value,
        limit=limit,
        unit=unit,
    )


def within(
    rule: str,
    clause: str,
    subject: str,
    what: tuple[str, str],
    value: float | None,
    band: tuple[float, float],
    unit: str,
    otherwise: str = FAIL,
) -> Check:
    """Return the check of a value against a band, its ends included."""
    low, high = band
    if value is None:
        return verdict(
            rule, clause, subject, what, None, low, unit, least=True, otherwise=otherwise
        )
    good = low - 1e-9 <= value <= high + 1e-9
    limit = low if value < low else high
    text = f"{value:.4g} {unit}", f"{low:.3g}-{high:.3g} {unit}"
    return Check(
        rule=rule,
        clause=clause,
        subject=subject,
        state=PASS if good else otherwise,
        zh=f"{subject} {what[0]} {text[0]}，{'在' if good else '不在'} {text[1]} 内（{clause}）",
        en=f"{subject}: {what[1]} {text[0]} is {'' if good else 'not '}within {text[1]} ({clause})",
        value=value,
        limit=limit,
        unit=unit,
    )
