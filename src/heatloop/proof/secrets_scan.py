"""Looks for secrets in files that are shared: keys, tokens, passwords in addresses.

`python -m heatloop.proof.secrets_scan [folder]` returns 1 when it finds any. A line that must hold
something alike, such as a published test vector, says `not a secret` on the same line or stands
in a file of `_KNOWN`, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_KINDS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    "GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b"),
    "Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b"),
    "JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[\w-]{10,}"),
    "password in an address": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s/:@'\"{}<>]+:([^\s/:@'\"{}<>]{6,})@"
    ),
}
_ASSIGNED = re.compile(
    r"(?i)\b[a-z0-9_]*(?:password|passwd|secret|api_?key|access_?key|auth_?token)\b"
    r"\s*[:=]\s*[\"']([^\"'\s{}$<>]{8,})[\"']"
)
_SKIPPED = frozenset((".git", "node_modules", ".venv", "__pycache__", "static", "dist", ".cache",
                      ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"))  # fmt: skip
_BINARY = frozenset((".png", ".jpg", ".webp", ".ico", ".woff2", ".xlsx", ".zip", ".parquet",
                     ".pdf", ".gz", ".pyc", ".sqlite", ".so", ".arrow"))  # fmt: skip
_LOCKS = ("package-lock.json", "requirements/")
_MARK = "not a secret"
_PLACES = ("password", "passwd", "secret", "passphrase")
"""Words that stand where a password would."""
_MOST_BYTES = 4 << 20
_RANDOM_BITS = 3.5
_KNOWN = {
    "tests/": "tests make up passwords of their own; real keys are found there as well",
    "bench/": "benchmarks make up passwords of their own",
}
"""Where an assigned password is made up; the other kinds are looked for everywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A line that looks like one."""

    path: str
    """File, relative to the folder."""
    line: int
    """Line number from 1."""
    kind: str
    """What it looks like."""


def _bits(text: str) -> float:
    """Return the entropy of a text, bits a character: words have about 3, keys 4 and more."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def _is_made_up(path: str) -> bool:
    return path.startswith(tuple(_KNOWN))


def judge(path: str, text: str) -> Iterator[Secret]:
    """Yield the lines of a file that look like secrets."""
    assigned = not _is_made_up(path)
    for number, line in enumerate(text.splitlines(), 1):
        if _MARK in line or len(line) > 20_000:
            continue
        for kind, pattern in _KINDS.items():
            match = pattern.search(line)
            if match is None:
                continue
            if match.groups() and (_is_made_up(path) or match.group(1).lower() in _PLACES):
                continue
            yield Secret(path=path, line=number, kind=kind)
        match = _ASSIGNED.search(line) if assigned else None
        if match is not None and _bits(match.group(1)) >= _RANDOM_BITS:
            yield Secret(path=path, line=number, kind="assigned secret")


def files(folder: Path) -> Iterator[Path]:
    """Yield the files that are looked at."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name in _SKIPPED:
            continue
        if path.is_dir():
            yield from files(path)
        elif path.suffix not in _BINARY and path.stat().st_size <= _MOST_BYTES:
            yield path


def scan(folder: Path) -> list[Secret]:
    """Return what looks like a secret below a folder."""
    found: list[Secret] = []
    for path in files(folder):
        name = path.relative_to(folder).as_posix()
        if any(lock in name for lock in _LOCKS):
            continue
        try:
            text = path.read_text("utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        found.extend(judge(name, text))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, print, and say by the exit code whether there was any."""
    parser = argparse.ArgumentParser(prog="python -m heatloop.proof.secrets_scan")
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = scan(options.folder)
    if options.json:
        print(json.dumps([asdict(each) for each in found]))
    for each in found if not options.json else ():
        print(f"{each.path}:{each.line}: {each.kind}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
