"""Pumps: which of several runs, and what a fault word says in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag


class PumpFault(IntFlag):
    """Bits of a pump's (its frequency converter's) fault word."""

    OVER_CURRENT = 1
    PHASE_LOSS = 2
    NO_FLOW = 4
    OVER_TEMPERATURE = 8
    OVER_VOLTAGE = 16
    UNDER_VOLTAGE = 32
    EARTH_FAULT = 64
    CONVERTER_LINK = 128
    MOTOR_OVERLOAD = 256
    SHORT_CIRCUIT = 512
    CONVERTER_HOT = 1024
    EXTERNAL_TRIP = 2048
    STALLED = 4096
    OTHER = 32768


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpSettings:
    """When a pump is taken out, and when pumps take turns."""

    rated_current_a: float = 0.0
    """Motor rating; 0: not told, no overload protection from the current."""
    overload_ratio: float = 1.1
    """Current over the rating that a motor does not stand."""
    overload_delay_s: float = 10.0
    """For how long it may, starting included."""
    flow_low_m3h: float = 0.0
    """Flow below which a turning pump runs dry; 0: not told, not watched."""
    dry_delay_s: float = 60.0
    """For how long it may: water needs a while to get going."""
    change_after_h: float = 168.0
    """Difference of run-hours after which pumps change places."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultText:
    """What one fault bit means and what to do first."""

    name: str
    """Fault name in lower case, for rules and filters."""
    zh: str
    """Chinese text."""
    en: str
    """English text."""
    action_zh: str
    """First action, Chinese."""
    action_en: str
    """First action, English."""


_TEXTS: dict[PumpFault, tuple[str, str, str, str]] = {
    PumpFault.OVER_CURRENT: (
        "过电流",
        "over-current",
        "检查叶轮卡涩、轴承和出口阀门开度",
        "check impeller, bearings and outlet valve for a jam or overload",
    ),
    PumpFault.PHASE_LOSS: (
        "缺相",
        "phase loss",
        "断电后检查熔断器、接触器和电缆接头",
        "isolate, then check fuses, contactor and cable joints",
    ),
    PumpFault.NO_FLOW: (
        "运行无流量",
        "running without flow",
        "检查进出口阀门、除污器和泵内空气",
        "check valves and strainer, vent the pump",
    ),
    PumpFault.OVER_TEMPERATURE: (
        "电机过热",
        "motor over-temperature",
        "检查风扇和负载，冷却后再启动",
        "check fan and load, restart when cool",
    ),
    PumpFault.OVER_VOLTAGE: (
        "过电压",
        "over-voltage",
        "检查供电电压和减速时间",
        "check mains voltage and deceleration time",
    ),
    PumpFault.UNDER_VOLTAGE: (
        "欠电压",
        "under-voltage",
        "检查供电电压和进线端子",
        "check mains voltage and supply terminals",
    ),
    PumpFault.EARTH_FAULT: (
        "接地故障",
        "earth fault",
        "断电后测量电机和电缆绝缘",
        "isolate, then measure motor and cable insulation",
    ),
    PumpFault.CONVERTER_LINK: (
        "变频器通讯中断",
        "converter link lost",
        "检查变频器电源和通讯线",
        "check the converter's power and bus cable",
    ),
    PumpFault.MOTOR_OVERLOAD: (
        "电机过载",
        "motor overload",
        "检查负载和电机额定参数，冷却后复位",
        "check load and motor rating, reset when cool",
    ),
    PumpFault.SHORT_CIRCUIT: (
        "输出短路",
        "output short circuit",
        "断电后检查电机、电缆和逆变模块",
        "isolate, then check motor, cable and inverter",
    ),
    PumpFault.CONVERTER_HOT: (
        "变频器过热",
        "converter over-temperature",
        "清理散热风道，检查风扇和柜内温度",
        "clean the air duct, check fan and cabinet temperature",
    ),
    PumpFault.EXTERNAL_TRIP: (
        "外部故障输入",
        "external trip input",
        "检查接到该输入的保护触点",
        "check the protection wired to that input",
    ),
    PumpFault.STALLED: (
        "电机堵转",
        "motor stalled",
        "断电后检查叶轮和轴承能否盘动",
        "isolate, then turn the shaft by hand",
    ),
    PumpFault.OTHER: (
        "变频器其他故障",
        "other converter fault",
        "按变频器面板代码查阅手册",
        "look the panel's code up in the manual",
    ),
}


def fault_texts(word: int) -> tuple[FaultText, ...]:
    """Return the texts of all bits set in a fault word, lowest bit first.

    A bit nobody has named is reported as such, never dropped.
    """
    texts: list[FaultText] = []
    for bit in range(16):
        if not word >> bit & 1:
            continue
        fault = PumpFault(1 << bit)
        if fault in _TEXTS:
            zh, en, action_zh, action_en = _TEXTS[fault]
            name = (fault.name or "").lower()
        else:
            name, zh, en = f"bit_{bit}", f"未定义故障（第{bit}位）", f"unnamed fault (bit {bit})"
            action_zh, action_en = "查阅设备手册", "see the device's manual"
        texts.append(FaultText(name=name, zh=zh, en=en, action_zh=action_zh, action_en=action_en))
    return tuple(texts)


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpReading:
    """What can be measured at a pump; None where it is not measured."""

    frequency_hz: float
    """Output frequency; 0 when stopped."""
    rated_current_a: float
    """Motor rating."""
    phase_currents_a: tuple[float, ...] = ()
    """One current, or one per phase."""
    flow_m3h: float | None = None
    """Flow of the pump."""
    rated_flow_m3h: float | None = None
    """Flow at the rated point."""
    motor_c: float | None = None
    """Winding temperature."""


_RUNNING_HZ = 10.0


def self_check(reading: PumpReading) -> PumpFault:
    """Return the faults that measurements alone prove, for pumps without a converter's word.

    Over-current is 110 % of the rating; phase loss a phase more than 40 % of the mean away from
    it; no flow is under 5 % of rated flow while turning; over-temperature 130 degC (class B).
    """
    fault = PumpFault(0)
    currents = reading.phase_currents_a
    if currents and max(currents) > 1.1 * reading.rated_current_a:
        fault |= PumpFault.OVER_CURRENT
    if reading.motor_c is not None and reading.motor_c > 130.0:
        fault |= PumpFault.OVER_TEMPERATURE
    if reading.frequency_hz < _RUNNING_HZ:
        return fault
    mean = sum(currents) / len(currents) if currents else 0.0
    if len(currents) > 1 and any(abs(a - mean) > 0.4 * max(mean, 1e-9) for a in currents):
        fault |= PumpFault.PHASE_LOSS
    flow, rated = reading.flow_m3h, reading.rated_flow_m3h
    if flow is not None and rated and flow < 0.05 * rated:
        fault |= PumpFault.NO_FLOW
    return fault


def choose_pump(
    run_hours: Sequence[float],
    faulty: Sequence[bool],
    running: int | None,
    change_after_h: float = 168.0,
) -> int | None:
    """Return which pump is to run, or None when every one is faulty.

    The running pump goes on until it fails or has run `change_after_h` longer than the least
    used healthy one: wear is shared without a change every hour.
    """
    healthy = [i for i in range(len(run_hours)) if not faulty[i]]
    if not healthy:
        return None
    least = min(healthy, key=lambda i: run_hours[i])
    if running is not None and running in healthy:
        return least if run_hours[running] - run_hours[least] >= change_after_h else running
    return least
