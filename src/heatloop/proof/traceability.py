"""Which function and test answers each topic of CJJ/T 241, the code of heating supervision.

`python -m heatloop.proof.traceability` prints the table. A row is green when it names tests and
every one of them exists; the suite proves that they pass. The code's own clause texts are not
public: rows follow its parts (monitoring centre, local monitoring station, communication network,
commissioning and operation), and belong to whoever holds the text to refine.

Reference: CJJ/T 241-2016; clause 6.1.2 f.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from heatloop.proof.conformance import tests_under


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic of the code."""

    part: str
    """`centre`, `station`, `network` or `works`."""
    zh: str
    """What it asks for, in Chinese."""
    en: str
    """What it asks for, in English."""
    tests: tuple[str, ...]
    """Pytest ids that show it; none: not built yet."""


def topics() -> tuple[Topic, ...]:
    """Return the topics in the order of the code."""
    text = (files("heatloop.proof") / "cjjt241.csv").read_text("utf-8")
    return tuple(
        Topic(
            part=row["part"],
            zh=row["zh"],
            en=row["en"],
            tests=tuple(test for test in row["tests"].split("|") if test),
        )
        for row in csv.DictReader(text.splitlines())
    )


def green(topic: Topic, test_exists: Callable[[str], bool]) -> bool:
    """Return whether a topic names tests and all of them exist."""
    return bool(topic.tests) and all(test_exists(test) for test in topic.tests)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 while a row is not green."""
    parser = argparse.ArgumentParser(prog="heatloop.proof.traceability", description=main.__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="folder the test ids start from")
    parser.add_argument("--json", action="store_true", help="print one JSON object a topic")
    given = parser.parse_args(arguments)
    exists = tests_under(given.root)
    rows = [(topic, green(topic, exists)) for topic in topics()]
    for topic, good in rows:
        if given.json:
            shown = {"part": topic.part, "zh": topic.zh, "en": topic.en, "green": good}
            print(json.dumps({**shown, "tests": topic.tests}, ensure_ascii=False))
        else:
            print(f"{'green' if good else 'OPEN ':5} {topic.part:8} {topic.zh} / {topic.en}")
    return 0 if all(good for _, good in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
