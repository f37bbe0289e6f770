"""Signing in at the company's identity provider: who that is here, and what he may do.

Between going there and coming back nothing is kept here: state, nonce and verifier travel in a
sealed cookie, good for ten minutes and for one browser.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatloop.app.history import in_thread
from heatloop.app.identity_settings import OidcSettings
from heatloop.app.people import People
from heatloop.app.refusals import Refused
from heatloop.app.sessions import Place, Sessions
from heatloop.app.sessions_model import OIDC, OIDC_STRONG, Session
from heatloop.bridge.oidc import OidcProvider
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError
from heatloop.security.access import roles_of
from heatloop.security.passwords import new_token
from heatloop.store.records import Records
from heatloop.store.records.users import UserRow

_AAD = b"heatloop-oidc-cookie"
TRIP_S = 600.0
"""How long somebody may take at the provider."""
_NAME_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-")
NO_PASSWORD = "!"
"""What stands for the password of an account that has none."""


def _secret(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "client secret cannot be read",
            thing=f"oidc.client_secret_file = {path}",
            fix="give a readable file",
        ) from error


class OidcSignIn:
    """Sends people to the provider and takes them back."""

    def __init__(
        self,
        settings: OidcSettings,
        records: Records,
        people: People,
        sessions: Sessions,
    ) -> None:
        """Read the client secret now, so that a mistake shows at the start.

        Raises:
            ConfigError: It cannot be read.
        """
        self._settings = settings
        self._records, self._people, self._sessions = records, people, sessions
        self._provider = (
            OidcProvider(settings.issuer, settings.client_id, _secret(settings.client_secret_file))
            if settings.issuer
            else None
        )

    @property
    def offered(self) -> bool:
        """Return whether there is a provider."""
        return self._provider is not None

    async def leave(self) -> tuple[str, str]:
        """Return where to send a person, and the cookie he takes along.

        Raises:
            Refused: There is no provider, or it does not answer.
        """
        if self._provider is None:
            raise Refused("not_found", thing="oidc")
        trip = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
            "at": machine_s(),
        }
        try:
            url = await self._provider.authorization_url(
                callback=self._settings.callback,
                scopes=self._settings.scopes,
                state=str(trip["state"]),
                nonce=str(trip["nonce"]),
                verifier=str(trip["verifier"]),
            )
        except HeatloopError as error:
            raise Refused("provider_away", detail=error.message) from error
        return url, self._records.sealer.seal(_AAD, trip).hex()

    async def come_back(
        self, *, code: str, state: str, cookie: str, place: Place
    ) -> tuple[str, Session]:
        """Return a new token and session of who came back from the provider.

        Raises:
            Refused: It is another browser's trip or too late, the provider does not vouch for
                him, or he has no account here.
        """
        if self._provider is None:
            raise Refused("not_found", thing="oidc")
        trip = self._trip(cookie)
        if not hmac.compare_digest(str(trip.get("state", "")), state):
            raise await self._no("state", place)
        try:
            claims = await self._provider.claims(
                code=code,
                callback=self._settings.callback,
                nonce=str(trip["nonce"]),
                verifier=str(trip["verifier"]),
            )
        except LinkError as error:
            raise Refused("provider_away", detail=error.message) from error
        except HeatloopError as error:
            raise await self._no(error.message, place) from error
        account = await self._account(claims, place)
        factors = {OIDC} | ({OIDC_STRONG} if self._strong(claims) else set())
        return await self._sessions.begin(account, frozenset(factors), place)

    def _trip(self, cookie: str) -> dict[str, Any]:
        try:
            trip = self._records.sealer.open(_AAD, bytes.fromhex(cookie))
        except (HeatloopError, ValueError) as error:
            raise Refused("provider_refused", detail="no trip was begun here") from error
        if not 0.0 <= machine_s() - float(trip["at"]) <= TRIP_S:
            raise Refused("provider_refused", detail="it took too long")
        return trip

    async def _no(self, why: str, place: Place, user: str = "oidc") -> Refused:
        self._sessions.note("sign_in_failed", user, place.address, provider=True)
        await self._sessions.audit.add(
            user, "session.failed", user, address=place.address, provider=self._settings.issuer,
            reason=why[:200],
        )  # fmt: skip
        return Refused("provider_refused")

    def _strong(self, claims: Mapping[str, Any]) -> bool:
        amr = claims.get("amr")
        methods = {str(each) for each in amr} if isinstance(amr, list) else set()
        settings = self._settings
        return bool(methods & set(settings.trusted_amr)) or (
            str(claims.get("acr", "")) in settings.trusted_acr
        )

    async def _account(self, claims: Mapping[str, Any], place: Place) -> UserRow:
        """Return the account of these claims, made or given other roles as the settings say."""
        issuer, subject = self._settings.issuer, str(claims["sub"])[:255]
        name = str(claims.get(self._settings.user_claim) or "")
        known = await in_thread(self._records.users.of_provider, issuer, subject)
        roles = self._roles(claims)
        if known is None:
            known = await self._first_time(name, roles, claims, place)
            await in_thread(
                self._records.users.link_provider, known.name, issuer, subject, at=machine_s()
            )
            await self._sessions.audit.add(
                known.name, "user.link", known.name, issuer=issuer, identity=subject
            )
        if known.disabled:
            raise await self._no("disabled", place, known.name)
        if self._settings.roles and sorted(roles) != sorted(known.roles):
            if not roles:
                raise await self._no("no role", place, known.name)
            known = await in_thread(
                self._records.users.update, known.name, roles=sorted(roles), at=machine_s()
            )
            self._people.changed(known.name)
            await self._sessions.audit.add(
                known.name, "user.change", known.name, provider=issuer, roles=sorted(roles)
            )
        return known

    async def _first_time(
        self, name: str, roles: set[str], claims: Mapping[str, Any], place: Place
    ) -> UserRow:
        good = bool(name) and len(name) <= 64 and set(name) <= _NAME_LETTERS
        there = await in_thread(self._records.users.find, name) if good else None
        if there is not None and self._settings.link_existing:
            return there
        if not good or there is not None or not self._settings.create_users or not roles:
            raise await self._no("no account", place, name[:64] or "oidc")
        full_name = str(claims.get(self._settings.name_claim) or "")[:100]
        made = await in_thread(
            self._records.users.create,
            name,
            full_name=full_name,
            password_hash=NO_PASSWORD + new_token(),
            roles=sorted(roles),
            scope=[""],
            must_change=False,
            at=machine_s(),
        )
        self._people.changed(name)
        await self._sessions.audit.add(
            name, "user.create", name, provider=self._settings.issuer, roles=sorted(roles)
        )
        return made

    def _roles(self, claims: Mapping[str, Any]) -> set[str]:
        value: Any = claims
        for part in self._settings.roles_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        groups = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        found = {role for each in groups if (role := self._settings.role_of(str(each)))}
        try:
            return {role.value for role in roles_of(found)}
        except InputError:
            return set()  # Two administrators in one: none at all.
