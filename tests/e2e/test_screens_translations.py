"""The screens say everything in Chinese and English, in the words of the table of points."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "frontend" / "src" / "locales"
SOURCES = ROOT / "frontend" / "src"
POINTS = ROOT / "src" / "heatloop" / "plant" / "points.csv"
_HOLE = re.compile(r"\{\{(\w+)\}\}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_USED = re.compile(r"\bt\(\s*'([\w.]+)'")


def flat(node: dict[str, Any], path: str = "") -> dict[str, str]:
    """Return every text by its dotted key."""
    found: dict[str, str] = {}
    for name, value in node.items():
        key = f"{path}.{name}" if path else name
        found |= flat(value, key) if isinstance(value, dict) else {key: str(value)}
    return found


def words(language: str) -> dict[str, str]:
    """Return the texts of a language, of all its files."""
    found: dict[str, str] = {}
    for path in sorted((LOCALES / language).glob("*.json")):
        texts = flat(json.loads(path.read_text("utf-8")))
        assert found.keys() & texts.keys() == set(), path.name
        found |= texts
    return found


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    zh, en = words("zh"), words("en")
    assert zh.keys() ^ en.keys() == set()
    assert [
        key for key in zh if sorted(_HOLE.findall(zh[key])) != sorted(_HOLE.findall(en[key]))
    ] == []
    assert [key for key, text in {**zh, **en}.items() if not text.strip()] == []


def test_english_is_english() -> None:
    chinese = {key for key, text in words("en").items() if _CHINESE.search(text)}
    assert chinese == {"language.other"}


def test_every_key_the_screens_use_is_translated() -> None:
    zh = words("zh")
    used = {
        key for path in SOURCES.rglob("*.ts*") for key in _USED.findall(path.read_text("utf-8"))
    }
    assert len(used) > 200
    assert sorted(used - zh.keys()) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_point_kinds_are_named_as_in_the_table_of_points(language: str) -> None:
    with POINTS.open(encoding="utf-8", newline="") as file:
        rows = {row["kind"]: row[language] for row in csv.DictReader(file)}
    shown = json.loads((LOCALES / language / "kinds.json").read_text("utf-8"))["kind"]
    assert shown == rows
