"""A fenced process, and the workers it starts by spawn, cannot open what lies in the folder."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import multiprocessing, os, sys
import heatloop.cli.platform
from heatloop.cli.fence import keep_out

def peek(path):
    try:
        return open(path).read()
    except PermissionError:
        return "refused"

if __name__ == "__main__":
    secret = sys.argv[2]
    if sys.argv[1] == "fenced":
        keep_out(os.path.dirname(secret))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(peek(secret), pool.apply(peek, (secret,)))
"""


def _run(tmp_path: Path, how: str) -> str:
    folder, script = tmp_path / "city", tmp_path / "script.py"
    folder.mkdir(exist_ok=True)
    (folder / "truth").write_text("truth")
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), how, str(folder / "truth")]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_worker_of_a_fenced_process_is_fenced_too(tmp_path: Path) -> None:
    assert _run(tmp_path, "fenced").split() == ["refused", "refused"]
    assert _run(tmp_path, "free").split() == ["truth", "truth"]
