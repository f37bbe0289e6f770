"""Upgrades of a running installation: forwards, back, and back by itself when the new one fails."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import heatloop
from heatloop.cli.bundle_signature import check_signer
from heatloop.cli.version_folders import Home, VersionError, check_bundle, unpack_bundle

SOURCE = Path(heatloop.__file__).parent


def wheel(folder: Path, version: str, **changes: str) -> Path:
    """Make a wheel of this code under another version; `changes` are added to modules."""
    path = folder / f"heatloop-{version}-py3-none-any.whl"
    info = f"heatloop-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(SOURCE.rglob("*")):
            name = file.relative_to(SOURCE).as_posix()
            if not file.is_file() or "__pycache__" in name or name.startswith("web/static/"):
                continue
            text = file.read_bytes()
            if name == "__init__.py":
                text = re.sub(
                    rb'__version__ = "[^"]+"', f'__version__ = "{version}"'.encode(), text
                )
            text += changes.get(name, "").encode()
            archive.writestr(f"heatloop/{name}", text)
        archive.writestr("heatloop/web/static/index.html", "<html></html>")
        archive.writestr(f"{info}/METADATA", f"Name: heatloop\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    migration = (
        '"""Records: tried."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        'revision = "9001_tried"\ndown_revision = "0012_instances"\n\n\n'
        'def upgrade() -> None:\n    """Make a table."""\n'
        '    op.create_table("tried", sa.Column("n", sa.Integer(), primary_key=True))\n'
    )
    newest = max((SOURCE / "store/records/migrations/versions").glob("[0-9]*.py")).stem
    migration = migration.replace("0012_instances", newest)
    # A platform that migrates the records and then does not come up.
    broken = wheel(folder, "0.9.2", **{"cli/platform.py": ""})
    with zipfile.ZipFile(broken, "a") as archive:
        archive.writestr("heatloop/store/records/migrations/versions/9001_tried.py", migration)
    return {
        "1": wheel(folder, "0.9.0"),
        "2": wheel(folder, "0.9.1"),
        "broken": _spoilt(broken),
        "unwilling": wheel(folder, "0.9.3", **{"store/records/migrations/env.py": "\n1 / 0\n"}),
    }


