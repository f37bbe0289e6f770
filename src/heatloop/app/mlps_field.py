"""Probes of the control-system and sensor extensions (8.4, 8.5), of monitoring, and of filing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from heatloop.app.history import in_thread
from heatloop.app.links import GatewayLine
from heatloop.app.mlps import Context, Probe, Verdict, judged
from heatloop.app.mlps_identity import LOOPBACK
from heatloop.app.watch_ports import declared_ports
from heatloop.app.watch_registers import FILING
from heatloop.app.watch_rules import RuleBook, security_kinds, watch_rules
from heatloop.edge.report_book import Counting, ReportBook, Stamp
from heatloop.edge.report_book import Verdict as Kept
from heatloop.kernel.errors import HeatloopError

_COMMON = {21: "FTP", 23: "Telnet", 25: "SMTP", 110: "POP3", 143: "IMAP", 512: "rexec",
           513: "rlogin", 514: "rsh"}  # fmt: skip
_LAYERS = {"device", "data", "application"}


async def zones(context: Context) -> Verdict:
    """This is one zone of two, joined by a one-way feed."""
    own = getattr(context.settings, "zones", None)
    zone = getattr(own, "zone", "all")
    apart = zone in ("control", "customer") and bool(getattr(own, "joined", False))
    return judged(
        (apart, f"分区运行：{zone}" if apart else "控制区与客户区未分开运行",
         f"this is the {zone} zone" if apart else "one process serves both zones"),
    )  # fmt: skip


async def wan_commands(context: Context) -> Verdict:
    """Commands leave signed and over encrypted links, or not this machine at all."""
    own = context.settings
    broker = urlsplit(own.mqtt.url)
    clear = broker.scheme == "mqtt" and broker.hostname not in LOOPBACK
    optional = own.crypto.gateway_tls == "optional" and own.server.host not in LOOPBACK
    return judged(
        (not clear, "MQTT 链路加密或未使用", "the broker is reached over TLS or not at all"),
        (not optional, f"网关证书：{own.crypto.gateway_tls}",
         f"certificates of gateways: {own.crypto.gateway_tls}"),
        (bool(context.platform.keys.signing.key_id), "指令均签名", "commands are signed"),
    )  # fmt: skip


async def no_common_services(context: Context) -> Verdict:
    """No port of mail, Telnet, rlogin or FTP is declared."""
    found = sorted(set(_COMMON) & declared_ports(context.settings))
    names = ", ".join(_COMMON[port] for port in found)
    return judged(
        (
            not found,
            f"通用服务端口：{names or '无'}",
            f"ports of common services: {names or 'none'}",
        )
    )


async def boundary_alarm(context: Context) -> Verdict:
    """A protection that fails at the boundary is an alarm."""
    del context
    kind = security_kinds().get("boundary_down")
    return judged(
        (kind is not None and kind.alarm, "边界失效报警已配置", "a failing boundary is an alarm"),
    )


async def gateways_known(context: Context) -> Verdict:
    """Somebody who says he is a gateway and is not enrolled is refused."""
    gateways = context.platform.gateways
    hello = {"gateway": "mlps-probe", "epoch": 1, "signature": "00" * 64}

    async def send(_: object) -> None:
        return None

    async def drop(_: str) -> None:
        return None

    try:
        line: GatewayLine | None = await gateways.open(
            hello, gateways.challenge()["nonce"], send, drop
        )
    except HeatloopError:
        line = None
    return judged((line is None, "未登记网关被拒绝", "a gateway nobody enrolled is refused"))


async def gateways_authorised(context: Context) -> Verdict:
    """Every gateway has a key of its own, and answers for its own points only."""
    rows = await in_thread(context.records.gateways.list)
    keys = [row.key_id for row in rows if row.public_key is not None]
    twice = len(keys) - len(set(keys))
    return judged(
        (not twice, f"{len(keys)} 个网关各有密钥", f"{len(keys)} gateways, each with its own key"),
        (callable(getattr(context.platform.loop.owners, "foreign", None)), "越权测点被隔离",
         "points of others are set aside"),
    )  # fmt: skip


async def upper_system(context: Context) -> Verdict:
    """Nobody commands a device without signing in here, nor what is dangerous by himself."""
    answer = await context.ask("POST", "/api/v1/commands", **{"x-heatloop": "1"})
    door, proof = context.settings.door, context.settings.session.proof_minutes
    return judged(
        (answer.status in (401, 403), "未登录不能下发指令", "no command without signing in"),
        (0.0 < proof <= 15.0, f"危险指令前 {proof:g} 分钟内须重新鉴别",
         f"a proof of identity in the {proof:g} minutes before a dangerous command"),
        (door.two_people, "全网操作须两人", "whole-network actions take two people"),
        (door.second_signature, "网关要求第二签名", "gateways want a second signature"),
    )  # fmt: skip


async def sensor_config(context: Context) -> Verdict:
    """Profiles and rules of devices are changed by authorised users only."""
    paths = ("/api/v1/device-profiles/import", "/api/v1/field/probes")
    open_ = []
    for path in paths:
        answer = await context.ask("POST", path, **{"x-heatloop": "1"})
        if answer.status not in (401, 403, 422):
            open_.append(path)
    return judged((not open_, "须授权", f"only with a right {open_ or ''}"))


async def terminals_identified(context: Context) -> Verdict:
    """A report of a device nobody knows becomes an event with an alarm."""
    del context
    found = RuleBook(watch_rules()).see("source_refused", "GW", "", 1.0)
    kinds = {each.rule.kind for each in found}
    return judged(
        ("unknown_device" in kinds, "未知终端报警", "an unknown terminal is an alarm"),
    )


async def forged_filtered(context: Context) -> Verdict:
    """A device that is not in the profile is refused by the gateway."""
    del context
    verdict = await in_thread(_report_twice, "stranger")
    return judged((verdict[0] is Kept.UNKNOWN, "未知节点被丢弃", "an unknown node is dropped"))


async def replay(context: Context) -> Verdict:
    """A report heard again later, with a counter used before, is refused."""
    del context
    verdicts = await in_thread(_report_twice, "known")
    fresh = verdicts[0] is Kept.NEW and verdicts[1] is not Kept.NEW
    return judged((fresh, "旧报文重放被拒绝", "an old report again is refused"))


def _report_twice(device: str) -> tuple[Kept, Kept]:
    """Give a gateway's own book a report, and the same again an hour later."""
    with tempfile.TemporaryDirectory(prefix="heatloop-probe-") as folder:
        book = ReportBook(Path(folder, "reports"))
        book.devices = {"known"}
        stamp = Stamp(device=device, at_s=1_800_000_000, counter=7, counting=Counting.RISES)
        first = book.verdict(stamp, 1_800_000_000.0)
        if first is Kept.NEW:
            book.accept(stamp)
        later = Stamp(device=device, at_s=1_800_003_600, counter=7, counting=Counting.RISES)
        return first, book.verdict(later, 1_800_003_600.0)


