"""Probes of identification (8.1.4.1) and of accounts (8.1.4.2 a to c)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from heatloop.app.history import in_thread
from heatloop.app.keys import FIRST_LOGIN as FIRST_LOGIN_FILE
from heatloop.app.mlps import Context, Probe, Verdict, judged
from heatloop.kernel.errors import InputError
from heatloop.security.access import FIRST_LOGIN, Role
from heatloop.security.passwords import check_password

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DAY_S = 86400.0
_LOG_BYTES = 4 << 20
_LEAKS = (b"password=", b"password: ", b'"password"', b"passwd=")


def _refuses(context: Context, password: str) -> bool:
    try:
        check_password(password, "dispatcher", context.settings.identity.policy)
    except InputError:
        return True
    return False


async def identity(context: Context) -> Verdict:
    """Names are unique without case, passwords are hashed, long, mixed, new, and change."""
    own = context.settings.identity
    names = Counter(user.name.casefold() for user in context.users)
    twice = [name for name, count in names.items() if count > 1]
    bare = [u.name for u in context.users if not u.password_hash.startswith("$argon2")]
    weak = [word for word in ("Aa1!x", "alllowercase", "12345678") if not _refuses(context, word)]
    age = own.max_age_days
    return judged(
        (not twice, f"用户名 {len(names)} 个且唯一", f"{len(names)} names, unique {twice or ''}"),
        (not bare, "口令均以 Argon2id 存储", f"passwords are Argon2id hashes {bare or ''}"),
        (not weak, "弱口令被拒绝", f"weak passwords are refused {weak or ''}"),
        (own.history >= 5, f"口令历史 {own.history}", f"history of {own.history} passwords"),
        (0.0 < age <= 90.0, f"口令有效期 {age:g} 天", f"passwords last {age:g} days"),
    )


async def lock_out(context: Context) -> Verdict:
    """Five failures lock for 15 minutes; 15 idle minutes end a session."""
    own = context.settings.session
    return judged(
        (1 <= own.lock_after <= 5, f"失败 {own.lock_after} 次锁定",
         f"locked after {own.lock_after} failures"),
        (own.lock_minutes >= 15.0, f"锁定 {own.lock_minutes:g} 分钟",
         f"locked for {own.lock_minutes:g} minutes"),
        (own.idle_minutes <= 15.0, f"空闲 {own.idle_minutes:g} 分钟退出",
         f"signed out after {own.idle_minutes:g} idle minutes"),
        (own.max_hours <= 24.0, f"会话最长 {own.max_hours:g} 小时",
         f"a session lasts {own.max_hours:g} hours at most"),
    )  # fmt: skip


async def remote_admin(context: Context) -> Verdict:
    """The HTTP face is TLS, or not reachable from other machines; no credential is in a log."""
    server = context.settings.server
    tls, local = bool(server.tls_certificate), server.host in LOOPBACK
    leaks = await in_thread(_leaks, context.settings.data / "logs")
    leaks = leaks or await in_thread(_leaks, context.settings.data / "run")
    return judged(
        (tls or local, "TLS 已启用" if tls else "明文 HTTP" + ("仅限本机" if local else ""),
         "TLS" if tls else "plain HTTP" + (" on loopback only" if local else "")),
        (not leaks, "日志中无口令", f"no credential in the logs {leaks or ''}"),
    )  # fmt: skip


def _leaks(folder: Path) -> list[str]:
    """Return the log files that hold something like a password."""
    found = []
    for path in sorted(folder.glob("*.log")):
        with path.open("rb") as file:
            text = file.read(_LOG_BYTES).lower()
        if any(mark in text for mark in _LEAKS):
            found.append(path.name)
    return found


async def second_factor(context: Context) -> Verdict:
    """Powerful accounts need a second, cryptographic factor."""
    own, company = context.settings.identity, context.settings.company
    wanted = own.wants_second(demo=company.demo)
    return judged(
        (wanted, f"高权限账户第二因素：{own.second_factor}",
         f"second factor of powerful accounts: {own.second_factor}"),
    )  # fmt: skip


async def assigned(context: Context) -> Verdict:
    """Every account has rights somebody gave it; a stranger gets nothing."""
    known = set(Role)
    loose = [u.name for u in context.enabled if not u.roles or not set(u.roles) <= known]
    open_ = []
    for path in ("/overview", "/users", "/audit", "/alarms", "/security/events", "/samples"):
        answer = await context.ask("GET", f"/api/v1{path}")
        if answer.status not in (401, 403, 404, 422):
            open_.append(path)
    return judged(
        (not loose, f"{len(context.enabled)} 个账户均有角色",
         f"{len(context.enabled)} accounts, each with roles {loose or ''}"),
        (not open_, "未登录访问被拒绝", f"a stranger is refused {open_ or ''}"),
    )  # fmt: skip


async def default_accounts(context: Context) -> Verdict:
    """The first login has changed its password, or is disabled; its file is gone."""
    first = next((u for u in context.users if u.name == FIRST_LOGIN), None)
    fresh = first is not None and not first.disabled and first.must_change
    file = context.settings.keys / FIRST_LOGIN_FILE
    left = await in_thread(file.exists)
    return judged(
        (not fresh, "首个账户口令已修改或账户已停用", "the first login has changed its password"),
        (not left, "首次口令文件已删除", "the file of the first password is gone"),
    )


async def stale_accounts(context: Context) -> Verdict:
    """Accounts unused for 90 days are disabled by themselves, and none is left."""
    days = context.settings.identity.stale_days
    old = [
        user.name
        for user in context.enabled
        if context.now_s - user.idle_since_s() > (days or 90.0) * _DAY_S + _DAY_S
    ]
    return judged(
        (0.0 < days <= 90.0, f"{days:g} 天未用自动停用", f"disabled when unused for {days:g} days"),
        (not old, "无闲置账户", f"no account is stale {old or ''}"),
    )


PROBES: dict[str, Probe] = {
    "identity": identity,
    "lock_out": lock_out,
    "remote_admin": remote_admin,
    "second_factor": second_factor,
    "assigned": assigned,
    "default_accounts": default_accounts,
    "stale_accounts": stale_accounts,
}
"""Probes by name."""
