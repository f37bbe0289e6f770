"""Edge rules from the platform's side: checked, versioned, signed, sent, taken back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import Links
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.security.access import Permission, Principal
from heatloop.security.keys import sign_document
from heatloop.station.rule_check import FORMAT, compile_book, targets_of
from heatloop.store.records import Records
from heatloop.store.records.edge_rules import RulesRow

_log = structlog.get_logger("heatloop.edge_rules")
_STATES = ("active", "refused", "rolled_back")
_OWN = ("gateway", "version", "format")


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesVersion:
    """One version of a gateway's rules."""

    version: int
    """Rises with every document of the gateway."""
    at: datetime
    """When it was made."""
    user: str
    """Who made it."""
    note: str
    """What for."""
    back_to: int | None
    """Version it repeats, when it was made to go back."""
    state: str
    """`sent`, `active`, `refused` or `rolled_back`, as the gateway said last."""
    reason: str
    """Why it was refused or rolled back."""
    document: dict[str, Any]
    """The rules."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesView:
    """A gateway's rules."""

    gateway: str
    """Gateway code."""
    in_force: int | None
    """Version the gateway said is in force; None when it said nothing yet."""
    versions: list[RulesVersion]
    """All versions, newest first."""


class EdgeRules:
    """Deploys rule documents to gateways.

    A gateway gets the newest document when it is made and again at each link, and takes it once.
    """

    def __init__(
        self, world: World, records: Records, audit: Audit, links: Links, keys: PlatformKeys
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._links, self._keys = links, keys
        self._tasks: set[asyncio.Task[None]] = set()
        links.when_opened(self._opened)

    async def view(self, principal: Principal, gateway: str) -> RulesView:
        """Return a gateway's rules with their history.

        Raises:
            Refused: There is no such gateway inside the scope.
        """
        self._seen(principal, gateway)
        rows = await in_thread(self._records.edge_rules.list, gateway)
        said = [row for row in rows if row.state == "active" and row.reported_at is not None]
        newest = max(said, key=lambda row: (row.reported_at or 0.0, row.version), default=None)
        return RulesView(
            gateway=gateway,
            in_force=newest.version if newest is not None else None,
            versions=[_view(row) for row in rows],
        )

    async def put(
        self, principal: Principal, gateway: str, rules: Mapping[str, Any], note: str
    ) -> RulesView:
        """Check a new document as the gateway will, keep it and send it.

        Raises:
            Refused: There is no such gateway inside the scope, or the document is not right.
            Forbidden: It writes set-points, and the user may not command.
        """
        self._seen(principal, gateway)
        await self._deploy(principal, gateway, dict(rules), note, None)
        return await self.view(principal, gateway)

    async def roll_back(self, principal: Principal, gateway: str) -> RulesView:
        """Bring back the version before the newest, as a new document.

        Raises:
            Refused: There is no such gateway inside the scope, or nothing to go back to.
            Forbidden: It writes set-points, and the user may not command.
        """
        self._seen(principal, gateway)
        rows = list(await in_thread(self._records.edge_rules.list, gateway))
        # Going back twice goes two versions back, not to and fro.
        at = rows[0].back_to or rows[0].version if rows else 0
        older = next(
            (row for row in rows if row.version < at and row.back_to is None and _was_good(row)),
            None,
        )
        if older is None:
            raise Refused("not_found", thing=gateway, detail="no earlier version")
        rules = json.loads(older.body)
        await self._deploy(principal, gateway, rules, older.note, older.version)
        return await self.view(principal, gateway)

    async def report(self, gateway: str, body: Mapping[str, Any]) -> None:
        """Note what a gateway says of a version.

        Raises:
            InputError: It is no such report.
        """
        state = str(body["state"])
        if state not in _STATES:
            raise InputError("unknown state of rules", thing=state[:40])
        await in_thread(
            self._records.edge_rules.report,
            gateway,
            int(body["version"]),
            state=state,
            reason=str(body.get("reason", ""))[:400],
            at=float(body["at"]),
        )

    def _seen(self, principal: Principal, gateway: str) -> None:
        if not self._world.sees_gateway(principal.scope, gateway):
            raise Refused("not_found", thing=gateway)

    async def _deploy(
        self,
        principal: Principal,
        gateway: str,
        rules: dict[str, Any],
        note: str,
        back_to: int | None,
    ) -> None:
        if rules.get("outputs") and Permission.COMMAND not in principal.permissions:
            raise Forbidden("forbidden", thing=principal.user, place=f"rules of {gateway}")
        await asyncio.to_thread(self._check, gateway, rules)
        version = await in_thread(
            self._records.edge_rules.add,
            gateway,
            at=machine_s(),
            user=principal.user,
            note=note,
            body=json.dumps(rules, ensure_ascii=False),
            back_to=back_to,
        )
        action = "edge_rules.put" if back_to is None else "edge_rules.rollback"
        await self._audit.add(
            principal.user, action, gateway, version=version, back_to=back_to, rules=rules
        )
        await self._send(gateway)

    def _check(self, gateway: str, rules: Mapping[str, Any]) -> None:
        profile = make_edge_profile(self._world.ledger, gateway, self._world.ledger.version)
        points, assets = targets_of(profile.bindings)
        own = [name for name in _OWN if name in rules]
        if own:
            raise InputError("the platform gives these itself", thing=", ".join(own))
        compile_book(_whole(gateway, 1, rules), points, assets)

    def _opened(self, gateway: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send(gateway))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, gateway: str) -> None:
        line = self._links.line(gateway)
        row = await in_thread(self._records.edge_rules.newest, gateway)
        if line is None or row is None:
            return
        plain = _whole(gateway, row.version, json.loads(row.body))
        document = dict(sign_document(self._keys.signing, plain))
        if await line.send({"type": "rules", "document": document}):
            _log.info("rules sent", gateway=gateway, version=row.version)


def _whole(gateway: str, version: int, rules: Mapping[str, Any]) -> dict[str, Any]:
    return {**rules, "format": FORMAT, "gateway": gateway, "version": version}


def _was_good(row: RulesRow) -> bool:
    return row.state not in ("refused", "rolled_back")


def _view(row: RulesRow) -> RulesVersion:
    return RulesVersion(
        version=row.version,
        at=utc(row.at),
        user=row.user,
        note=row.note,
        back_to=row.back_to,
        state=row.state,
        reason=row.reason,
        document=json.loads(row.body),
    )
