"""Whether somebody may pass the command door: rate, right, proof; and who hears when he may not."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from heatloop.app.audit import Audit
from heatloop.app.command_alarms import CommandAlarms
from heatloop.app.command_asker import Asker
from heatloop.app.command_physics import Write
from heatloop.app.command_settings import DoorSettings
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.access import CommandClass, authorise_command
from heatloop.security.buckets import Buckets
from heatloop.store.records.command_door import ProposalRow


class Events(Protocol):
    """Who takes note of security events; `SecurityEvents` does."""

    def note(self, kind: str, subject: str, address: str = "", **facts: Any) -> None:
        """Take note of something."""
        ...


class CommandGate:
    """Lets pass, or refuses, writes it down and tells who must know.

    Args:
        world: Gateways of points.
        audit: The trail.
        alarms: Alarms of the door.
        settings: Rates.
        proof_s: A proof of identity holds so long, machine time.
    """

    def __init__(
        self,
        world: World,
        audit: Audit,
        alarms: CommandAlarms,
        settings: DoorSettings,
        proof_s: float,
    ) -> None:
        self._world, self._audit, self._alarms, self._proof_s = world, audit, alarms, proof_s
        self.events: Events | None = None
        """Told of what looks like an attack; set by whoever builds both."""
        user, gateway = settings.user_per_minute, settings.gateway_per_minute
        self._users = Buckets(user, user)
        self._gateways = Buckets(gateway, gateway)

    async def rate(self, asker: Asker, writes: Sequence[Write]) -> None:
        """Return if neither the user nor a gateway gets more commands than anybody gives.

        Raises:
            Refused: There are too many a minute.
        """
        now_s = machine_s()
        over = ""
        if not self._users.take(asker.user, now_s, len(writes)):
            over = asker.user
        else:
            for gateway, count in self._of_gateways(writes).items():
                if not self._gateways.take(gateway, now_s, count):
                    over = gateway
        if over:
            await self.refused(asker, writes, "command_rate")
            self._tell("command_rate", asker, over=over, points=len(writes))
            raise Refused("command_rate", thing=over)

    def _of_gateways(self, writes: Sequence[Write]) -> Counter[str]:
        found: Counter[str] = Counter()
        for write in writes:
            # What is bound to nothing is named by the bounds.
            with contextlib.suppress(InputError):
                found[self._world.ledger.gateway_of(write.point.code)] += 1
        return found

    async def class_allowed(
        self, asker: Asker, command_class: str, writes: Sequence[Write]
    ) -> None:
        """Return if right, label and scope let him give commands of this class.

        Raises:
            Forbidden: They do not.
        """
        try:
            for write in writes:
                paths = self._world.ledger.paths(write.point.asset)
                authorise_command(asker.principal, CommandClass(command_class), *paths)
        except UnsafeError as error:
            await self.refused(asker, writes, "forbidden")
            self._tell("http_denied", asker, what=command_class)
            raise Forbidden("forbidden", thing=asker.user, place=error.place) from error

    async def proved(self, asker: Asker, what: str) -> None:
        """Return if he proved who he is a short while ago.

        Raises:
            Forbidden: He must prove it again.
        """
        # No period: the installation asks for no second proof, and `check mlps` says so.
        if self._proof_s and machine_s() - asker.proved_s > self._proof_s:
            await self._audit.add(asker.user, "command.proof_needed", what)
            raise Forbidden("proof_needed", thing=asker.user)

    async def abuse(self, asker: Asker, what: str, code: str) -> None:
        """Write down that somebody tried what no honest person does, and raise an alarm."""
        await self._audit.add(asker.user, "command.abuse", what, code=code, address=asker.address)
        self._tell("command_abuse", asker, code=code, proposal=what)
        await self._alarms.once("command_abuse", priority=2, detail=f"user={asker.user} {code}")

    async def refused(self, asker: Asker, writes: Sequence[Write], code: str) -> None:
        """Write down that a command was refused."""
        for write in writes[:20]:
            await self._audit.add(
                asker.user,
                "command.refused",
                write.point.code,
                value=write.value,
                code=code,
                points=len(writes),
            )

    async def note(self, asker: Asker, action: str, row: ProposalRow, **facts: Any) -> None:
        """Write a step of a proposal down."""
        points = [f"{each['point']}={each['value']:g}" for each in row.points[:50]]
        await self._audit.add(asker.user, action, row.id, points=points, **facts)

    async def glass_broken(self, asker: Asker, row: ProposalRow, why: str) -> None:
        """Tell everybody that nobody was waited for."""
        await self.note(asker, "command.break_glass", row, why=why)
        self._tell("break_glass", asker, why=why[:200], proposal=row.id)
        await self._alarms.once(
            "break_glass", priority=1, detail=f"user={asker.user} proposal={row.id} {why[:200]}"
        )

    def _tell(self, kind: str, asker: Asker, **facts: Any) -> None:
        if self.events is not None:
            self.events.note(kind, asker.user, asker.address, **facts)
