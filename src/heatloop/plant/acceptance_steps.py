"""Steps that only look, and the loop test: communication, every point, set-point followed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from heatloop.kernel.quality import Quality
from heatloop.plant.acceptance_script import (
    LOOK,
    Count,
    Outcome,
    Request,
    Script,
    Seen,
    ordered,
    until,
)
from heatloop.plant.acceptance_target import TrialTarget, TrialUnit

_ARRIVAL_S = 45.0
_UNUSABLE = (Quality.BAD, Quality.STALE)
Row: TypeAlias = dict[str, Any]
Why: TypeAlias = tuple[str, str] | None
"""Why something failed, in Chinese and English; None: it did not."""
AUTOMATIC = 2.0
MANUAL = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialSettings:
    """How long and how exactly a functional test looks; plant seconds."""

    window_s: float = 600.0
    """Window of the communication test."""
    success_pct: float = 99.0
    """Least share of expected samples received."""
    feedback_pct: float = 3.0
    """How far a valve's feedback may be from what was asked."""
    extra_s: float = 120.0
    """What is added to the stroke time for the order's way and the poll."""
    order_s: float = 300.0
    """Longest wait for an order's read-back."""
    pump_s: float = 420.0
    """Longest time for a pump to stop or start."""
    loop_step_k: float = 3.0
    """Step of the set-point in the loop test."""
    loop_band_k: float = 1.0
    """How near the supply must come to its new set-point."""
    loop_s: float = 2700.0
    """Longest time for that."""
    technician_s: float = 1800.0
    """Longest time for a technician to simulate a fault."""
    recover_s: float = 3600.0
    """Longest time until all is well after a fault was taken away."""
    hot_margin_k: float = 3.0
    """A step stops when the supply comes this near its high limit."""


