"""Why a row is refused, and why an accepted one is not simply good."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Refusal(StrEnum):
    """Why a row goes to quarantine instead of the store."""

    UNKNOWN_KEY = "unknown_key"
    NOT_FINITE = "not_finite"
    FUTURE_SLOT = "future_slot"
    UNKNOWN_QUALITY = "unknown_quality"


class Flag(IntEnum):
    """Which check spoke about an accepted row; the last that spoke, 0 for none."""

    NONE = 0
    RANGE = 1
    RATE = 2
    SPIKE = 3
    UNIT = 4
    FROZEN = 5
    COUNTER = 6
    BALANCE = 7
    ORDER = 8


REFUSAL_TEXTS: dict[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_KEY: ("台账中没有该测点", "no such point in the ledger"),
    Refusal.NOT_FINITE: ("数值不是有限数", "the value is not a finite number"),
    Refusal.FUTURE_SLOT: ("采集时刻在未来", "the slot lies in the future"),
    Refusal.UNKNOWN_QUALITY: ("质量码未定义", "the quality code is not defined"),
}

FLAG_TEXTS: dict[Flag, tuple[str, str]] = {
    Flag.RANGE: ("超出量程", "outside the plausible range"),
    Flag.RATE: ("变化过快", "changes faster than is possible"),
    Flag.SPIKE: ("突跳", "jumps far beyond its usual steps"),
    Flag.UNIT: ("疑似单位错误", "off by a power of ten, a unit mistaken"),
    Flag.FROZEN: ("数值冻结", "stands still although it usually moves"),
    Flag.COUNTER: ("累计量倒退", "a counter ran backwards"),
    Flag.BALANCE: ("热量与流量温差不符", "heat does not fit flow and temperatures"),
    Flag.ORDER: ("供回水温度次序颠倒", "return warmer than supply while water flows"),
}
