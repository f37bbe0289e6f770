"""Emergency stop: prepared, ordered by people in two steps, carried out by gateways, released.

Nothing here needs the historian, a worker, the twin or the records: proposals live in memory,
orders in a file of their own and in the local journal, and the gateways hold the plans already, so
that a stop is one short signed order. What the records should know follows when they can be
written.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from heatloop.app.audit_journal import Journal
from heatloop.app.command_alarms import CommandAlarms
from heatloop.app.command_asker import Asker, door_token_hash
from heatloop.app.command_door import LEAST_REASON
from heatloop.app.command_gate import CommandGate
from heatloop.app.command_settings import DoorSettings
from heatloop.app.emergency_books import DoorBooks
from heatloop.app.emergency_orders import (
    RELEASE,
    RELEASED,
    STOP,
    AssetOrder,
    Order,
    OrderFile,
)
from heatloop.app.governance_audit import written_elsewhere
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import Links
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.world import World
from heatloop.control.stop_plans import CAUSES, GENERAL
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, InputError, LinkError, UnsafeError
from heatloop.kernel.ids import new_id
from heatloop.security.access import CommandClass, authorise_command
from heatloop.security.keys import sign_document
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.emergency")
_EXPIRY_S = 600.0
_AGAIN_S = 20.0
_LOOK_S = 2.0
_MOST_PROPOSALS = 200
PROPOSED, WAITING, WITHDRAWN = "proposed", "waiting_second", "withdrawn"
_STATES = ("stopping", "holding", "releasing", "released", "no_plan", "refused")


@dataclass(slots=True)
class Proposed:
    """An order that waits for its confirmation."""

    order: Order
    token_hash: str
    session: str
    until_s: float
    state: str = PROPOSED
    second_until_s: float | None = None
    plans: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


class Emergency:
    """Keeps emergency orders from the wish to the release."""

    def __init__(
        self,
        *,
        world: World,
        records: Records,
        links: Links,
        keys: PlatformKeys,
        books: DoorBooks,
        gate: CommandGate,
        alarms: CommandAlarms,
        journal: Journal | None,
        settings: DoorSettings,
        file: OrderFile,
    ) -> None:
        self._world, self._records, self._links, self._keys = world, records, links, keys
        self._gate, self._alarms, self._journal = gate, alarms, journal
        self._settings, self._file, self.books = settings, file, books
        self._serial, self.orders = file.load()
        """Orders by id, oldest first."""
        self.proposed: dict[str, Proposed] = {}
        """Orders that wait for people, by id."""
        self._sent: dict[tuple[str, str], float] = {}
        self._dirty: set[str] = set(self.orders)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._saving = asyncio.Lock()
        self._held: frozenset[str] = frozenset()
        self._recount()
        links.when_opened(self._opened)

    def stopped(self, asset: str) -> bool:
        """Return whether an asset is held by a stop that was not released."""
        return asset in self._held

    @property
    def held(self) -> frozenset[str]:
        """Return the codes of all assets that are held."""
        return self._held

    async def propose(
        self, asker: Asker, subject: str, action: str, cause: str, reason: str
    ) -> tuple[Proposed, str]:
        """Return what an order would do, and the token that confirms it.

        Args:
            asker: Who asks.
            subject: Asset at the top of what is to be stopped or released.
            action: `stop` or `release`.
            cause: `general`, `burst` or `leak`; of a release it says nothing.
            reason: Why.

        Raises:
            Refused: There is nothing to stop there, or nothing is stopped.
            Forbidden: He may not.
        """
        await self.books.compile()
        asset = self._world.asset(asker.principal.scope, subject)
        self._allowed(asker, asset.code)
        below = self._world.at_or_below(asset.code)
        if asset.kind == "company":
            below = set(self._world.ledger.assets)
        plans = self._plans(below, cause if action == STOP else GENERAL)
        assets = {code: AssetOrder(gateway) for code, (gateway, _) in plans.items()}
        if action == RELEASE:
            assets = {c: AssetOrder(self._gateway_of(c)) for c in sorted(self._held & below)}
        if not assets or cause not in CAUSES:
            raise Refused("stop_no_plan", thing=subject, detail=cause)
        now_s = machine_s()
        order = Order(
            id=new_id(now_s),
            action=action,
            subject=asset.code,
            cause=cause,
            reason=reason,
            ordered_by=asker.user,
            network=self._is_network(asset.kind, below),
            at=self._world.now_s(),
            ordered_at=now_s,
            assets=assets,
        )
        token = secrets.token_urlsafe(32)
        made = Proposed(
            order=order,
            token_hash=door_token_hash(token),
            session=asker.session,
            until_s=now_s + self._settings.token_s,
            plans={code: steps for code, (_, steps) in plans.items() if code in assets},
        )
        await self._journalled(asker.user, "emergency.propose", order)
        self._forget(now_s)
        self.proposed[order.id] = made
        return made, token

    def _plans(self, assets: set[str], cause: str) -> dict[str, tuple[str, list[dict[str, Any]]]]:
        return {
            code: (gateway, [asdict(step) for step in causes[cause]])
            for gateway, plans in self.books.plans.items()
            for code, causes in plans.items()
            if code in assets and cause in causes
        }

    def _gateway_of(self, asset: str) -> str:
        for order in reversed(list(self.orders.values())):
            if order.action == STOP and asset in order.assets:
                return order.assets[asset].gateway
        return ""

    def _is_network(self, kind: str, below: set[str]) -> bool:
        """Return whether this is the whole network: a source, the company, or every station."""
        stations = {a.code for a in self._world.ledger.of_kind("substation")}
        return kind in ("company", "heat_source") or (len(stations) > 1 and stations <= below)

    def _allowed(self, asker: Asker, subject: str) -> None:
        try:
            paths = self._world.ledger.paths(subject)
            authorise_command(asker.principal, CommandClass.EMERGENCY, *paths)
        except UnsafeError as error:
            raise Forbidden("forbidden", thing=asker.user, place=subject) from error

    async def confirm(self, asker: Asker, order: str, token: str, glass: str = "") -> Proposed:
        """Confirm one's own order; carried out unless a second person must agree.

        Args:
            asker: Who confirms.
            order: Id of the proposed order.
            token: What `propose` gave.
            glass: Why no second person is waited for; empty: one is, where one is needed.

        Raises:
            Forbidden: It is somebody else's, the token is wrong, or identity was not proved lately.
            Refused: There is none, or its time is over.
        """
        made = self.proposed.get(order)
        if made is None:
            raise Refused("not_found", thing=order)
        mine = made.order.ordered_by == asker.user and made.session == asker.session
        if not mine or not hmac.compare_digest(made.token_hash, door_token_hash(token)):
            self._spawn(self._gate.abuse(asker, order, "confirm_token"))
            raise Forbidden("confirm_token", thing=asker.user, place=order)
        if made.state not in (PROPOSED, WAITING):
            raise Refused("proposal_closed", thing=order, detail=made.state)
        if made.state == PROPOSED and machine_s() > made.until_s:
            del self.proposed[order]
            raise Refused("confirm_expired", thing=order)
        await self._gate.proved(asker, f"emergency {order}")
        if made.order.network and self._settings.two_people:
            if not glass:
                made.state = WAITING
                made.second_until_s = machine_s() + 60.0 * self._settings.second_minutes
                await self._journalled(asker.user, "emergency.confirm", made.order, waits="second")
                return made
            if len(glass.strip()) < LEAST_REASON:
                raise Refused("break_glass_reason", thing=order)
            made.order.break_glass = glass
            words = f"user={asker.user} order={order} {glass[:200]}"
            self._spawn(self._alarms.once("break_glass", priority=1, detail=words))
        await self._execute(made, asker)
        return made

    async def second(self, asker: Asker, order: str, agree: bool) -> Proposed:
        """Answer as second person.

        Raises:
            Forbidden: It is one's own order, or identity was not proved lately.
            Refused: There is none that waits inside the scope.
        """
        made = self.proposed.get(order)
        if made is None or not self._world.sees(asker.principal.scope, made.order.subject):
            raise Refused("not_found", thing=order)
        self._allowed(asker, made.order.subject)
        if made.order.ordered_by == asker.user:
            self._spawn(self._gate.abuse(asker, order, "same_person"))
            raise Forbidden("same_person", thing=asker.user, place=order)
        if made.state != WAITING:
            raise Refused("proposal_closed", thing=order, detail=made.state)
        if machine_s() > (made.second_until_s or 0.0):
            del self.proposed[order]
            raise Refused("confirm_expired", thing=order)
        await self._gate.proved(asker, f"emergency {order}")
        if not agree:
            made.state = WITHDRAWN
            await self._journalled(asker.user, "emergency.second_refused", made.order)
            return made
        made.order.second_by = asker.user
        await self._execute(made, asker)
        return made

    async def withdraw(self, asker: Asker, order: str) -> Proposed:
        """Take back one's own order before it is carried out.

        Raises:
            Refused: There is none of one's own.
        """
        made = self.proposed.get(order)
        if made is None or made.order.ordered_by != asker.user:
            raise Refused("not_found", thing=order)
        if made.state not in (PROPOSED, WAITING):
            raise Refused("proposal_closed", thing=order, detail=made.state)
        made.state = WITHDRAWN
        await self._journalled(asker.user, "emergency.withdraw", made.order)
        return made

    async def _execute(self, made: Proposed, asker: Asker) -> None:
        """Write the order down where no database is needed, then send it."""
        if made.state not in (PROPOSED, WAITING):
            raise Refused("proposal_closed", thing=made.order.id, detail=made.state)
        order = made.order
        made.state = "executed"
        await self._journalled(
            order.ordered_by, f"emergency.{order.action}", order, second=order.second_by,
            break_glass=order.break_glass, address=asker.address,
        )  # fmt: skip
        self.orders[order.id] = order
        self.proposed.pop(order.id, None)
        self._recount()
        await self._save(order)
        await self._send(order)
        if self._gate.events is not None and order.action == STOP:
            self._gate.events.note(
                "emergency_stop", order.subject, asker.address, by=asker.user, order=order.id
            )
        if order.action == STOP:
            words = f"order={order.id} by={order.ordered_by} cause={order.cause}"
            self._spawn(self._alarms.hold(order.subject, True, words))
        _log.warning("emergency order", action=order.action, subject=order.subject, id=order.id)

    async def _journalled(self, user: str, action: str, order: Order, **facts: Any) -> None:
        """Write an entry into the local journal; it is chained into the trail later."""
        written_elsewhere()
        if self._journal is None:
            return
        detail = {
            "order": order.id,
            "cause": order.cause,
            "reason": order.reason,
            "assets": sorted(order.assets)[:200],
            **facts,
        }
        entry = {"user": user, "action": action, "subject": order.subject, "detail": detail}
        try:
            await in_thread(self._journal.append, entry)
        except LinkError as error:
            # A full disk must not keep a plant from being stopped.
            _log.error("emergency order is not in the journal", error=str(error), **facts)

    async def _save(self, order: Order) -> None:
        self._dirty.add(order.id)
        async with self._saving:
            plain = [asdict(each) for each in self.orders.values()]
            try:
                await in_thread(self._file.save, self._serial, plain)
            except OSError as error:
                _log.error("emergency orders cannot be written", error=repr(error))

    async def _send(self, order: Order, only: str = "") -> None:
        """Send an order to the gateways that have still something to do."""
        wanted = {g: a for g, a in order.gateways().items() if not only or g == only}
        await asyncio.gather(*(self._send_to(order, g, a) for g, a in wanted.items()))

    async def _send_to(self, order: Order, gateway: str, assets: Sequence[str]) -> None:
        line = self._links.line(gateway)
        if line is None:
            return
        # Machine milliseconds rise over restarts and instances without a database.
        self._serial = max(self._serial + 1, int(machine_s() * 1000))
        now_s = self._world.now_s()
        plain = {
            "kind": "stop_order",
            "action": order.action,
            "order": order.id,
            "gateway": gateway,
            "serial": self._serial,
            "nonce": secrets.token_hex(16),
            "issued": now_s,
            "expires": now_s + _EXPIRY_S,
            "cause": order.cause,
            "assets": list(assets),
        }
        document = dict(sign_document(self._keys.signing, plain))
        self._sent[order.id, gateway] = machine_s()
        await line.send({"type": "stop", "document": document})

    def _opened(self, gateway: str) -> None:
        for order in self.orders.values():
            if not order.over and gateway in order.gateways():
                self._spawn(self._send(order, gateway))

    async def report(self, gateway: str, body: dict[str, Any]) -> None:
        """Take a gateway's report about a stop.

        Raises:
            InputError: It is malformed, or not this gateway's to give.
        """
        order, asset, state = str(body["order"]), str(body["asset"]), str(body["state"])
        if state not in _STATES:
            raise InputError("unknown state of a stop", thing=state[:40])
        if state == "refused":
            why = str(body.get("reason", ""))[:40]
            _log.warning("a gateway refused an emergency order", gateway=gateway, reason=why)
            if self._gate.events is not None and why in ("signature", "replayed"):
                self._gate.events.note("command_forged", gateway, reason=why, order=order)
            return
        if asset not in self.books.plans.get(gateway, {}) and asset not in self._held:
            raise InputError("not equipment of this gateway", thing=asset)
        known = self.orders.get(order)
        if known is None:
            known = self._learnt(gateway, order, asset, body)
        own = known.assets.get(asset)
        if own is None or own.gateway != gateway:
            raise InputError("not part of this order", thing=asset)
        own.state, own.at, own.steps = state, float(body["at"]), list(body["steps"])[:100]
        if known.action == RELEASE and state == RELEASED:
            self._released(asset, own.at)
        if known.state == RELEASED and known.ended_at is None:
            known.ended_at = own.at
        self._recount()
        await self._save(known)

    def _learnt(self, gateway: str, order: str, asset: str, body: dict[str, Any]) -> Order:
        """Return an order this platform does not know, as the gateway that holds it tells it."""
        if str(body["state"]) not in ("stopping", "holding"):
            raise InputError("no such emergency order", thing=order)
        at = float(body["at"])
        cause = str(body.get("cause", "")) or GENERAL
        found = self.orders[order] = Order(
            id=order, action=STOP, subject=asset, cause=cause, reason="",
            ordered_by="", network=False, at=at, ordered_at=machine_s(),
            assets={asset: AssetOrder(gateway)},
        )  # fmt: skip
        return found

    def _released(self, asset: str, at: float) -> None:
        """Let go of an asset in every stop that held it."""
        for stop in self.orders.values():
            if stop.action != STOP or asset not in stop.assets:
                continue
            stop.assets[asset].state = RELEASED
            if stop.over and stop.ended_at is None:
                stop.ended_at = at
                self._dirty.add(stop.id)
                self._spawn(self._alarms.hold(stop.subject, False))

    def _recount(self) -> None:
        self._held = frozenset(
            code
            for order in self.orders.values()
            if order.action == STOP
            for code, each in order.assets.items()
            if each.state not in (RELEASED, "no_plan")
        )

    async def run(self) -> None:
        """Send again what was not answered, and let the records follow, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            now_s = machine_s()
            self._forget(now_s)
            for order in list(self.orders.values()):
                for gateway in order.gateways() if not order.over else ():
                    if now_s - self._sent.get((order.id, gateway), 0.0) > _AGAIN_S:
                        await self._send(order, gateway)
            await self._follow()

    async def _follow(self) -> None:
        for order in list(self._dirty):
            try:
                await in_thread(self._records.door.put_order, self.orders[order].row())
            except HeatloopError:
                return  # They are away; the file has it.
            self._dirty.discard(order)

    def _forget(self, now_s: float) -> None:
        for code, made in list(self.proposed.items()):
            until = made.until_s if made.state == PROPOSED else made.second_until_s
            if made.state == WITHDRAWN or now_s > (until or 0.0):
                del self.proposed[code]
        while len(self.proposed) >= _MOST_PROPOSALS:
            del self.proposed[next(iter(self.proposed))]

    def _spawn(self, job: Coroutine[Any, Any, Any]) -> None:
        """Do beside what must not be waited for: alarms wait for the records."""
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("beside an emergency order", error=repr(task.exception()))

    async def close(self) -> None:
        """End what is still done beside."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
