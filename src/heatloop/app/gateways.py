"""Gateways: enrolment, signing in on a link, their keys and profiles."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog

from heatloop.app.audit import Audit
from heatloop.app.gateway_certificates import GatewayCertificates
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import Drop, GatewayLine, Links, Send
from heatloop.app.refusals import Forbidden
from heatloop.app.views.crypto import IssuedCertificate
from heatloop.app.views.system import Enrolled, GatewayList, GatewayView
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.messages import Ack
from heatloop.kernel.scope import Scope
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.protocols.link import challenge_bytes
from heatloop.security.access import Principal
from heatloop.security.keys import KeyRing, key_id_of, sign_document
from heatloop.security.passwords import token_hash
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.gateways")
CHANNELS = ("main", "spare")


class Gateways:
    """Knows every gateway's key and how far its spool is stored."""

    def __init__(
        self,
        world: World,
        records: Records,
        audit: Audit,
        links: Links,
        keys: PlatformKeys,
        certificates: GatewayCertificates,
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._links, self._keys = links, keys
        self.certificates = certificates
        """Who may come in with what."""
        self._keys_seen: dict[str, int] = {}
        self._rings: dict[str, KeyRing] = {}
        self._key_ids: dict[str, str] = {}
        self._stored: dict[str, dict[int, int]] = {}
        self._current: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Take up keys and stored sequences from the records."""
        await self.certificates.load()
        for row in await in_thread(self._records.gateways.list):
            if row.public_key is not None:
                self._trust(row.code, row.public_key)
        for epoch in await in_thread(self._records.gateways.epochs):
            self._stored.setdefault(epoch.gateway, {})[epoch.epoch] = epoch.through
            self._current[epoch.gateway] = epoch.epoch
            self._heard[epoch.gateway] = epoch.at

    def _trust(self, gateway: str, public_key: bytes) -> None:
        """Make this key the gateway's one and only."""
        ring = KeyRing()
        self._key_ids[gateway] = ring.add(public_key)
        self._rings[gateway] = ring

    async def enrol(
        self,
        gateway: str,
        public_key: bytes,
        token: str,
        request: Mapping[str, Any] | None = None,
    ) -> Enrolled:
        """Keep a gateway's key against a one-time token, and certify it if it asks for that.

        Args:
            gateway: Gateway code.
            public_key: Its own key, Ed25519 or SM2.
            token: The token.
            request: Signed request for a certificate.

        Raises:
            Forbidden: There is no such gateway, or the token is not its own.
        """
        try:
            if gateway not in self._world.ledger.gateways:
                raise UnsafeError("no such gateway", thing=gateway)
            await in_thread(
                self._records.gateways.enrol,
                gateway,
                token_hash=token_hash(token),
                public_key=public_key,
                key_id=key_id_of(public_key),
                at=machine_s(),
            )
        except UnsafeError as error:
            await self._audit.add(gateway, "gateway.enrol_refused", gateway)
            raise Forbidden("token_invalid", thing=gateway) from error
        self._trust(gateway, public_key)
        await self._audit.add(gateway, "gateway.enrol", gateway, public_key=public_key.hex())
        profile = await asyncio.to_thread(self.profile, gateway)
        ring, issued = self._rings[gateway], None
        if request is not None:
            issued = await self.certificates.issue(gateway, ring, request, by="enrol")
        publics = [public.hex() for public in self._keys.publics]
        return Enrolled(
            platform_public_key=publics[0],
            profile=profile,
            platform_public_keys=publics,
            keys_seq=self._keys.trust_seq,
            gateway_urls=self.certificates.urls,
            certificate="" if issued is None else issued.certificate,
            ca="" if issued is None else issued.ca,
        )

    async def certify(self, gateway: str, request: Mapping[str, Any]) -> IssuedCertificate:
        """Renew a gateway's certificate, or give it its first one.

        Raises:
            Forbidden: The gateway is not enrolled, or may have none.
        """
        ring = self._rings.get(gateway)
        if ring is None or gateway not in self._world.ledger.gateways:
            raise Forbidden("certificate_invalid", thing=gateway, place="gateway")
        return await self.certificates.issue(gateway, ring, request, by="renew")

    async def revoke(self, by: Principal, gateway: str, serial: str, reason: str) -> int:
        """Revoke a gateway's certificates and hang up on it.

        Raises:
            Refused: It had none that held.
        """
        done = await self.certificates.revoke(by, gateway, serial, reason)
        line = self._links.line(gateway)
        if line is not None:
            await line.drop("certificate revoked")
        return done

    def behind(self, seq: int) -> list[str]:
        """Return the enrolled gateways that have not confirmed the platform's newest keys."""
        if not seq:
            return []
        known = sorted(set(self._rings) & set(self._world.ledger.gateways))
        return [code for code in known if self._keys_seen.get(code, -1) < seq]

    async def send_keys(self) -> None:
        """Tell every connected gateway of new signing keys; the others hear it when they come."""
        for code in self._links.connected():
            line = self._links.line(code)
            if line is not None:
                await self._send_keys(line)

    async def _send_keys(self, line: GatewayLine) -> None:
        documents = self._keys.trust_after(self._keys_seen.get(line.gateway, 0))
        if documents:
            await line.send({"type": "keys", "documents": documents})

    def profile_version(self) -> int:
        """Return the version profiles have now: that of the ledger."""
        return self._world.ledger.version

    def profile(self, gateway: str) -> dict[str, Any]:
        """Return a gateway's profile as a signed document."""
        profile = make_edge_profile(self._world.ledger, gateway, self.profile_version())
        return dict(sign_document(self._keys.signing, profile.to_dict()))

    @staticmethod
    def challenge() -> dict[str, Any]:
        """Return a challenge with a fresh nonce."""
        return {"type": "challenge", "nonce": secrets.token_hex(32)}

    async def open(self, hello: dict[str, Any], nonce: str, send: Send, drop: Drop) -> GatewayLine:
        """Check who says hello, welcome him, and give his line.

        Raises:
            UnsafeError: He is not who he says.
            InputError: The hello is malformed.
        """
        try:
            gateway, epoch = str(hello["gateway"]), int(hello["epoch"])
            signature = bytes.fromhex(hello["signature"])
            version = int(hello.get("profile_version", 0))
            channel = str(hello.get("channel", "main"))
            keys_seq = int(hello.get("keys_seq", 0))
            if channel not in CHANNELS:
                raise ValueError(f"channel {channel[:20]}")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("hello is malformed", place=str(error), fix="send it again") from error
        ring = self._rings.get(gateway)
        if ring is None or gateway not in self._world.ledger.gateways:
            raise UnsafeError("gateway is not enrolled", thing=gateway, fix="enrol it")
        ring.verify(self._key_ids[gateway], challenge_bytes(nonce), signature)
        stored = self._stored.setdefault(gateway, {})
        line = GatewayLine(gateway, ring, stored, send, drop)
        line.sequences.know(epoch, stored.get(epoch, 0))
        line.profile_version, line.channel = version, channel
        self._current[gateway] = epoch
        self._keys_seen[gateway] = min(keys_seq, self._keys.trust_seq)
        await line.send(
            {
                "type": "welcome",
                "through": stored.get(epoch, 0),
                "profile_version": self.profile_version(),
                "now": self._world.now_s(),
            }
        )
        # First of all: whatever else follows may be signed with a key it does not know yet.
        await self._send_keys(line)
        if version != self.profile_version():
            self._background(self._send_profile(line))
        await self._links.opened(line)
        return line

    async def persist(self, acks: list[Ack]) -> None:
        """Write down how far spools are stored, all in one transaction."""
        for ack in acks:
            stored = self._stored.setdefault(ack.gateway, {})
            stored[ack.epoch] = max(stored.get(ack.epoch, 0), ack.through)
        await in_thread(
            self._records.gateways.advance_many,
            [(a.gateway, a.epoch, self._stored[a.gateway][a.epoch]) for a in acks],
            at=machine_s(),
        )

    async def send_profiles(self) -> None:
        """Send every connected gateway its new profile, after the ledger changed."""
        for code in self._links.connected():
            line = self._links.line(code)
            if line is not None:
                await self._send_profile(line)

    async def _send_profile(self, line: GatewayLine) -> None:
        # A large gateway's profile is a megabyte to write out and sign: not on the event loop.
        document = await asyncio.to_thread(self.profile, line.gateway)
        await line.send({"type": "profile", "document": document})

    def _background(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def views(self, scope: Scope) -> GatewayList:
        """Return the gateways inside a scope."""
        ledger = self._world.ledger
        items = []
        for code, gateway in ledger.gateways.items():
            if not self._world.sees_gateway(scope, code):
                continue
            line = self._links.line(code)
            heard = self._links.heard_s(code) or self._heard.get(code)
            epoch = self._current.get(code)
            devices = ledger.devices_of_gateway(code)
            items.append(
                GatewayView(
                    code=code,
                    zh=gateway.zh,
                    en=gateway.en,
                    kind=gateway.kind,
                    channel=gateway.channel,
                    monthly_cost_yuan=gateway.monthly_cost_yuan,
                    capacity_kbps=gateway.capacity_kbps,
                    spare_channel=gateway.spare_channel,
                    spare_monthly_cost_yuan=gateway.spare_monthly_cost_yuan,
                    spare_capacity_kbps=gateway.spare_capacity_kbps,
                    carries=line.channel if line is not None else None,
                    enrolled=code in self._rings,
                    connected=line is not None,
                    last_seen=None if heard is None else utc(heard),
                    epoch=None if epoch is None else f"{epoch:016x}",
                    through=None if epoch is None else self._stored[code].get(epoch, 0),
                    profile_version=line.profile_version if line is not None else 0,
                    devices=len(devices),
                    points=sum(len(ledger.bindings_of_device(d.code)) for d in devices),
                )
            )
        return GatewayList(items=items)
