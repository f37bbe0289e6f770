"""`heatloop bundle`: everything needed to install on a machine without a network."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from heatloop.cli import version_folders
from heatloop.cli.bundle_signature import new_key, sign
from heatloop.cli.version_folders import MANIFEST, version_of
from heatloop.kernel.errors import HeatloopError, InputError

_GLIBC = ("manylinux_2_34", "manylinux_2_31", "manylinux_2_28", "manylinux_2_27", "manylinux_2_24",
          "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5",
          "manylinux1")  # fmt: skip
PLATFORMS = {m: tuple(f"{name}_{m}" for name in _GLIBC) for m in ("x86_64", "aarch64")}
"""Platform tags of wheels that run on Linux with glibc 2.34, by processor."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bundle",
        help="make an offline installation bundle for machines like this one",
        description="Collects the locked packages for this Python and processor, the wheel of "
        "heatloop, the deployment files and checksums into one archive. Give it on a machine with "
        "a package index; install it on one without: tar xf, then python install.py --home "
        "/opt/heatloop.",
        epilog="example: heatloop bundle --out heatloop-bundle.tar",
    )
    parser.add_argument("--out", type=Path, help="archive to write (.tar)")
    parser.add_argument("--source", type=Path, default=Path(), help="source tree (default: here)")
    parser.add_argument("--wheel", type=Path, help="wheel of heatloop (default: built from source)")
    parser.add_argument(
        "--requirements", type=Path, help="lock file (default: requirements/run.txt of the source)"
    )
    parser.add_argument("--wheels", type=Path, help="folder that holds the locked packages already")
    parser.add_argument(
        "--machine", choices=sorted(PLATFORMS), help="processor of the target (default: this one)"
    )
    parser.add_argument("--python", default="", help="Python of the target, 3.11 (default: this)")
    parser.add_argument("--sign", type=Path, help="file with the key that signs the bundle")
    parser.add_argument("--new-key", type=Path, help="make such a key and end")
    parser.add_argument("--code-only", action="store_true", help="leave the other packages out")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Collect, check, pack.

    Raises:
        InputError: Something to be collected is not there.
    """
    if options.new_key is not None:
        print(f"{options.new_key}; 公钥 public key: {new_key(options.new_key)}")
        return 0
    if options.out is None:
        raise InputError("no archive to write", thing="--out", fix="give --out FILE.tar")
    with tempfile.TemporaryDirectory(prefix="heatloop-bundle-") as scratch:
        wheel = options.wheel or _build(options.source, Path(scratch) / "built")
        version = version_of(wheel)
        folder = Path(scratch) / f"heatloop-{version}"
        folder.mkdir()
        shutil.copy2(wheel, folder / wheel.name)
        if not options.code_only:
            locked = options.requirements or options.source / "requirements" / "run.txt"
            _collect(locked, options.wheels, folder, options.machine, options.python)
        shutil.copy2(Path(version_folders.__file__), folder / "install.py")
        deploy = options.source / "deploy"
        if deploy.is_dir():
            shutil.copytree(deploy, folder / "deploy")
        told = _seal(folder, wheel.name, version, options.machine, options.python)
        if options.sign is not None:
            sign(folder, options.sign)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        draft = options.out.with_name(f"{options.out.name}.new")
        with tarfile.open(draft, "w") as tar:
            tar.add(folder, arcname=folder.name)
        draft.replace(options.out)
    size = options.out.stat().st_size
    print(f"{options.out}: heatloop {version}, {len(told)} files, {size / (1 << 20):,.0f} MB")
    return 0


def _build(source: Path, into: Path) -> Path:
    if not (source / "pyproject.toml").is_file():
        raise InputError("no source tree", thing=str(source), fix="give --wheel or --source")
    _pip("wheel", "--no-deps", "--wheel-dir", str(into), str(source))
    return next(into.glob("heatloop-*.whl"))


def _collect(
    locked: Path, held: Path | None, folder: Path, machine: str | None, python: str
) -> None:
    if not locked.is_file():
        raise InputError("no lock file", thing=str(locked), fix="give --requirements")
    shutil.copy2(locked, folder / "requirements.txt")
    wheels = ["--dest", str(folder / "wheels"), "--only-binary", ":all:", "--no-deps"]
    if held is not None:
        wheels += ["--no-index", "--find-links", str(held)]
    if machine is not None or python:
        version = python or ".".join(platform.python_version_tuple()[:2])
        wheels += ["--implementation", "cp", "--python-version", version]
        wheels += ["--abi", f"cp{version.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
        for name in PLATFORMS[machine or platform.machine()]:
            wheels += ["--platform", name]
    # The lock file holds the hash of every package: pip refuses anything else.
    _pip("download", *wheels, "--require-hashes", "-r", str(locked))


def _seal(
    folder: Path, wheel: str, version: str, machine: str | None, python: str
) -> dict[str, str]:
    sums = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    told = {
        "version": version,
        "wheel": wheel,
        "python": python or platform.python_version(),
        "machine": f"{platform.system()} {machine or platform.machine()}",
        "sha256": sums,
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1), "utf-8")
    return sums


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HeatloopError(f"pip {arguments[0]} failed: {done.stderr.strip()[-600:]}")
