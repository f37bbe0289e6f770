"""Probes of integrity, confidentiality, backup, residual and personal data (8.1.4.7 to 11)."""

from __future__ import annotations

import secrets
import stat
from pathlib import Path
from urllib.parse import urlsplit

from heatloop.app.history import in_thread
from heatloop.app.mlps import Context, Probe, Verdict, judged
from heatloop.app.mlps_identity import LOOPBACK
from heatloop.kernel.errors import HeatloopError
from heatloop.plant.data_classes import data_classes
from heatloop.security.access import PERMISSIONS, Permission, Role
from heatloop.security.keys import seal, unseal
from heatloop.security.masking import mask_name, mask_phone
from heatloop.store.records.keeping import BACKUPS, FULL
from heatloop.store.records.watch import clear_text

_DAY_S = 86400.0
_PERSONAL = ("phone", "address", "id_number")
_MOST_WORDS = 20
_OPEN_SCHEMES = ("http", "mqtt", "clickhouse+http", "ftp", "tcp")


async def integrity_transit(context: Context) -> Verdict:
    """What the platform signs verifies, and does not when a bit of it changes."""
    keys, said = context.platform.keys, b'{"probe":1}'
    signer = keys.signing
    signature = signer.sign(said)
    keys.ring.verify(signer.key_id, said, signature)
    try:
        keys.ring.verify(signer.key_id, said + b" ", signature)
        caught = False
    except HeatloopError:
        caught = True
    algorithm = getattr(signer, "algorithm", "Ed25519")
    return judged(
        (caught, f"指令与配置签名（{algorithm}），篡改可发现",
         f"commands and profiles are signed ({algorithm}); tampering shows"),
    )  # fmt: skip


async def integrity_rest(context: Context) -> Verdict:
    """Sealed values refuse a changed bit; no day of samples was altered."""
    cipher = context.platform.keys.suite.cipher
    key = secrets.token_bytes(cipher.key_bytes or 32)
    blob = bytearray(seal("probe", key, b"said", b"aad", cipher))
    blob[-1] ^= 1
    try:
        unseal({"probe": key}, bytes(blob), b"aad")
        caught = False
    except HeatloopError:
        caught = True
    days = await in_thread(lambda: context.records.keeping.days(limit=400)[1])
    bad = [str(day.day_s) for day in days if day.current and not day.fits]
    return judged(
        (caught, "密文被篡改即拒绝", "a changed sealed value is refused"),
        (not bad, f"{len(days)} 天数据摘要一致", f"{len(days)} days have their digest {bad or ''}"),
    )


async def secret_transit(context: Context) -> Verdict:
    """No link to another machine is in clear."""
    own = context.settings
    urls = {
        "mqtt.url": own.mqtt.url,
        "mqtt_out.url": getattr(own.mqtt_out, "url", ""),
        "sync.pull_url": own.sync.pull_url,
        "storage.historian_url": own.storage.historian_url,
        "s3.endpoint": own.s3.endpoint if own.backup.to.startswith("s3:") else "",
    }
    open_ = [name for name, url in urls.items() if _is_open(url)]
    webhooks = own.webhooks.enabled and own.webhooks.allow_http
    return judged(
        (not open_, "外部链路均加密", f"links to other machines are encrypted {open_ or ''}"),
        (not webhooks, "推送仅用 HTTPS", "webhooks use HTTPS" if not webhooks
         else "webhooks.allow_http lets deliveries go in clear"),
    )  # fmt: skip


