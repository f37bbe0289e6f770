"""Interlocks: conditions under which a unit is driven to a safe state whatever else is wanted.

Each trips in the step that sees its condition and lets go by itself once the value is back by a
margin (annunciator sequence A); the word keeps which ones hold, `first_out` which came first.
Bits of `LATCHED` are kept by the unit until a person resets them; those of `WATCHED` tell of
something amiss and change nothing by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from heatloop.station.settings import UnitSettings


class Interlock(IntFlag):
    """Bits of the interlock word."""

    OVER_TEMPERATURE = 1
    OVER_PRESSURE = 2
    RETURN_PRESSURE_LOW = 4
    RETURN_PRESSURE_HIGH = 8
    DRY_RUN = 16
    FROST = 32
    FLOOD = 64
    PUMP_FAULT = 128
    NO_CIRCULATION = 256
    MAKEUP_LONG = 512
    SENSOR_LOST = 1024
    OVERLOAD = 2048
    LEAKAGE = 4096
    PUMP_DRY = 8192
    VALVE_DEVIATION = 16384
    FLOW_DEVIATION = 32768


LATCHED = Interlock.OVERLOAD | Interlock.LEAKAGE | Interlock.PUMP_DRY
WATCHED = (
    Interlock.NO_CIRCULATION
    | Interlock.MAKEUP_LONG
    | Interlock.SENSOR_LOST
    | Interlock.VALVE_DEVIATION
    | Interlock.FLOW_DEVIATION
)

_TEXTS: dict[Interlock, tuple[str, str]] = {
    Interlock.OVER_TEMPERATURE: ("二次供水超温，关调节阀", "supply too hot, valve shut"),
    Interlock.OVER_PRESSURE: ("二次供水超压，停循环泵和补水泵", "supply pressure high, pumps off"),
    Interlock.RETURN_PRESSURE_LOW: (
        "二次回水欠压，停循环泵并补水",
        "return pressure low, circulation off, make-up on",
    ),
    Interlock.RETURN_PRESSURE_HIGH: (
        "二次回水超压，停补水泵",
        "return pressure high, make-up off",
    ),
    Interlock.DRY_RUN: ("补水箱低液位，停补水泵", "make-up tank empty, make-up off"),
    Interlock.FROST: ("防冻保护，开阀并循环", "frost protection, valve open, circulation on"),
    Interlock.FLOOD: ("站内积水，停补水泵", "station floor flooded, make-up off"),
    Interlock.PUMP_FAULT: ("循环泵故障停泵", "circulation pump fault, pump off"),
    Interlock.NO_CIRCULATION: ("循环中断，关调节阀", "no circulation, valve shut"),
    Interlock.MAKEUP_LONG: ("补水时间过长，疑似失水", "make-up runs too long, leak suspected"),
    Interlock.SENSOR_LOST: ("控制用传感器失效，保持阀位", "sensor lost, valve held"),
    Interlock.OVERLOAD: (
        "循环泵过载跳闸，复位前禁止启动",
        "circulation pump overloaded, tripped until reset",
    ),
    Interlock.LEAKAGE: (
        "漏电保护动作，停循环泵和补水泵，复位前禁止启动",
        "earth leakage, pumps off until reset",
    ),
    Interlock.PUMP_DRY: (
        "循环泵无流量干转停泵，复位前禁止启动",
        "circulation pump ran dry, off until reset",
    ),
    Interlock.VALVE_DEVIATION: ("调节阀未跟随设定", "valve does not follow"),
    Interlock.FLOW_DEVIATION: ("流量偏离设定", "flow is off its set-point"),
}


def interlock_texts(word: int) -> tuple[tuple[str, str, str], ...]:
    """Return (name, zh, en) of every bit set in an interlock word, lowest bit first."""
    return tuple(((bit.name or "").lower(), *_TEXTS[bit]) for bit in Interlock if word & bit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """The measurements interlocks look at; None where a sensor is lost or not fitted."""

    supply_c: float | None
    return_c: float | None
    supply_kpa: float | None
    return_kpa: float | None
    tank_level_m: float | None = None
    flood: bool = False
    pump_fault: int = 0
    residual_trip: bool = False


# Margins by which a value must come back before its interlock lets go.
_BACK_K = 3.0
_BACK_KPA = 20.0
_BACK_M = 0.15
_FROST_C = 5.0
_TANK_LOW_M = 0.3


def _above(value: float | None, limit: float, back: float, held: bool) -> bool:
    # A lost sensor proves nothing: what held goes on holding.
    if value is None:
        return held
    return value > limit or (held and value > limit - back)


def _below(value: float | None, limit: float, back: float, held: bool) -> bool:
    if value is None:
        return held
    return value < limit or (held and value < limit + back)


class Interlocks:
    """The measured interlocks of one unit, with their memory."""

    __slots__ = ("first_out", "word")

    def __init__(self) -> None:
        self.word = Interlock(0)
        self.first_out = Interlock(0)

    def step(self, r: Readings, s: UnitSettings) -> Interlock:
        """Return which interlocks hold with these readings and settings."""
        was = self.word
        coldest = min((t for t in (r.supply_c, r.return_c) if t is not None), default=None)
        checks = (
            (Interlock.OVER_TEMPERATURE, _above, r.supply_c, s.supply_high_c, _BACK_K),
            (Interlock.OVER_PRESSURE, _above, r.supply_kpa, s.supply_high_kpa, _BACK_KPA),
            (Interlock.RETURN_PRESSURE_LOW, _below, r.return_kpa, s.return_low_kpa, _BACK_KPA),
            (Interlock.RETURN_PRESSURE_HIGH, _above, r.return_kpa, s.return_high_kpa, _BACK_KPA),
            (Interlock.DRY_RUN, _below, r.tank_level_m, _TANK_LOW_M, _BACK_M),
            (Interlock.FROST, _below, coldest, _FROST_C, _BACK_K),
        )
        word = Interlock(0)
        for bit, test, value, limit, back in checks:
            if test(value, limit, back, bool(was & bit)):
                word |= bit
        if r.flood:
            word |= Interlock.FLOOD
        if r.pump_fault:
            word |= Interlock.PUMP_FAULT
        if r.residual_trip:
            word |= Interlock.LEAKAGE
        if r.supply_c is None or r.return_kpa is None:
            word |= Interlock.SENSOR_LOST
        fresh = word & ~was
        if not was and fresh:
            self.first_out = Interlock(fresh & -fresh)
        self.word = word
        return word
