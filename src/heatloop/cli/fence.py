"""A program kept out of a folder: `python -m heatloop.cli.fence FOLDER MODULE [arguments]`.

The platform of a demo runs as the same user as the city it looks after, so file modes cannot keep
it from reading the city's truth. This runs a module behind an audit hook (PEP 578) that refuses
every opening, listing, linking or moving of what lies in the folder, whatever the name it is
called by, and every start of a program that is given such a name. Once set a hook cannot be taken
away. It stops all Python code of the process, ours and that of any library; it would not stop
machine code written to get round it, which only a user of its own does (run as another user the
file's mode does the rest).
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

_PATHS = frozenset(
    (
        "open",
        "os.chdir",
        "os.chmod",
        "os.chown",
        "os.link",
        "os.listdir",
        "os.rename",
        "os.remove",
        "os.rmdir",
        "os.scandir",
        "os.symlink",
        "os.truncate",
        "sqlite3.connect",
    )
)
_FENCED = "FENCED_FROM_HEATLOOP"
_PROGRAMS = frozenset(("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"))


def keep_out(folder: str) -> None:
    """Refuse this process the folder and all in it, from now on and for good.

    Args:
        folder: The folder; it need not exist yet.
    """
    wall = os.path.realpath(folder)
    inside = wall + os.sep

    def shut(name: Any) -> bool:
        if not isinstance(name, str | bytes | os.PathLike):
            return False
        path = os.path.realpath(os.fsdecode(name))
        return path == wall or path.startswith(inside)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PATHS:
            if any(shut(each) for each in arguments[:2]):
                raise PermissionError(13, "the city keeps this to itself", wall)
        elif event in _PROGRAMS and wall in repr(arguments):
            raise PermissionError(13, "the city keeps this to itself", wall)

    sys.addaudithook(hook)
    os.environ[_FENCED] = wall


def rejoin() -> None:
    """Keep a worker that a fenced process started by spawn out of the same folder."""
    wall = os.environ.get(_FENCED)
    if wall:
        keep_out(wall)


def main() -> None:
    """Run the module named on the command line behind the fence."""
    if len(sys.argv) < 3:
        sys.stderr.write("usage: python -m heatloop.cli.fence FOLDER MODULE [arguments]\n")
        raise SystemExit(2)
    _, folder, module, *rest = sys.argv
    keep_out(folder)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
