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
from heatloop.cli.version_folders import MANIFEST, version_of
from heatloop.kernel.errors import HeatloopError, InputError


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
    parser.add_argument("--out", type=Path, required=True, help="archive to write (.tar)")
    parser.add_argument("--source", type=Path, default=Path(), help="source tree (default: here)")
    parser.add_argument("--wheel", type=Path, help="wheel of heatloop (default: built from source)")
    parser.add_argument(
        "--requirements", type=Path, help="lock file (default: requirements/run.txt of the source)"
    )
    parser.add_argument("--wheels", type=Path, help="folder that holds the locked packages already")
    parser.add_argument("--code-only", action="store_true", help="leave the other packages out")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Collect, check, pack.

    Raises:
        InputError: Something to be collected is not there.
    """
    with tempfile.TemporaryDirectory(prefix="heatloop-bundle-") as scratch:
        wheel = options.wheel or _build(options.source, Path(scratch) / "built")
        version = version_of(wheel)
        folder = Path(scratch) / f"heatloop-{version}"
        folder.mkdir()
        shutil.copy2(wheel, folder / wheel.name)
        if not options.code_only:
            locked = options.requirements or options.source / "requirements" / "run.txt"
            _collect(locked, options.wheels, folder)
        shutil.copy2(Path(version_folders.__file__), folder / "install.py")
        deploy = options.source / "deploy"
        if deploy.is_dir():
            shutil.copytree(deploy, folder / "deploy")
        told = _seal(folder, wheel.name, version)
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


def _collect(locked: Path, held: Path | None, folder: Path) -> None:
    if not locked.is_file():
        raise InputError("no lock file", thing=str(locked), fix="give --requirements")
    shutil.copy2(locked, folder / "requirements.txt")
    wheels = ["--dest", str(folder / "wheels"), "--only-binary", ":all:", "--no-deps"]
    if held is not None:
        wheels += ["--no-index", "--find-links", str(held)]
    # The lock file holds the hash of every package: pip refuses anything else.
    _pip("download", *wheels, "--require-hashes", "-r", str(locked))


def _seal(folder: Path, wheel: str, version: str) -> dict[str, str]:
    sums = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    told = {
        "version": version,
        "wheel": wheel,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "sha256": sums,
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1), "utf-8")
    return sums


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HeatloopError(f"pip {arguments[0]} failed: {done.stderr.strip()[-600:]}")
