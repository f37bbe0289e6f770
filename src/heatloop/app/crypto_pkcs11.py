"""A suite whose keys live in a hardware module: PKCS#11, by the optional library `python-pkcs11`.

An example of a plug-in, and usable as it is. Data keys are AES-256 keys of the module, made there,
neither readable nor extractable; the key file holds their label. What is sealed is numbered 16.
Signing keys are Ed25519 keys of the module, so gateways verify as ever. Settings stand in the
environment: `HEATLOOP_PKCS11_MODULE` (library of the module's maker), `HEATLOOP_PKCS11_TOKEN`
(label), and `HEATLOOP_PKCS11_PIN` or `HEATLOOP_PKCS11_PIN_FILE`, read by whoever makes the suite.

Reference: OASIS PKCS #11 v3.0 (CKM_AES_GCM, CKM_EDDSA).
"""

from __future__ import annotations

import importlib
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.security import keys
from heatloop.security.international import (
    ALGORITHM,
    SigningKey,
    argon2id_terms,
    hmac_sha256,
    sha256,
)
from heatloop.security.provider import TAG_BYTES, Signer, key_id_of, register_cipher
from heatloop.security.providers import Suite

_LABEL = b"heatloop:"
_PREFIX = "heatloop-"
# DER of OID 1.3.101.112, which names the curve of Ed25519.
_ED25519 = bytes.fromhex("06032b6570")
_LONGEST_TAG_BITS = 128


