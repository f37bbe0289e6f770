"""`heatloop storage`: the time series store of a running platform, through its API."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heatloop.kernel.errors import ConfigError, InputError

if TYPE_CHECKING:
    from heatloop.cli.api import Api

_PASSWORD = "HEATLOOP_PASSWORD"
_POLL_S = 1.0
_ACTIONS = {
    "report": "what is kept, how it compresses, whether it comes back as it was",
    "forecast": "CPU, memory and disk, and days until the disk is full",
    "retention": "what has had its time; --run removes it",
    "compact": "merge what was written in pieces",
    "integrity": "digests of days and roots of months; --check computes them again",
}


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "storage",
        help="size, compression, capacity, retention and integrity of the time series",
        description="Asks the running platform; only `encrypt` works on the folder of a stopped "
        f"one. The password is asked for or read from {_PASSWORD}.",
        epilog="example: heatloop storage report --json",
    )
    actions = parser.add_subparsers(dest="storage_action", required=True, metavar="ACTION")
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, epilog=f"example: heatloop storage {name}")
        action.add_argument("--url", default="http://127.0.0.1:8080", help="the platform")
        action.add_argument("--user", default="admin", help="who asks: a system administrator")
        action.add_argument("--json", action="store_true", help="answer for machines")
        if name == "report":
            action.add_argument("--kinds", action="store_true", help="measure every point kind")
        if name == "retention":
            action.add_argument("--run", action="store_true", help="remove what has expired")
        if name == "integrity":
            action.add_argument("--check", action="store_true", help="compute all digests again")
        action.add_argument("--reason", default="", help="what for; goes into the audit trail")
        action.set_defaults(action=run)
    encrypt = actions.add_parser(
        "encrypt",
        help="encrypt a store that was made without a key; stop the platform first",
        epilog="example: heatloop storage encrypt --data heatloop-data",
    )
    encrypt.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    encrypt.set_defaults(action=run_encrypt)


def run(options: argparse.Namespace) -> int:
    """Do one action against the running platform; 1 when what it shows is not well.

    Raises:
        InputError: The password is wrong, or the platform refused.
    """
    password = os.environ.get(_PASSWORD) or getpass.getpass(f"{options.user}: ")
    return asyncio.run(_run(options, password))


async def _run(options: argparse.Namespace, password: str) -> int:
    from heatloop.cli.api import Api

    api = await Api.sign_in(options.url, options.user, password)
    try:
        ok, answer, lines = await _DO[options.storage_action](api, options)
    finally:
        await api.close()
    print(json.dumps(answer, ensure_ascii=False, indent=1) if options.json else "\n".join(lines))
    return 0 if ok else 1


_Answer = tuple[bool, Any, list[str]]


async def _report(api: Api, options: argparse.Namespace) -> _Answer:
    kept = await api.send("GET", "/storage")
    query = "?kinds=true" if options.kinds else ""
    small = await api.send("GET", f"/storage/compression{query}")
    lines = [f"{'表 table':<16}{'行 rows':>16}{'字节 bytes':>18}{'字节/行 a row':>16}"]
    for one in kept["tables"]:
        a_row = "" if one["bytes_a_row"] is None else f"{one['bytes_a_row']:.2f}"
        lines.append(f"{one['table']:<16}{one['rows']:>16,}{one['stored_bytes']:>18,}{a_row:>16}")
    if small["ratio"] is not None:
        lines.append(
            f"压缩比 compression {small['ratio']:.1f} : 1   "
            f"({small['received_bytes_a_sample']:g} -> {small['stored_bytes_a_sample']:.2f} B)"
        )
    lines.append(
        f"无损核对 lossless {'ok' if small['lossless'] else 'NO'}   "
        f"{small['windows']} x SHA-256, {small['samples']:,} samples"
    )
    lines.append(f"静态加密 encrypted at rest {'是 yes' if kept['encrypted'] else '否 no'}")
    lines += [
        f"  {one['kind']:<40} {one['bytes_a_sample']:>7.2f} B  {one['zh']}"
        for one in small["kinds"]
        if one["bytes_a_sample"] is not None
    ]
    return small["passed"] is not False, {"storage": kept, "compression": small}, lines


async def _forecast(api: Api, options: argparse.Namespace) -> _Answer:
    del options
    found = await api.send("GET", "/storage/forecast")
    lines = [
        f"{one['zh']} {one['en']:<10} {one['headroom_pct']:5.1f} %"
        + ("" if one["ok"] else "   < 20 %")
        for one in found["resources"]
    ]
    if found["days_until_full"] is not None:
        lines.append(
            f"磁盘 disk: {found['bytes_a_day'] / 1e6:,.1f} MB/d, "
            f"{found['days_until_full']:,.0f} d 后写满 until full"
        )
    if not found["ok"]:
        lines.append(f"{found['warning_zh']}  {found['warning_en']}")
    return bool(found["ok"]), found, lines


async def _retention(api: Api, options: argparse.Namespace) -> _Answer:
    if options.run:
        found = await api.send("POST", "/storage/retention", {"reason": options.reason})
    else:
        found = await api.send("GET", "/storage/retention")
    lines = [
        f"{one['name']:<12} {'永久 for ever' if not one['days'] else str(one['days']) + ' d'}"
        for one in found["classes"]
    ]
    for one in found["expired"]:
        what = "全部 all" if one["whole"] else ", ".join(one["classes"])
        gone = "" if one["removed"] is None else f"   已删除 removed {one['removed']:,}"
        lines.append(f"{one['table']} {one['partition']}  {one['rows']:,}  {what}{gone}")
    if not found["expired"]:
        lines.append("没有到期数据 nothing has expired")
    return True, found, lines


async def _compact(api: Api, options: argparse.Namespace) -> _Answer:
    body = {"action": "compact", "reason": options.reason}
    started = await api.send("POST", "/keeping/actions", body)
    done = started
    while done["state"] == "running":
        await asyncio.sleep(_POLL_S)
        page = await api.send("GET", "/keeping/actions?size=50")
        done = next(one for one in page["items"] if one["number"] == started["number"])
    return done["state"] == "done", done, [f"compact {done['state']}"]


async def _integrity(api: Api, options: argparse.Namespace) -> _Answer:
    method = "POST" if options.check else "GET"
    found = await api.send(method, "/keeping/integrity")
    while options.check and found["checking"]:
        await asyncio.sleep(_POLL_S)
        found = await api.send("GET", "/keeping/integrity")
    lines = [f"{one['month']}  {one['days']:>2} d  {one['root']}" for one in found["months"]]
    lines.append(f"天数 days {found['total']}   不符 misfits {found['misfits']}")
    return found["misfits"] == 0, found, lines


_DO: dict[str, Callable[[Api, argparse.Namespace], Awaitable[_Answer]]] = {
    "report": _report,
    "forecast": _forecast,
    "retention": _retention,
    "compact": _compact,
    "integrity": _integrity,
}


def run_encrypt(options: argparse.Namespace) -> int:
    """Encrypt the store of a stopped platform.

    Raises:
        InputError: There is no store there.
        ConfigError: The platform runs.
    """
    from heatloop.store.historian.sealing import encrypt_folder

    folder = options.data.resolve() / "historian"
    if not folder.is_dir():
        raise InputError("no time series there", thing=str(folder), fix="give --data")
    if (options.data / "run" / "historian.sock").exists():
        raise ConfigError(
            "the historian seems to run", thing=str(options.data), fix="stop the platform first"
        )
    moved = encrypt_folder(folder, options.data.resolve() / "keys")
    print(f"已加密 encrypted: {moved} 个分区 partitions; 密钥 key: keys/historian.aes256")
    return 0
