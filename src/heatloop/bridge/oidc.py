"""An OpenID Connect provider: discovery, the code's exchange, and the check of what it signed.

Authorization code flow with PKCE (S256). Tokens are accepted only when signed by an asymmetric
algorithm with a key the provider publishes; `none` and shared-secret algorithms are not.

Reference: OpenID Connect Core 1.0, Discovery 1.0, RFC 7636.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError, LinkError, UnsafeError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_KEPT_S, _LEEWAY_S, _AGAIN_S = 3600.0, 60, 30.0
_MOST_BYTES = 256 * 1024
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def pkce_challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    raw = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class OidcProvider:
    """One provider, asked over HTTP.

    Args:
        issuer: Its address, exactly as it names itself.
        client_id: What it calls us.
        client_secret: Our secret there; empty: a public client.
        timeout_s: Machine time to wait for an answer.
    """

    def __init__(
        self, issuer: str, client_id: str, client_secret: str = "", *, timeout_s: float = 10.0
    ) -> None:
        self._issuer, self._id, self._secret = issuer, client_id, client_secret
        self._timeout_s = timeout_s
        self._document: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        # Reading the certificates takes longer than an event loop may wait: once, at the start.
        self._verify = httpx.create_ssl_context()

    def _open(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._timeout_s,
            verify=self._verify,
            follow_redirects=False,
            headers={"accept": "application/json", "user-agent": "heatloop"},
        )

    async def _json(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        local = urlsplit(url).hostname in _LOOPBACK
        if not url.startswith("https://") and not (local and url.startswith("http://")):
            raise UnsafeError("identity provider names an open address", thing=url[:200])
        body = bytearray()
        try:
            async with self._open() as http, http.stream(method, url, **more) as reply:
                async for chunk in reply.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise InputError("answer is too large", thing=self._issuer)
                status = reply.status_code
        except httpx.HTTPError as error:
            raise LinkError(
                f"identity provider does not answer: {type(error).__name__}",
                thing=self._issuer,
                fix="check [oidc] issuer and the way there",
            ) from error
        if status >= 500:
            raise LinkError(f"identity provider is ill: {status}", thing=self._issuer)
        if status != 200:
            raise UnsafeError(f"identity provider refused: {status}", thing=self._issuer)
        try:
            found = httpx.Response(200, content=bytes(body)).json()
        except ValueError as error:
            raise InputError("identity provider does not answer JSON", thing=url[:200]) from error
        if not isinstance(found, dict):
            raise InputError("identity provider does not answer an object", thing=url[:200])
        return found

    async def document(self) -> dict[str, Any]:
        """Return the provider's description of itself.

        Raises:
            LinkError: It does not answer.
            UnsafeError: It calls itself by another name.
        """
        now = machine_s()
        if self._document is not None and now - self._document[0] < _KEPT_S:
            return self._document[1]
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = await self._json("GET", url)
        if str(found.get("issuer", "")).rstrip("/") != self._issuer.rstrip("/"):
            raise UnsafeError("identity provider calls itself by another name", thing=self._issuer)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str):
                raise InputError("identity provider does not describe itself", thing=name)
        self._document = (now, found)
        return found

    async def authorization_url(
        self, *, callback: str, scopes: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Return where to send the person.

        Raises:
            LinkError: The provider does not answer.
        """
        endpoint = (await self.document())["authorization_endpoint"]
        query = {
            "response_type": "code",
            "client_id": self._id,
            "redirect_uri": callback,
            "scope": scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": pkce_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def claims(
        self, *, code: str, callback: str, nonce: str, verifier: str
    ) -> Mapping[str, Any]:
        """Return what the provider says about who came back with this code.

        Raises:
            LinkError: The provider does not answer.
            UnsafeError: It refused the code, or the token is not its own, not for us, too old, or
                of another attempt.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": self._id,
            "code_verifier": verifier,
        }
        document = await self.document()
        more: dict[str, Any] = {}
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._secret and "client_secret_basic" in methods:
            # RFC 6749 section 2.3.1: both parts are encoded as a form encodes them.
            more["auth"] = httpx.BasicAuth(quote_plus(self._id), quote_plus(self._secret))
        elif self._secret:
            form["client_secret"] = self._secret
        answer = await self._json("POST", document["token_endpoint"], data=form, **more)
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > 64_000:
            raise UnsafeError("identity provider gave no token", thing=self._issuer)
        signed = await self._checked(token, nonce)
        return {**await self._more(answer.get("access_token"), str(signed["sub"])), **signed}

    async def _more(self, access: object, subject: str) -> dict[str, Any]:
        """Return what the provider tells of him elsewhere; many keep names and groups there."""
        endpoint = (await self.document()).get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not isinstance(access, str):
            return {}
        headers = {"authorization": f"Bearer {access}"}
        told = await self._json("GET", endpoint, headers=headers)
        if told.get("sub") != subject:
            raise UnsafeError("identity provider tells of somebody else", thing=self._issuer)
        return told

    async def _checked(self, token: str, nonce: str) -> Mapping[str, Any]:
        try:
            try:
                keys = await self._key_set(fresh=False)
                read = await asyncio.to_thread(jwt.decode, token, keys, list(ALGORITHMS))
            except (JoseError, ValueError):
                # Keys are changed from time to time: look once whether there are new ones.
                keys = await self._key_set(fresh=True)
                read = await asyncio.to_thread(jwt.decode, token, keys, list(ALGORITHMS))
            rules = jwt.JWTClaimsRegistry(
                now=int(machine_s()),
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": (await self.document())["issuer"]},
                aud={"essential": True, "value": self._id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            rules.validate(read.claims)
        except (JoseError, ValueError) as error:
            raise UnsafeError(
                f"token of the identity provider is not accepted: {type(error).__name__}",
                thing=self._issuer,
                fix="check clock, client_id and issuer",
            ) from error
        several = isinstance(read.claims["aud"], list) and len(read.claims["aud"]) > 1
        if read.claims.get("azp", self._id) != self._id or (several and "azp" not in read.claims):
            raise UnsafeError("token is for somebody else", thing=self._issuer)
        return read.claims

    async def _key_set(self, *, fresh: bool) -> KeySet:
        now = machine_s()
        if self._keys is not None and now - self._keys[0] < (_AGAIN_S if fresh else _KEPT_S):
            return self._keys[1]
        found = await self._json("GET", (await self.document())["jwks_uri"])
        self._keys = (now, KeySet.import_key_set(found))  # type: ignore[arg-type]
        return self._keys[1]
