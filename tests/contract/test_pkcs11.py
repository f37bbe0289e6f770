"""A hardware module as a plug-in suite, against SoftHSM: keys that never leave it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from heatloop.app.keys import load_keys
from heatloop.app.settings import load_settings
from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.security import providers
from heatloop.security.keys import KeyRing, seal_algorithm, sign_document
from heatloop.store.records.sealing import Sealer

LIBRARY = next(
    (
        path
        for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
        if Path(path).exists()
    ),
    "",
)
PIN = "31415926"
pytestmark = pytest.mark.needs("softhsm2-util")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A token, and the plug-in installed as any other would be."""
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    (folder / "hsm.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    (folder / "pin").write_text(PIN)
    (folder / "pin").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "hsm.conf"))
        patch.setenv("HEATLOOP_PKCS11_MODULE", LIBRARY)
        patch.setenv("HEATLOOP_PKCS11_TOKEN", "heat")
        patch.setenv("HEATLOOP_PKCS11_PIN_FILE", str(folder / "pin"))
        words = ("--init-token", "--free", "--label", "heat", "--pin", PIN, "--so-pin", PIN)
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True, timeout=20)
        if "pkcs11" not in [point.name for point in entry_points(group=providers.GROUP)]:
            about = folder / "module-1.dist-info"
            about.mkdir()
            (about / "METADATA").write_text("Metadata-Version: 2.1\nName: module\nVersion: 1\n")
            point = "[heatloop.crypto]\npkcs11 = heatloop.app.crypto_pkcs11:make\n"
            (about / "entry_points.txt").write_text(point)
            patch.setattr(sys, "path", [*sys.path, str(folder)])
        providers.provider.cache_clear()
        yield folder
        providers.provider.cache_clear()


def test_7_8_e_keys_of_a_module_seal_and_sign_and_never_leave_it(
    token: Path, tmp_path: Path
) -> None:
    assert "pkcs11" in providers.suites()
    settings = load_settings(tmp_path, overrides={"crypto": {"suite": "pkcs11"}})
    # A platform that worked with keys in files so far: they stay readable.
    before = load_keys(tmp_path / "keys", "international", {})
    old = Sealer({}, "")
    before.serve(old)
    former = old.seal(b"row 1", {"phone": "13900000001"})

    keys = load_keys(tmp_path / "keys", settings.crypto.suite, {})
    sealer = Sealer({}, "")
    keys.serve(sealer)
    blob = sealer.seal(b"row 2", {"phone": "13900000002"})
    assert seal_algorithm(blob).number == 16
    assert sealer.open(b"row 2", blob) == {"phone": "13900000002"}
    assert sealer.open(b"row 1", former) == {"phone": "13900000001"}
    moved = sealer.reseal(b"row 1", former)
    assert moved is not None
    assert sealer.open(b"row 1", moved) == {"phone": "13900000001"}
    with pytest.raises(UnsafeError):
        sealer.open(b"row 3", blob)
    # Gateways verify as ever: it is Ed25519.
    ring = KeyRing([keys.signing.public])
    assert sign_document(keys.signing, {"a": 1})["alg"] == "Ed25519"
    ring.verify(keys.signing.key_id, b"open", keys.signing.sign(b"open"))
    # What lies on the disk is a label, and the module does not give the key away.
    held = keys.held.current("data")
    assert held is not None
    assert held.secret.startswith(b"heatloop:heatloop-")
    assert (tmp_path / "keys" / held.file).read_bytes() == held.secret
    import pkcs11

    session = providers.provider("pkcs11")._module._session  # type: ignore[attr-defined]
    label = held.secret.removeprefix(b"heatloop:").decode()
    key = next(iter(session.get_objects({pkcs11.Attribute.LABEL: label})))
    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        key[pkcs11.Attribute.VALUE]
    # The next start finds the same keys.
    again = load_keys(tmp_path / "keys", "pkcs11", {})
    assert again.signing.key_id == keys.signing.key_id
    assert again.data_id == keys.data_id
    with pytest.raises(InputError, match="no such key"):
        providers.provider("pkcs11").unseal({held.id: b"heatloop:gone"}, blob, b"row 2")


def test_a_module_that_does_not_open_is_said_without_its_pin(
    token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heatloop.app.crypto_pkcs11 import make

    monkeypatch.setenv("HEATLOOP_PKCS11_TOKEN", "another")
    with pytest.raises(ConfigError, match="does not open") as caught:
        make()
    assert PIN not in str(caught.value)
    monkeypatch.delenv("HEATLOOP_PKCS11_TOKEN")
    with pytest.raises(ConfigError, match="missing"):
        make()
    (token / "pin").chmod(0o644)
    with pytest.raises(ConfigError, match="others"):
        make()
    (token / "pin").chmod(0o600)
