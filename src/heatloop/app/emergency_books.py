"""Door books: what every gateway must ask of commands, and the stop plans it holds, signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatloop.app.command_second import SecondKey
from heatloop.app.command_settings import DoorSettings
from heatloop.app.keys import PlatformKeys, write_secret
from heatloop.app.links import Links
from heatloop.app.world import World
from heatloop.control.command_classes import network_kinds, steps_of_kinds
from heatloop.control.stop_plans import StopStep, plans_of_gateway
from heatloop.plant.ledger import Ledger
from heatloop.security.keys import sign_document

FORMAT = 1
Plans = Mapping[str, Mapping[str, tuple[StopStep, ...]]]


class DoorBooks:
    """Compiles the books when a ledger comes into force, and gives them to who connects.

    Args:
        world: Ledger in force.
        keys: The platform's signing key.
        links: Ways to the gateways.
        settings: Rates and the frost-safe opening.
        second: Key of second signatures; None: gateways ask for none.
        path: File that remembers since when a ledger is in force.
    """

    def __init__(
        self,
        *,
        world: World,
        keys: PlatformKeys,
        links: Links,
        settings: DoorSettings,
        second: SecondKey | None,
        path: Path,
    ) -> None:
        self._world, self._keys, self._links, self._settings = world, keys, links, settings
        self._second, self._path = second, path
        self._ledger: Ledger | None = None
        self._made_s = 0.0
        self.plans: dict[str, Plans] = {}
        """Gateway -> asset -> cause -> writes, of the ledger in force."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        links.when_opened(self._opened)

    async def compile(self) -> None:
        """Work out the plans of the ledger in force, unless that was done."""
        async with self._turn:
            ledger = self._world.ledger
            if ledger is self._ledger:
                return
            now_s = self._world.now_s()
            plans, self._made_s = await asyncio.to_thread(self._compiled, ledger, now_s)
            self.plans, self._ledger = plans, ledger

    def _compiled(self, ledger: Ledger, now_s: float) -> tuple[dict[str, Plans], float]:
        frost = self._settings.frost_safe_valve_pct
        plans: dict[str, Plans] = {
            code: plans_of_gateway(ledger, code, frost) for code in ledger.gateways
        }
        return plans, self._since(ledger.version, now_s)

    def _since(self, version: int, now_s: float) -> float:
        """Return since when this ledger is in force, also after a restart."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            if kept["version"] == version and float(kept["made_s"]) <= now_s:
                return float(kept["made_s"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secret(self._path, json.dumps({"version": version, "made_s": now_s}).encode())
        return now_s

    def document(self, gateway: str) -> dict[str, Any]:
        """Return a gateway's book as a signed document."""
        settings, second = self._settings, self._second
        plain = {
            "kind": "door",
            "format": FORMAT,
            "gateway": gateway,
            "ledger_version": self._world.ledger.version,
            "made_s": self._made_s,
            "per_minute": float(settings.gateway_per_minute),
            "burst": float(settings.gateway_per_minute),
            "steps": {kind: list(bound) for kind, bound in steps_of_kinds().items()},
            "second": None
            if second is None
            else {"public": second.public.hex(), "kinds": list(network_kinds())},
            "plans": {
                asset: {
                    cause: [[s.point, s.value, s.ramp_per_min] for s in steps]
                    for cause, steps in causes.items()
                }
                for asset, causes in self.plans.get(gateway, {}).items()
            },
        }
        return dict(sign_document(self._keys.signing, plain))

    async def send_all(self) -> None:
        """Give every connected gateway its book, after the ledger changed."""
        await self.compile()
        for gateway in self._links.connected():
            await self._send(gateway)

    async def _send(self, gateway: str) -> None:
        await self.compile()
        line = self._links.line(gateway)
        if line is not None:
            document = await asyncio.to_thread(self.document, gateway)
            await line.send({"type": "door", "document": document})

    def _opened(self, gateway: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send(gateway))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
