"""A gateway's identity: its own key, the platform's key, and its signed profile, kept on disk.

The first start exchanges keys over the platform's HTTP API against a one-time token; after that
the gateway starts and works without the platform.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from heatloop.edge.certificate import DOOR, Certificate, LinkWay
from heatloop.edge.config import EdgeConfig
from heatloop.edge.files import load_json, save_bytes, save_json
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError, UnsafeError
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.security.keys import KeyRing, SigningKey, Sm2Key, open_document

_KEY, _PLATFORM, _PROFILE = "gateway.key", "platform.json", "profile.json"
_TRUST, _SM2 = "platform-keys", b"SM2:"
_MOST_PAST = 50


class Identity:
    """Who the gateway is, whom it obeys, and what it looks after."""

    def __init__(
        self,
        key: SigningKey,
        ring: KeyRing,
        profile: EdgeProfile,
        folder: Path,
        platform: dict[str, Any] | None = None,
    ) -> None:
        self.key, self.ring, self.profile = key, ring, profile
        self.certificate = Certificate(folder, profile.gateway)
        self._folder, self._platform = folder, dict(platform or {})

    @property
    def keys_seq(self) -> int:
        """Return the number of the newest document about the platform's keys."""
        return int(self._platform.get("seq", 0))

    @property
    def link_urls(self) -> tuple[str, ...]:
        """Return the platform's listeners for gateways, as it told at enrolment."""
        return tuple(str(url) for url in self._platform.get("gateway_urls", ()))

    def certified(self, answer: dict[str, Any]) -> None:
        """Keep a certificate the platform answered with, and where to show it.

        Raises:
            LinkError: The answer is malformed.
        """
        self.certificate.keep(answer)
        urls = [str(url) for url in answer.get("gateway_urls") or ()]
        if urls != self._platform.get("gateway_urls"):
            self._platform["gateway_urls"] = urls
            save_json(self._folder / _PLATFORM, self._platform)

    def trust(self, documents: Iterable[dict[str, Any]]) -> bool:
        """Follow documents that name the platform's keys; return whether anything changed.

        Each is signed by a key that was trusted before it, and they come in order: a former key
        cannot bring itself back.

        Raises:
            UnsafeError: One is not signed by a trusted key.
            InputError: One is malformed; what came before it holds.
        """
        changed = False
        for document in documents:
            plain = open_document(self.ring.ever, document)
            try:
                seq, publics = int(plain["seq"]), [bytes.fromhex(p) for p in plain["publics"]]
            except (KeyError, TypeError, ValueError) as error:
                raise InputError("document about keys is malformed", thing="keys") from error
            if plain.get("kind") != _TRUST or not publics:
                raise InputError("not a document about keys", thing="keys")
            if seq <= self.keys_seq:
                continue
            open_document(self.ring, document)  # now by a key that is still trusted
            if seq != self.keys_seq + 1:
                raise InputError("a document about keys is missing", thing=str(seq))
            before = list(self._platform.get("past", ()))
            past = [p.hex() for p in self.ring.publics if p not in publics]
            self.ring.replace(publics)
            self._platform |= {
                "public_key": publics[0].hex(),
                "publics": [public.hex() for public in publics],
                "past": [*before, *past][-_MOST_PAST:],
                "seq": seq,
            }
            save_json(self._folder / _PLATFORM, self._platform)
            changed = True
        return changed

    def renew(self, document: dict[str, Any]) -> EdgeProfile | None:
        """Verify and keep a new signed profile; return it, or None if it is not newer.

        Raises:
            UnsafeError: It is not signed by the platform, or is for another gateway.
            InputError: It is malformed.
        """
        profile = _open_profile(self.ring, document, self.profile.gateway)
        if profile.version <= self.profile.version:
            return None
        save_json(self._folder / _PROFILE, document)
        self.profile = profile
        return profile


def _open_profile(ring: KeyRing, document: dict[str, Any], gateway: str) -> EdgeProfile:
    profile = EdgeProfile.from_dict(open_document(ring, document))
    if profile.gateway != gateway:
        raise UnsafeError("profile is for another gateway", thing=profile.gateway)
    return profile


def load_identity(folder: Path, gateway: str) -> Identity | None:
    """Return the identity kept in a folder, or None before enrolment.

    Raises:
        ConfigError: It is there and cannot be used.
    """
    platform, document = load_json(folder / _PLATFORM), load_json(folder / _PROFILE)
    if platform is None or document is None or not (folder / _KEY).exists():
        return None
    try:
        publics = platform.get("publics") or [platform["public_key"]]
        ring = KeyRing(bytes.fromhex(public) for public in platform.get("past", ()))
        ring.replace(bytes.fromhex(public) for public in publics)
        key = _own_key(folder / _KEY)
        # It was verified when it came; the key it was signed with may have been retired since.
        profile = _open_profile(ring.ever, document, gateway)
        return Identity(key, ring, profile, folder, platform)
    except (HeatloopError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"kept identity cannot be used: {error}",
            thing=gateway,
            place=str(folder),
            fix="restore the folder, or empty it and enrol with a new token",
        ) from error


