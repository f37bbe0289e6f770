"""Who made a bundle: an Ed25519 signature over its list of checksums.

A home that was first upgraded from a signed bundle keeps the signer's public key and takes bundles
of that signer only. Before the first installation the same is checked with openssl, see
docs/deploy.md.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from heatloop.cli.version_folders import MANIFEST, Home, VersionError
from heatloop.kernel.errors import InputError

SIGNATURE, PUBLIC = f"{MANIFEST}.sig", f"{MANIFEST}.pem"
"""Files of a bundle that its list of checksums cannot hold."""
SIGNER = "signer.pem"
"""File of a home: whose bundles it takes."""


def new_key(path: Path) -> Path:
    """Write a new signing key that only its owner can read; return its public key's file.

    Raises:
        InputError: The file is there already.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(
            "key file is there already", thing=str(path), fix="name another"
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    public = path.with_name(f"{path.name}.pub")
    public.write_bytes(_pem(key.public_key()))
    return public


def sign(bundle: Path, key_file: Path) -> None:
    """Sign the list of checksums of a bundle's folder.

    Raises:
        InputError: The file holds no such key.
    """
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"not a signing key: {error}", thing=str(key_file)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("not an Ed25519 key", thing=str(key_file), fix="heatloop bundle --new-key")
    (bundle / SIGNATURE).write_bytes(key.sign((bundle / MANIFEST).read_bytes()))
    (bundle / PUBLIC).write_bytes(_pem(key.public_key()))


def check_signer(bundle: Path, home: Home, expected: Path | None = None) -> str:
    """Check who signed a bundle; the first signer is remembered in the home.

    Args:
        bundle: Its folder.
        home: Home of versions; once it knows a signer it takes only him.
        expected: File with the public key that must have signed; None: whom the home knows.

    Returns:
        `signed` or `unsigned`.

    Raises:
        VersionError: It is not signed though it must be, or by somebody else, or it was changed.
    """
    known = home.folder / SIGNER
    wanted = expected or (known if known.is_file() else None)
    if not (bundle / SIGNATURE).is_file():
        if wanted is not None:
            raise VersionError(f"bundle is not signed; wanted: the key in {wanted}")
        return "unsigned"
    trusted = wanted or bundle / PUBLIC
    try:
        key = load_pem_public_key(trusted.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise VersionError(f"not an Ed25519 key: {trusted}")
        key.verify((bundle / SIGNATURE).read_bytes(), (bundle / MANIFEST).read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise VersionError(f"public key cannot be read: {trusted}") from error
    except InvalidSignature as error:
        raise VersionError(f"bundle is not signed by the key in {trusted}") from error
    if not known.is_file():
        home.folder.mkdir(parents=True, exist_ok=True)
        known.write_bytes(_pem(key))
    return "signed"


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
