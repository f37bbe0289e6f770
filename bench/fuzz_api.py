"""Every operation of the HTTP interface, fuzzed with its own description (schemathesis).

What the document allows and what it forbids is sent, with codes that exist and codes that do not,
by people of every role. Nothing may end in a server error, every answer must fit the document,
every write must leave a trace in the audit trail, and memory must stay bounded.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bench.lines import Lines, main

API = "/api/v1"
ROOT = Path(__file__).resolve().parents[1]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_EVENTS = "text/event-stream"
_TOO_LONG = b"Invalid HTTP request received."
"""What the server's HTTP parser says to a request line beyond its bound, before any route."""
PEAK_MB = 900.0
_PATIENCE_S = 30.0
_WORDS = ("url", "host", "address", "endpoint", "target")
_LOOPBACK = "http://127.0.0.1:9/"
_ORDER = {"POST": 0, "PUT": 0, "GET": 1, "PATCH": 2, "DELETE": 3}
_MOST_NAMED = 50
_IDS = ("id", "serial", "sha256", "code", "name", "number")
# Names of parameters, and what of the town they may be.
_MEANS = {
    "asset": "asset", "code": "asset", "subject": "asset", "point": "point", "points": "point",
    "codes": "point", "unit": "unit", "gateway": "gateway", "id": "case", "table": "table",
    "to": "asset", "segment": "asset", "from": "asset", "start": "start", "end": "end",
    "date": "date",
}  # fmt: skip


@dataclass(slots=True)
class Found:
    """What came of it."""

    requests: int = 0
    """Requests sent."""
    operations: int = 0
    """Operations asked."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Answers by status."""
    server_errors: dict[str, str] = field(default_factory=dict)
    """Operations that ended in one, and how."""
    misfits: dict[str, str] = field(default_factory=dict)
    """Operations whose answers do not fit the document, and how."""
    untraced: set[str] = field(default_factory=set)
    """Writes that went through and left nothing in the audit trail."""
    written: set[str] = field(default_factory=set)
    """Writes that went through."""
    never_passed: set[str] = field(default_factory=set)
    """Operations that were refused each time."""
    peak_mb: float = 0.0
    """Most memory the server had."""


_SERVE = "import sys; from bench.fuzz_api_server import main; sys.exit(main())"


class Server:
    """The server beside this process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SERVE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                told = json.loads(line)
                break
        else:
            raise RuntimeError("the server did not start")
        self.base = f"http://127.0.0.1:{told['port']}"
        self.records = f"file:{told['records']}?mode=ro"
        self.journal = Path(told["journal"])
        self.known: dict[str, list[str]] = told["known"]
        self._cookies: dict[str, list[str]] = told["cookies"]
        self.people = tuple(self._cookies)

    def cookie(self, who: str) -> dict[str, str]:
        """Return the session of a person; nobody has none."""
        return {} if not who else {"heatloop_session": self._cookies[who][-1]}

    def another(self, who: str) -> bool:
        """Give a person another session, because one ended; False when there is none left."""
        if who and len(self._cookies[who]) > 1:
            self._cookies[who].pop()
            return True
        return False

    def peak_mb(self) -> float:
        """Return the most memory the server had."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> int:
        """Let the server end; return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Give a running server."""
    server = Server()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


