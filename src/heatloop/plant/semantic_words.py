"""Questions in words, Chinese or English: every word is known by the glossary or named as unknown.

Nothing is guessed: the longest known phrase at each place counts, and what no phrase covers is
given back as unknown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.kinds import point_kinds
from heatloop.plant.resources import table

KIND, ASSET_KIND, ASSET, IGNORED = "kind", "asset_kind", "asset", "ignored"
_BLANK = ' \t\r\n,.;:!?，。；：！？、“”"()（）'

Meaning = tuple[str, tuple[str, ...]]
"""A filter's name and its values; several are alternatives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One value of a tag, in both languages."""

    field: str
    """Tag."""
    value: str
    """What programs send."""
    zh: str
    """Chinese word."""
    en: str
    """English word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A piece of a question."""

    words: str
    """As written."""
    field: str
    """Which filter it becomes, `ignored` for filling words, empty: unknown."""
    values: tuple[str, ...]
    """Values of that filter."""


@cache
def tag_words() -> tuple[Word, ...]:
    """Return every value of every tag with its words."""
    rows = (row for row in table("semantic_words.csv") if row["field"] not in (IGNORED, ASSET_KIND))
    return tuple(
        Word(field=row["field"], value=row["value"], zh=row["zh"], en=row["en"]) for row in rows
    )


def plain(text: str) -> str:
    """Return text as words are compared: one width, no capitals."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _plurals(phrase: str) -> Iterable[str]:
    yield phrase
    if phrase.isascii():
        yield phrase + "s"
        if phrase.endswith("y"):
            yield phrase[:-1] + "ies"
        if phrase.endswith(("s", "x", "ch")):
            yield phrase + "es"


@cache
def lexicon() -> Mapping[str, Meaning]:
    """Return what each known phrase means; point kinds win over asset kinds, these over tags.

    Phrases are as `plain` gives them.
    """
    out: dict[str, Meaning] = {}

    def add(phrases: Iterable[str], meaning: Meaning) -> None:
        for phrase in phrases:
            for each in _plurals(plain(phrase)):
                if each:
                    out.setdefault(each, meaning)

    for kind in point_kinds().values():
        add((kind.zh, kind.en, kind.kind, kind.kind.replace("_", " ")), (KIND, (kind.kind,)))
    for asset in asset_kinds().values():
        add((asset.zh, asset.en, asset.kind, asset.kind.replace("_", " ")),
            (ASSET_KIND, (asset.kind,)))  # fmt: skip
    for row in table("semantic_words.csv"):
        also = [each for each in row["also"].split("|") if each]
        values = tuple(row["value"].split("|")) if row["value"] else ()
        add((row["zh"], row["en"], *also), (row["field"], values))
    return MappingProxyType(out)


@cache
def _longest(first: str) -> tuple[int, ...]:
    """Return the lengths of the phrases that begin with this letter, longest first."""
    return tuple(sorted({len(each) for each in lexicon() if each[0] == first}, reverse=True))


def _ends_word(text: str, start: int, end: int) -> bool:
    """Return whether a phrase stands alone: letters of one word are never parted."""

    def joined(a: str, b: str) -> bool:
        return all(each.isascii() and (each.isalnum() or each == "_") for each in (a, b))

    before = start > 0 and joined(text[start - 1], text[start])
    after = end < len(text) and joined(text[end - 1], text[end])
    return not before and not after


def hear(text: str, names: Mapping[str, Meaning] = MappingProxyType({})) -> list[Heard]:
    """Return the pieces of a question, unknown ones with an empty field.

    Args:
        text: The question, at most a few hundred letters.
        names: Further phrases, such as names of assets, as `plain` gives them; of two phrases of
            one length the lexicon's counts.
    """
    asked = plain(text)
    lengths = sorted({len(name) for name in names}, reverse=True)
    out: list[Heard] = []
    unknown = ""
    at = 0
    while at < len(asked):
        found = _match(asked, at, names, lengths)
        if found is None:
            unknown += asked[at]
            at += 1
            continue
        phrase, meaning = found
        _close(out, unknown)
        unknown = ""
        out.append(Heard(words=phrase, field=meaning[0], values=meaning[1]))
        at += len(phrase)
    _close(out, unknown)
    return out


def _close(out: list[Heard], unknown: str) -> None:
    words = unknown.strip(_BLANK)
    if words:
        out.append(Heard(words=words, field="", values=()))


def _match(
    text: str, at: int, names: Mapping[str, Meaning], lengths: list[int]
) -> tuple[str, Meaning] | None:
    best: tuple[str, Meaning] | None = None
    for known, sizes in ((lexicon(), _longest(text[at])), (names, lengths)):
        for size in sizes:
            phrase = text[at : at + size]
            if best is not None and size <= len(best[0]):
                break
            if len(phrase) == size and phrase in known and _ends_word(text, at, at + size):
                best = (phrase, known[phrase])
                break
    return best
