"""Probes of access control (8.1.4.2 d to g) and of the administrators (8.1.5)."""

from __future__ import annotations

from heatloop.app.mlps import Context, Probe, Verdict, judged
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.scope import Scope
from heatloop.plant.data_classes import Level, field_grades
from heatloop.security.access import (
    ADMINISTRATORS,
    PERMISSIONS,
    ROLE_LABELS,
    Permission,
    Principal,
    Role,
    authorise,
    roles_of,
)
from heatloop.security.labels import HIGHEST, LOWEST

_P = Permission


def _holders(permission: Permission) -> set[Role]:
    return {role for role, held in PERMISSIONS.items() if permission in held}


async def separation(context: Context) -> Verdict:
    """No account holds two administrators; each of the three is somebody."""
    both = []
    held: set[str] = set()
    for user in context.enabled:
        roles = {str(role) for role in (await context.platform.people.principal(user)).roles}
        administrators = roles & {str(role) for role in ADMINISTRATORS}
        held |= administrators
        if len(administrators) > 1:
            both.append(user.name)
    missing = sorted({str(role) for role in ADMINISTRATORS} - held)
    try:
        roles_of([Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN])
        refused = False
    except InputError:
        refused = True
    return judged(
        (not both, "管理员角色互斥", f"administrators are different people {both or ''}"),
        (not missing, "三类管理员均已任命", f"each administrator is appointed {missing or ''}"),
        (refused, "兼任被拒绝", "two of them for one user are refused"),
    )


async def policy_owner(context: Context) -> Verdict:
    """Only the security administrator gives rights."""
    del context
    holders = sorted(_holders(_P.MANAGE_USERS))
    return judged(
        (holders == [Role.SECURITY_ADMIN], "仅安全管理员可授权",
         f"rights are given by {', '.join(holders)}"),
    )  # fmt: skip


async def granularity(context: Context) -> Verdict:
    """Scope decides rows, grades decide fields."""
    del context
    roles = frozenset((Role.DISPATCHER,))
    somebody = Principal(user="probe", roles=roles, scope=Scope.of(["BR/A"]))
    try:
        authorise(somebody, _P.COMMAND, "BR/B")
        foreign = True
    except UnsafeError:
        foreign = False
    grades = field_grades()
    low = [key for key, grade in grades.items() if grade.class_name == "personal"
           and grade.level < Level.L3]  # fmt: skip
    return judged(
        (not foreign, "范围外对象被拒绝（记录级）", "what is outside the scope is refused (rows)"),
        (not low, f"{len(grades)} 个字段已分级（字段级）",
         f"{len(grades)} fields are graded (columns) {low or ''}"),
    )  # fmt: skip


async def labels(context: Context) -> Verdict:
    """Every role has a label, the rule is dominance, and a role does not help below it."""
    unlabelled = sorted(set(Role) - set(ROLE_LABELS))
    rule = HIGHEST.dominates(LOWEST) and not LOWEST.dominates(HIGHEST)
    above = [
        user.name
        for user in context.enabled
        if (await context.platform.people.principal(user)).label == HIGHEST
    ]
    return judged(
        (not unlabelled, "各角色均有安全标记", f"every role has a label {unlabelled or ''}"),
        (rule, "支配规则有效", "the dominance rule holds"),
        (not above, "无账户持有全部标记", f"nobody holds the highest label {above or ''}"),
    )


async def _refused(context: Context, method: str, path: str) -> bool:
    answer = await context.ask(method, path, **{"x-heatloop": "1"})
    return answer.status in (401, 403)


async def system_admin(context: Context) -> Verdict:
    """The system administrator keeps the system, gives no rights, and reads no audit trail."""
    held = PERMISSIONS[Role.SYSTEM_ADMIN]
    return judged(
        (not held & {_P.MANAGE_USERS, _P.AUDIT, _P.COMMAND}, "不能授权、不能看审计、不能下发指令",
         f"may: {', '.join(sorted(held))}"),
        (await _refused(context, "GET", "/api/v1/keeping/state"), "须登录", "must sign in"),
    )  # fmt: skip


async def audit_admin(context: Context) -> Verdict:
    """The audit administrator reads the trail and changes nothing."""
    held = PERMISSIONS[Role.AUDIT_ADMIN]
    writes = held & {_P.MANAGE_USERS, _P.MANAGE_LEDGER, _P.COMMAND, _P.KEEP_SECURITY, _P.DEMO}
    return judged(
        (not writes, "只审计，不更改", f"may: {', '.join(sorted(held))}"),
        (await _refused(context, "GET", "/api/v1/audit"), "须登录", "must sign in"),
    )


async def security_admin(context: Context) -> Verdict:
    """The security administrator sets rights and neither commands nor audits."""
    held = PERMISSIONS[Role.SECURITY_ADMIN]
    needed = {_P.MANAGE_USERS, _P.KEEP_SECURITY}
    return judged(
        (needed <= held and not held & {_P.AUDIT, _P.COMMAND}, "设置策略，不能删痕迹",
         f"may: {', '.join(sorted(held))}"),
        (await _refused(context, "POST", "/api/v1/users"), "须登录", "must sign in"),
    )  # fmt: skip


async def no_trace_deleted(context: Context) -> Verdict:
    """No route deletes or changes an entry of the trail, whoever asks."""
    entry = "/api/v1/audit/1"
    tried = []
    for method in ("DELETE", "PUT", "PATCH"):
        answer = await context.ask(method, entry, **{"x-heatloop": "1"})
        if answer.status not in (401, 403, 404, 405):
            tried.append(method)
    both = [role for role, held in PERMISSIONS.items() if {_P.AUDIT, _P.MANAGE_USERS} <= held]
    return judged(
        (not tried, "无修改或删除审计的接口", f"no route changes the trail {tried or ''}"),
        (not both, "策略与审计权限不在同一角色", f"policy and audit are apart {both or ''}"),
    )


PROBES: dict[str, Probe] = {
    "separation": separation,
    "policy_owner": policy_owner,
    "granularity": granularity,
    "labels": labels,
    "system_admin": system_admin,
    "audit_admin": audit_admin,
    "security_admin": security_admin,
    "no_trace_deleted": no_trace_deleted,
}
"""Probes by name."""
