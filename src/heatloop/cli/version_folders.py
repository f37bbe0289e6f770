"""Versions of heatloop side by side, one in force: the standard library only.

A home holds `versions/<version>/` (packages), `current` (a link to the one in force) and
`bin/heatloop`. This file also stands in offline bundles as `install.py`, where it runs before any
package is installed; so it imports nothing of heatloop.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

MANIFEST = "bundle.json"
HOLD = "hold"
_WHEEL = re.compile(r"heatloop-(?P<version>[0-9][A-Za-z0-9.+_]*)-py3-none-any\.whl")
_LAUNCHER = """\
#!/bin/sh
# Starts the version of heatloop that is in force.
HEATLOOP_HOME='{home}'
export HEATLOOP_HOME
PYTHONPATH="$HEATLOOP_HOME/current${{PYTHONPATH:+:$PYTHONPATH}}"
export PYTHONPATH
exec '{python}' -m heatloop "$@"
"""
_HELD = 'raise SystemExit("heatloop is being upgraded")\n'


class VersionError(Exception):
    """A version cannot be installed or put in force."""


class Home:
    """A folder of versions.

    Args:
        folder: The home, made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = folder / "versions"
        self._link = folder / "current"

    @property
    def current(self) -> str:
        """Return the version in force, empty without one."""
        return Path(os.readlink(self._link)).name if self._link.is_symlink() else ""

    @property
    def previous(self) -> str:
        """Return the version that was in force before, empty without one."""
        try:
            name = (self.folder / "previous").read_text("utf-8").strip()
        except FileNotFoundError:
            return ""
        return name if name and (self.versions / name).is_dir() else ""

    def path(self, version: str) -> Path:
        """Return the folder of a version."""
        return self.versions / version

    def put_in_force(self, version: str) -> None:
        """Let everything that is started from now on be of this version.

        Raises:
            VersionError: It is not installed.
        """
        if not self.path(version).is_dir():
            raise VersionError(f"version {version} is not installed in {self.folder}")
        before = self.current
        draft = self._link.with_name("current.new")
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path("versions") / version)
        draft.replace(self._link)
        if before not in ("", version, HOLD) and version != HOLD:
            self.note_previous(before)

    def note_previous(self, version: str) -> None:
        """Remember which version was in force before, empty for none."""
        (self.folder / "previous").write_text(version, "utf-8")

    def hold(self) -> None:
        """Let nothing start until a version is put in force again."""
        package = self.path(HOLD) / "heatloop"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(_HELD, "utf-8")
        self.put_in_force(HOLD)

    def install_wheel(self, wheel: Path, python: str = sys.executable) -> str:
        """Install a wheel beside the version in force, with the same other packages.

        Raises:
            VersionError: It is no wheel of heatloop, or does not install.
        """
        version = version_of(wheel)
        draft = self._draft(version)
        held = self.path(self.current) if self.current not in ("", HOLD) else None
        if held is not None:
            # Hard links: another gigabyte of the same packages is not needed.
            for entry in held.iterdir():
                if entry.name == "heatloop" or entry.name.startswith("heatloop-"):
                    continue
                target = draft / entry.name
                if entry.is_dir():
                    shutil.copytree(entry, target, copy_function=os.link, symlinks=True)
                else:
                    os.link(entry, target)
        # Python code alone: unpacking is installing, and needs no package index or pip.
        with zipfile.ZipFile(wheel) as archive:
            # A name that leaves the folder is cut off.
            archive.extractall(draft)  # noqa: S202  # nosec B202
        return self._settle(draft, version, python)

    def install_bundle(self, bundle: Path, python: str = sys.executable) -> str:
        """Install an unpacked offline bundle with all its packages; needs pip and no network.

        Raises:
            VersionError: A checksum is wrong, or a package does not install.
        """
        told = check_bundle(bundle)
        wheel = bundle / str(told["wheel"])
        version = version_of(wheel)
        draft = self._draft(version)
        pip = [
            *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", "--target", str(draft)),
        ]
        if (bundle / "requirements.txt").is_file():
            locked = ["--find-links", str(bundle / "wheels"), "--require-hashes"]
            _run([*pip, *locked, "-r", str(bundle / "requirements.txt")])
        _run([*pip, "--upgrade", str(wheel)])
        return self._settle(draft, version, python)

    def write_launcher(self, python: str = sys.executable) -> Path:
        """Write `bin/heatloop`."""
        path = self.folder / "bin" / "heatloop"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_LAUNCHER.format(home=self.folder.resolve(), python=python), "utf-8")
        path.chmod(0o755)
        return path

    def prune(self, keep: int = 3) -> list[str]:
        """Remove versions but those in force now and before, and the newest few."""
        found = sorted(
            (path for path in self.versions.iterdir() if path.is_dir() and path.name != HOLD),
            key=lambda path: path.stat().st_mtime,
        )
        stays = {self.current, self.previous, *(path.name for path in found[-keep:])}
        gone = [path for path in found if path.name not in stays]
        for path in gone:
            shutil.rmtree(path)
        return [path.name for path in gone]

    def _draft(self, version: str) -> Path:
        if version == self.current:
            raise VersionError(f"version {version} is in force already")
        draft = self.versions / f".{version}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        return draft

    def _settle(self, draft: Path, version: str, python: str) -> str:
        said = _run([python, "-m", "heatloop", "--version"], PYTHONPATH=str(draft)).strip()
        if said != f"heatloop {version}":
            raise VersionError(f"the wheel says it is {version}, the program says: {said}")
        shutil.rmtree(self.path(version), ignore_errors=True)
        draft.rename(self.path(version))
        return version


