"""What a ledger row says about an SNMP agent."""

from __future__ import annotations

from collections.abc import Mapping

from pysnmp.hlapi.v3arch.asyncio import auth as names
from pysnmp.hlapi.v3arch.asyncio.auth import CommunityData, UsmUserData

from heatloop.edge.drivers.port import DriverTools
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Device

_KNOWN = {
    "3": frozenset(("version", "user", "auth", "auth_key", "priv", "priv_key", "context")),
    "2c": frozenset(("version", "community")),
}
_AUTH = {
    "sha256": names.USM_AUTH_HMAC192_SHA256,
    "sha512": names.USM_AUTH_HMAC384_SHA512,
    "sha384": names.USM_AUTH_HMAC256_SHA384,
    "sha224": names.USM_AUTH_HMAC128_SHA224,
    "sha": names.USM_AUTH_HMAC96_SHA,
    "md5": names.USM_AUTH_HMAC96_MD5,
    "none": names.USM_AUTH_NONE,
}
_PRIV = {
    "aes128": names.USM_PRIV_CFB128_AES,
    "aes192": names.USM_PRIV_CFB192_AES,
    "aes256": names.USM_PRIV_CFB256_AES,
    "des": names.USM_PRIV_CBC56_DES,
    "none": names.USM_PRIV_NONE,
}


class Settings:
    """Parameters of one device, read and checked.

    Raises:
        ConfigError: One is unknown, missing, or fits no other.
    """

    def __init__(self, device: Device) -> None:
        try:
            self._take(field_parameters(device.parameters))
        except InputError as error:
            fix = error.fix or (
                "write e.g. version=3 user=watch auth=sha256 auth_key=... priv=aes128 priv_key=..."
            )
            raise ConfigError(
                error.message, thing=device.code, place="parameters", fix=fix
            ) from error

    def _take(self, given: Mapping[str, str]) -> None:
        self.version = given.get("version", "3")
        if self.version not in _KNOWN:
            raise InputError(f"version {self.version} is not 2c or 3")
        unknown = sorted(given.keys() - _KNOWN[self.version])
        if unknown:
            raise InputError(f"no such parameter with version {self.version}: {unknown[0]}")
        self.community = given.get("community", "")
        self.user, self.context = given.get("user", ""), given.get("context", "")
        self.auth, self.priv = given.get("auth", "sha256"), given.get("priv", "aes128")
        self.auth_key, self.priv_key = given.get("auth_key", ""), given.get("priv_key", "")
        if self.version == "2c":
            if not self.community:
                raise InputError("community (the name of a secret) is missing")
            return
        if self.auth not in _AUTH or self.priv not in _PRIV:
            fix = f"auth is one of {', '.join(_AUTH)}; priv one of {', '.join(_PRIV)}"
            raise InputError("no such algorithm", fix=fix)
        if self.auth == "none" and self.priv != "none":
            raise InputError("nothing can be encrypted that is not signed")
        for name, algorithm, key in (
            ("auth", self.auth, self.auth_key), ("priv", self.priv, self.priv_key),
        ):  # fmt: skip
            if (algorithm != "none") != bool(key):
                raise InputError(f"{name}_key (the name of a secret) goes with {name}")
        if not self.user:
            raise InputError("user is missing")

    def credentials(self, tools: DriverTools) -> CommunityData | UsmUserData:
        """Return what is sent to be let in.

        Raises:
            InputError: A secret is missing.
        """
        if self.version == "2c":
            community = tools.secret(self.community).decode().strip()
            return CommunityData(community, mpModel=1)  # noqa: S508 - older agents know no other
        keys = [
            tools.secret(name).decode().strip() if name else None
            for name in (self.auth_key, self.priv_key)
        ]
        return UsmUserData(
            self.user,
            authKey=keys[0],
            privKey=keys[1],
            authProtocol=_AUTH[self.auth],
            privProtocol=_PRIV[self.priv],
        )
