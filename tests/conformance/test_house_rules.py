"""Rules of the house that neither ruff nor import-linter can see."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "heatloop"
CORE = (
    "kernel", "plant", "protocols", "security", "station", "network", "ingest", "forecast",
    "alarms", "control", "diagnosis", "kpi", "desk",
)  # fmt: skip


def opens(source: str) -> list[int]:
    """Return the lines that call the built-in `open`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]


def test_the_core_opens_no_file() -> None:
    found = [
        f"{path.relative_to(SRC)}:{line}"
        for folder in CORE
        for path in (SRC / folder).rglob("*.py")
        for line in opens(path.read_text("utf-8"))
    ]
    assert found == []


def test_an_open_would_be_found() -> None:
    assert opens("x = 1\nwith open('a') as f: pass\nself.open('b')\n") == [2]


OF_AN_EXTRA = {"app/fleet_dask.py": "cluster"}
"""Modules that are loaded only where an extra was installed."""


def imported(source: str) -> set[str]:
    """Return the top-level names of everything the source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def test_nothing_waits_in_a_way_that_loses_a_cancellation() -> None:
    """Before Python 3.12 `asyncio.wait_for` may swallow it; who waits for the task never ends."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SRC.rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "asyncio.wait_for(" in line
    ]
    assert found == []  # use `async with asyncio.timeout(...)`


def test_what_is_imported_is_a_dependency() -> None:
    """A package that only the tests bring along would be missing for everybody else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    given_by = packages_distributions()

    def named(path: str) -> set[str]:
        lines = project["dependencies"] + extras.get(OF_AN_EXTRA.get(path, ""), [])
        return {re.split(r"[^\w-]", line)[0].replace("_", "-") for line in lines}

    missing = {
        (path.relative_to(SRC).as_posix(), name)
        for path in SRC.rglob("*.py")
        for name in imported(path.read_text("utf-8")) - sys.stdlib_module_names - {"heatloop"}
        if named(path.relative_to(SRC).as_posix()).isdisjoint(
            each.lower().replace("_", "-") for each in given_by.get(name, ())
        )
    }
    assert missing == set()
