"""`heatloop keys` and `heatloop open` on files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from heatloop.app.keys import load_keys
from heatloop.cli import EXIT_CONFIG, EXIT_FAILED, EXIT_INPUT, EXIT_OK, main
from heatloop.security.container import Recipient, Sealing
from heatloop.security.providers import provider
from heatloop.store.backup_keys import make_chain, open_chain
from heatloop.store.backup_rekey import rekey
from heatloop.store.objects import open_objects

WORD = "a long passphrase"


def container(path: Path, **who: object) -> None:
    work = Sealing(
        provider("international"),
        [Recipient(**who)],  # type: ignore[arg-type]
        about={"name": "../../flats.csv"},
        made_at=1.0,
    )
    path.write_bytes(work.add(b"FL00001,21.5\n") + work.end())


def test_open_gives_the_file_back_and_nothing_of_a_changed_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, word = tmp_path / "flats.csv.hlx", tmp_path / "word"
    container(file, passphrase=WORD)
    word.write_text(WORD)
    assert main(["open", str(file), "--passphrase-file", str(word)]) == EXIT_OK
    out = Path(capsys.readouterr().out.strip())
    # The maker of the file does not choose the folder.
    assert out == tmp_path / "flats.csv"
    assert out.read_bytes() == b"FL00001,21.5\n"
    assert out.stat().st_mode & 0o077 == 0
    assert main(["open", str(file), "--passphrase-file", str(word)]) == EXIT_INPUT  # is there
    out.unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO("another passphrase\n"))
    assert main(["open", str(file)]) == EXIT_FAILED
    good = file.read_bytes()
    for bad in (good[:-1], good[:-9] + b"123456789", good + b"x"):
        file.write_bytes(bad)
        assert main(["open", str(file), "--passphrase-file", str(word)]) == EXIT_FAILED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flats.csv.hlx", "word"]
    assert main(["open", str(tmp_path / "none.hlx"), "--passphrase-file", str(word)]) == EXIT_INPUT


@pytest.mark.parametrize("algorithm", ["X25519", "SM2"])
def test_a_receiver_opens_with_his_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], algorithm: str
) -> None:
    key, file = tmp_path / "my.key", tmp_path / "flats.csv.hlx"
    make = ["keys", "receiver", "--algorithm", algorithm, "--out", str(key)]
    assert main(make) == EXIT_OK
    container(file, public_key=bytes.fromhex(capsys.readouterr().out))
    assert key.stat().st_mode & 0o077 == 0
    assert main(make) == EXIT_CONFIG  # never written over
    assert main(["open", str(file), "--key", str(key), "--out", str(tmp_path / "o")]) == EXIT_OK
    assert (tmp_path / "o").read_bytes() == b"FL00001,21.5\n"


def test_list_tells_of_keys_and_never_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = load_keys(tmp_path / "keys", environ={})
    keys.rotate("data")
    for step, rows in (("list", 3), ("export-public", 1)):
        assert main(["keys", step, "--data", str(tmp_path)]) == EXIT_OK
        told = capsys.readouterr().out
        assert len(json.loads(told)) == rows
        assert not any(key.secret.hex() in told for key in keys.held.keys)
    assert main(["keys", "list", "--data", str(tmp_path / "none")]) == EXIT_CONFIG
    assert main(["keys", "wrap", "--data", str(tmp_path)]) == EXIT_CONFIG
    monkeypatch.setenv("HEATLOOP_KEY_PASSPHRASE", WORD)
    assert main(["keys", "wrap", "--data", str(tmp_path)]) == EXIT_OK
    assert json.loads(capsys.readouterr().out) == {"wrapped": 3}


def test_7_8_e_backup_chains_get_another_passphrase(tmp_path: Path) -> None:
    store, held = open_objects(str(tmp_path / "b")), {}
    for chain in ("c1", "c2"):
        held[chain], document = make_chain(chain, WORD, encrypted=True, at=1.0)
        store.put(f"{chain}/chain.json", document)
    from heatloop.store.backup_manifest import CHAIN_FILE

    assert CHAIN_FILE == "chain.json"
    new = "another passphrase"
    assert rekey(store, WORD, new) == 2
    for chain, key in held.items():
        assert open_chain(store.get(f"{chain}/chain.json"), new) == key
        with pytest.raises(Exception, match="does not open"):
            open_chain(store.get(f"{chain}/chain.json"), WORD)
    assert rekey(store, WORD, new) == 2  # a second run finds it done
    with pytest.raises(Exception, match="does not open"):
        rekey(store, WORD, "a third passphrase")
