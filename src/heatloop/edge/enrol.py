"""A gateway's identity: its own key, the platform's key, and its signed profile, kept on disk.

The first start exchanges keys over the platform's HTTP API against a one-time token; after that
the gateway starts and works without the platform.
"""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from heatloop.edge.config import EdgeConfig
from heatloop.edge.files import load_json, save_bytes, save_json
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError, UnsafeError
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.security.keys import KeyRing, SigningKey, open_document

_KEY, _PLATFORM, _PROFILE = "gateway.key", "platform.json", "profile.json"


class Identity:
    """Who the gateway is, whom it obeys, and what it looks after."""

    def __init__(self, key: SigningKey, ring: KeyRing, profile: EdgeProfile, folder: Path) -> None:
        self.key, self.ring, self.profile = key, ring, profile
        self._folder = folder

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
        ring = KeyRing([bytes.fromhex(platform["public_key"])])
        key = SigningKey.from_bytes((folder / _KEY).read_bytes())
        return Identity(key, ring, _open_profile(ring, document, gateway), folder)
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
        save_bytes(path, SigningKey.generate().raw)
    key = SigningKey.from_bytes(path.read_bytes())
    request = {
        "gateway": config.gateway,
        "public_key": key.public.hex(),
        "token": config.token_file.read_text(encoding="utf-8").strip(),
    }
    answer = _post(config, "/api/v1/gateways/enrol", request)
    try:
        public, document = bytes.fromhex(answer["platform_public_key"]), answer["profile"]
        ring = KeyRing([public])
        profile = _open_profile(ring, document, config.gateway)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise LinkError(f"platform's answer is malformed: {error}", thing="enrol") from error
    save_json(folder / _PROFILE, document)
    save_json(folder / _PLATFORM, {"public_key": public.hex()})
    return Identity(key, ring, profile, folder)


def tls_context(config: EdgeConfig) -> ssl.SSLContext | None:
    """Return the TLS settings towards the platform; None for plain http to this machine."""
    if not config.platform_url.startswith("https:"):
        return None
    return ssl.create_default_context(cafile=config.ca_file)


def _post(config: EdgeConfig, path: str, body: dict[str, Any]) -> dict[str, Any]:
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
