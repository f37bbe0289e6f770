"""Exports leave encrypted unless somebody may have them in clear and says why.

What to do with an export is said in its headers, or beforehand: a browser's download carries no
headers of its own, so `choose` gives a ticket that one export of the same user spends.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

from heatloop.app.audit import Audit
from heatloop.app.crypto_settings import CryptoSettings
from heatloop.app.history import in_thread
from heatloop.app.refusals import Forbidden, Refused
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.security.access import Permission, Principal
from heatloop.security.container import MEDIA, SUFFIX, Recipient, Sealing
from heatloop.security.provider import CryptoProvider, key_id_of

_TICKET_S, _MOST_TICKETS = 600.0, 1000
_LEAST_REASON, _MOST_REASON = 5, 400
_SMALL = 64 << 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody wants done with an export; empty: what the settings ask for."""

    passphrase: str = ""
    """Encrypt for whoever knows this."""
    public_key: str = ""
    """Encrypt for the holder of this key, hexadecimal: X25519 or SM2."""
    plain_reason: str = ""
    """Leave in clear, for this reason."""
    ticket: str = ""
    """As chosen before."""

    def __repr__(self) -> str:
        return "Wish()"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedExport:
    """How an export goes out."""

    suite: CryptoProvider
    """What it is encrypted with."""
    recipient: Recipient | None = None
    """Who can open it; None: it goes out in clear."""

    @property
    def media(self) -> str:
        """Return the media type of a sealed export."""
        return MEDIA

    def named(self, name: str) -> str:
        """Return the file name of an export."""
        return name if self.recipient is None else name + SUFFIX

    async def sealed(
        self, chunks: AsyncIterator[bytes], name: str, media: str
    ) -> AsyncIterator[bytes]:
        """Give the bytes of an export as they go out."""
        if self.recipient is None:
            async for chunk in chunks:
                yield chunk
            return
        about = {"name": name, "media": media}
        # Deriving a key of a passphrase takes a tenth of a second or more.
        work = await in_thread(
            Sealing, self.suite, [self.recipient], about=about, made_at=machine_s()
        )
        async for chunk in chunks:
            # SM4 takes 8 ms a megabyte: not on the event loop.
            out = work.add(chunk) if len(chunk) < _SMALL else await in_thread(work.add, chunk)
            if out:
                yield out
        yield await in_thread(work.end)


class ExportSeals:
    """Decides how exports go out, and writes it down.

    Args:
        settings: Whether exports in clear are allowed.
        suite: What exports are encrypted with.
        audit: Where every decision is written down.
    """

    def __init__(self, settings: CryptoSettings, suite: CryptoProvider, audit: Audit) -> None:
        self._settings, self._suite, self._audit = settings, suite, audit
        self._tickets: dict[str, tuple[str, float, Wish]] = {}

    @property
    def plain(self) -> str:
        """Return what the settings say of exports in clear: `reason`, `refused` or `free`."""
        return self._settings.plain_exports

    async def choose(self, by: Principal, wish: Wish) -> str:
        """Return a ticket for one export of the same user, good for ten minutes.

        Raises:
            Refused: The passphrase, key or reason is not good enough.
            Forbidden: He may not export in clear.
        """
        self._check(by, wish)
        now = machine_s()
        self._tickets = {k: v for k, v in self._tickets.items() if v[1] > now}
        while len(self._tickets) >= _MOST_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = (by.user, now + _TICKET_S, wish)
        return ticket

    async def decide(self, by: Principal, what: str, wish: Wish) -> SealedExport:
        """Return how an export goes out; it is in the audit trail on return.

        Raises:
            Refused: The passphrase, key, reason or ticket is not good.
            Forbidden: It may not go out in clear.
        """
        if wish.ticket:
            user, until, chosen = self._tickets.pop(wish.ticket, ("", 0.0, Wish()))
            if user != by.user or until < machine_s():
                raise Refused("not_found", thing="ticket")
            wish = chosen
        try:
            recipient = self._check(by, wish)
        except Forbidden:
            await self._audit.add(by.user, "export.plain_refused", what)
            raise
        if recipient is not None:
            who = "passphrase"
            if recipient.public_key:
                who = f"key {key_id_of(recipient.public_key)}"
            cipher = self._suite.cipher.name
            await self._audit.add(by.user, "export.sealed", what, recipient=who, cipher=cipher)
        elif self.plain != "free":
            await self._audit.add(by.user, "export.plain", what, reason=wish.plain_reason)
        return SealedExport(suite=self._suite, recipient=recipient)

    def _check(self, by: Principal, wish: Wish) -> Recipient | None:
        if wish.passphrase or wish.public_key:
            try:
                recipient = Recipient(
                    passphrase=wish.passphrase,
                    public_key=b"" if wish.passphrase else bytes.fromhex(wish.public_key),
                )
                recipient.check()
            except (InputError, ValueError) as error:
                raise Refused("export_passphrase") from error
            return recipient
        if self.plain == "free":
            return None
        if self.plain == "refused" or Permission.PLAIN_EXPORT not in by.permissions:
            raise Forbidden("plain_export", thing=by.user)
        if not wish.plain_reason:
            raise Forbidden("plain_export", thing=by.user)
        if not _LEAST_REASON <= len(wish.plain_reason.strip()) <= _MOST_REASON:
            raise Refused("plain_export_reason")
        return None
