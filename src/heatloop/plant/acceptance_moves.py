"""Steps that move valve and pump: stroke, direction of flow, stop and start (5.3 c 2, 5.2 d)."""

from __future__ import annotations

from collections.abc import Callable, Generator

from heatloop.plant.acceptance_script import (
    LOOK,
    VERIFIED,
    Outcome,
    Request,
    Script,
    Seen,
    Stopped,
    ordered,
    until,
)
from heatloop.plant.acceptance_steps import MANUAL, Row, TrialSettings, Why
from heatloop.plant.acceptance_target import TrialTarget, TrialUnit

POSITIONS = (0.0, 50.0, 100.0)
_HOT_C = 85.0
_TURNING_HZ = 20.0
_STANDING_HZ = 0.5
_EXPECTED = "interlock.no_circulation"
_FLOW_RISE = 1.02
Memory = dict[str, dict[float, float]]


def watch(unit: TrialUnit, before: Seen, settings: TrialSettings) -> Callable[[Seen], None]:
    """Return a guard that stops a step before the unit leaves its safe state."""
    held = {alarm.id for alarm in before.alarms if alarm.active}
    supply, limit = (
        unit.at.get("secondary_supply_temperature", ""),
        unit.at.get("limit_supply_temperature_high", ""),
    )

    def guard(seen: Seen) -> None:
        supply_c = seen.number(supply)
        most_c = (seen.number(limit) or _HOT_C) - settings.hot_margin_k
        if supply_c is not None and supply_c > most_c:
            raise Stopped(
                f"{unit.code} 供温 {supply_c:.1f} ℃ 接近上限，为安全停止",
                f"{unit.code}: stopped, supply {supply_c:.1f} degC is near its limit",
            )
        for alarm in seen.alarms:
            fresh = alarm.active and alarm.id not in held and alarm.rule.startswith("interlock.")
            if fresh and alarm.subject == unit.code and alarm.rule != _EXPECTED:
                raise Stopped(
                    f"{unit.code} 联锁 {alarm.rule} 动作，为安全停止",
                    f"{unit.code}: stopped, {alarm.rule} acts",
                )

    return guard


def _to_manual(
    seen: Seen, unit: TrialUnit, settings: TrialSettings
) -> Generator[Request, Seen, tuple[Seen, Why]]:
    if seen.number(unit.at["station_mode"]) == MANUAL:
        return seen, None
    # Bumpless: in remote-manual mode the valve goes to what the register holds.
    now_pct = seen.number(unit.at["valve_opening"])
    held = seen.number(unit.at["valve_opening_setpoint"])
    if unit.driven or now_pct is None or held is None:
        pass
    elif abs(now_pct - held) > 1.0:
        seen, _ = yield from ordered(
            seen, unit.at["valve_opening_setpoint"], now_pct, settings.order_s
        )
    return (yield from ordered(seen, unit.at["station_mode"], MANUAL, settings.order_s))


def valve_stroke(target: TrialTarget, settings: TrialSettings, memory: Memory) -> Script:
    """Drive every valve to 0, 50 and 100 % and see its feedback (5.3 c 2, 9.1.1 e)."""
    seen = yield LOOK
    rows: list[Row] = []
    failed: list[tuple[str, str]] = []
    for unit in target.units:
        seen, why = yield from _to_manual(seen, unit, settings)
        if why is not None:
            failed.append(why)
            rows.append({"unit": unit.code, "passed": False, "zh": why[0], "en": why[1]})
            continue
        guard = watch(unit, seen, settings)
        stood = seen.number(unit.at["valve_opening"])
        for wanted in POSITIONS:
            seen, row = yield from _stroke(seen, unit, wanted, settings, guard)
            rows.append(row)
            if not row["passed"]:
                row["zh"], row["en"] = words = _stroke_words(row, settings)
                failed.append(words)
                break
            if target.flow:
                seen, flow = yield from _flow(seen, target.flow, guard)
                if flow is not None:
                    memory.setdefault(unit.code, {})[wanted] = flow
        if stood is not None:
            # A unit must not run wide open while the others are being tested.
            seen, _ = yield from _stroke(seen, unit, round(stood, 1), settings, guard)
    codes = [unit.code for unit in target.units]
    if failed or not rows:
        zh, en = failed[0] if failed else ("没有可驱动的阀门", "no valve to drive")
        return Outcome(passed=False, zh=zh, en=en, measured=tuple(rows))
    within = f"±{settings.feedback_pct:g} %"
    return Outcome(
        passed=True,
        zh=f"{'、'.join(codes)} 阀门 0-50-100 % 动作正常，反馈偏差在 {within} 内",
        en=f"{', '.join(codes)}: valve went 0-50-100 %, feedback within {within}",
        measured=tuple(rows),
    )


