"""Whether a platform or a historian runs on a data folder."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from heatloop.kernel.errors import UnsafeError


def refuse_if_running(data: Path) -> None:
    """Return if nothing runs on a data folder.

    Raises:
        UnsafeError: A platform or a historian does.
    """
    for name, pid in _pids(data).items():
        if _alive(pid):
            raise UnsafeError(f"{name} runs on this folder", thing=str(data), fix="stop it first")
    path = data / "run" / "historian.sock"
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise UnsafeError("a historian runs on this folder", thing=str(data), fix="stop it first")


def _pids(data: Path) -> dict[str, int]:
    try:
        return {str(k): int(v) for k, v in json.loads((data / "run/pids.json").read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _alive(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    except OSError:
        return True
    return b"heatloop" in words  # A number is given again to other programs.