async def online_keys(context: Context) -> Verdict:
    """Gateways get signed profiles over their link, and follow when the platform's key changes."""
    keys = context.platform.keys
    follows = hasattr(keys, "trust_after")
    return judged((follows, "密钥与参数可在线更新", "keys and parameters are renewed online"))


async def history_modified(context: Context) -> Verdict:
    """Closed days have digests, looked at again and again."""
    own = context.settings.backup
    return judged(
        (own.integrity_days > 0, f"每日复核 {own.integrity_days} 天摘要",
         f"{own.integrity_days} digests are computed again each day"),
    )  # fmt: skip


async def fusion(context: Context) -> Verdict:
    """Points of every protocol are one kind of point, with one unit."""
    ledger = context.platform.world.ledger
    protocols = {device.protocol for device in ledger.devices.values()}
    return judged(
        (True, f"{len(protocols)} 种协议、{len(ledger.points)} 个测点统一建模",
         f"{len(protocols)} protocols and {len(ledger.points)} points in one model"),
    )  # fmt: skip


async def central_monitoring(context: Context) -> Verdict:
    """The state of devices, data and application is one report."""
    report = await context.platform.health.report()
    missing = sorted(_LAYERS - set(report.layers))
    return judged(
        (not missing, f"监测 {len(report.parts)} 个部件",
         f"{len(report.parts)} parts are watched {missing or ''}"),
    )  # fmt: skip


async def event_analysis(context: Context) -> Verdict:
    """Events are kept and can be searched; every kind has advice."""
    total, _ = await in_thread(context.records.watch.events, limit=1)
    kinds = [kind for kind in security_kinds().values() if kind.kept]
    bare = [kind.code for kind in kinds if not (kind.advice_zh and kind.advice_en)]
    return judged(
        (not bare, f"事件库 {total} 条，{len(kinds)} 类", f"{total} events kept {bare or ''}"),
    )


async def filing(context: Context) -> Verdict:
    """The filing is on record, and its annual assessment is not overdue."""
    last = await in_thread(context.records.watch.newest, FILING)
    if last is None:
        return judged((False, "未登记备案证明", "no filing is on record"))
    due = last.until is not None and last.until > context.now_s
    level = int(last.body.get("level", 0))
    return judged(
        (due, f"备案号 {last.body.get('number')}", f"filing {last.body.get('number')}"
         + ("" if due else ": annual assessment overdue")),
        (level >= 3, f"等级 {level}", f"level {level}"),
    )  # fmt: skip


PROBES: dict[str, Probe] = {
    "zones": zones,
    "wan_commands": wan_commands,
    "no_common_services": no_common_services,
    "boundary_alarm": boundary_alarm,
    "gateways_known": gateways_known,
    "gateways_authorised": gateways_authorised,
    "upper_system": upper_system,
    "sensor_config": sensor_config,
    "terminals_identified": terminals_identified,
    "forged_filtered": forged_filtered,
    "replay": replay,
    "online_keys": online_keys,
    "history_modified": history_modified,
    "fusion": fusion,
    "central_monitoring": central_monitoring,
    "event_analysis": event_analysis,
    "filing": filing,
}
"""Probes by name."""
