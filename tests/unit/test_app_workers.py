"""Workers never outlive the platform, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PARENT = """
import asyncio, math
from heatloop.app.workers import Workers

async def main():
    workers = Workers(1)
    assert await workers.call(math.sqrt, 30.0, 9.0) == 3.0
    print(workers.pids()[0], flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_worker_ends_with_a_platform_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        worker = int(run.stdout.readline())
        os.kill(worker, 0)
        run.send_signal(signal.SIGKILL)
        run.wait(10)
    for _ in range(100):
        # Nobody waits for an orphan here, so one that ended may still stand in the table.
        status = Path(f"/proc/{worker}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"worker {worker} is still there")
