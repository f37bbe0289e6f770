"""Sensors before the season: range, frozen values, and agreement while all is cold (9.1.1 f)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heatloop.kernel.quality import Quality
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model_checks import FAIL, PASS, WARN, Check

COLD_K = 2.0
"""How far a water temperature may be from the surroundings when all is cold."""
EQUAL_KPA = 15.0
"""How far supply and return pressure may be apart when pumps are off."""
LEAST_SAMPLES = 20
"""Samples it takes to call a value frozen."""
_CLAUSE = "9.1.1 f"
_PAIRS = (
    ("secondary_supply_pressure", "secondary_return_pressure"),
    ("primary_supply_pressure", "primary_return_pressure"),
    ("source_supply_pressure", "source_return_pressure"),
)
_AIR = ("room_temperature", "outdoor_temperature", "weather", "setpoint")


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorLook:
    """One sensor as it shows now and as it showed in the last hours."""

    point: str
    """Point code."""
    kind: str
    """Point kind."""
    value: float | None
    """Latest value; None: nothing is received."""
    quality: int
    """`Quality` code."""
    samples: int
    """Samples looked at."""
    spread: float
    """Highest less lowest of them."""


def sensor_checks(
    looks: Sequence[SensorLook], *, ambient_c: float | None, pumps_off: bool
) -> list[Check]:
    """Return every check of the sensors of one station.

    Args:
        looks: Its measured points.
        ambient_c: Temperature of the surroundings; None: nobody knows.
        pumps_off: Whether no pump of the station turns; only then things are equal.
    """
    found: list[Check] = []
    for look in looks:
        kind = point_kinds()[look.kind]
        if kind.class_ != "process":
            continue
        found.append(_range(look, kind.low, kind.high, kind.unit))
        if look.samples >= LEAST_SAMPLES and kind.unit in ("degC", "kPa"):
            found.append(_frozen(look, pumps_off))
        if pumps_off and kind.unit == "degC" and not any(w in look.kind for w in _AIR):
            found.append(_cold(look, ambient_c))
    if pumps_off:
        found += _equal(looks)
    return found


def _check(rule: str, look: SensorLook, good: bool, zh: str, en: str, bad: str = FAIL) -> Check:
    return Check(
        rule=rule,
        clause=_CLAUSE,
        subject=look.point,
        state=PASS if good else bad,
        zh=f"{look.point} {zh}（{_CLAUSE}）",
        en=f"{look.point}: {en} ({_CLAUSE})",
        value=look.value,
    )


def _range(look: SensorLook, low: float, high: float, unit: str) -> Check:
    if look.value is None or look.quality == Quality.STALE:
        return _check("no_value", look, False, "无数据", "no value is received")
    good = low <= look.value <= high and look.quality != Quality.BAD
    text = f"{look.value:g} {unit}", f"{low:g}-{high:g}"
    word = ("在", "in") if good else ("超出", "outside")
    zh, en = f"{text[0]} {word[0]}量程 {text[1]}", f"{text[0]} {word[1]} range {text[1]}"
    return _check("range", look, good, zh, en)


def _frozen(look: SensorLook, pumps_off: bool) -> Check:
    good = look.spread > 0.0
    zh = f"{look.samples} 个样本变化 {look.spread:g}" + ("" if good else "，数值冻结")
    en = f"moved by {look.spread:g} over {look.samples} samples" + ("" if good else ": frozen")
    # Cold standing water hardly moves either: then it is only a hint.
    return _check("frozen", look, good, zh, en, bad=WARN if pumps_off else FAIL)


def _cold(look: SensorLook, ambient_c: float | None) -> Check:
    if look.value is None or ambient_c is None:
        return _check("cold", look, False, "无法与环境温度比较", "cannot be compared", bad=WARN)
    apart = look.value - ambient_c
    zh = f"{look.value:.1f} ℃，与环境 {ambient_c:.1f} ℃ 相差 {apart:+.1f} K（允许 ±{COLD_K:g} K）"
    en = f"{look.value:.1f} degC, {apart:+.1f} K from the surroundings (±{COLD_K:g} K allowed)"
    return _check("cold", look, abs(apart) <= COLD_K, zh, en)


def _equal(looks: Sequence[SensorLook]) -> Iterator[Check]:
    by_place = {(look.point.partition(".")[0], look.kind): look for look in looks}
    for (place, kind), look in by_place.items():
        for supply, back in _PAIRS:
            other = by_place.get((place, back))
            if kind != supply or other is None or look.value is None or other.value is None:
                continue
            apart = look.value - other.value
            zh = f"停泵时与 {other.point} 相差 {apart:+.0f} kPa（允许 ±{EQUAL_KPA:g} kPa）"
            en = f"{apart:+.0f} kPa from {other.point} with pumps off (±{EQUAL_KPA:g} allowed)"
            yield _check("equal_pressure", look, abs(apart) <= EQUAL_KPA, zh, en)
