"""Checks `conformance.toml`: one honest entry for each testable item of the standard.

`check` is pure: the file's entries and a way to ask whether a test exists go in, problems come
out. The command line (`python -m heatloop.proof.conformance`) reads the files and prints.

Reference: T/CIEP smart heating systems, 236 items (`clauses.csv`).
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

FIELDS = frozenset({"status", "test", "reason", "evidence"})
STATUSES = ("done", "partly", "todo", "exempt")
EXEMPT_KINDS = ("hardware_only", "organisational_duty")


@dataclass(frozen=True, kw_only=True, slots=True)
class Clause:
    """One testable item of the standard."""

    id: str
    """Clause number, bullet and item, for example `4.2.1 -2 #1`."""
    kind: str
    """`software_function`, `configuration_rule`, `organisational_duty` or `hardware_only`."""
    level: str
    """`shall`, `should` or `may`."""
    zh: str
    """What it asks for, in Chinese."""
    en: str
    """What it asks for, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something the conformance file says that cannot stand."""

    clause: str
    """Clause id the problem is about."""
    text: str
    """What is wrong."""


def clauses() -> tuple[Clause, ...]:
    """Return the items of the standard, in its order."""
    text = (files("heatloop.proof") / "clauses.csv").read_text("utf-8")
    return tuple(Clause(**row) for row in csv.DictReader(text.splitlines()))


def slug(clause_id: str) -> str:
    """Return the clause id as tests name it: `4.2.1 -2 #1` becomes `4.2.1.-2~1`."""
    return clause_id.replace(" #", "~").replace(" ", ".")


def check(
    entries: Mapping[str, Any], table: Sequence[Clause], test_exists: Callable[[str], bool]
) -> list[Problem]:
    """Return everything in the file that cannot stand.

    Args:
        entries: The parsed file: clause id to its fields.
        table: The items of the standard.
        test_exists: Whether a pytest id names a test.
    """
    known = {clause.id for clause in table}
    problems = [
        Problem(clause=name, text="the standard has no such item")
        for name in entries
        if name not in known
    ]
    for clause in table:
        entry = entries.get(clause.id)
        texts = ["no entry"] if entry is None else _check_entry(clause, entry, test_exists)
        problems += [Problem(clause=clause.id, text=text) for text in texts]
    return problems


def _check_entry(clause: Clause, entry: Any, test_exists: Callable[[str], bool]) -> list[str]:
    if not isinstance(entry, dict):
        return ["not a table"]
    status, tests = entry.get("status"), entry.get("test", [])
    if status not in STATUSES:
        return [f"status is {status!r}, not one of {', '.join(STATUSES)}"]
    if not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        return ["test is not a list of pytest ids"]
    found = [f"unknown field {name}" for name in sorted(set(entry) - FIELDS)]
    found += [f"no such test: {test}" for test in tests if not test_exists(test)]
    found += [f"{status} needs {name}" for name in _needed(status) if not entry.get(name)]
    if status == "exempt" and clause.kind not in EXEMPT_KINDS:
        found.append(f"a {clause.kind} cannot be exempt")
    if status == "todo" and tests:
        found.append("todo has tests: say partly or done")
    return found


def _needed(status: str) -> tuple[str, ...]:
    return {"done": ("test",), "partly": ("test", "reason"), "exempt": ("reason", "evidence")}.get(
        status, ()
    )


def counts(entries: Mapping[str, Any], table: Sequence[Clause]) -> dict[str, dict[str, int]]:
    """Return how many items of each level have each status."""
    tally = Counter((clause.level, entries[clause.id]["status"]) for clause in table)
    levels = dict.fromkeys(clause.level for clause in table)
    return {level: {status: tally[level, status] for status in STATUSES} for level in levels}


def tests_under(root: Path) -> Callable[[str], bool]:
    """Return a function that tells whether a pytest id names a test below `root`.

    An id is `file::function`, `file::Class::function`, either with `[case]` at the end; a case
    has to stand in the file as it is written in the id.
    """

    @cache
    def tests_of(file: str) -> tuple[frozenset[str], str]:
        path = root / file
        if not path.is_file():
            return frozenset(), ""
        text = path.read_text("utf-8")
        return frozenset(_functions(ast.parse(text).body, "")), text

    def exists(test: str) -> bool:
        file, _, rest = test.partition("::")
        name, _, case = rest.partition("[")
        names, text = tests_of(file)
        return name in names and case.removesuffix("]") in text

    return exists


def _functions(body: Sequence[ast.stmt], prefix: str) -> list[str]:
    found: list[str] = []
    for node in body:
        if isinstance(node, ast.ClassDef):
            found += _functions(node.body, f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:4] == "test":
            found.append(prefix + node.name)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a conformance file, print what it says, and return 1 if it cannot stand."""
    parser = argparse.ArgumentParser(prog="heatloop.proof.conformance", description=main.__doc__)
    parser.add_argument("--file", type=Path, default=Path("conformance.toml"))
    parser.add_argument("--root", type=Path, default=Path(), help="folder the test ids start from")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        entries = tomllib.loads(given.file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        print(f"conformance: {given.file}: {error}", file=sys.stderr)
        return 1
    table = clauses()
    problems = check(entries, table, tests_under(given.root))
    tally = {} if problems else counts(entries, table)
    if given.json:
        rows = [{"problem": p.text, "clause": p.clause} for p in problems]
        print(
            json.dumps({"ok": not problems, "items": len(table), "counts": tally, "problems": rows})
        )
    else:
        for problem in problems:
            print(f"conformance: [{problem.clause}] {problem.text}")
        for level, row in tally.items():
            print(f"conformance: {level:6}", ", ".join(f"{n} {name}" for name, n in row.items()))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