class Module:
    """One session with a module; safe between threads, one operation at a time.

    Args:
        library: The maker's library.
        token: Label of the token.
        pin: Its PIN.

    Raises:
        ConfigError: The library is missing, or the token does not open.
    """

    def __init__(self, library: str, token: str, pin: str) -> None:
        try:
            self._api: Any = importlib.import_module("pkcs11")
        except ImportError as error:
            raise ConfigError(
                "the library for hardware modules is not installed",
                thing="python-pkcs11",
                fix="pip install heatloop[pkcs11]",
            ) from error
        try:
            opened = self._api.lib(library).get_token(token_label=token)
            self._session = opened.open(rw=True, user_pin=pin)
        except (self._api.exceptions.PKCS11Error, RuntimeError, OSError) as error:
            # The library's own text may name the PIN's state; never the PIN, but not needed.
            raise ConfigError(
                f"hardware module does not open: {type(error).__name__}",
                thing=token,
                place=library,
                fix="check module, label and PIN",
            ) from None
        self._turn = threading.Lock()
        self._held: dict[bytes, Any] = {}

    def close(self) -> None:
        """End the session."""
        with self._turn:
            self._held.clear()
            self._session.close()

    def make_data_key(self) -> bytes:
        """Return the label of a new key that cannot leave the module."""
        label = _PREFIX + secrets.token_hex(8)
        kinds = self._api.Attribute
        with self._turn:
            self._session.generate_key(
                self._api.KeyType.AES,
                256,
                label=label,
                store=True,
                template={kinds.EXTRACTABLE: False, kinds.SENSITIVE: True},
            )
        return _LABEL + label.encode()

    def make_signing_key(self) -> bytes:
        """Return the label of a new signing key that cannot leave the module."""
        label = _PREFIX + secrets.token_hex(8)
        kinds = self._api.Attribute
        with self._turn:
            curve = self._session.create_domain_parameters(
                self._api.KeyType.EC_EDWARDS, {kinds.EC_PARAMS: _ED25519}, local=True
            )
            curve.generate_keypair(
                mechanism=self._api.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                label=label,
                store=True,
                private_template={kinds.EXTRACTABLE: False, kinds.SENSITIVE: True},
            )
        return _LABEL + label.encode()

    def _find(self, reference: bytes, kind: str) -> Any:
        if not reference.startswith(_LABEL):
            raise InputError("not a key of a hardware module", fix="check the key file")
        wanted = reference + kind.encode()
        if wanted not in self._held:
            label = reference.removeprefix(_LABEL).decode()
            found = self._session.get_objects(
                {
                    self._api.Attribute.LABEL: label,
                    self._api.Attribute.CLASS: getattr(self._api.ObjectClass, kind),
                }
            )
            key = next(iter(found), None)
            if key is None:
                raise InputError("hardware module has no such key", thing=label, fix="restore it")
            self._held[wanted] = key
        return self._held[wanted]

    def _gcm(self, nonce: bytes, aad: bytes) -> Any:
        return self._api.GCMParams(nonce, aad, _LONGEST_TAG_BITS)

    def encrypt(self, reference: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return ciphertext and tag."""
        with self._turn:
            key, how = self._find(reference, "SECRET_KEY"), self._api.Mechanism.AES_GCM
            made = key.encrypt(data, mechanism=how, mechanism_param=self._gcm(nonce, aad))
        return bytes(made)

    def decrypt(self, reference: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            UnsafeError: Something was changed.
            InputError: The module has no such key.
        """
        if len(data) < TAG_BYTES:
            raise UnsafeError("sealed value was changed or moved")
        with self._turn:
            key, how = self._find(reference, "SECRET_KEY"), self._api.Mechanism.AES_GCM
            try:
                made = key.decrypt(data, mechanism=how, mechanism_param=self._gcm(nonce, aad))
            except self._api.exceptions.PKCS11Error as error:
                # Makers disagree which of their errors says that the tag does not fit.
                raise UnsafeError("sealed value was changed or moved") from error
        return bytes(made)

    def public(self, reference: bytes) -> bytes:
        """Return the 32 bytes of a signing key's public half."""
        with self._turn:
            point = bytes(self._find(reference, "PUBLIC_KEY")[self._api.Attribute.EC_POINT])
        # Some makers give the bytes, most an OCTET STRING around them.
        return point[-32:]

    def sign(self, reference: bytes, data: bytes) -> bytes:
        """Return the 64 signature bytes."""
        with self._turn:
            key = self._find(reference, "PRIVATE_KEY")
            return bytes(key.sign(data, mechanism=self._api.Mechanism.EDDSA))


class ModuleCipher:
    """AES-256-GCM inside a module; keys are labels."""

    number, name, key_bytes = 16, "AES-256-GCM/PKCS11", 0

    def __init__(self, module: Module) -> None:
        self._module = module

    def encrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return ciphertext and tag."""
        return self._module.encrypt(key, nonce, data, aad)

    def decrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            UnsafeError: Something was changed.
        """
        return self._module.decrypt(key, nonce, data, aad)


class ModuleKey(SigningKey):
    """A signing key inside a module."""

    __slots__ = ("_module", "_reference")

    def __init__(self, module: Module, reference: bytes) -> None:
        self._module, self._reference = module, reference
        self.algorithm = ALGORITHM
        self.public = module.public(reference)
        self.key_id = key_id_of(self.public)

    @property
    def raw(self) -> bytes:
        """Return the key's label: the key itself cannot be had."""
        return self._reference

    def sign(self, data: bytes) -> bytes:
        """Return the 64 signature bytes over `data`."""
        return self._module.sign(self._reference, data)


class ModuleSuite(Suite):
    """The international suite with its keys in a module."""

    def __init__(self, module: Module, name: str = "pkcs11") -> None:
        cipher = ModuleCipher(module)
        super().__init__(
            name,
            cipher,
            digest=sha256,
            mac=hmac_sha256,
            terms=argon2id_terms,
            signing=ModuleKey,
        )
        self._module = module
        register_cipher(cipher)

    def new_data_key(self) -> bytes:
        """Return the label of a new data key."""
        return self._module.make_data_key()

    def signing_key(self, secret: bytes | None = None) -> Signer:
        """Return the signing key of this label, or a new one."""
        return ModuleKey(self._module, secret or self._module.make_signing_key())


def suite_of(environ: Mapping[str, str], pin: str) -> ModuleSuite:
    """Return the suite of the module the environment names.

    Raises:
        ConfigError: A setting is missing, or the module does not open.
    """
    for name in ("HEATLOOP_PKCS11_MODULE", "HEATLOOP_PKCS11_TOKEN"):
        if not environ.get(name):
            raise ConfigError("setting of the hardware module is missing", thing=name, fix="set it")
    if not pin:
        raise ConfigError(
            "PIN of the hardware module is missing",
            thing="HEATLOOP_PKCS11_PIN_FILE",
            fix="set it, or HEATLOOP_PKCS11_PIN",
        )
    module = Module(environ["HEATLOOP_PKCS11_MODULE"], environ["HEATLOOP_PKCS11_TOKEN"], pin)
    return ModuleSuite(module)


__all__ = ["Module", "ModuleCipher", "ModuleKey", "ModuleSuite", "keys", "suite_of"]


def make() -> ModuleSuite:
    """Return the suite; the entry point of `heatloop.crypto`.

    Raises:
        ConfigError: A setting is missing, others can read the PIN, or the module does not open.
    """
    pin, name = (
        os.environ.get("HEATLOOP_PKCS11_PIN", ""),
        os.environ.get("HEATLOOP_PKCS11_PIN_FILE"),
    )
    if name and not pin:
        path = Path(name)
        try:
            if path.stat().st_mode & 0o077:
                raise ConfigError("others can read the PIN", thing=name, fix=f"chmod 600 {name}")
            pin = path.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError("PIN cannot be read", thing=name) from error
    return suite_of(os.environ, pin)