class Fuzzer:
    """Asks every operation, as whoever may ask it."""

    def __init__(self, server: Server, number: int = 0) -> None:
        self.server, self.found = server, Found()
        self.random = random.Random(number)
        self._number = number
        self._http = requests.Session()
        schema = requests.get(f"{server.base}{API}/openapi.json", timeout=_PATIENCE_S).json()
        self.schema = schemathesis.openapi.from_dict(schema)
        # What answers named, by the collection they came from: asked for again later.
        self._named: dict[str, list[str]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, examples: int, seconds: float) -> Found:
        """Ask every operation some times, several rounds if there is time; return what came.

        Args:
            examples: Requests an operation, a mode and a round.
            seconds: Time after which no further round begins.
        """
        end = time.monotonic() + seconds
        operations: list[Any] = [result.ok() for result in self.schema.get_all_operations()]  # type: ignore[union-attr]
        # What makes things goes before what asks for them, what takes them away goes last.
        operations.sort(key=lambda each: _ORDER.get(each.method.upper(), 1))
        turn = 0
        while turn == 0 or time.monotonic() < end:
            # In any order later on, so that the end of the time does not always cut off the same.
            later = self.random.sample(operations, len(operations))
            for operation in later if turn else operations:
                if turn and time.monotonic() > end:
                    break
                name = f"{operation.method.upper()} {operation.full_path}"
                if self._never_ends(operation):
                    self._ask_stream(operation.full_path)
                elif self._ask_people(operation, name, examples, turn):
                    self.found.never_passed.discard(name)
                elif turn == 0:
                    self.found.never_passed.add(name)
            turn += 1
        self.found.operations = len(operations)
        self.found.peak_mb = self.server.peak_mb()
        return self.found

    @staticmethod
    def _never_ends(operation: Any) -> bool:
        """Return whether the answer goes on for ever: then it is only begun."""
        answers = operation.definition.raw.get("responses", {})
        return any(_EVENTS in answer.get("content", {}) for answer in answers.values())

    def _ask_people(self, operation: Any, name: str, examples: int, turn: int) -> bool:
        """Ask as people of ever other roles; in the first round only until somebody may."""
        passed = False
        for who in self._who(name):
            statuses = Counter(self.found.statuses)
            passed = self._ask(operation, name, who, examples, turn) or passed
            new = self.found.statuses - statuses
            if turn == 0 and any(status not in (401, 403) for status in new):
                break
        return passed

    def _who(self, name: str) -> tuple[str, ...]:
        if "/users" in name or "/decision" in name or "/governance/assets/" in name:
            return ("security", "engineer", "")
        if "/audit" in name or "/history" in name:
            return ("auditor", "engineer", "")
        return ("engineer", "security", "auditor", "service", "user", "")

    def _ask(self, operation: Any, name: str, who: str, examples: int, turn: int) -> bool:
        """Ask one operation as one person; return whether it was answered other than by a no."""
        passed = False
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for mode in modes:

            @seed(self._number + 1000 * turn)
            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def once(case: Any) -> None:
                nonlocal passed
                passed = self._once(case, name, who) or passed

            # An operation that takes nothing has nothing wrong to be sent.
            with contextlib.suppress(HypothesisException, schemathesis.errors.SchemathesisError):
                once()
        return passed

    def _once(self, case: Any, name: str, who: str) -> bool:
        self._make_known(case)
        before = self._entries() if case.method != "GET" else 0
        try:
            response = case.call(
                base_url=self.server.base,
                session=self._http,
                headers={"X-Heatloop": "1"},
                cookies=self.server.cookie(who),
                timeout=_PATIENCE_S,
            )
        except requests.RequestException as error:
            self.found.server_errors[name] = f"no answer: {error!r}"[:300]
            return False
        self.found.requests += 1
        self.found.statuses[response.status_code] += 1
        if response.status_code >= 500:
            self.found.server_errors[name] = (
                f"{response.status_code} {case.as_curl_command()} {response.content[:600]!r}"[:1500]
            )
        if response.content == _TOO_LONG:
            return False
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as error:
            if response.status_code < 500:
                self.found.misfits[name] = f"{response.status_code} {error!s}"[:800]
        if response.status_code == 401 and who:
            self.server.another(who)
        done = bool(response.status_code < 400)
        if done:
            self._remember(case, response)
        if done and case.method != "GET" and not self._writes_nothing(name):
            self.found.written.add(name)
            if self._entries() <= before:
                self.found.untraced.add(name)
        return done

    def _remember(self, case: Any, response: Any) -> None:
        """Keep what a collection's answer names."""
        with contextlib.suppress(ValueError, UnicodeDecodeError):
            answer = response.json()
            rows = answer.get("items", [answer]) if isinstance(answer, dict) else answer
            parts = [part for part in case.operation.full_path.split("/") if "{" not in part]
            names = self._named.setdefault(parts[-1], [])
            for row in rows if isinstance(rows, list) else []:
                for key in _IDS:
                    value = row.get(key) if isinstance(row, dict) else None
                    mine = isinstance(value, str) and value.startswith("fuzz-")
                    if isinstance(value, str | int) and value not in names and not mine:
                        names.append(str(value))
            del names[:-_MOST_NAMED]

    @staticmethod
    def _writes_nothing(name: str) -> bool:
        return name.removeprefix(f"POST {API}") in (
            "/network/what-if",
            "/device-profiles/check",
            "/links/audit/verify",
        )

    def _entries(self) -> int:
        """Return how many entries the audit trail has, with those in the local journal."""
        # What may not wait for the trail, an emergency stop, is written there and chained in later.
        lines = sum(
            file.read_bytes().count(b"\n") for file in self.server.journal.glob("*.journal")
        )
        with contextlib.closing(sqlite3.connect(self.server.records, uri=True)) as records:
            return lines + int(records.execute("SELECT seq FROM audit_head").fetchone()[0])

    def _make_known(self, case: Any) -> None:
        """Name things that exist, half of the time, and never reach out of this machine."""
        for values in (case.path_parameters, case.query):
            if not isinstance(values, dict):
                continue
            for name in list(values):
                known = self._known_for(case.operation.full_path, name)
                if known and isinstance(values[name], str) and self.random.random() < 0.6:
                    values[name] = self.random.choice(known)
        if isinstance(case.body, dict):
            _tame(case.body, self.random, self.server.known)

    def _known_for(self, path: str, name: str) -> list[str]:
        """Return what a parameter may be, so that there is something behind it."""
        before = path.partition("/{" + name + "}")[0].rpartition("/")[2]
        kind = {"units": "unit", "substations": "station", "gateways": "gateway"}.get(before)
        if kind is None and before == "items":
            before = "devices"
        if kind is None and self._named.get(before) and "{" + name + "}" in path:
            return self._named[before]
        return self.server.known.get(kind or _MEANS.get(name, ""), [])

    def _ask_stream(self, path: str) -> None:
        points = ",".join(self.server.known["point"][:3])
        for query in ("", "?points=x", f"?points={points}", "?cursor=%00", "?points=" + "x" * 9000):
            with self._http.get(
                f"{self.server.base}{path}{query}",
                cookies=self.server.cookie("engineer"),
                stream=True,
                timeout=_PATIENCE_S,
            ) as answer:
                self.found.requests += 1
                self.found.statuses[answer.status_code] += 1
                if answer.status_code >= 500:
                    self.found.server_errors[f"GET {path}"] = str(answer.status_code)


