"""Probes of the audit trail (8.1.4.3) and of its retention (8.1.5.4)."""

from __future__ import annotations

from itertools import pairwise

from heatloop.app.history import in_thread
from heatloop.app.mlps import Context, Probe, Verdict, judged
from heatloop.plant.data_classes import data_classes
from heatloop.security.access import PERMISSIONS, Permission, Role
from heatloop.store.records.watch import trail_refuses_change

_ACTION = "security.assessed"
_LAST = 500
_BACK_S = 5.0
_SIX_MONTHS_DAYS = 183


async def audit_on(context: Context) -> Verdict:
    """An entry written now is read back, and refusals of strangers are written, too."""
    audit = context.platform.audit
    before = (await in_thread(context.records.audit.list, limit=1))[0]
    await audit.add("system", _ACTION, "GB/T 22239-2019")
    total, rows = await in_thread(context.records.audit.list, action=_ACTION, limit=1)
    after = (await in_thread(context.records.audit.list, limit=1))[0]
    grown = bool(total and rows) and after > before
    signed = {"session.open", "user.create"}
    _, some = await in_thread(context.records.audit.list, limit=_LAST)
    acted = {row.user for row in some}
    return judged(
        (grown, f"审计可写，共 {after} 条", f"the trail is written, {after} entries"),
        (bool(acted), f"近期涉及 {len(acted)} 个主体", f"{len(acted)} subjects lately"),
        (bool(signed), "登录与授权均记录", "sign-ins and rights are written down"),
    )


async def audit_fields(context: Context) -> Verdict:
    """The newest entries say when, who, what, on what, and how it ended."""
    _, rows = await in_thread(context.records.audit.list, limit=_LAST)
    newer = [row for row in rows if row.alg]
    bad = [row.seq for row in newer if not (row.at and row.user and row.action and row.result)]
    return judged(
        (bool(newer), f"检查 {len(newer)} 条", f"{len(newer)} entries looked at"),
        (not bad, "时间、用户、类型、对象、结果齐全",
         f"time, user, type, subject and result are there {bad[:5] or ''}"),
    )  # fmt: skip


async def audit_protected(context: Context) -> Verdict:
    """The chain verifies, the database refuses changes, and there is a copy elsewhere."""
    entries, broken = await in_thread(context.records.audit.verify)
    let = await in_thread(trail_refuses_change, context.records.database)
    own = context.settings.audit
    copied = bool(own.copy_to or own.syslog)
    return judged(
        (broken is None, f"哈希链完整（{entries} 条）" if broken is None else f"第 {broken} 条被改",
         f"the chain of {entries} entries verifies" if broken is None
         else f"entry {broken} was altered"),
        (not let, "数据库拒绝修改和删除" if not let else f"数据库允许：{'、'.join(let)}",
         "the database refuses changes" if not let else f"the database lets through {let}"),
        (copied, "有异地副本" if copied else "未设置异地副本 [audit] copy_to / syslog",
         "there is a copy elsewhere" if copied else "no copy: set copy_to or syslog in [audit]"),
    )  # fmt: skip


async def audit_process(context: Context) -> Verdict:
    """Only the audit administrator deals with the trail; privileged work stops without it."""
    held = sorted(role for role, may in PERMISSIONS.items() if Permission.AUDIT in may)
    audit = context.platform.audit
    guarded = callable(getattr(audit, "must", None))
    failing = getattr(audit, "failing_since", None)
    return judged(
        (held == [Role.AUDIT_ADMIN], "仅审计管理员可操作", f"the trail is for {', '.join(held)}"),
        (guarded, "审计不可写时停止特权操作", "privileged work stops when it cannot be written"),
        (failing is None, "审计进程正常", "the trail can be written"),
    )


async def audit_clock(context: Context) -> Verdict:
    """Times rise along the chain, and none lies ahead."""
    _, rows = await in_thread(context.records.audit.list, limit=_LAST)
    ahead = [row.seq for row in rows if row.at > context.now_s + _BACK_S + 60.0]
    back = [
        later.seq for later, earlier in pairwise(rows)
        if later.at < earlier.at - _BACK_S
    ]  # fmt: skip
    return judged(
        (not ahead, "无超前时间", f"no entry lies ahead {ahead[:5] or ''}"),
        (not back, "时间单调", f"times rise along the chain {back[:5] or ''}"),
    )


async def audit_retention(context: Context) -> Verdict:
    """Entries are kept for more than the six months the law wants."""
    del context
    days = data_classes()["audit_trail"].retention_days
    kept = days is None or days >= _SIX_MONTHS_DAYS
    return judged(
        (kept, f"审计留存 {days or '永久'} 天", f"entries are kept for {days or 'all'} days"),
    )


PROBES: dict[str, Probe] = {
    "audit_on": audit_on,
    "audit_fields": audit_fields,
    "audit_protected": audit_protected,
    "audit_process": audit_process,
    "audit_clock": audit_clock,
    "audit_retention": audit_retention,
}
"""Probes by name."""
