"""The city keeps its truth to itself: a running platform cannot open the truth file."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from heatloop.app.supervisor import Supervisor
from heatloop.cli.prepare import prepare
from heatloop.cli.stack import start_all
from heatloop.demo.city import City
from heatloop.demo.truth_file import NAME, read_truth, write_truth
from tests.e2e.city_runs import START_S, stack_for

# Tries every way Python has to get at a file; what comes through is written down.
ATTEMPTS = """
import json, os, shutil, subprocess, sys
from pathlib import Path


def attempts(truth, link):
    yield "open", lambda: open(truth, "rb").read(4)
    yield "os.open", lambda: os.close(os.open(truth, os.O_RDONLY))
    yield "bytes name", lambda: open(os.fsencode(truth), "rb").read(4)
    yield "pathlib", lambda: Path(truth).read_bytes()[:4]
    yield "listing", lambda: os.listdir(os.path.dirname(truth))
    yield "scandir", lambda: list(os.scandir(os.path.dirname(truth)))
    yield "relative", lambda: open(os.path.relpath(truth), "rb").read(4)
    yield "dotted", lambda: open(os.path.dirname(truth) + "/../city/truth.npz", "rb").read(4)
    yield "by its folder", lambda: os.close(os.open(os.path.dirname(truth), os.O_RDONLY))
    yield "chdir", lambda: os.chdir(os.path.dirname(truth))
    yield "moved", lambda: os.rename(truth, link + ".moved")
    yield "hard link", lambda: os.link(truth, link + ".hard")
    yield "soft link", lambda: open(link, "rb").read(4)
    yield "copied", lambda: shutil.copy(truth, link + ".copy")
    yield "another program", lambda: subprocess.check_output(["cat", truth])
    yield "through /proc", lambda: open("/proc/self/root" + truth, "rb").read(4)


def tried(truth, link):
    found = {}
    for name, attempt in attempts(truth, link):
        try:
            attempt()
            found[name] = "came through"
        except PermissionError as error:
            found[name] = "refused"
        except BaseException as error:
            found[name] = repr(error)
        for left in (".hard", ".copy"):
            if os.path.exists(link + left):
                os.unlink(link + left)
        if os.path.exists(link + ".moved"):
            os.rename(link + ".moved", truth)
    return found
"""
# Loaded by every Python at its start: inside the platform process it waits for the word to try.
INSIDE = (
    ATTEMPTS
    + """

def wait_and_try(folder):
    import time
    while not os.path.exists(folder + "/go"):
        time.sleep(0.05)
    words = open(folder + "/go").read().split()
    found = tried(*words)
    with open(folder + "/found.new", "w") as file:
        json.dump({"argv": sys.argv, "pid": os.getpid(), "found": found}, file)
    os.rename(folder + "/found.new", folder + "/found.json")

if any("heatloop.cli.platform" in word for word in sys.orig_argv):
    import threading
    folder = os.environ["TRUTH_TEST_FOLDER"]
    threading.Thread(target=wait_and_try, args=(folder,), daemon=True).start()
"""
)


async def running_platform(stack, folder, truth, link):
    """Run the whole stack; return what its platform process could do with the truth file."""
    prepare(stack)
    supervisor = Supervisor(stack.run_dir, stack.data / "logs")
    try:
        await start_all(supervisor, stack, [])
        (folder / "go.new").write_text(f"{truth} {link}")
        (folder / "go.new").rename(folder / "go")
        async with asyncio.timeout(30):
            while not (folder / "found.json").exists():
                await asyncio.sleep(0.05)
        return json.loads((folder / "found.json").read_text()), supervisor.pids()
    finally:
        await supervisor.stop()


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """A folder whose `sitecustomize` every Python process of the stack loads."""
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(INSIDE)
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("TRUTH_TEST_FOLDER", str(folder))
    return folder


def test_a_running_platform_cannot_open_the_truth(tmp_path, inside, monkeypatch):
    stack = stack_for(tmp_path / "data", start_s=START_S, seed=5)
    truth, link = stack.data / "city" / NAME, inside / "link"
    link.symlink_to(truth)
    told, pids = asyncio.run(running_platform(stack, inside, truth, link))
    # It was the platform itself that tried, and nothing came through.
    assert told["pid"] == pids["platform"]
    assert set(told["found"].values()) == {"refused"}, told["found"]
    assert len(told["found"]) >= 15
    # The same attempts of a process outside the fence succeed: the file is there and whole.
    monkeypatch.delenv("PYTHONPATH")
    there = f"\nprint(json.dumps(tried({str(truth)!r}, {str(link)!r})))"
    outside = subprocess.run(
        [sys.executable, "-c", ATTEMPTS + there],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(outside.stdout).values()) == {"came through"}
    about, arrays = read_truth(truth)
    assert (about["seed"], about["size"]) == (5, "tiny")
    assert arrays["primary.roughness_mm"].shape[0] == 2


def as_nobody(*command):
    return subprocess.run(
        command, user="nobody", group="nogroup", capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else to try")
def test_nobody_but_the_citys_own_user_can_open_it(tmp_path):
    city = City(2, "tiny", float(START_S), settled=False)
    truth = write_truth(city, tmp_path / "data" / "city")
    assert truth.stat().st_mode & 0o777 == 0o600
    assert truth.parent.stat().st_mode & 0o777 == 0o700
    for folder in (*tmp_path.parents[:3], tmp_path, tmp_path / "data"):
        folder.chmod(folder.stat().st_mode | 0o055)
    beside = tmp_path / "data" / "open-to-all"
    beside.write_text("yes")
    assert as_nobody("cat", str(beside)).stdout == "yes"
    told = as_nobody("cat", str(truth))
    assert told.returncode != 0
    assert "ermission denied" in told.stderr
    # The folder's mode is not all that stands before it.
    truth.parent.chmod(0o755)
    assert as_nobody("cat", str(truth)).returncode != 0