def _stroke(
    seen: Seen,
    unit: TrialUnit,
    wanted: float,
    settings: TrialSettings,
    guard: Callable[[Seen], None],
) -> Generator[Request, Seen, tuple[Seen, Row]]:
    """Drive a valve to one position; give what was seen last, and a row."""
    began_s = seen.now_s
    within = unit.stroke_s + settings.extra_s
    feedback, asked = unit.at["valve_opening"], unit.at["valve_opening_setpoint"]
    seen, why = yield from ordered(seen, asked, wanted, settings.order_s, guard)

    def there(now: Seen) -> bool:
        at = now.number(feedback, began_s)
        return at is not None and abs(at - wanted) <= settings.feedback_pct

    good = False
    if why is None:
        seen, good = yield from until(seen, there, max(within - (seen.now_s - began_s), 0), guard)
    read = seen.read(feedback)
    took = (read.slot if good and read is not None else seen.now_s) - began_s
    row = {
        "unit": unit.code,
        "asked_pct": wanted,
        "feedback_pct": None if read is None else round(read.value, 1),
        "took_s": round(max(took, 0.0), 1),
        "within_s": within,
        "passed": good,
        "why": "" if why is None else why[1],
    }
    return seen, row


def _stroke_words(row: Row, settings: TrialSettings) -> tuple[str, str]:
    at = "-" if row["feedback_pct"] is None else f"{row['feedback_pct']:g}"
    zh = f"{row['unit']} 阀门要求 {row['asked_pct']:g} %，{row['took_s']:g} s 后反馈 {at} %"
    en = f"{row['unit']}: valve asked {row['asked_pct']:g} %, feedback {at} % after "
    en += f"{row['took_s']:g} s"
    limit = f"（允许 ±{settings.feedback_pct:g} %）"
    return zh + limit, f"{en} (±{settings.feedback_pct:g} % allowed)" + (
        f": {row['why']}" if row["why"] else ""
    )


def _flow(
    seen: Seen, point: str, guard: Callable[[Seen], None]
) -> Generator[Request, Seen, tuple[Seen, float | None]]:
    """Wait for the next sample of the flow, taken with the valve where it is."""
    since_s = seen.now_s
    seen, _ = yield from until(seen, lambda s: s.number(point, since_s) is not None, 120.0, guard)
    return seen, seen.number(point, since_s)


def flow_direction(target: TrialTarget, settings: TrialSettings, memory: Memory) -> Script:
    """Tell from the stroke whether opening the valve lets more water through (5.2 d #2)."""
    del settings
    yield LOOK
    rows = []
    for unit in target.units:
        flows = memory.get(unit.code, {})
        shut, wide = flows.get(POSITIONS[0]), flows.get(POSITIONS[-1])
        good = shut is not None and wide is not None and wide > max(shut * _FLOW_RISE, 0.05)
        rows.append({"unit": unit.code, "shut_m3h": shut, "open_m3h": wide, "passed": good})
    bad = [str(row["unit"]) for row in rows if not row["passed"]]
    if bad or not rows:
        return Outcome(
            passed=False,
            zh=f"{'、'.join(bad)} 开阀后流量未增大，核对阀体方向或流量计",
            en=f"{', '.join(bad)}: flow does not rise as the valve opens: wrong way round?",
            measured=tuple(rows),
        )
    return Outcome(
        passed=True,
        zh="开阀流量增大，阀体方向与介质流向一致",
        en="flow rises as the valve opens: the valve stands the right way round",
        measured=tuple(rows),
    )


def pump(target: TrialTarget, settings: TrialSettings) -> Script:
    """Stop and start every circulation pump (5.3 c 2)."""
    seen = yield LOOK
    rows: list[Row] = []
    for unit in target.units:
        seen, why = yield from _to_manual(seen, unit, settings)
        if why is None:
            guard = watch(unit, seen, settings)
            before = seen.number(unit.at["circulation_pump_frequency_setpoint"]) or 0.0
            for name, hz in (("stop", 0.0), ("start", max(before, 30.0))):
                seen, row = yield from _turn(seen, unit, name, hz, settings, guard)
                rows.append(row)
                if not row["passed"]:
                    why = (
                        f"{unit.code} 循环泵{'停' if name == 'stop' else '启'}泵无响应",
                        f"{unit.code}: circulation pump did not {name}",
                    )
                    break
        if why is not None:
            return Outcome(passed=False, zh=why[0], en=why[1], measured=tuple(rows))
    return Outcome(
        passed=bool(rows),
        zh="循环泵启停正常" if rows else "没有可驱动的水泵",
        en="pump stopped and started" if rows else "no pump to drive",
        measured=tuple(rows),
    )


def _turn(
    seen: Seen,
    unit: TrialUnit,
    name: str,
    hz: float,
    settings: TrialSettings,
    guard: Callable[[Seen], None],
) -> Generator[Request, Seen, tuple[Seen, Row]]:
    began_s = seen.now_s
    turning, asked = (
        unit.at["circulation_pump_frequency"],
        unit.at["circulation_pump_frequency_setpoint"],
    )
    seen, why = yield from ordered(seen, asked, hz, settings.order_s, guard)

    def there(now: Seen) -> bool:
        shown = now.number(turning, began_s)
        if shown is None:
            return False
        return shown <= _STANDING_HZ if hz == 0.0 else shown >= max(_TURNING_HZ, 0.9 * hz)

    good = False
    if why is None:
        seen, good = yield from until(seen, there, settings.pump_s, guard)
    shown = seen.number(turning)
    row = {
        "unit": unit.code,
        "action": name,
        "asked_hz": hz,
        "shown_hz": shown,
        "took_s": round(seen.now_s - began_s, 1),
        "passed": good,
        "order": VERIFIED if why is None else why[1],
    }
    return seen, row
