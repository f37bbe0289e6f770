"""The steps of an upgrade: rehearse, keep, switch, restart one by one, look, go back if need be."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from heatloop.app.settings import Settings, load_settings
from heatloop.cli.version_folders import Home, VersionError
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import LinkError
from heatloop.store.backup_keeping import Snapshot, put_back, take_snapshot
from heatloop.store.records.database import read_url

PATIENCE_S = 90.0
SETTLE_S = 2.0
_TRIES = 3
ACQUISITION_GAP_S = 30.0
_REHEARSE = (
    "import sys; from heatloop.store.records import upgrade; upgrade(sys.argv[1]);"
    "from heatloop.store.historian.chdb_migrations import migrations;"
    "print('migrations', len(migrations()))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is upgraded."""

    home: Home
    """Folder of versions."""
    data: Path
    """Data folder."""
    settings: Settings
    """Settings of the installation."""
    url: str
    """Address of the platform."""

    @classmethod
    def of(cls, home: Home, data: Path, config: Path | None, url: str | None) -> Self:
        """Return the plan for a data folder."""
        settings = load_settings(data, config, os.environ)
        server = settings.server
        scheme = "https" if server.tls_certificate else "http"
        return cls(
            home=home,
            data=data,
            settings=settings,
            url=url or f"{scheme}://{server.host}:{server.port}",
        )

    @property
    def marks(self) -> Path:
        """Return the folder of snapshots."""
        return self.data / "upgrade"


async def upgrade(plan: Plan, version: str) -> int:
    """Put an installed version in force; return the exit code.

    Raises:
        VersionError: Its migrations fail on a copy of the records; nothing was changed.
        LinkError: It did not come up, and the old one is in force again.
    """
    before, earlier = plan.home.current, plan.home.previous
    _say(f"{before} -> {version}")
    rehearsed = await asyncio.to_thread(rehearse, plan, version)
    _say(f"迁移演练通过 migrations rehearsed on a copy ({rehearsed})")
    shot = await asyncio.to_thread(
        take_snapshot, plan.settings.records_url, plan.data, plan.marks, before, machine_s()
    )
    _say(f"快照 snapshot: {shot.folder}")
    plan.home.put_in_force(version)
    try:
        await restart_all(plan, version)
    except (LinkError, OSError) as error:
        _say(f"失败，回退 failed, going back: {error}")
        await _back(plan, before, shot)
        plan.home.note_previous(earlier)
        raise LinkError(
            f"version {version} did not come up; {before} is in force again",
            thing=version,
            fix=f"look into {plan.data / 'logs'}: {error}",
        ) from error
    plan.home.prune()
    _say(f"已生效 in force: {version}")
    return 0


async def go_back(plan: Plan) -> int:
    """Put the version before in force, with the records of then if they were migrated since.

    Raises:
        VersionError: There is no version before.
    """
    before = plan.home.previous
    if not before:
        raise VersionError("there is no version before")
    shot = Snapshot.newest(plan.marks, before)
    _say(f"{plan.home.current} -> {before}")
    await _back(plan, before, shot)
    _say(f"已生效 in force: {before}")
    return 0


async def _back(plan: Plan, version: str, shot: Snapshot | None) -> None:
    migrated = shot is not None and await asyncio.to_thread(shot.differs, plan.settings.records_url)
    if not migrated or shot is None:
        plan.home.put_in_force(version)
        await restart_all(plan, version)
        return
    # Nothing may run on the records while they are replaced; the supervisor tries on meanwhile.
    plan.home.hold()
    for name, pid in _pids(plan.data).items():
        if name in ("platform", "historian"):
            await _end(pid)
    lost = await asyncio.to_thread(put_back, shot, plan.settings.records_url, plan.data)
    _say(f"已恢复升级前的记录 records of before the upgrade are back; 另存 aside: {lost}")
    plan.home.put_in_force(version)
    await _until_up(plan, version)
    # Both came up by themselves with the old version; gateways may already have the new one.
    await restart_all(plan, version, only="edge")


