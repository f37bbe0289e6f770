"""A town's platform behind a real socket, with people of every role signed in, to be fuzzed.

Its memory is limited, so what would eat the machine ends this process instead. It prints one line
of JSON (port, process id, cookies by role, codes that exist) and stops when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import tempfile
from pathlib import Path

import numpy as np
import uvicorn

from heatloop.app.process import uvicorn_config
from heatloop.app.quality_watch import QualityWatch
from heatloop.ingest.flag_book import FlagSpan
from heatloop.ingest.reasons import Flag
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.security.passwords import new_token, token_hash
from heatloop.store.historian.port import Historian
from tests.unit.app_town import START_S, Town, town

MEMORY_MB = 2048
"""What the server may use; beyond it, it fails."""
COOKIES_EACH = 400
PEOPLE: dict[str, tuple[Role, ...]] = {
    "engineer": (
        Role.OPERATION_ENGINEER,
        Role.DISPATCHER,
        Role.FIELD_TECHNICIAN,
        Role.MANAGER,
        Role.SYSTEM_ADMIN,
    ),
    "security": (Role.SECURITY_ADMIN,),
    "auditor": (Role.AUDIT_ADMIN,),
    "service": (Role.CUSTOMER_SERVICE,),
    "user": (Role.HEAT_USER,),
}
"""People who ask, by what they are."""


def _fill(here: Town) -> None:
    """Give every point a quarter of an hour of values, and the queue a case."""
    world, historian = here.platform.world, here.platform.historian
    engine: Historian = historian.engine  # type: ignore[attr-defined]
    keys = np.array(sorted(world.ledger.by_key), "u4")
    slots = (int(START_S) - 30 * np.arange(1, 31)).astype("u4")
    n = len(keys) * len(slots)
    rows = Columns(
        np.repeat(keys, len(slots)),
        np.tile(slots[::-1], len(keys)),
        np.linspace(20.0, 90.0, n),
        np.zeros(n, "u1"),
    )
    engine.append(rows)
    engine.refresh_rollups()
    world.latest.update(rows)


async def _start(here: Town) -> dict[str, object]:
    _fill(here)
    # What can be set stands first, so that commands and readings both find something.
    settable = [b.point for b in here.platform.world.ledger.bindings if b.access == "rw"]
    points = list(dict.fromkeys((*settable[:10], *here.keys)))
    watch = QualityWatch(here.platform)
    span = FlagSpan(
        here.key(points[0]), Flag.FROZEN, int(START_S) - 600, int(START_S) - 30, 20, 21.0
    )
    case = watch._case_of(span, START_S)
    assert case is not None
    here.platform.records.quality.put([case])
    here.platform.records.gateways.set_token("GW0001", token_hash("t" * 20))
    cookies: dict[str, list[str]] = {}
    now = machine_s()
    for name, roles in PEOPLE.items():
        here.add_user(f"fuzz-{name}", *roles)
        cookies[name] = [new_token() for _ in range(COOKIES_EACH)]
        for token in cookies[name]:
            here.platform.records.sessions.create(
                token_hash(token), user=f"fuzz-{name}", at=now, expires_at=now + 12 * 3600
            )
    ledger = here.platform.world.ledger
    return {
        "cookies": cookies,
        "records": str(here.folder / "records.sqlite"),
        "journal": str(here.folder / "audit-journal"),
        "known": {
            "point": points[:40],
            "asset": list(ledger.assets),
            "gateway": list(ledger.gateways),
            "unit": ["UN0001", "UN0002"],
            "station": ["SS0001", "SS0002"],
            "case": [case.id],
            "start": [utc(START_S - ago).isoformat() for ago in (600, 900, 86400)],
            "end": [utc(START_S - ago).isoformat() for ago in (0, 300)],
            "date": ["2027-01-15", "2027-01-14"],
            "table": ["user_account", "setting", "quality_case", "ledger_row"],
        },
    }


async def serve(folder: Path) -> None:
    """Serve until the input ends."""
    async with town(folder) as here:
        told = await _start(here)
        # Named as TCP, or asyncio would not switch off the wait for acknowledgements: 40 ms each.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(64)
            server = uvicorn.Server(uvicorn_config(here.platform.settings, here.app))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            port = listener.getsockname()[1]
            print(json.dumps({"port": port, **told}), flush=True)
            await asyncio.to_thread(sys.stdin.read)
            # Streams that go on for ever need not be waited for.
            server.should_exit = server.force_exit = True
            await serving


def main() -> int:
    """Limit the memory and serve."""
    limit = MEMORY_MB * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with tempfile.TemporaryDirectory(prefix="heatloop-fuzz-") as folder:
        asyncio.run(serve(Path(folder) / "town"))
    return 0
