"""Keeps the OPC UA server's process: starts it, gives it values, says who may come in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path
from typing import Any

import structlog

from heatloop.app.latest import positions_of
from heatloop.app.open_feed import Feed
from heatloop.app.open_scope import chosen_assets, chosen_points
from heatloop.app.open_settings import OpcUaSettings, words
from heatloop.app.refusals import Refused
from heatloop.app.sessions import Sessions
from heatloop.app.sessions_model import PROGRAM
from heatloop.app.views.interfaces import InterfaceState
from heatloop.app.world import World
from heatloop.bridge.opc_ua_server_wire import (
    MODEL,
    VALUES,
    Model,
    frame,
    pack_model,
    pack_values,
    read_frame,
)
from heatloop.edge.drivers.opc_ua_trust import make_certificate, read_identity
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.security.access import Permission

_log = structlog.get_logger("heatloop.opc_ua")
CERTIFICATE, KEY, CLIENTS = "opc_ua_server.der", "opc_ua_server.pem", "opc_ua_clients"
_WAIT_S, _ENTRIES, _ROWS = 1.0, 64, 50_000
_WAITS_S = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
_STOP_S = 8.0
_SETTLED_S = 30.0


class OpcUaOut:
    """Runs the server's process as long as the platform runs.

    Args:
        settings: Where it listens and what it shows.
        keys: Folder of secrets: its certificate and key, and the certificates of clients.
        world: Ledger and latest values.
        feed: What is new.
        sessions: Knows passwords.
    """

    def __init__(
        self, settings: OpcUaSettings, keys: Path, world: World, feed: Feed, sessions: Sessions
    ) -> None:
        self._settings, self._keys = settings, keys
        self._world, self._feed, self._sessions = world, feed, sessions
        self._told: dict[str, Any] = {}
        self._up = False
        self._pid: int | None = None
        self._error = ""
        self._error_at: float | None = None
        self._skipped = 0

    @property
    def port(self) -> int:
        """Return the port it listens on; 0 while it does not."""
        return int(self._told.get("port", 0)) if self._up else 0

    @property
    def pid(self) -> int | None:
        """Return the id of its process, None while there is none."""
        return self._pid

    async def run(self) -> None:
        """Work until cancelled; switched off there is nothing to do.

        Raises:
            ConfigError: Its certificate cannot be used, or an asset does not exist.
        """
        if not self._settings.enabled:
            await asyncio.Event().wait()
        uri = await asyncio.to_thread(self._certificate)
        failures = 0
        while True:
            started = machine_s()
            try:
                await self._serve(uri)
                failures = 0
                continue  # The ledger changed: at once with the new one.
            except (OSError, asyncio.IncompleteReadError, InputError) as error:
                self._trouble(str(error) or "its process ended", first=failures == 0)
            finally:
                self._up = False
            if machine_s() - started > _SETTLED_S:
                failures = 0
            await asyncio.sleep(_WAITS_S[min(failures, len(_WAITS_S) - 1)])
            failures += 1

    def _trouble(self, reason: str, *, first: bool) -> None:
        self._error, self._error_at = reason, machine_s()
        if first:
            _log.warning("OPC UA server ended, starting it again", reason=reason)

    def _certificate(self) -> str:
        """Return the application URI of the certificate, made the first time."""
        certificate, key = self._keys / CERTIFICATE, self._keys / KEY
        try:
            if not (certificate.is_file() and key.is_file()):
                make_certificate(certificate, key, "server")
            return read_identity(certificate, key).uri
        except (OSError, ValueError) as error:
            fix = f"remove {CERTIFICATE} and {KEY}: new ones are made"
            raise ConfigError(
                f"certificate cannot be used: {error}", thing="opc_ua", fix=fix
            ) from error

    def _model(self, uri: str, auth_fd: int) -> tuple[Model, Ledger]:
        world, settings, kinds = self._world, self._settings, point_kinds()
        ledger = world.ledger
        codes = chosen_assets(world, words(settings.assets), "opc_ua.assets")
        points = chosen_points(world, codes, (), "opc_ua.assets")
        assets = ledger.assets.values()
        folder = self._keys / CLIENTS
        used = {point.kind for point in points}
        model = Model(
            host=settings.host,
            port=settings.port,
            certificate=str(self._keys / CERTIFICATE),
            key=str(self._keys / KEY),
            uri=uri,
            trusted=str(folder) if folder.is_dir() else "",
            max_sessions=settings.max_sessions,
            auth_fd=auth_fd,
            # No persons: whoever may read values need not know who works here.
            assets=[
                [a.code, a.zh, a.en, a.kind, a.parent, a.organisation]
                for a in assets
                if (codes is None or a.code in codes) and a.kind != "person"
            ],
            points=[[p.key, p.code, p.asset, p.kind, p.n] for p in points],
            kinds={
                name: [k.zh, k.en, k.unit, k.low, k.high]
                for name, k in kinds.items()
                if name in used
            },
        )
        return model, ledger

    async def _serve(self, uri: str) -> None:
        """Run one process until it ends or the ledger changes."""
        ours, theirs = socket.socketpair()
        with theirs:
            model, ledger = await asyncio.to_thread(self._model, uri, theirs.fileno())
            body = await asyncio.to_thread(pack_model, model)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "heatloop.bridge.opc_ua_server",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
            )
        self._pid = process.pid
        tasks = [asyncio.create_task(self._answer(ours)), asyncio.create_task(self._hear(process))]
        try:
            assert process.stdin is not None
            process.stdin.write(frame(MODEL, body))
            await process.stdin.drain()
            keys = [int(row[0]) for row in model.points]
            tasks.append(asyncio.create_task(self._give(process.stdin, keys, ledger)))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _end(process)
            self._pid = None
            ours.close()

    async def _give(self, pipe: asyncio.StreamWriter, keys: list[int], ledger: Ledger) -> None:
        """Send the latest of everything, then what is new; return when the ledger changed."""
        seq = self._feed.head
        await self._all(pipe, keys)
        while self._world.ledger is ledger:
            await self._feed.wait(seq, _WAIT_S)
            if seq + 1 < self._feed.oldest:
                self._skipped += self._feed.oldest - 1 - seq
                seq = self._feed.head
                await self._all(pipe, keys)
            for entry in self._feed.after(seq, _ENTRIES):
                seq = entry.seq
                if entry.columns is not None:
                    pipe.write(frame(VALUES, pack_values(entry.columns)))
                    await pipe.drain()

    async def _all(self, pipe: asyncio.StreamWriter, keys: list[int]) -> None:
        latest = self._world.latest
        at = positions_of(latest.index, keys)
        at = at[latest.slots[at] > 0]
        for start in range(0, len(at), _ROWS):
            part = at[start : start + _ROWS]
            columns = Columns(
                latest.index.keys[part],
                latest.slots[part],
                latest.values[part],
                latest.quality[part],
            )
            pipe.write(frame(VALUES, pack_values(columns)))
            await pipe.drain()

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            _, body = await read_frame(process.stdout)
            told = json.loads(body)
            if "error" in told:
                raise OSError(str(told["error"]))
            if not self._up:
                _log.info("OPC UA server listens", port=told["port"], points=told["points"])
            self._told, self._up = told, True

    async def _answer(self, line: socket.socket) -> None:
        """Answer who may come in."""
        line.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=line)
        try:
            while True:
                text = await reader.readline()
                if not text:
                    raise OSError("its process ended")
                asked = json.loads(text)
                good = await self._may(str(asked["user"]), str(asked["password"]))
                writer.write(b"1" if good else b"0")
                await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _may(self, user: str, password: str) -> bool:
        """Return whether a user may see everything the server shows."""
        try:
            token, session = await self._sessions.sign_in(user, password, "opc.ua", kind=PROGRAM)
        except Refused:
            return False
        await self._sessions.sign_out(token)
        who = session.principal
        if session.waits_for or Permission.VIEW not in who.permissions:
            return False
        roots = words(self._settings.assets)
        ledger = self._world.ledger
        return all(who.scope.holds(*ledger.paths(code)) for code in roots) and (
            bool(roots) or who.scope.holds("")
        )

    def state(self) -> InterfaceState:
        """Return how it does."""
        settings, told = self._settings, self._told if self._up else {}
        port = told.get("port", settings.port)
        detail = ""
        if told:
            detail = (
                f"{told['points']} points, {told['watched']} subscribed, {told['made']} nodes "
                f"in memory, {told['refused']} sign-ins refused"
            )
        return InterfaceState(
            name="opc_ua",
            zh="OPC UA 服务器",
            en="OPC UA server",
            enabled=settings.enabled,
            connected=self._up,
            clients=int(told.get("clients", 0)),
            sent=int(told.get("pushed", 0)),
            dropped=self._skipped,
            waiting=0,
            last_error=self._error,
            last_error_at=None if self._error_at is None else utc(self._error_at),
            address=f"opc.tcp://{settings.host}:{port}/" if settings.enabled else "",
            detail=detail,
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process: it goes when its input ends, and is killed when it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
