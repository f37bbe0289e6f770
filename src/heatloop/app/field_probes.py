"""Probes of devices asked for over the API: one at a time, in a process of their own.

Whoever may change the ledger of the whole company may ask; a probe runs on the platform's own
host, reaches private networks only, sends reads only, and stands in the audit trail. A gateway
is asked by running `heatloop field probe` on it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from heatloop.app.audit import Audit
from heatloop.app.refusals import Refused
from heatloop.edge.probe.registry import target_of
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.kernel.ids import new_id
from heatloop.security.access import Principal

LIMIT_S = 300.0
_KEPT = 20
_MOST_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeState:
    """One probe."""

    id: str
    """Identification."""
    url: str
    """Where, without a password."""
    state: str
    """`running`, `done` or `refused`."""
    report: dict[str, Any] | None = None
    """What was found, as `heatloop field probe --json` prints it."""
    error: str = ""
    """Why it was refused."""
    fix: str = ""
    """What to try."""


class FieldProbes:
    """Starts probes and keeps what they found.

    Args:
        audit: Told of every probe.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._kept: dict[str, ProbeState] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self, by: Principal, url: str) -> ProbeState:
        """Begin a probe.

        Raises:
            Refused: One is running, or the address is none that may be probed.
        """
        if not by.scope.holds(""):
            raise Refused("forbidden", thing=by.user, detail="the whole company")
        if self._task is not None and not self._task.done():
            raise Refused("probe_busy")
        try:
            target = target_of(url)
        except InputError as error:
            raise Refused("invalid", thing=error.thing, detail=f"{error}") from error
        await self._admit(target.host)
        state = ProbeState(id=new_id(machine_s()), url=target.url, state="running")
        await self._audit.add(by.user, "field.probe", target.url)
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[state.id] = state
        self._task = asyncio.create_task(self._run(state, url))
        return state

    @staticmethod
    async def _admit(host: str) -> None:
        """Return if every address of a host is private; serial ports are the gateways' own.

        Raises:
            Refused: It is not.
        """
        if host.startswith("/"):
            raise Refused("probe_address", thing=host)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None)
        except OSError as error:
            raise Refused("probe_address", thing=host, detail=str(error)) from error
        addresses = [ipaddress.ip_address(each[4][0]) for each in found]
        if not addresses or not all(_admitted(a) for a in addresses):
            raise Refused("probe_address", thing=host)

    def state(self, by: Principal, number: str) -> ProbeState:
        """Return how a probe stands.

        Raises:
            Refused: There is none of this number.
        """
        found = self._kept.get(number)
        if found is None or not by.scope.holds(""):
            raise Refused("not_found", thing=number)
        return found

    async def _run(self, state: ProbeState, url: str) -> None:
        said = await _asked(url)
        if said.get("ok"):
            said.pop("ok")
            made = ProbeState(id=state.id, url=state.url, state="done", report=said)
        else:
            error = str(said.get("error") or "the probe ended without a word")
            thing = str(said.get("thing") or urlsplit(state.url).netloc)
            made = ProbeState(
                id=state.id,
                url=state.url,
                state="refused",
                error=f"{error} ({thing})",
                fix=str(said.get("fix") or ""),
            )
        if state.id in self._kept:
            self._kept[state.id] = made


def _admitted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether devices may stand there; link-local addresses are a cloud's own services."""
    return address.is_private and not address.is_multicast and not address.is_link_local


async def _asked(url: str) -> dict[str, Any]:
    """Return what the probe's process prints; it dies with its time."""
    # The URL may hold a password, which a process list would show.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "heatloop", "field", "probe", "-", "--json"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, _ = await process.communicate(url.encode())
    except TimeoutError:
        return {"error": f"not done within {LIMIT_S:g} s", "fix": "ask for less"}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if len(out) > _MOST_BYTES:
        return {"error": "the device offers too much", "fix": "ask for a part of it"}
    try:
        found = json.loads(out)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