def _is_open(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in _OPEN_SCHEMES and parts.hostname not in LOOPBACK


async def secret_rest(context: Context) -> Verdict:
    """Personal data are sealed in the records, keys are for their owner, exports sealed."""
    words = _personal_words(context)
    clear = await in_thread(clear_text, context.records.database, words) if words else []
    loose = await in_thread(_loose_keys, context.settings.keys)
    own = context.settings
    plain_exports = own.crypto.plain_exports == "free"
    return judged(
        (not clear, "个人信息以密文存储", f"personal data are sealed {clear or ''}"),
        (not loose, "密钥文件仅属主可读", f"key files are for their owner alone {loose or ''}"),
        (not own.backup.plaintext, "备份加密" if not own.backup.plaintext else "备份为明文",
         "backups are sealed" if not own.backup.plaintext else "backups are in clear"),
        (not plain_exports, "导出默认加密" if not plain_exports else "允许明文导出",
         "exports are sealed" if not plain_exports else "exports in clear are free"),
    )  # fmt: skip


def _personal_words(context: Context) -> list[str]:
    found: list[str] = []
    for asset in context.platform.world.ledger.of_kind("person"):
        for name in _PERSONAL:
            value = str(asset.attributes.get(name, "") or "")
            if len(value) >= 6:
                found.append(value)
    return found[:_MOST_WORDS]


def _loose_keys(folder: Path) -> list[str]:
    return [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]


async def local_backup(context: Context) -> Verdict:
    """Backups are scheduled; the newest full one is fresh and was restored on trial."""
    own = context.settings.backup
    full = await in_thread(context.records.keeping.newest, (FULL,))
    newest = await in_thread(context.records.keeping.newest, BACKUPS)
    if not own.to or full is None or newest is None:
        return judged((False, "未设置备份或尚无备份", "no backup is scheduled, or none was made"))
    age_days = (context.now_s - full.started_at) / _DAY_S
    fresh = age_days <= own.full_every_days + 1.0
    late = context.now_s - newest.started_at > max(own.rpo_minutes * 60.0 * 2, 2 * 3600.0)
    proven = bool(full.body.get("verified"))
    return judged(
        (fresh, f"全备份 {age_days:.1f} 天前", f"full backup {age_days:.1f} days ago"),
        (not late, "增量备份按期", "increments are on time" if not late else "increments are late"),
        (proven, "已试恢复" if proven else "未试恢复",
         "restored on trial" if proven else "never restored on trial"),
    )  # fmt: skip


async def offsite_backup(context: Context) -> Verdict:
    """Data go to another machine as they come."""
    own = context.settings
    ways = [
        name
        for name, there in (
            ("storage.follower_socket", bool(own.storage.follower_socket)),
            ("storage.historian_url", bool(own.storage.historian_url)),
            ("backup.to (s3)", own.backup.to.startswith("s3:")),
        )
        if there
    ]
    shown = ", ".join(ways)
    return judged(
        (bool(ways), f"异地实时备份：{shown}" if ways else "无异地实时备份",
         f"kept elsewhere by {shown}" if ways else "nothing is kept elsewhere as it comes"),
    )  # fmt: skip


async def redundancy(context: Context) -> Verdict:
    """Another instance takes over when this one fails."""
    on = context.settings.redundancy.enabled
    return judged(
        (on, "热备实例已启用" if on else "未启用热备实例",
         "another instance may take over" if on else "no other instance takes over"),
    )  # fmt: skip


async def residual_credentials(context: Context) -> Verdict:
    """Whoever is disabled has no session left, and nobody signs in for ever."""
    left = []
    for user in context.users:
        sessions = await in_thread(context.records.sessions.of, user.name)
        if user.disabled and sessions:
            left.append(user.name)
    return judged(
        (not left, "停用账户无残留会话", f"no session of a disabled account is left {left or ''}"),
    )


async def residual_data(context: Context) -> Verdict:
    """No temporary file of an import or export is left from days ago."""
    old = await in_thread(_left_over, context.settings.data, context.now_s)
    return judged(
        (not old, "无残留临时文件", f"no temporary file is left {old[:5] or ''}"),
    )


def _left_over(data: Path, now_s: float) -> list[str]:
    found = []
    for folder in ("exports", "tmp", "imports"):
        for path in (data / folder).rglob("*"):
            temporary = folder != "imports" or path.suffix in (".tmp", ".part", ".new")
            if temporary and path.is_file() and now_s - path.stat().st_mtime > 2 * _DAY_S:
                found.append(str(path.relative_to(data)))
    return found


async def personal_minimal(context: Context) -> Verdict:
    """Personal data have purposes, a basis, and an end."""
    del context
    classes = data_classes()
    bad = [
        name
        for name in ("personal", "household")
        if not classes[name].uses
        or classes[name].consent == "not_needed"
        or classes[name].retention_days is None
    ]
    return judged(
        (not bad, "个人信息有用途、依据和保存期限",
         f"personal data have purposes, a basis and an end {bad or ''}"),
    )  # fmt: skip


async def personal_access(context: Context) -> Verdict:
    """Masked unless revealed by a right with a limit; a crowd has at least five."""
    own = context.settings.privacy
    masked = "5678" in mask_phone("13812345678") and "1234" not in mask_phone("13812345678")
    masked = masked and mask_name("张三丰") != "张三丰"
    reveal = [role for role, may in PERMISSIONS.items() if Permission.REVEAL_PERSONAL in may]
    powerless = not {Role.HEAT_USER, Role.INTEGRATOR, Role.SYSTEM_ADMIN} & set(reveal)
    return judged(
        (masked, "默认脱敏显示", "masked by default"),
        (powerless, f"{len(reveal)} 类角色可按理由查看",
         f"{len(reveal)} roles may reveal, with a reason"),
        (own.reveals_per_hour <= 60, f"每小时查看 {own.reveals_per_hour} 次",
         f"{own.reveals_per_hour} reveals an hour"),
        (own.k >= 5, f"对外提供 k≥{own.k}", f"k-anonymity of {own.k} for others"),
    )  # fmt: skip


PROBES: dict[str, Probe] = {
    "integrity_transit": integrity_transit,
    "integrity_rest": integrity_rest,
    "secret_transit": secret_transit,
    "secret_rest": secret_rest,
    "local_backup": local_backup,
    "offsite_backup": offsite_backup,
    "redundancy": redundancy,
    "residual_credentials": residual_credentials,
    "residual_data": residual_data,
    "personal_minimal": personal_minimal,
    "personal_access": personal_access,
}
"""Probes by name."""