def communication(target: TrialTarget, settings: TrialSettings) -> Script:
    """Count what arrives in a window, and how often (5.3 c 1)."""
    seen = yield LOOK
    slowest = max(p.period_s for p in target.points)
    period = max(slowest, 30)
    start_s = (int(seen.now_s) // period + 1) * period
    length = max(int(settings.window_s) // period, 3) * period
    end_s = start_s + length
    seen, _ = yield from until(
        seen, lambda s: s.now_s >= end_s + _ARRIVAL_S, length + 4 * period + 2 * _ARRIVAL_S
    )
    codes = tuple(p.code for p in target.points)
    seen = yield Count(points=codes, start_s=start_s, end_s=end_s)
    rows: list[Row] = []
    expected = received = 0
    slow: list[str] = []
    for point in target.points:
        wanted = length // point.period_s
        have, every_s = seen.counts.get(point.code, (0, 0.0))
        expected, received = expected + wanted, received + min(have, wanted)
        if have < settings.success_pct / 100.0 * wanted - 1e-9 and have < wanted:
            rows.append({"point": point.code, "expected": wanted, "received": have})
        if have > 1 and every_s > point.period_s:
            slow.append(point.code)
    share = 100.0 * received / expected if expected else 0.0
    weak = (
        target.rssi_low_dbm is not None
        and target.rssi_dbm is not None
        and target.rssi_dbm <= target.rssi_low_dbm
    )
    good = share >= settings.success_pct and not slow and not weak
    zh = f"{length} s 内应收 {expected}，实收 {received}，成功率 {share:.2f} %"
    en = f"{received} of {expected} samples in {length} s, {share:.2f} %"
    if slow:
        zh, en = (
            f"{zh}；采集周期过长：{slow[0]} 等 {len(slow)} 点",
            f"{en}; too slow: {slow[0]} ...",
        )
    if weak:
        zh, en = f"{zh}；信号 {target.rssi_dbm:g} dBm 过弱", f"{en}; signal too weak"
    head = {"window_s": length, "expected": expected, "received": received, "share_pct": share}
    return Outcome(passed=good, zh=zh, en=en, measured=(head, *rows[:50]))


def points(target: TrialTarget, settings: TrialSettings) -> Script:
    """Read every point once from now on, with good quality (5.3 c 2)."""
    seen = yield LOOK
    began_s = seen.now_s - max(p.period_s for p in target.points)
    within = max(4.0 * max(p.period_s for p in target.points), settings.order_s)

    def lacking(now: Seen) -> list[str]:
        found = []
        for point in target.points:
            read = now.read(point.code)
            if read is None or read.slot < began_s or read.quality in _UNUSABLE:
                found.append(point.code)
        return found

    seen, _ = yield from until(seen, lambda s: not lacking(s), within)
    bad = lacking(seen)
    rows = tuple(
        {"point": p.code, "value": r.value, "quality": r.quality, "slot": r.slot}
        for p in target.points
        if (r := seen.read(p.code)) is not None
    )
    total = len(target.points)
    zh, en = (
        f"{total} 个测点读到 {total - len(bad)} 个",
        f"{total - len(bad)} of {total} points read",
    )
    if bad:
        zh, en = f"{zh}，未读到：{'、'.join(bad[:5])}", f"{en}, not read: {', '.join(bad[:5])}"
    return Outcome(passed=not bad, zh=zh, en=en, measured=rows)


def loop(target: TrialTarget, settings: TrialSettings) -> Script:
    """Change the supply set-points and see whether the station follows by itself (5.3 c 3)."""
    seen = yield LOOK
    follows: list[_Follow] = []
    for unit in target.units:
        seen, why, follow = yield from _ask(seen, unit, settings)
        follows.append(follow)
        if why is not None:
            return Outcome(
                passed=False, zh=why[0], en=why[1], measured=tuple(f.row() for f in follows)
            )

    def followed(now: Seen) -> bool:
        looked = [follow.look(now, settings.loop_band_k) for follow in follows]
        return all(looked)

    seen, good = yield from until(seen, followed, settings.loop_s)
    rows = tuple(follow.row() for follow in follows)
    codes = [unit.code for unit in target.units]
    if not follows:
        return Outcome(passed=False, zh="没有可调节的机组", en="no unit to regulate")
    if good:
        zh = f"{'、'.join(codes)} 供温自动跟随新设定值，可投自动"
        en = f"{', '.join(codes)}: supply followed its new set-point, ready for automatic"
        return Outcome(passed=True, zh=zh, en=en, measured=rows)
    late = next(follow for follow in follows if follow.took_s is None)
    shown = "-" if late.shown_c is None else f"{late.shown_c:.1f}"
    limit = f"{settings.loop_s:g} s"
    return Outcome(
        passed=False,
        zh=f"{late.unit} 设定 {late.goal_c:g} ℃，{limit} 后供温 {shown} ℃，未跟随",
        en=f"{late.unit}: set to {late.goal_c:g} degC, supply {shown} degC after {limit}",
        measured=rows,
    )


@dataclass(kw_only=True, slots=True)
class _Follow:
    """How one unit follows its new set-point."""

    unit: str
    supply: str
    before_c: float = 0.0
    goal_c: float = 0.0
    began_s: float = 0.0
    shown_c: float | None = None
    took_s: float | None = None
    near: list[int] = field(default_factory=list)

    def look(self, now: Seen, band_k: float) -> bool:
        """Return whether two samples in a row came near the goal; once is for good."""
        read = now.read(self.supply)
        if self.took_s is not None:
            return True
        if read is None or read.slot < self.began_s or (self.near and read.slot <= self.near[-1]):
            return False
        self.shown_c = read.value
        if abs(read.value - self.goal_c) > band_k:
            self.near.clear()
            return False
        self.near.append(read.slot)
        if len(self.near) >= 2:
            self.took_s = now.now_s - self.began_s
        return self.took_s is not None

    def row(self) -> Row:
        """Return what was measured."""
        return {
            "unit": self.unit,
            "before_c": round(self.before_c, 2),
            "goal_c": self.goal_c,
            "reached_c": None if self.shown_c is None else round(self.shown_c, 2),
            "took_s": None if self.took_s is None else round(self.took_s, 1),
        }


def _ask(
    seen: Seen, unit: TrialUnit, settings: TrialSettings
) -> Generator[Request, Seen, tuple[Seen, Why, _Follow]]:
    """Switch a unit to automatic and give it a new set-point."""
    setpoint = unit.at["secondary_supply_temperature_setpoint"]
    follow = _Follow(unit=unit.code, supply=unit.at["secondary_supply_temperature"])
    if seen.number(unit.at["station_mode"]) != AUTOMATIC:
        seen, why = yield from ordered(seen, unit.at["station_mode"], AUTOMATIC, settings.order_s)
        if why is not None:
            return seen, why, follow
    before = seen.number(setpoint)
    if before is None:
        return seen, (f"{setpoint} 无有效值", f"{setpoint} has no value"), follow
    follow.before_c, follow.began_s = before, seen.now_s
    follow.goal_c = round(before + _way(seen, unit, before, settings), 1)
    seen, why = yield from ordered(seen, setpoint, follow.goal_c, settings.order_s)
    return seen, why, follow


def _way(seen: Seen, unit: TrialUnit, before: float, settings: TrialSettings) -> float:
    """Return the step of the set-point: up, unless there is no room or no heat for it."""
    limit = seen.number(unit.at.get("limit_supply_temperature_high", "")) or 85.0
    valve = seen.number(unit.at.get("valve_opening", ""))
    no_room = before + settings.loop_step_k > limit - 5.0
    no_heat = valve is not None and valve > 85.0
    return -settings.loop_step_k if no_room or no_heat else settings.loop_step_k
