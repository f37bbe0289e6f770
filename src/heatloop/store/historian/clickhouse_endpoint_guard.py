"""What a statement may do that came in by HTTP.

The embedded engine has no users and can read and write the machine's files. So a statement is
refused before it runs, unless it is of a kind and uses only functions known to stay in the folder.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from heatloop.kernel.errors import InputError, UnsafeError

READING = frozenset({"SELECT", "WITH", "SHOW", "DESC", "DESCRIBE", "EXISTS", "EXPLAIN"})
WRITING = frozenset({"INSERT", "CREATE", "DROP", "ALTER", "OPTIMIZE", "TRUNCATE", "RENAME"})

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|\#[!\s][^\n]*|/\*.*?\*/)"
    r"|(?P<text>'(?:[^'\\]|\\.|'')*')"
    r"|(?P<name>\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`\\]|\\.|``)*`)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>\d[A-Za-z0-9_.]*)"
    r"|(?P<other>.)",
    re.DOTALL,
)
# Words of the client, not of a server: here the engine is both.
_CLIENT = {"OUTFILE", "INFILE"}
_PLACES = {"DISK", "STORAGE_POLICY", "VOLUME"}
STAYING = frozenset({"numbers", "zeros", "values", "generate_series", "generateseries", "merge"})
"""Table functions that stay in the folder."""
_FUNCTIONS = {"file", "catboostevaluate", "showcertificate"}
_KINDS = {
    *("BackupQuery", "SystemQuery", "SetQuery", "AttachQuery", "CreateFunctionQuery"),
    *("Dictionary", "FunctionWithKeyValueArguments"),
}
_ENGINES = {"memory", "null", "atomic", "view"}
_LINE = re.compile(r"^( *)(\w+)(?: (\S+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """What a look at a statement's words tells."""

    first: str
    """Its first word, upper case."""
    format: str
    """The format it names for its answer; empty for none."""

    @property
    def reads(self) -> bool:
        """Return whether it only reads."""
        return self.first in READING


def scan(text: str) -> Scanned:
    """Return what a statement is.

    Raises:
        InputError: It is empty, several statements in one, or of a kind that is not served.
        UnsafeError: It reads or writes a file of the machine.
    """
    words: list[str] = []
    ended = False
    for token in _TOKEN.finditer(text):
        kind, found = token.lastgroup, token[0]
        if kind == "space":
            continue
        if ended:
            raise InputError("several statements in one", fix="send one statement a request")
        if found == ";":
            ended = True
        elif found == "$":
            raise InputError("heredocs are not served", fix="quote texts with '")
        elif kind == "other" and found in "'\"`":
            raise InputError("a quotation has no end", fix="close it")
        words.append(found.upper() if kind == "word" else found)
    plain = [word for word in words if word not in ("(", ";")]
    if _CLIENT & set(words):
        raise UnsafeError("files of this machine are not served", thing="INFILE/OUTFILE")
    first = plain[0] if plain else ""
    if first == "CREATE" and "TEMPORARY" in plain[:4]:
        raise InputError("no sessions here", thing="TEMPORARY", fix="send the table along")
    if first in WRITING and _PLACES & set(words):
        raise UnsafeError("parts stay in the historian's folder", thing="disk")
    if first not in READING | WRITING:
        raise InputError(
            "statement is not served", thing=first[:40], fix=f"send {', '.join(sorted(READING))}"
        )
    named = [b for a, b in itertools.pairwise(words) if a == "FORMAT"]
    return Scanned(first=first, format=_spelled(text, named[-1]) if named else "")


def _spelled(text: str, word: str) -> str:
    found = re.findall(rf"\bFORMAT\s+({re.escape(word)})\b", text, re.IGNORECASE)
    return str(found[-1]) if found else word


def check_tree(tree: str, leaving: frozenset[str]) -> None:
    """Look through the engine's own parse of a statement (`EXPLAIN AST`).

    Args:
        tree: The parse.
        leaving: Lower-case names of the engine's table functions, but for `STAYING`.

    Raises:
        UnsafeError: It leaves the folder: files, other servers, programs, Python.
    """
    above: list[str] = []
    for line in tree.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        depth, kind, name = len(found[1]), found[2], (found[3] or "").lower()
        parent = above[depth - 1] if depth else ""
        # What stands first under a storage is its engine, after it come order and partition.
        if parent == "Storage" and len(above) > depth:
            parent = ""
        above = [*above[:depth], kind]
        if kind == "Function" and not _stays(name, parent, leaving):
            raise UnsafeError("leaves the historian's folder", thing=f"{name}()"[:80])
        if kind in _KINDS:
            raise UnsafeError("statement is not served", thing=kind)


def _stays(name: str, parent: str, leaving: frozenset[str]) -> bool:
    if parent == "Storage":
        return (name.endswith("mergetree") and "shared" not in name) or name in _ENGINES
    if parent == "TableExpression":
        return name in STAYING
    # `x IN f()` is a table function though the parse shows a plain one.
    return parent not in ("InsertQuery", "CreateQuery") and name not in leaving | _FUNCTIONS
