"""The door book: what the platform says this gateway must ask of commands, and its stop plans.

Signed, kept on disk, and in force without the platform. It holds how many commands a minute are
believable, how far a set-point may leap, which set-points need a second signature, from when on
commands were checked against the present ledger, and what an emergency stop writes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json
from heatloop.kernel.errors import HeatloopError, InputError, StaleError, UnsafeError
from heatloop.kernel.messages import Command
from heatloop.security.buckets import Buckets
from heatloop.security.keys import KeyRing, open_document

FORMAT, KIND = 1, "door"
_SECOND_MARK = b"heatloop-second\x00"
_MOST_SECONDS = 1000
_OWN_RATE, _OWN_BURST = 600.0, 1200.0
"""What holds until a platform has said otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanStep:
    """One write of a stop plan."""

    point: str
    """Point code."""
    value: float
    """In the point's unit."""
    ramp_per_min: float
    """How fast a release brings it back, in the point's unit; 0: at once."""


Plans = Mapping[str, Mapping[str, tuple[PlanStep, ...]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorBook:
    """One version of the book."""

    ledger_version: int = 0
    """Ledger it was made from."""
    made_s: float = 0.0
    """Plant time the ledger behind it came into force; commands from before are refused."""
    per_minute: float = _OWN_RATE
    """Commands a plant minute, in the long run."""
    burst: float = _OWN_BURST
    """Commands at once."""
    steps: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Point kind -> (largest change, within plant seconds)."""
    second_ring: KeyRing | None = None
    """Key of second signatures; None: none is asked for."""
    second_key: str = ""
    """Its name."""
    second_kinds: frozenset[str] = frozenset()
    """Point kinds a person may set only with a second signature."""
    plans: Plans = field(default_factory=dict)
    """Asset -> cause -> writes of an emergency stop."""


def read_book(gateway: str, plain: Mapping[str, Any]) -> DoorBook:
    """Return the book of an opened document.

    Raises:
        InputError: It is not a door book of this gateway.
    """
    about = (plain.get("kind"), plain.get("format"), plain.get("gateway"))
    if about != (KIND, FORMAT, gateway):
        raise InputError("not a door book of this gateway", thing=gateway, place=str(about)[:80])
    try:
        second = plain["second"]
        ring = None if second is None else KeyRing()
        key = "" if ring is None else ring.add(bytes.fromhex(second["public"]))
        return DoorBook(
            ledger_version=int(plain["ledger_version"]),
            made_s=float(plain["made_s"]),
            per_minute=float(plain["per_minute"]),
            burst=float(plain["burst"]),
            steps={str(k): (float(a), float(b)) for k, (a, b) in plain["steps"].items()},
            second_ring=ring,
            second_key=key,
            second_kinds=frozenset(() if second is None else map(str, second["kinds"])),
            plans={
                str(asset): {
                    str(cause): tuple(
                        PlanStep(point=str(p), value=float(v), ramp_per_min=float(r))
                        for p, v, r in steps
                    )
                    for cause, steps in causes.items()
                }
                for asset, causes in plain["plans"].items()
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"door book is malformed: {error}", thing=gateway) from error


class DoorKeeper:
    """The book in force, on disk, and what it judges by.

    Args:
        path: JSON file of the signed document.
        gateway: Gateway code.
    """

    def __init__(self, path: Path, gateway: str) -> None:
        self._path, self._gateway = path, gateway
        self.book = DoorBook()
        """The book in force."""
        self._seconds: OrderedDict[str, str] = OrderedDict()
        self._buckets = Buckets(_OWN_RATE, _OWN_BURST)

    def load(self, ring: KeyRing) -> None:
        """Take up the book kept from before; a damaged or foreign one is left."""
        try:
            document = load_json(self._path)
            if document is not None:
                self._use(read_book(self._gateway, open_document(ring, document)))
        except HeatloopError:
            return

    def take(self, ring: KeyRing, document: Mapping[str, Any]) -> None:
        """Put a newer book in force, on disk first.

        Raises:
            UnsafeError: It is not signed by the platform.
            InputError: It is not a door book of this gateway.
            StaleError: It is of an older ledger than the one in force.
        """
        book = read_book(self._gateway, open_document(ring, document))
        if book.ledger_version < self.book.ledger_version:
            raise StaleError("door book is older than the one in force", thing=self._gateway)
        try:
            save_json(self._path, dict(document))
        except OSError:
            pass  # A full disk must not stop a gateway; the book holds until it restarts.
        self._use(book)

    def _use(self, book: DoorBook) -> None:
        if (book.per_minute, book.burst) != (self.book.per_minute, self.book.burst):
            self._buckets = Buckets(book.per_minute, book.burst)
        self.book = book

    def second(self, command_id: str, signature: str) -> None:
        """Note the second signature that came with a command."""
        self._seconds[command_id] = signature
        while len(self._seconds) > _MOST_SECONDS:
            self._seconds.popitem(last=False)

    def refusal(self, command: Command, kind: str, now_s: float) -> str | None:
        """Return why the book refuses a genuine command, None when it does not.

        Args:
            command: The command, its own signature checked.
            kind: Kind of its point.
            now_s: Plant time.
        """
        book = self.book
        if command.issued < book.made_s:
            return "older_than_profile"
        if kind in book.second_kinds and command.mode == "manual" and not self._signed(command):
            return "second_signature"
        if not self._buckets.take("", now_s):
            return "too_many"
        return None

    def _signed(self, command: Command) -> bool:
        ring = self.book.second_ring
        if ring is None:
            return True
        try:
            signature = bytes.fromhex(self._seconds.pop(command.id, ""))
            ring.verify(self.book.second_key, _SECOND_MARK + command.signed_bytes(), signature)
        except (ValueError, InputError, UnsafeError):
            return False
        return True

    def leap(
        self, kind: str, value: float, current: float | None, anchor: tuple[float, float] | None,
        now_s: float,
    ) -> str | None:  # fmt: skip
        """Return why a set-point may not move so far so soon, None when it may.

        Args:
            kind: Point kind.
            value: In the point's unit.
            current: What it is now.
            anchor: (value, plant time) it stood at when it began to move.
            now_s: Plant time.
        """
        bound = self.book.steps.get(kind)
        if bound is None:
            return None
        largest, within_s = bound
        recent = anchor is not None and 0.0 <= now_s - anchor[1] <= within_s
        base = anchor[0] if recent and anchor is not None else current
        if base is None or abs(value - base) <= largest + 0.051:
            return None
        return f"step_too_large: {base:g} to {value:g}, at most {largest:g}"

    def anchors(self, kind: str) -> float | None:
        """Return the plant seconds an anchor of this kind holds, None when it needs none."""
        bound = self.book.steps.get(kind)
        return None if bound is None else bound[1]