def _spoilt(path: Path) -> Path:
    """Let the platform of a wheel open its records, as it would, and then fail."""
    copy = path.with_suffix(".new")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename == "heatloop/cli/platform.py":
                data = data.replace(
                    b"uvloop.run(serve(settings, build_web))",
                    b"from heatloop.app.wiring import open_records; open_records(settings); 1 / 0",
                )
                assert b"1 / 0" in data
            new.writestr(item, data)
    copy.replace(path)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(home: Home, data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the installation in a home."""
    log = (data.parent / "run.log").open("wb")
    process = subprocess.Popen(
        [str(home.write_launcher(sys.executable)), "run", "--data", str(data), "--port", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(1200):
            if version_at(port):
                break
            assert process.poll() is None, (data.parent / "run.log").read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()


def version_at(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/info", timeout=2) as reply:
            return str(json.load(reply)["version"])
    except OSError:
        return ""


def upgrade(home: Home, data: Path, port: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(str(home.folder / "bin" / "heatloop"), "upgrade", "--data", str(data)),
            *("--url", f"http://127.0.0.1:{port}", *words),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


def tables(data: Path) -> set[str]:
    with closing(sqlite3.connect(data / "records.sqlite")) as records:
        return {r[0] for r in records.execute("SELECT name FROM sqlite_master")}


@pytest.mark.slow
def test_a_running_installation_is_upgraded_rolled_back_and_saved_from_a_bad_version(
    tmp_path: Path, wheels: dict[str, Path]
) -> None:
    home, data, port = Home(tmp_path / "home"), tmp_path / "d", free_port()
    home.put_in_force(home.install_wheel(wheels["1"]))
    with running(home, data, port):
        assert version_at(port) == "0.9.0"
        done = upgrade(home, data, port, "--to", str(wheels["2"]))
        assert done.returncode == 0, done.stdout + done.stderr
        assert version_at(port) == "0.9.1"
        assert (home.current, home.previous) == ("0.9.1", "0.9.0")
        away = dict(re.findall(r"^  (\w+)\s+([0-9.]+) s", done.stdout, re.MULTILINE))
        assert set(away) == {"historian", "platform"}

        # It migrates the records and dies: version and records of before come back.
        done = upgrade(home, data, port, "--to", str(wheels["broken"]))
        assert done.returncode == 1, done.stdout + done.stderr
        assert version_at(port) == "0.9.1"
        assert home.current == "0.9.1"
        assert "tried" not in tables(data)

        done = upgrade(home, data, port, "--rollback")
        assert done.returncode == 0, done.stdout + done.stderr
        assert version_at(port) == "0.9.0"


def test_a_version_whose_migrations_fail_on_a_copy_touches_nothing(
    tmp_path: Path, wheels: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from heatloop.app.settings import load_settings
    from heatloop.app.wiring import open_records
    from heatloop.cli import main

    home, data = Home(tmp_path / "home"), tmp_path / "d"
    home.put_in_force(home.install_wheel(wheels["1"]))
    open_records(load_settings(data))[0].close()
    before = (data / "records.sqlite").read_bytes()
    words = ["--to", str(wheels["unwilling"]), "--data", str(data), "--home", str(home.folder)]
    assert main(["upgrade", *words]) == 2
    assert "migrations of 0.9.3 fail" in capsys.readouterr().err
    assert home.current == "0.9.0"
    assert (data / "records.sqlite").read_bytes() == before
    assert not list((data / "upgrade").iterdir())


def test_a_wheel_of_something_else_is_refused(tmp_path: Path, wheels: dict[str, Path]) -> None:
    home = Home(tmp_path / "home")
    other = tmp_path / "other-1.0-py3-none-any.whl"
    other.write_bytes(wheels["1"].read_bytes())
    with pytest.raises(VersionError, match="not a wheel"):
        home.install_wheel(other)
    lying = tmp_path / "heatloop-7.0-py3-none-any.whl"
    lying.write_bytes(wheels["1"].read_bytes())
    with pytest.raises(VersionError, match="says"):
        home.install_wheel(lying)
    assert home.current == ""
    assert not list(home.versions.glob("[0-9]*"))


def test_6_2_c_1_a_bundle_installs_without_an_index_and_a_changed_one_does_not(
    tmp_path: Path, wheels: dict[str, Path]
) -> None:
    from heatloop.cli import main

    archive = tmp_path / "b.tar"
    source = Path(__file__).parents[2]
    words = ["bundle", "--out", str(archive), "--wheel", str(wheels["1"]), "--code-only"]
    assert main([*words, "--source", str(source)]) == 0
    folder = unpack_bundle(archive, tmp_path / "there")
    told = check_bundle(folder)
    assert told["version"] == "0.9.0"
    assert (folder / "deploy" / "compose.yaml").is_file()
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, str(folder / "install.py"), "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        # No index could be reached even if pip tried.
        env={**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:1", "PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 0, done.stderr
    said = subprocess.run([home / "bin/heatloop", "--version"], capture_output=True, check=True)
    assert said.stdout == b"heatloop 0.9.0\n"
    (folder / "install.py").write_bytes((folder / "install.py").read_bytes() + b"#")
    with pytest.raises(VersionError, match="was changed"):
        check_bundle(folder)
    (folder / "more").touch()
    with pytest.raises(VersionError, match="lacks files or has others"):
        check_bundle(folder)


def test_6_2_c_1_a_home_takes_bundles_of_its_signer_only(
    tmp_path: Path, wheels: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from heatloop.cli import main

    def bundle(name: str, *more: str) -> Path:
        archive = tmp_path / f"{name}.tar"
        words = ["bundle", "--out", str(archive), "--wheel", str(wheels["1"]), "--code-only"]
        assert main([*words, "--source", str(tmp_path), *more]) == 0
        return unpack_bundle(archive, tmp_path / name)

    keys = [tmp_path / "ours.pem", tmp_path / "other.pem"]
    for key in keys:
        assert main(["bundle", "--new-key", str(key)]) == 0
        assert key.stat().st_mode & 0o077 == 0
    assert main(["bundle", "--new-key", str(keys[0])]) == 2
    signed, foreign = (bundle(k.stem, "--sign", str(k)) for k in keys)
    plain, home = bundle("plain"), Home(tmp_path / "home")
    assert check_signer(plain, home) == "unsigned"
    with pytest.raises(VersionError, match="not signed by the key"):
        check_signer(foreign, home, tmp_path / "ours.pem.pub")
    assert check_signer(signed, home) == "signed"
    for strange in (foreign, plain):
        with pytest.raises(VersionError, match="not signed"):
            check_signer(strange, home)
    check_bundle(signed)
    (signed / "bundle.json").write_bytes((signed / "bundle.json").read_bytes() + b" ")
    with pytest.raises(VersionError, match="not signed by"):
        check_signer(signed, home)
    words = ["upgrade", "--home", str(home.folder), "--data", str(tmp_path / "d")]
    assert main([*words, "--to", str(wheels["2"])]) == 2
    assert "takes signed bundles" in capsys.readouterr().err


def test_a_version_is_installed_beside_the_other_with_its_packages(
    tmp_path: Path, wheels: dict[str, Path]
) -> None:
    home = Home(tmp_path / "home")
    home.put_in_force(home.install_wheel(wheels["1"]))
    (home.path("0.9.0") / "other").mkdir()
    (home.path("0.9.0") / "other" / "module.py").write_text("x = 1\n")
    assert home.install_wheel(wheels["2"]) == "0.9.1"
    linked = home.path("0.9.1") / "other" / "module.py"
    assert linked.stat().st_nlink == 2
    assert not list(home.path("0.9.1").glob("heatloop-0.9.0*"))
    assert home.current == "0.9.0"
    with pytest.raises(VersionError, match="in force already"):
        home.install_wheel(wheels["1"])
    with pytest.raises(VersionError, match="not installed"):
        home.put_in_force("5.0")
