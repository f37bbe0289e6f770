"""Certificates of gateways: issued at enrolment, renewed on request, revoked by people."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from heatloop.app.audit import Audit
from heatloop.app.ca import Authority
from heatloop.app.history import in_thread
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.setting_sections import Settings
from heatloop.app.views.crypto import CertificateList, CertificateView, IssuedCertificate
from heatloop.edge.certificate import DOOR
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.access import Principal
from heatloop.security.keys import KeyRing, open_document
from heatloop.store.records import Records
from heatloop.store.records.crypto import CertificateRow

KIND = "gateway-certificate"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ANY = ("0.0.0.0", "::", "")
_DAY_S, _MOST_A_DAY = 86400.0, 24
_SOON = 1 / 3


class GatewayCertificates:
    """Knows which certificates hold, and whether a gateway needs one.

    Args:
        settings: Says where gateways come to, and whether they need a certificate.
        records: Where certificates are kept.
        audit: Where every one is written down.
    """

    def __init__(self, settings: Settings, records: Records, audit: Audit) -> None:
        self._settings, self._records, self._audit = settings, records, audit
        self.authority = Authority(settings.keys, settings.company.en)
        self._held: dict[str, dict[str, CertificateRow]] = defaultdict(dict)

    @property
    def required(self) -> bool:
        """Whether a gateway's link needs a certificate."""
        wanted = self._settings.crypto.gateway_tls
        if wanted == "auto":
            return self._settings.server.host not in _LOOPBACK
        return wanted == "required"

    @property
    def door(self) -> tuple[str, int] | None:
        """Return address and port of the listener for gateways, None without one."""
        crypto, server = self._settings.crypto, self._settings.server
        port = crypto.gateway_port
        if not port and self.required:
            port = server.port + 1  # who needs a certificate needs a door to show it at
        return (crypto.gateway_host or server.host, port) if port else None

    @property
    def urls(self) -> list[str]:
        """Return the addresses gateways are told to connect to."""
        if self.door is None:
            return []
        host, port = self.door
        told = self._settings.crypto.gateway_url
        if told or host in _ANY:
            # Listening everywhere says nothing about the name: gateways keep the host they know.
            return [told or f"https://:{port}"]
        return [f"https://{host}:{port}"]

    def door_names(self) -> list[str]:
        """Return the names the listener's certificate holds."""
        host, _ = self.door or ("", 0)
        told = urlsplit(self._settings.crypto.gateway_url).hostname or ""
        return [DOOR, told, *(() if host in _ANY else (host,))]

    async def load(self) -> None:
        """Take up what was issued before."""
        self._held.clear()
        for row in await in_thread(self._records.crypto.certificates):
            self._held[row.gateway][row.serial] = row

    async def issue(
        self, gateway: str, ring: KeyRing, signed: Mapping[str, Any], *, by: str
    ) -> IssuedCertificate:
        """Return a certificate for a request signed with the gateway's own key.

        Raises:
            Forbidden: It is not signed by this gateway, its certificates were revoked and it was
                not enrolled since, or it asks too often.
            Refused: The request is malformed.
        """
        try:
            plain = open_document(ring, signed)
        except (UnsafeError, InputError) as error:
            await self._audit.add(gateway, "gateway.certificate_refused", gateway)
            raise Forbidden("certificate_invalid", thing=gateway, place="signature") from error
        if plain.get("kind") != KIND or plain.get("gateway") != gateway:
            raise Forbidden("certificate_invalid", thing=gateway, place="request")
        rows = list(self._held[gateway].values())
        if by != "enrol" and rows and all(row.revoked_at is not None for row in rows):
            # What people took away a gateway does not give itself again: a new token does.
            await self._audit.add(gateway, "gateway.certificate_refused", gateway, revoked=True)
            raise Forbidden("certificate_invalid", thing=gateway, place="revoked")
        now = machine_s()
        if sum(row.issued_at > now - _DAY_S for row in rows) >= _MOST_A_DAY:
            raise Forbidden("certificate_invalid", thing=gateway, place="too many in a day")
        days = self._settings.crypto.certificate_days
        pem, row = await in_thread(
            self.authority.issue, gateway, str(plain.get("csr", "")), days=days, issued_by=by
        )
        await in_thread(self._records.crypto.add_certificate, row)
        self._held[gateway][row.serial] = row
        await self._audit.add(
            gateway, "gateway.certificate", gateway, serial=row.serial, by=by,
            not_after=utc(row.not_after).isoformat(timespec="seconds"),
        )  # fmt: skip
        return IssuedCertificate(
            certificate=pem,
            ca=self.authority.pem,
            not_after=utc(row.not_after),
            gateway_urls=self.urls,
        )

    def check(self, gateway: str, der: bytes | None) -> None:
        """Return if a gateway may come in with this certificate, or without one.

        Raises:
            Forbidden: It needs one, or it is another's, out of date or revoked.
        """
        if der is None:
            if self.required:
                raise Forbidden("certificate_needed", thing=gateway)
            return
        try:
            named, serial = self.authority.gateway_of(der)
        except Refused as error:
            raise Forbidden("certificate_invalid", thing=gateway, place=error.place) from error
        row = self._held[gateway].get(serial)
        if named != gateway or row is None or row.revoked_at is not None:
            raise Forbidden("certificate_invalid", thing=gateway, place="revoked or another's")

    async def revoke(self, by: Principal, gateway: str, serial: str, reason: str) -> int:
        """Revoke one or all certificates of a gateway; return how many held until now.

        Raises:
            Refused: None of them held.
        """
        done = await in_thread(
            self._records.crypto.revoke, gateway, at=machine_s(), reason=reason, serial=serial
        )
        if not done:
            raise Refused("not_found", thing=serial or gateway)
        await self.load()
        await self._audit.add(
            by.user,
            "gateway.certificate_revoked",
            gateway,
            serial=serial,
            reason=reason,
            count=done,
        )
        return done

    def page(self, gateway: str = "") -> CertificateList:
        """Return certificates, the newest first."""
        rows = [row for held in self._held.values() for row in held.values()]
        rows = [row for row in rows if not gateway or row.gateway == gateway]
        rows.sort(key=lambda row: (-row.issued_at, row.serial))
        now = machine_s()
        return CertificateList(
            required=self.required,
            urls=self.urls,
            total=len(rows),
            items=[_view(row, now) for row in rows[:1000]],
        )

    def ending(self, now_s: float) -> list[CertificateRow]:
        """Return the newest certificates that should have been renewed by now, machine time."""
        newest = [
            max(held.values(), key=lambda row: row.issued_at)
            for held in self._held.values()
            if held
        ]
        return [
            row
            for row in newest
            if row.revoked_at is None
            and row.not_after - now_s < _SOON / 2 * (row.not_after - row.not_before)
        ]

    async def crl(self) -> str:
        """Return the list of revoked certificates, signed by the authority."""
        rows = [row for held in self._held.values() for row in held.values()]
        return await in_thread(self.authority.crl, [r for r in rows if r.revoked_at is not None])


def _addresses() -> list[str]:
    """Return the addresses of this machine, as far as its name leads to them."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(each[4][0]).split("%")[0] for each in found})


def _view(row: CertificateRow, now_s: float) -> CertificateView:
    state = "valid" if row.not_before <= now_s <= row.not_after else "ended"
    return CertificateView(
        serial=row.serial,
        gateway=row.gateway,
        fingerprint=row.fingerprint,
        state=state if row.revoked_at is None else "revoked",
        not_before=utc(row.not_before),
        not_after=utc(row.not_after),
        issued_by=row.issued_by,
        revoked_at=None if row.revoked_at is None else utc(row.revoked_at),
        reason=row.reason,
    )