def enrol(config: EdgeConfig) -> Identity:
    """Exchange keys with the platform and keep the result. Blocks: run it in a thread.

    Raises:
        ConfigError: There is no token, or the platform refuses it.
        LinkError: The platform does not answer.
    """
    folder = config.data
    folder.mkdir(parents=True, exist_ok=True)
    if config.token_file is None or not config.token_file.is_file():
        raise ConfigError(
            "not enrolled yet and no token to enrol with",
            thing="token_file",
            place=str(config.token_file or ""),
            fix="put the one-time token there",
        )
    # The key is kept before it is sent: a crash in between must not spend the token for nothing.
    path = folder / _KEY
    if not path.exists():
        made = Sm2Key.generate() if config.suite == "sm" else SigningKey.generate()
        # An SM2 key is told from an Ed25519 key by the letters before it.
        save_bytes(path, (_SM2 if config.suite == "sm" else b"") + made.raw)
    key = _own_key(path)
    request: dict[str, Any] = {
        "gateway": config.gateway,
        "public_key": key.public.hex(),
        "token": config.token_file.read_text(encoding="utf-8").strip(),
    }
    certificate = Certificate(folder, config.gateway)
    if config.platform_url.startswith("https:"):
        request["certificate_request"] = certificate.request(key)
    answer = post(config, "/api/v1/gateways/enrol", request)
    try:
        public, document = bytes.fromhex(answer["platform_public_key"]), answer["profile"]
        publics = [bytes.fromhex(each) for each in answer.get("platform_public_keys") or ()]
        ring = KeyRing([public, *publics])
        profile = _open_profile(ring, document, config.gateway)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise LinkError(f"platform's answer is malformed: {error}", thing="enrol") from error
    platform = {
        "public_key": public.hex(),
        "publics": [each.hex() for each in ring.publics],
        "seq": int(answer.get("keys_seq") or 0),
        "gateway_urls": [str(url) for url in answer.get("gateway_urls") or ()],
    }
    if answer.get("certificate"):
        certificate.keep(answer)
    save_json(folder / _PROFILE, document)
    save_json(folder / _PLATFORM, platform)
    return Identity(key, ring, profile, folder, platform)


def _own_key(path: Path) -> SigningKey:
    raw = path.read_bytes()
    if raw.startswith(_SM2):
        return Sm2Key.from_bytes(raw.removeprefix(_SM2))
    return SigningKey.from_bytes(raw)


def tls_context(config: EdgeConfig) -> ssl.SSLContext | None:
    """Return the TLS settings towards the platform; None for plain http to this machine."""
    if not config.platform_url.startswith("https:"):
        return None
    context = ssl.create_default_context(cafile=config.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def link_way(config: EdgeConfig, identity: Identity) -> LinkWay:
    """Return where the link goes.

    With a certificate of the platform it goes to the listeners for gateways, and both ends trust
    the platform's own authority alone; without one it goes where enrolment went.
    """
    host = urlsplit(config.platform_url).hostname or ""
    told = (_whole(url, host) for url in identity.link_urls)
    urls = config.link_urls or tuple(told)
    shown = identity.certificate.context() if urls else None
    if shown is None:
        return LinkWay(urls=config.platform_urls, tls=tls_context(config))
    return LinkWay(urls=urls, tls=shown, name=DOOR)


def _whole(url: str, host: str) -> str:
    """Return an address, on the host that is known if it names none."""
    parts = urlsplit(url)
    name = f"[{host}]" if ":" in host else host
    return url if parts.hostname else f"{parts.scheme}://{name}:{parts.port}"


def post(config: EdgeConfig, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a request to the platform and return its answer. Blocks: run it in a thread.

    Raises:
        ConfigError: The platform refuses.
        LinkError: The platform does not answer.
    """
    # An instance that stands by says 503: the next one is asked.
    for url in config.platform_urls[:-1]:
        try:
            return _post_to(url, config, path, body)
        except LinkError:
            continue
    return _post_to(config.platform_urls[-1], config, path, body)


def _post_to(url: str, config: EdgeConfig, path: str, body: dict[str, Any]) -> dict[str, Any]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    tls = tls_context(config)
    if tls is not None:
        connection = http.client.HTTPSConnection(host, port, timeout=10, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=10)
    headers = {"Content-Type": "application/json", "X-Heatloop": "1"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read(8 << 20)
    except (OSError, http.client.HTTPException) as error:
        raise LinkError(f"platform does not answer: {error}", thing=url) from error
    finally:
        connection.close()
    if 400 <= response.status < 500 and response.status not in (408, 429):
        raise ConfigError(
            f"platform refuses to enrol (HTTP {response.status})",
            thing=config.gateway,
            place=text[:300].decode(errors="replace"),
            fix="ask for a new token",
        )
    if response.status not in (200, 201):
        raise LinkError(f"platform answers HTTP {response.status}", thing=url)
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise LinkError("platform's answer is no object", thing="enrol")
    return answer