def version_of(wheel: Path) -> str:
    """Return the version of a wheel of heatloop.

    Raises:
        VersionError: It is no such wheel.
    """
    match = _WHEEL.fullmatch(wheel.name)
    if match is None or not zipfile.is_zipfile(wheel):
        raise VersionError(f"not a wheel of heatloop: {wheel}")
    return match["version"]


def unpack_bundle(archive: Path, into: Path) -> Path:
    """Unpack a bundle; return its folder.

    Raises:
        VersionError: It is no bundle.
    """
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise VersionError(f"not a bundle: {archive}: {error}") from error
    found = list(into.glob(f"*/{MANIFEST}"))
    if len(found) != 1:
        raise VersionError(f"not a bundle: {archive}")
    return found[0].parent


def check_bundle(bundle: Path) -> dict[str, object]:
    """Return what a bundle says of itself, every checksum computed again.

    Raises:
        VersionError: A file is missing, was changed, or is not told of.
    """
    try:
        told = json.loads((bundle / MANIFEST).read_text("utf-8"))
        sums = dict(told["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VersionError(f"not a bundle: {bundle}") from error
    held = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    held -= {MANIFEST, f"{MANIFEST}.sig", f"{MANIFEST}.pem"}
    if held != set(sums):
        odd = sorted(held ^ set(sums))
        raise VersionError(f"bundle lacks files or has others: {', '.join(odd[:5])}")
    for name, digest in sums.items():
        if hashlib.sha256((bundle / name).read_bytes()).hexdigest() != digest:
            raise VersionError(f"bundle was changed: {name}")
    return dict(told)


def _run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    if done.returncode:
        raise VersionError(f"{' '.join(command[1:5])} failed: {done.stderr.strip()[-600:]}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Install the bundle this file stands in; return the exit code."""
    parser = argparse.ArgumentParser(description="Install heatloop from this offline bundle.")
    parser.add_argument("--home", type=Path, required=True, help="folder of versions")
    given = parser.parse_args(arguments)
    home = Home(given.home.resolve())
    try:
        version = home.install_bundle(Path(__file__).resolve().parent)
        home.put_in_force(version)
    except VersionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(f"heatloop {version} 已安装 installed: {home.write_launcher()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
