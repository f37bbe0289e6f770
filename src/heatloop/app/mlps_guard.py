"""Probes of intrusion prevention, malicious code and trusted verification (8.1.4.4 to 8.1.4.6)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib import metadata

from heatloop.app.history import in_thread
from heatloop.app.mlps import Context, Probe, Verdict, judged
from heatloop.app.mlps_identity import LOOPBACK
from heatloop.app.sbom import extra_packages, is_package
from heatloop.app.watch_duty import late_vulnerabilities
from heatloop.app.watch_registers import ANTIVIRUS, DAY_S, OK, PORTS, VULNERABILITY
from heatloop.app.watch_rules import RuleBook, security_kinds, watch_rules

_CHECKED = ("cryptography", "argon2-cffi", "sqlalchemy", "starlette", "fastapi", "uvicorn")
_PORT_DAYS = 7.0
_WATCHED = (
    "brute_force", "password_spraying", "probing", "command_rate", "unknown_gateway",
    "unknown_device", "forged_frame", "replayed_frame", "two_places", "mass_reveal",
)  # fmt: skip


async def minimal_install(context: Context) -> Verdict:
    """Nothing is installed that the platform does not need."""
    del context
    if not await in_thread(is_package):
        return judged((False, "从源码运行，未按安装包安装", "run from sources, not from a package"))
    extra = await in_thread(extra_packages)
    shown = " ".join(extra[:8])
    return judged(
        (not extra, f"多余组件 {len(extra)} 个 {shown}" if extra else "无多余组件",
         f"{len(extra)} packages are not needed: {shown}" if extra else "nothing beyond the bill"),
    )  # fmt: skip


async def ports(context: Context) -> Verdict:
    """The newest port scan is a week old at most and found nothing undeclared."""
    last = await in_thread(context.records.watch.newest, PORTS)
    if last is None:
        return judged((False, "尚无端口扫描结果", "ports were not scanned yet"))
    fresh = context.now_s - last.at <= _PORT_DAYS * DAY_S
    return judged(
        (fresh, f"{last.code} 已扫描", f"{last.code} was scanned" + ("" if fresh else " long ago")),
        (last.state == OK, f"未声明端口：{last.body.get('findings')}",
         f"undeclared ports: {last.body.get('findings')}"),
    )  # fmt: skip


async def admin_terminals(context: Context) -> Verdict:
    """Administration is bound to networks, or to this machine."""
    own, server = context.settings.watch, context.settings.server
    bound = bool(own.admin_from) or server.host in LOOPBACK
    where = ", ".join(own.admin_from) or server.host
    return judged((bound, f"管理地址：{where}", f"administration from {where}"))


async def validity(context: Context) -> Verdict:
    """Bad input is refused in the envelope, never answered with a failure."""
    writes = {"x-heatloop": "1", "content-type": "application/json"}
    tried = {
        "csrf": (await context.ask("POST", "/api/v1/session"), (403,)),
        "empty body": (await context.ask("POST", "/api/v1/session", **writes), (422,)),
        "long header": (await context.ask("GET", "/api/v1/info", junk="x" * 40_000), (431,)),
        "path": (await context.ask("GET", "/api/v1/substations/..%2f..%2fetc"), (401, 404, 422)),
        "method": (await context.ask("TRACE", "/api/v1/info", **writes), (405,)),
    }
    bad = [f"{name} {answer.status}" for name, (answer, want) in tried.items()
           if answer.status not in want]  # fmt: skip
    policy = tried["csrf"][0].headers.get("content-security-policy", "")
    safe = "default-src 'self'" in policy and "script-src 'self'" in policy
    return judged(
        (not bad, f"{len(tried)} 类无效输入被拒绝", f"bad input is refused {bad or ''}"),
        (safe, "安全响应头与 CSP 有效", "security headers and CSP are there"),
    )


async def vulnerabilities(context: Context) -> Verdict:
    """A vulnerability scan is fresh, and nothing grave is older than the patch window."""
    own = context.settings.watch
    last = await in_thread(context.records.watch.newest, VULNERABILITY)
    if last is None:
        return judged((False, "尚无漏洞扫描结果", "there was no vulnerability scan yet"))
    fresh = context.now_s - last.at <= own.vulnerability_days * DAY_S
    late = late_vulnerabilities(last, context.now_s, own.patch_days)
    return judged(
        (fresh, f"{last.code} 按期扫描", f"{last.code} scans on time" if fresh else "overdue"),
        (not late, f"超期高危漏洞 {len(late)} 个",
         f"{len(late)} grave ones past {own.patch_days:g} days {late[:3] or ''}"),
    )  # fmt: skip


async def intrusion(context: Context) -> Verdict:
    """Rates are limited, rules recognise an attack, and what they find raises an alarm."""
    own = context.settings.watch
    book = RuleBook(watch_rules())
    found = {
        each.rule.kind
        for n in range(5)
        for each in book.see("sign_in_failed", "somebody", "203.0.113.9", 1000.0 + n)
    }
    kinds = security_kinds()
    silent = [code for code in _WATCHED if code not in kinds or not kinds[code].alarm]
    return judged(
        (own.limits, "请求限速已启用" if own.limits else "请求限速已关闭",
         "requests are limited" if own.limits else "requests are not limited"),
        ("brute_force" in found, f"{len(watch_rules())} 条检测规则有效",
         f"{len(watch_rules())} rules recognise attacks"),
        (not silent, "关键事件均报警", f"key events raise alarms {silent or ''}"),
    )  # fmt: skip


async def malware(context: Context) -> Verdict:
    """A virus scan is fresh and found nothing."""
    own = context.settings.watch
    last = await in_thread(context.records.watch.newest, ANTIVIRUS)
    if last is None:
        return judged((False, "尚无病毒查杀结果", "there was no virus scan yet"))
    fresh = context.now_s - last.at <= own.antivirus_days * DAY_S
    return judged(
        (fresh, f"{last.code} 按期查杀", f"{last.code} scans on time" if fresh else "overdue"),
        (last.state == OK, f"结果：{last.state}", f"result: {last.state}"),
    )


async def trusted_start(context: Context) -> Verdict:
    """The files of the security libraries are those their packages were made of."""
    del context
    changed, checked = await in_thread(_altered)
    return judged(
        (not changed, f"{checked} 个程序文件哈希一致",
         f"{checked} program files have their hashes {changed[:3] or ''}"),
    )  # fmt: skip


def _altered() -> tuple[list[str], int]:
    """Return which files differ from their package's record, and how many were checked."""
    changed: list[str] = []
    checked = 0
    for path, wanted, data in _recorded():
        checked += 1
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        if digest != wanted:
            changed.append(path)
    return changed, checked


def _recorded() -> Iterator[tuple[str, str, bytes]]:
    for name in _CHECKED:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue
        for file in files:
            if file.hash is None or file.hash.mode != "sha256" or file.suffix == ".pyc":
                continue
            try:
                yield str(file), file.hash.value, file.read_binary()
            except OSError:
                yield str(file), file.hash.value, b""


PROBES: dict[str, Probe] = {
    "minimal_install": minimal_install,
    "ports": ports,
    "admin_terminals": admin_terminals,
    "validity": validity,
    "vulnerabilities": vulnerabilities,
    "intrusion": intrusion,
    "malware": malware,
    "trusted_start": trusted_start,
}
"""Probes by name."""
