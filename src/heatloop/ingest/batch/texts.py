"""Names and explanations of the rules in both languages."""

from __future__ import annotations

from heatloop.ingest.batch.model import Rule, Severity

NAMES: dict[Rule, tuple[str, str]] = {
    Rule.RANGE: ("超出量程", "out of range"),
    Rule.DEAD: ("无效代码值", "error code instead of a value"),
    Rule.DROP_OUT: ("整行归零", "whole row reads zero"),
    Rule.RATE: ("变化过快", "faster than possible"),
    Rule.SPIKE: ("突跳", "spike"),
    Rule.LEVEL: ("持续偏离", "lasting departure"),
    Rule.UNIT: ("疑似单位错误", "unit mistaken"),
    Rule.FROZEN: ("数值冻结", "frozen"),
    Rule.COUNTER: ("累计量异常", "off the counter's line"),
    Rule.COUNTER_RESET: ("累计量重新开始", "counter began anew"),
    Rule.ROLL_OVER: ("累计量翻转", "counter rolled over"),
    Rule.STUCK: ("累计量停走", "counter stands still"),
    Rule.ORDER: ("供回次序颠倒", "supply and return in the wrong order"),
    Rule.BALANCE: ("热量不平衡", "heat does not balance"),
    Rule.NEIGHBOUR: ("与相邻测点不符", "unlike its neighbours"),
    Rule.TWIN: ("与孪生推算不符", "unlike the twin's estimate"),
    Rule.CLOCK: ("时标可疑", "time stamps doubtful"),
    Rule.MISSING: ("缺数", "missing"),
}
"""Chinese and English name of every rule."""

SEVERITIES: dict[Rule, Severity] = {
    Rule.ROLL_OVER: Severity.INFO,
    Rule.SPIKE: Severity.LOW,
    Rule.DROP_OUT: Severity.LOW,
    Rule.DEAD: Severity.LOW,
    Rule.MISSING: Severity.LOW,
    Rule.STUCK: Severity.HIGH,
    Rule.UNIT: Severity.HIGH,
    Rule.COUNTER_RESET: Severity.MEDIUM,
}
"""Severity of a short span of a rule; rules left out are of medium severity."""

_WHY: dict[Rule, tuple[str, str]] = {
    Rule.RANGE: (
        "读数 {value} {unit} 不在合理范围内",
        "{value} {unit} lies outside what is plausible",
    ),
    Rule.DEAD: (
        "{value} {unit} 是断线或故障代码，不是测量值",
        "{value} {unit} is the code of a broken sensor or link, not a measurement",
    ),
    Rule.DROP_OUT: ("通信中断时整行读数为 0", "everything read 0 at once: the link was down"),
    Rule.RATE: ("变化快于设备可能的速度", "it changed faster than the plant can"),
    Rule.SPIKE: (
        "读数 {value}，其前后及同站测点表明应约为 {expected} {unit}",
        "{value} where its neighbours in time and place make it about {expected} {unit}",
    ),
    Rule.LEVEL: (
        "读数 {value}，同站其他测点表明应约为 {expected} {unit}",
        "{value} for some while; the other points of the place make it about {expected} {unit}",
    ),
    Rule.UNIT: (
        "读数 {value} 与应有值 {expected} {unit} 相差 10 的整数次幂",
        "{value} is a power of ten off the {expected} {unit} to be expected",
    ),
    Rule.FROZEN: ("数值停在 {value} {unit} 不动", "it stands at {value} {unit} without moving"),
    Rule.COUNTER: (
        "累计读数 {value} 不在递增线上，应约为 {expected} {unit}",
        "{value} is off the counter's rising line, about {expected} {unit}",
    ),
    Rule.COUNTER_RESET: (
        "累计量从 {value} {unit} 重新开始（换表或清零）",
        "it counts anew from {value} {unit}: meter replaced or reset",
    ),
    Rule.ROLL_OVER: ("累计量到达上限后翻转", "it reached its top and went on from 0"),
    Rule.STUCK: (
        "有热量或流量通过而累计量停在 {value} {unit}",
        "it stands at {value} {unit} while heat or water flows",
    ),
    Rule.ORDER: (
        "运行中供回水次序颠倒（读数 {value}，另一侧 {expected} {unit}）",
        "supply and return the wrong way round while running ({value}, other side {expected})",
    ),
    Rule.BALANCE: (
        "读数 {value} 与热平衡得到的 {expected} {unit} 不符",
        "{value} does not fit the {expected} {unit} of the heat balance",
    ),
    Rule.NEIGHBOUR: (
        "读数 {value}，其他地点一致为 {expected} {unit}",
        "{value} where other places agree on {expected} {unit}",
    ),
}


def explain(rule: Rule, value: float | None, expected: float | None, unit: str) -> tuple[str, str]:
    """Return what a finding means, in Chinese and in English."""
    zh, en = _WHY.get(rule, NAMES[rule])
    words = {
        "value": "?" if value is None else f"{value:.5g}",
        "expected": "?" if expected is None else f"{expected:.5g}",
        "unit": "" if unit == "-" else {"degC": "°C", "m3": "m³", "m3/h": "m³/h"}.get(unit, unit),
    }
    return zh.format(**words), en.format(**words)
