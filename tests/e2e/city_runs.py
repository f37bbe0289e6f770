"""What the end-to-end tests share: ports of their own, and the processes' table of ids."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from heatloop.cli.stack import StackOptions

START_S = 1_766_246_400


def free_port() -> int:
    """Return a TCP port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_block(count: int, first: int = 30_000) -> int:
    """Return the first of `count` TCP and UDP ports nobody uses, below the ephemeral range."""
    # Tests that run side by side look in different places, or both would find the same block.
    beside = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for base in range(first + 1_000 * beside % 2_000, 32_700, 50):
        try:
            for port in range(base, base + count):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise OSError("no free block of ports")


def stack_for(data: Path, **changes: Any) -> StackOptions:
    """Return options of a demo city on ports nobody uses."""
    base = free_block(40)
    options: dict[str, Any] = {
        "data": data,
        "port": free_port(),
        "demo": True,
        "size": "tiny",
        "history": False,
        "base_port": base,
        "coap_port": base + 30,
    }
    return StackOptions(**options | changes)


def kill(stack: StackOptions, name: str) -> None:
    """Kill a process of a running stack, without a word of warning."""
    table = json.loads((stack.run_dir / "pids.json").read_text())
    os.kill(table[name], signal.SIGKILL)
