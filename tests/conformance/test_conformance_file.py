"""The conformance file stands, and the checker notices when it does not."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heatloop.proof import conformance

ROOT = Path(__file__).resolve().parents[2]
REAL_TEST = "tests/conformance/test_conformance_file.py::test_the_file_stands"
CLAUSES = conformance.clauses()
SOFTWARE = next(clause.id for clause in CLAUSES if clause.kind == "software_function")
DUTY = next(clause.id for clause in CLAUSES if clause.kind == "organisational_duty")


@pytest.fixture
def entries() -> dict[str, Any]:
    """A file that stands: everything still to do."""
    return {clause.id: {"status": "todo"} for clause in CLAUSES}


def problems(entries: dict[str, Any]) -> list[str]:
    """What the checker says, against the tests of this repository."""
    found = conformance.check(entries, CLAUSES, conformance.tests_under(ROOT))
    return [f"{problem.clause}: {problem.text}" for problem in found]


def test_the_file_stands() -> None:
    entries = tomllib.loads((ROOT / "conformance.toml").read_text("utf-8"))
    assert problems(entries) == []
    tally = conformance.counts(entries, CLAUSES)
    assert sum(sum(row.values()) for row in tally.values()) == len(CLAUSES)


def test_the_table_holds_every_item_once() -> None:
    assert len(CLAUSES) == len({clause.id for clause in CLAUSES}) == 236
    assert {clause.level for clause in CLAUSES} == {"shall", "should", "may"}
    slugs = {conformance.slug(clause.id) for clause in CLAUSES}
    assert len(slugs) == 236
    assert all(re.fullmatch(r"[\w.~-]+", slug) for slug in slugs)
    assert conformance.slug("4.2.1 -2 #1") == "4.2.1.-2~1"


@pytest.mark.parametrize(
    ("clause", "entry"),
    [
        (SOFTWARE, {"status": "done", "test": [REAL_TEST]}),
        (SOFTWARE, {"status": "partly", "test": [REAL_TEST], "reason": "half"}),
        (DUTY, {"status": "exempt", "reason": "a duty", "evidence": "training register"}),
    ],
)
def test_good_entries_pass(entries: dict[str, Any], clause: str, entry: dict[str, Any]) -> None:
    entries[clause] = entry
    assert problems(entries) == []


def _remove(entries: dict[str, Any]) -> None:
    del entries[SOFTWARE]


def _invent(entries: dict[str, Any]) -> None:
    entries["99.9 z"] = {"status": "todo"}


def _say(clause: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda entries: entries.__setitem__(clause, fields)


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (_remove, f"{SOFTWARE}: no entry"),
        (_invent, "99.9 z: the standard has no such item"),
        (_say(SOFTWARE, status="perfect"), "status is 'perfect'"),
        (_say(SOFTWARE, status="todo", colour="red"), "unknown field colour"),
        (_say(SOFTWARE, status="done"), "done needs test"),
        (_say(SOFTWARE, status="done", test=REAL_TEST), "not a list of pytest ids"),
        (_say(SOFTWARE, status="done", test=[REAL_TEST + "_not"]), "no such test"),
        (_say(SOFTWARE, status="done", test=["tests/none.py::test_x"]), "no such test"),
        (_say(SOFTWARE, status="done", test=[f"{REAL_TEST}[no-{id(0)}]"]), "no such test"),
        (_say(SOFTWARE, status="partly", test=[REAL_TEST]), "partly needs reason"),
        (_say(SOFTWARE, status="todo", test=[REAL_TEST]), "todo has tests"),
        (_say(SOFTWARE, status="exempt", reason="r", evidence="e"), "cannot be exempt"),
        (_say(DUTY, status="exempt", reason="a duty"), "exempt needs evidence"),
    ],
)
def test_tampered_copies_fail(
    entries: dict[str, Any], tamper: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    tampered = copy.deepcopy(entries)
    tamper(tampered)
    found = problems(tampered)
    assert len(found) == 1
    assert complaint in found[0]


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "conformance.toml"
    text = (ROOT / "conformance.toml").read_text("utf-8")
    file.write_text(text)
    given = ["--file", str(file), "--root", str(ROOT), "--json"]
    assert conformance.main(given) == 0
    assert json.loads(capsys.readouterr().out)["items"] == 236
    file.write_text(text.replace(f'["{SOFTWARE}"]', '["0.0"]'))
    assert conformance.main(given) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2
    file.write_text(f'{text}\n["{SOFTWARE}"]\nstatus = "done"\n')
    assert conformance.main(given) == 1
    assert "conformance" in capsys.readouterr().err
