"""What every test may ask for: programs, public data, and how hypothesis runs.

`@pytest.mark.needs("chromium")` skips a test where the program is absent and says so once, at the
end of the run; with CI=true absence is a failure. `program("chromium")` gives its path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bench.peers import use_peers

with suppress(ImportError):
    # Before anything imports pandas: the peers bring their own.
    use_peers()

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
DATA = Path(os.environ.get("HEATLOOP_DATA", ROOT.parent / "shared" / "data"))
LACKS = "lacks "

# Platforms that tests start as processes: second factors have tests of their own.
os.environ.setdefault("HEATLOOP_IDENTITY_SECOND_FACTOR", "off")

settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if CI else "local")


def _on_path(*names: str) -> Callable[[], Path | None]:
    return lambda: next((Path(found) for name in names if (found := shutil.which(name))), None)


def _pandapipes() -> Path | None:
    """The peers lie apart; see `bench.peers`."""
    try:
        use_peers()
    except ImportError:
        return None
    return Path(sys.prefix) / "peers"


def _postgres() -> Path | None:
    """Debian keeps the server's programs off PATH, in one folder a version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return folders[-1] if folders else _on_path("postgres")()


def _chinese_font() -> Path | None:
    if not shutil.which("fc-match"):
        return None
    command = ["fc-match", "--format=%{file}\n%{lang}", "sans:lang=zh-cn"]
    file, _, languages = subprocess.check_output(command, text=True).partition("\n")
    return Path(file) if "zh-cn" in languages else None


# Program: (how to find it, Debian package).
PROGRAMS: dict[str, tuple[Callable[[], Path | None], str]] = {
    "chinese-font": (_chinese_font, "fontconfig fonts-noto-cjk"),
    "chromium": (_on_path("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "coap-client": (_on_path("coap-client-openssl", "coap-client-notls"), "libcoap3-bin"),
    "mbpoll": (_on_path("mbpoll"), "mbpoll"),
    "mosquitto": (_on_path("mosquitto", "/usr/sbin/mosquitto"), "mosquitto"),
    "mosquitto-clients": (_on_path("mosquitto_pub"), "mosquitto-clients"),
    "pandapipes": (_pandapipes, "(no package: make install)"),
    "postgres": (_postgres, "postgresql"),
    "snmpd": (_on_path("snmpd", "/usr/sbin/snmpd"), "snmpd"),
    "softhsm2-util": (_on_path("softhsm2-util"), "softhsm2"),
    "socat": (_on_path("socat"), "socat"),
}


@cache
def find_program(name: str) -> Path | None:
    """Return the path of a program of `PROGRAMS`, or None."""
    return PROGRAMS[name][0]()


def _require(name: str) -> Path:
    path = find_program(name)
    if path is not None:
        return path
    if CI:
        pytest.fail(f"{LACKS}{name}: apt-get install {PROGRAMS[name][1]}", pytrace=False)
    pytest.skip(f"{LACKS}{name}: apt-get install {PROGRAMS[name][1]}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or in CI fail, a test whose programs are absent."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            _require(name)


@pytest.fixture(scope="session")
def program() -> Callable[[str], Path]:
    """Return a function that gives a program's path, or skips the test."""
    return _require


@pytest.fixture(scope="session")
def heatloop_data() -> Path:
    """Return the folder of public measurements, or skip the test."""
    if not DATA.is_dir():
        pytest.skip(f"{LACKS}public data: set HEATLOOP_DATA to its folder")
    return DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once for each absent program which suites did not run, and how to get it."""
    suites: defaultdict[str, set[str]] = defaultdict(set)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        _, found, remedy = reason.partition(LACKS)
        if found:
            suites[remedy].add(report.nodeid.partition("::")[0])
    for remedy, files in sorted(suites.items()):
        terminalreporter.write_line(
            f"NOT RUN for lack of {remedy}  ({', '.join(sorted(files))})", yellow=True
        )
