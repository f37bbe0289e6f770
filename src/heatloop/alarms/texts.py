"""What an alarm says on a screen, in Chinese and English."""

from __future__ import annotations

from heatloop.kernel.messages import Alarm
from heatloop.plant.kinds import PointKind
from heatloop.station.interlocks import Interlock, interlock_texts
from heatloop.station.pumps import PumpFault, fault_texts

_RULES: dict[str, tuple[str, str]] = {
    "high": ("高于上限", "above its high limit"),
    "low": ("低于下限", "below its low limit"),
    "stale": ("数据中断", "has stopped reporting"),
    "link": ("通讯中断", "communication lost"),
    "foreign_write": ("设定值被外部修改，已恢复", "set-point changed from outside, restored"),
    "command_refused": ("指令被拒绝", "command refused"),
    "gateway_link": ("网关离线", "gateway offline"),
    "clock": ("时钟偏差", "clock differs"),
    "spool_full": ("本地缓存已满，新数据无法保存", "local buffer full, new values are lost"),
    "spool_dropping": ("本地缓存已满，最早的数据被丢弃", "local buffer full, oldest values go"),
    "channel": ("主信道中断，改用备用信道", "main channel lost, spare channel in use"),
    "link_success": ("通讯成功率低于99%", "fewer than 99 % of messages arrive"),
    "bandwidth": ("信道带宽裕量不足20%", "less than 20 % of the channel's capacity to spare"),
    "leak": ("管网泄漏，补水异常增加", "network leaks: more make-up than usual"),
    "backup_late": ("备份超期", "no recent backup"),
    "backup_failed": ("备份失败", "backup failed"),
    "backup_bad": ("备份校验不通过", "a backup failed its trial restore"),
    "audit_unavailable": ("审计记录无法写入", "audit trail cannot be written"),
    "audit_copy_late": ("审计副本滞后", "copy of the audit trail is late"),
    "audit_copy_differs": ("审计记录与副本不一致", "audit trail differs from its copy"),
    "restore_slow": ("恢复耗时超限", "restore takes too long"),
    "integrity": ("历史数据完整性异常", "stored samples were changed"),
    "weather_source": ("气象数据源中断，改用备用源", "weather source out, next one in use"),
    "weather_forecast": ("没有未来24小时的天气预报", "no weather forecast for the next 24 hours"),
    "edge_rules": ("网关规则未生效", "edge rules not in force"),
    "edge_rule": ("网关规则报警", "edge rule alarm"),
    "identity": ("身份校验失败", "identity check failed"),
}

_NAMED: dict[str, tuple[str, str]] = {}


def name_rule(rule: str, zh: str, en: str) -> None:
    """Give a rule of a plug-in (`<module>.<name>`), or a family of rules, its words."""
    _NAMED[rule] = (zh, en)


def rule_texts(rule: str) -> tuple[str, str]:
    """Return (zh, en) of a rule; an unknown one is shown by its own name."""
    family, _, name = rule.partition(".")
    if rule in _NAMED:
        return _NAMED[rule]
    if family == "interlock" and name.upper() in Interlock.__members__:
        _, zh, en = interlock_texts(Interlock[name.upper()])[0]
        return f"联锁：{zh}", f"interlock: {en}"
    if family == "pump_fault":
        if name.upper() in PumpFault.__members__:
            text = fault_texts(PumpFault[name.upper()])[0]
            return f"循环泵故障：{text.zh}", f"circulation pump fault: {text.en}"
        return f"循环泵故障：{name}", f"circulation pump fault: {name}"
    zh, en = _RULES.get(family) or _NAMED.get(family, (rule, rule))
    return (f"{zh}（{name}）", f"{en} ({name})") if name else (zh, en)


def alarm_texts(
    alarm: Alarm, subject_zh: str, subject_en: str, kind: PointKind | None = None
) -> tuple[str, str]:
    """Return the whole sentence in Chinese and English.

    Args:
        alarm: What to say.
        subject_zh: Chinese name of the asset.
        subject_en: English name of the asset.
        kind: Kind of the point when the subject is a point: adds its name, value and limit.
    """
    rule_zh, rule_en = rule_texts(alarm.rule)
    if kind is None or alarm.rule.startswith(("interlock.", "pump_fault.")):
        return f"{subject_zh} {rule_zh}", f"{subject_en}: {rule_en}"
    zh, en = f"{subject_zh} {kind.zh}{rule_zh}", f"{subject_en}: {kind.en} {rule_en}"
    if alarm.limit is not None and kind.class_ != "status":
        unit = "" if kind.unit == "-" else f" {kind.unit}"
        limit = f"{alarm.limit:.{kind.decimals}f}{unit}"
        zh, en = f"{zh} {limit}", f"{en} of {limit}"
        if alarm.value is not None:
            value = f"{alarm.value:.{kind.decimals}f}{unit}"
            zh, en = f"{zh}，当前 {value}", f"{en}: {value}"
    return zh, en