def rehearse(plan: Plan, version: str) -> str:
    """Run the new version's migrations on a copy of the records.

    Raises:
        VersionError: They fail.
    """
    url = read_url(plan.settings.records_url)
    if url.get_backend_name() != "sqlite" or not Path(str(url.database)).is_file():
        return "not on a server's records"
    plan.marks.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = plan.marks / "rehearsal.sqlite"
    try:
        with (
            closing(sqlite3.connect(str(url.database), timeout=30)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        done = subprocess.run(
            [sys.executable, "-c", _REHEARSE, f"sqlite:///{copy}"],
            env={**os.environ, "PYTHONPATH": str(plan.home.path(version))},
            capture_output=True,
            text=True,
            check=False,
            cwd=plan.marks,
        )
    finally:
        for path in plan.marks.glob("rehearsal.sqlite*"):
            path.unlink()
    if done.returncode:
        raise VersionError(f"migrations of {version} fail: {done.stderr.strip()[-600:]}")
    return done.stdout.strip()


async def restart_all(plan: Plan, version: str, only: str = "") -> dict[str, float]:
    """Restart what runs here, one after the other; return how long each was away.

    Args:
        plan: What is upgraded.
        version: What is to come up.
        only: Restart only programs whose names begin so.

    Raises:
        LinkError: One did not come back.
    """
    away: dict[str, float] = {}
    names = _pids(plan.data)
    if not names:
        _say("没有在运行 nothing runs on this folder; start it when you like")
        return away
    order: list[str] = [n for n in ("historian", "platform") if n in names]
    order += sorted(n for n in names if n.startswith("edge"))
    for name in [each for each in order if each.startswith(only)]:
        away[name] = await _restart(plan, name, version)
        late = name.startswith("edge") and away[name] > ACQUISITION_GAP_S
        _say(f"  {name:<24} {away[name]:6.2f} s" + ("  > 30 s" if late else ""))
    # A process that dies right after its first good answer must not count as up.
    await asyncio.sleep(SETTLE_S)
    await _until_up(plan, version)
    return away


async def _restart(plan: Plan, name: str, version: str) -> float:
    old = _pids(plan.data)[name]
    started = time.monotonic()
    await _end(old)
    deadline = started + PATIENCE_S
    seen: set[int | None] = {None, old}
    while time.monotonic() < deadline:
        pid = _pids(plan.data).get(name)
        seen.add(pid)
        if pid not in (None, old) and await _serves(plan, name, version):
            return time.monotonic() - started
        if len(seen) > _TRIES + 1:  # it was given as many tries
            raise LinkError(f"{name} ends again and again", thing=name)
        await asyncio.sleep(0.05)
    raise LinkError(f"{name} did not come back within {PATIENCE_S:.0f} s", thing=name)


async def _serves(plan: Plan, name: str, version: str) -> bool:
    if name == "platform":
        return await _version_at(plan.url) == version
    if name == "historian":
        return await _answers(plan.settings.historian_socket)
    pid = _pids(plan.data).get(name, 0)
    return _polls(pid)


def _polls(pid: int) -> bool:
    """Return whether a gateway has taken up its work: it holds its spool open."""
    try:
        names = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any("/spool/" in name for name in names)


async def _answers(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True


async def _version_at(url: str) -> str:
    try:
        # Only the version is asked for: the name in the certificate need not be this address.
        async with httpx.AsyncClient(timeout=4, trust_env=False, verify=False) as client:  # noqa: S501  # nosec B501
            if (await client.get(f"{url}/api/v1/health")).status_code != httpx.codes.OK:
                return ""
            return str((await client.get(f"{url}/api/v1/info")).json()["version"])
    except (httpx.HTTPError, ValueError, KeyError):
        return ""


async def _until_up(plan: Plan, version: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while "platform" in _pids(plan.data):
        if await _version_at(plan.url) == version:
            return
        if time.monotonic() > deadline:
            raise LinkError(f"the platform does not serve version {version}", thing=plan.url)
        await asyncio.sleep(0.1)


async def _end(pid: int) -> None:
    """End a process of this installation and wait until it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(300):
            os.kill(pid, 0)
            if _zombie(pid):
                return
            await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _pids(data: Path) -> dict[str, int]:
    try:
        return {str(k): int(v) for k, v in json.loads((data / "run/pids.json").read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _say(text: str) -> None:
    print(text, flush=True)