def _tame(body: dict[Any, Any], chance: random.Random, known: dict[str, list[str]]) -> None:
    for name, value in body.items():
        if isinstance(value, dict):
            _tame(value, chance, known)
        elif isinstance(value, str):
            if "://" in value or any(word in str(name) for word in _WORDS):
                body[name] = _LOOPBACK if "url" in str(name) else "127.0.0.1"
            elif name in _MEANS and chance.random() < 0.5:
                body[name] = chance.choice(known[_MEANS[name]])


def run(lines: Lines, quick: bool) -> None:
    """Fuzz, and print what was found."""
    with serving() as server:
        fuzzer = Fuzzer(server)
        found = fuzzer.run(1 if quick else 8, 0.0 if quick else 200.0)
        fuzzer.close()
    for kind in ("server_errors", "misfits"):
        for name, what in getattr(found, kind).items():
            print(
                json.dumps({"found": kind, "operation": name, "what": what}, ensure_ascii=False),
                file=sys.stderr,
            )
    lines.add("fuzz_api.operations", found.operations, "operations", at_least=60)
    note = ", ".join(f"{n} x {status}" for status, n in sorted(found.statuses.items()))
    for name in sorted(found.untraced):
        print(json.dumps({"found": "untraced", "operation": name}), file=sys.stderr)
    if found.never_passed:
        print(
            json.dumps({"found": "never_passed", "operations": sorted(found.never_passed)}),
            file=sys.stderr,
        )
    lines.add("fuzz_api.requests", found.requests, "requests", note=note)
    lines.add("fuzz_api.server_errors", len(found.server_errors), "operations", at_most=0)
    lines.add("fuzz_api.misfits", len(found.misfits), "operations", at_most=0)
    note = f"of {len(found.written)} kinds of write that went through"
    lines.add("fuzz_api.untraced_writes", len(found.untraced), "operations", at_most=0, note=note)
    lines.add("fuzz_api.peak_rss_mb", found.peak_mb, "MB", at_most=PEAK_MB)


if __name__ == "__main__":
    sys.exit(main(run, "fuzz_api", sys.argv[1:]))
