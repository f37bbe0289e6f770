"""The platform's keys while it runs: which one is in use, rotation, what gateways are told.

New values are sealed and new documents signed with the current keys; older ones stay until they
are retired. When the signing key changes, a *trust document* names the keys to trust from now on;
it is signed by the key trusted before, so a gateway follows without a visit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from heatloop.app.refusals import Refused
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError
from heatloop.security.international import SigningKey
from heatloop.security.keys import KeyRing, sign_document
from heatloop.security.provider import CryptoProvider, data_key_id
from heatloop.security.providers import provider
from heatloop.store.key_files import (
    DATA,
    FIRST_DATA,
    FIRST_SIGNING,
    INDEX,
    SIGNING,
    HeldKey,
    KeySet,
    folder_keys,
    index_of,
    passphrase_of,
    wrap,
    write_secret,
)
from heatloop.store.records.sealing import Sealer

__all__ = ["DATA", "FIRST_LOGIN", "SIGNING", "PlatformKeys", "load_keys", "write_secret"]
FIRST_LOGIN = "first-login.txt"
TRUST = "platform-keys"
_OWN_FILES = {(SIGNING, "Ed25519"): FIRST_SIGNING, (DATA, "AES-256-GCM"): FIRST_DATA}


class PlatformKeys:
    """What the platform signs and seals with.

    Args:
        folder: Where the files are.
        suite: What new keys are made for.
        held: The keys.
        environ: Environment variables.
    """

    def __init__(
        self, folder: Path, suite: CryptoProvider, held: KeySet, environ: Mapping[str, str]
    ) -> None:
        self.folder, self.suite = folder, suite
        self._held, self._environ = held, environ
        self._signers: dict[str, SigningKey] = {}
        self._sealers: list[Sealer] = []
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"PlatformKeys({self.folder})"

    @property
    def held(self) -> KeySet:
        """Return all keys."""
        return self._held

    def _current(self, kind: str) -> HeldKey:
        key = self._held.current(kind)
        if key is None:
            raise ConfigError(f"no current {kind} key", thing=str(self.folder), fix="restore it")
        return key

    @property
    def signing(self) -> SigningKey:
        """Return what signs commands, profiles and documents now; take it once a document."""
        key = self._current(SIGNING)
        if key.id not in self._signers:
            self._signers[key.id] = key.signer()
        return self._signers[key.id]

    def signer_at(self, seq: int) -> SigningKey:
        """Return the newest signing key a gateway knows that follows trust document `seq`."""
        if seq >= self.trust_seq or not self._held.trust:
            return self.signing
        # Each document was signed by the key in use before it.
        known = self._held.trust[max(seq, 0)]["key_id"]
        key = next((key for key in self._held.of(SIGNING) if key.id == known), None)
        return self.signing if key is None else key.signer()

    @property
    def ring(self) -> KeyRing:
        """Return the platform's own public keys, older ones included."""
        return KeyRing(self.publics)

    @property
    def publics(self) -> list[bytes]:
        """Return the public keys of all signing keys, the current one first."""
        keys = sorted(self._held.of(SIGNING), key=lambda key: not key.current)
        return [key.signer().public for key in keys]

    @property
    def data(self) -> bytes:
        """Return the data key in use."""
        return self._current(DATA).secret

    @property
    def data_id(self) -> str:
        """Return the name of the data key in use."""
        return self._current(DATA).id

    @property
    def old_data(self) -> dict[str, bytes]:
        """Return the data keys that are only read with, by name."""
        return {key.id: key.secret for key in self._held.of(DATA) if not key.current}

    @property
    def trust_seq(self) -> int:
        """Return the number of the newest trust document, 0 before the first."""
        return len(self._held.trust)

    def trust_after(self, seq: int) -> list[dict[str, Any]]:
        """Return the trust documents a gateway has not seen, in order."""
        return [dict(document) for document in self._held.trust[max(seq, 0) :]]

    def serve(self, sealer: Sealer) -> None:
        """Keep a sealer at the current keys from now on."""
        self._sealers.append(sealer)
        self._renew(sealer)

    def _renew(self, sealer: Sealer) -> None:
        current = self._current(DATA)
        suite = provider(current.suite) if current.suite else None
        named = suite.cipher.name if suite else current.algorithm
        sealer.use(self._held.data(), current.id, named)

    def rotate(self, kind: str, *, suite: CryptoProvider | None = None) -> HeldKey:
        """Make a new key the one in use; the former one stays for what it sealed or signed.

        Args:
            kind: `signing` or `data`.
            suite: What the key is for; None: the configured suite.

        Raises:
            Refused: There is no such kind, or its keys come from the environment.
        """
        if kind not in (SIGNING, DATA):
            raise Refused("invalid", thing=kind[:20], place="kind")
        with self._turn:
            self._ours(kind)
            before = self._held.current(kind)
            made = self._make(kind, suite or self.suite)
            kept = [replace(k, current=k.current and k.kind != kind) for k in self._held.keys]
            trust = self._held.trust
            if kind == SIGNING and before is not None:
                publics = [made.signer().public, *self.publics]
                trust = (*trust, self._trust_document(before.signer(), publics))
            self._store((*kept, made), trust)
        return made

    def retire(self, kind: str, key_id: str) -> HeldKey:
        """Forget an old key for good; whoever calls has made sure that nothing needs it.

        Raises:
            Refused: There is no such key, it is in use, or it comes from the environment.
        """
        with self._turn:
            self._ours(kind)
            gone = next((k for k in self._held.of(kind) if k.id == key_id), None)
            if gone is None:
                raise Refused("not_found", thing=key_id[:40])
            if gone.current:
                raise Refused("key_in_use", thing=key_id)
            kept = tuple(key for key in self._held.keys if key is not gone)
            trust = self._held.trust
            if kind == SIGNING:
                left = [key.signer() for key in kept if key.kind == SIGNING]
                left.sort(key=lambda key: key.key_id != self.signing.key_id)
                publics = [key.public for key in left]
                trust = (*trust, self._trust_document(self.signing, publics))
            self._store(kept, trust)
            if gone.file:
                path = self.folder / gone.file
                # Over-written first: the blocks of a file that is only unlinked can be read again.
                path.write_bytes(bytes(path.stat().st_size))
                path.unlink()
        return gone

    def _ours(self, kind: str) -> None:
        if kind in self._held.from_environment:
            raise Refused("key_from_environment", thing=kind)

    def _trust_document(self, signer: SigningKey, publics: list[bytes]) -> dict[str, str]:
        return sign_document(
            signer,
            {
                "kind": TRUST,
                "seq": self.trust_seq + 1,
                "publics": [public.hex() for public in publics],
                "at": machine_s(),
            },
        )

    def _make(self, kind: str, suite: CryptoProvider) -> HeldKey:
        """Make a key and write its file; it is in no list yet."""
        plug_in = suite.name if not suite.cipher.key_bytes else ""
        if kind == SIGNING:
            signer = suite.signing_key()
            secret, key_id, algorithm = (
                suite.signing_secret(signer),
                signer.key_id,
                signer.algorithm,
            )
        else:
            secret = suite.new_data_key()
            key_id, algorithm = data_key_id(secret), suite.cipher.name
        first = _OWN_FILES.get((kind, algorithm), "")
        name = f"{kind}-{key_id}.key"
        if not plug_in and first and not self._held.of(kind):
            name = first
        content, passphrase = secret, passphrase_of(self._environ)
        if passphrase:
            content = wrap(suite, key_id, secret, passphrase)
        write_secret(self.folder / name, content)
        return HeldKey(
            kind=kind,
            id=key_id,
            algorithm=algorithm,
            secret=secret,
            suite=plug_in,
            current=True,
            made_at=machine_s(),
            file=name,
        )

    def _store(self, keys: tuple[HeldKey, ...], trust: tuple[Mapping[str, Any], ...]) -> None:
        # The list is what counts: a key whose file was written and is not in it was never made.
        write_secret(self.folder / INDEX, index_of(keys, trust))
        self._held = replace(self._held, keys=keys, trust=trust)
        for sealer in self._sealers:
            self._renew(sealer)

    def fit(self) -> None:
        """Make what is missing: keys at the first start, keys of a suite configured since."""
        for kind in (SIGNING, DATA):
            key = self._held.current(kind)
            if key is None or (kind not in self._held.from_environment and not self._fits(key)):
                self.rotate(kind)

    def _fits(self, key: HeldKey) -> bool:
        if key.suite or not self.suite.cipher.key_bytes:
            return key.suite == self.suite.name
        if key.kind == DATA:
            return key.algorithm == self.suite.cipher.name
        wanted = {"international": "Ed25519", "sm": "SM2-SM3"}.get(self.suite.name)
        return wanted is None or key.algorithm == wanted

    def wrap_all(self) -> int:
        """Write every key file anew under the passphrase of the environment; return how many.

        Raises:
            ConfigError: There is no passphrase.
        """
        passphrase = passphrase_of(self._environ)
        if not passphrase:
            raise ConfigError("no passphrase to wrap with", fix="set HEATLOOP_KEY_PASSPHRASE_FILE")
        with self._turn:
            files = [key for key in self._held.keys if key.file]
            for key in files:
                wrapped = wrap(self.suite, key.id, key.secret, passphrase)
                write_secret(self.folder / key.file, wrapped)
            self._store(self._held.keys, self._held.trust)
        return len(files)


def load_keys(
    folder: Path, suite: str = "international", environ: Mapping[str, str] | None = None
) -> PlatformKeys:
    """Return the platform's keys, made now if this is the first start.

    Raises:
        ConfigError: A key file is damaged or readable by others, or the suite is unknown.
    """
    around = os.environ if environ is None else environ
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = PlatformKeys(folder, provider(suite), folder_keys(folder, around), around)
    keys.fit()
    return keys
