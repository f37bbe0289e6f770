"""Emergency stop without screens: a socket only the platform's own account can open.

One JSON object a line: `{"do": "list"}`, `{"do": "propose", ...}`, `{"do": "confirm", ...}`. Who
asks is the operating system's user, as the kernel tells it; the socket's file lets in nobody but
the account the platform runs under, and root. No database is needed to know who that is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import secrets
import socket
import struct
from pathlib import Path
from typing import Any

import structlog

from heatloop.app.alarm_views import plain
from heatloop.app.command_asker import Asker
from heatloop.app.emergency import Emergency
from heatloop.app.emergency_views import EmergencyBook
from heatloop.app.platform import Platform
from heatloop.app.refusals import Refused, refusals
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.scope import Scope
from heatloop.security.access import Principal, Role

_log = structlog.get_logger("heatloop.emergency")
_MOST_LINE = 64 * 1024
_LONGEST_PATH = 100
_IDLE_S = 120.0


def socket_path(data: Path) -> Path:
    """Return where the socket of an installation is."""
    return data / "run" / "emergency.sock"


def _peer(writer: asyncio.StreamWriter) -> tuple[int, str]:
    """Return the user id and name of who is at the other end."""
    sock = writer.get_extra_info("socket")
    if hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = struct.unpack(
            "3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        )
    else:  # macOS: the file's mode alone decides
        uid = os.getuid()
    try:
        return uid, pwd.getpwuid(uid).pw_name
    except KeyError:
        return uid, str(uid)


class EmergencyDoor:
    """Answers at the socket.

    Args:
        emergency: Who stops.
        book: Who tells.
    """

    def __init__(self, emergency: Emergency, book: EmergencyBook) -> None:
        self._emergency, self._book = emergency, book

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one caller until he hangs up."""
        uid, name = _peer(writer)
        try:
            if uid not in (0, os.getuid()):
                return
            asker = Asker(
                principal=Principal(
                    user=f"os:{name}",
                    roles=frozenset((Role.DISPATCHER,)),
                    scope=Scope.everything(),
                ),
                session=secrets.token_hex(16),
                proved_s=machine_s(),
                factors=frozenset(("operating_system",)),
                address="local",
            )
            while True:
                async with asyncio.timeout(_IDLE_S):
                    line = await reader.readline()
                if not line:
                    return
                answer = await self._answer(asker, line)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, asker: Asker, line: bytes) -> dict[str, Any]:
        try:
            return {"ok": True, "result": await self._do(asker, json.loads(line))}
        except Refused as error:
            row = refusals()[error.code]
            return {
                "ok": False, "code": error.code, "zh": row.zh, "en": row.en,
                "detail": error.detail or error.thing,
            }  # fmt: skip
        except (HeatloopError, KeyError, TypeError, ValueError) as error:
            return {"ok": False, "code": "invalid", "zh": "", "en": str(error), "detail": ""}

    async def _do(self, asker: Asker, wish: dict[str, Any]) -> dict[str, Any]:
        match wish["do"]:
            case "list":
                return plain(self._book.all(Scope.everything(), asker.user))
            case "propose":
                made, token = await self._emergency.propose(
                    asker,
                    str(wish["subject"]),
                    str(wish["action"]),
                    str(wish.get("cause", "general")),
                    str(wish["reason"])[:400],
                )
                return plain(self._book.proposal(made, token))
            case "confirm":
                glass = str(wish.get("break_glass", ""))[:400]
                made = await self._emergency.confirm(
                    asker, str(wish["order"]), str(wish["token"]), glass
                )
                return plain(self._book.proposal(made))
            case other:
                raise ValueError(f"unknown wish {str(other)[:40]}")


async def serve_emergency(platform: Platform) -> None:
    """Serve the socket until cancelled; where it cannot be opened, say so and go without."""
    path = socket_path(platform.settings.data)
    if len(str(path.absolute())) > _LONGEST_PATH:
        _log.warning("no socket for emergency stops: its path is too long", path=str(path))
        await asyncio.Event().wait()
    door = EmergencyDoor(platform.emergency, platform.emergency_book)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # Nobody may slip in between the making of the file and the setting of its mode.
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(door.serve, str(path), limit=_MOST_LINE)
    finally:
        os.umask(before)
    try:
        await server.serve_forever()
    finally:
        server.close()
        path.unlink(missing_ok=True)
