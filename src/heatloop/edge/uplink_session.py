"""One gateway's side of the link, without input or output: what to send next, what came in.

New rows go before caught-up ones, 4 to 1: after a long outage the session asks for a new spool
epoch, so each epoch is sent, numbered and acknowledged in order while both make way.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heatloop.edge.segment import SpoolRecord
from heatloop.edge.spool import Spool
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import Envelope, EnvelopeKind, encode
from heatloop.kernel.errors import InputError
from heatloop.kernel.messages import Command
from heatloop.protocols.link import challenge_bytes
from heatloop.security.keys import SigningKey

MAX_IN_FLIGHT = 64
MAX_ROWS = 20_000
LIVE_SHARE = 4
MAX_LANES = 8


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The platform knows this gateway; `profile_version` is the newest it has."""

    profile_version: int
    now_s: float | None = None
    """Plant time at the platform."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform does not let this gateway in."""

    reason: str


@dataclass(frozen=True, slots=True)
class Acked:
    """Rows up to a sequence are safe and gone from the spool."""

    epoch: int
    through: int
    now_s: float | None = None
    """Plant time at the platform."""


@dataclass(frozen=True, slots=True)
class CommandArrived:
    """An order for one of the gateway's devices, not yet verified."""

    command: Command
    second: str = ""
    """Second signature, hexadecimal; empty: none came."""


@dataclass(frozen=True, slots=True)
class ProfileArrived:
    """A new signed edge profile, not yet verified."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeysArrived:
    """Documents about the platform's signing keys, in order, not yet verified."""

    documents: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class RulesArrived:
    """A new signed rule document, not yet verified."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DoorArrived:
    """A new signed door book, not yet verified."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StopArrived:
    """A signed emergency order, not yet verified."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The platform set an envelope aside; it is acknowledged all the same."""

    first: int
    reason: str


Inbound = (
    Welcomed
    | Refused
    | Acked
    | CommandArrived
    | ProfileArrived
    | RulesArrived
    | KeysArrived
    | DoorArrived
    | StopArrived
    | Quarantined
)


def _time_in(message: Mapping[str, Any]) -> float | None:
    now_s = message.get("now")
    return float(now_s) if isinstance(now_s, int | float) and now_s > 0 else None


def merge(records: Sequence[SpoolRecord]) -> bytes:
    """Return the compressed envelope body of one or more records of one kind."""
    if len(records) == 1:
        return zlib.compress(records[0].body, 1)
    if records[0].kind is EnvelopeKind.NOTES:
        # Each body is a JSON list: joining the lists needs no parsing.
        joined = b",".join(record.body[1:-1] for record in records)
        return zlib.compress(b"[" + joined + b"]", 1)
    batch = SampleBatch()
    for record in records:
        batch.extend(SampleBatch.from_bytes(record.body))
    return zlib.compress(batch.to_bytes(), 1)


class UplinkSession:
    """Sends one gateway's spool and takes in what the platform says to it.

    Args:
        gateway: Gateway code.
        spool: What is sent.
        key: The gateway's own key.
        profile_version: Edge profile the values are made with.
        ledger_version: Ledger it was made from.
        roll_rows: Backlog at which a new epoch is asked for, so live rows can go ahead of it.
    """

    def __init__(
        self,
        *,
        gateway: str,
        spool: Spool,
        key: SigningKey,
        profile_version: int = 0,
        ledger_version: int = 0,
        roll_rows: int = 200_000,
    ) -> None:
        self.gateway, self.spool = gateway, spool
        self.profile_version, self.ledger_version = profile_version, ledger_version
        self.online = False
        self.wants_roll = False
        self.keys_seq = 0
        """Number of the newest document about the platform's keys this gateway follows."""
        self.wants_hello = False
        """Whether rows it has not sent were dropped, so that it must be welcomed anew."""
        self._key, self._roll_rows = key, roll_rows
        self._sent: dict[int, int] = {}
        self._in_flight: deque[tuple[int, int]] = deque()
        self._flowing: set[int] = set()
        self._turn = 0

    @property
    def last_sent(self) -> tuple[int, int]:
        """Epoch and last sequence of the envelope sent last; there must be one."""
        return self._in_flight[-1]

    @property
    def in_flight(self) -> int:
        """Envelopes sent and not yet acknowledged."""
        return len(self._in_flight)

    def hello(self, nonce: str, channel: str = "main") -> dict[str, Any]:
        """Return the answer to the platform's challenge.

        Args:
            nonce: The challenge's nonce.
            channel: What the gateway calls the way it comes by.

        Raises:
            InputError: The nonce is not fit to be signed.
        """
        self.lost()
        return {
            "type": "hello",
            "gateway": self.gateway,
            "signature": self._key.sign(challenge_bytes(nonce)).hex(),
            "epoch": self.spool.epoch,
            "profile_version": self.profile_version,
            "channel": channel,
            "keys_seq": self.keys_seq,
        }

    def lost(self) -> None:
        """Forget what was in flight: it is sent again on the next link."""
        self.online = False
        self.wants_hello = False
        self._sent.clear()
        self._flowing.clear()
        self._in_flight.clear()

    def receive(self, message: dict[str, Any]) -> Inbound:
        """Take in one text frame.

        Raises:
            InputError: The frame is not one a gateway understands.
        """
        try:
            match message["type"]:
                case "welcome":
                    return self._welcome(int(message["through"]), message)
                case "ack":
                    acked = self._ack(int(message["epoch"]), int(message["through"]))
                    return replace(acked, now_s=_time_in(message))
                case "command":
                    second = str(message.get("second", ""))[:512]
                    return CommandArrived(Command.from_dict(message["command"]), second)
                case "profile":
                    return ProfileArrived(dict(message["document"]))
                case "rules":
                    return RulesArrived(dict(message["document"]))
                case "door":
                    return DoorArrived(dict(message["document"]))
                case "stop":
                    return StopArrived(dict(message["document"]))
                case "keys":
                    return KeysArrived(tuple(dict(each) for each in message["documents"]))
                case "quarantined":
                    return Quarantined(int(message["first"]), str(message["reason"]))
                case "refused":
                    self.lost()
                    return Refused(str(message["reason"]))
                case other:
                    raise InputError("unknown frame", thing=str(other), place="link")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"malformed frame: {error}", thing=self.gateway) from error

    def _welcome(self, through: int, message: dict[str, Any]) -> Welcomed:
        self.online = True
        if through > self.spool.last_seq:
            # The platform has rows we never gave it: this spool is an old copy. Going on would
            # make it take new rows for repeats.
            self.wants_roll = True
        else:
            self._ack(self.spool.epoch, through)
            self._sent[self.spool.epoch] = through
            backlog = self.spool.rows_of(self.spool.epoch)
            self.wants_roll = backlog > self._roll_rows and len(self.spool.epochs) < MAX_LANES
        return Welcomed(int(message.get("profile_version", 0)), _time_in(message))

    def _ack(self, epoch: int, through: int) -> Acked:
        self.spool.ack(through, epoch=epoch)
        flying = self._in_flight
        # Epochs are interleaved, each in order: usually the front is what was acknowledged.
        while flying and flying[0][0] == epoch and flying[0][1] <= through:
            flying.popleft()
        if flying and any(e == epoch and last <= through for e, last in flying):
            self._in_flight = deque((e, s) for e, s in flying if e != epoch or s > through)
        return Acked(epoch, through)

    def next_envelope(self) -> bytes | None:
        """Return the next envelope to send, or None while there is nothing or no room."""
        waits = self.wants_roll or self.wants_hello
        if not self.online or waits or len(self._in_flight) >= MAX_IN_FLIGHT:
            return None
        for epoch in self._by_turn():
            records = self._run(epoch)
            if records:
                self._turn += 1
                return self._seal(epoch, records)
        return None

    def _by_turn(self) -> Sequence[int]:
        epochs = self.spool.epochs
        if len(epochs) == 1 or self._turn % (LIVE_SHARE + 1) == LIVE_SHARE:
            return epochs
        return (epochs[-1], *epochs[:-1])

    def _run(self, epoch: int) -> list[SpoolRecord]:
        records = self.spool.pending(self._sent.get(epoch, 0), MAX_ROWS, epoch=epoch)
        if records and epoch in self._flowing and records[0].first != self._sent[epoch] + 1:
            # The platform takes no hole inside a run; at the start of one it writes the loss down.
            self.wants_hello = True
            return []
        for index, record in enumerate(records):
            if record.kind is not records[0].kind:
                return records[:index]
        return records

    def _seal(self, epoch: int, records: list[SpoolRecord]) -> bytes:
        last = records[-1].last
        envelope = Envelope(
            gateway=self.gateway,
            epoch=epoch,
            first=records[0].first,
            count=sum(record.count for record in records),
            kind=records[0].kind,
            ledger_version=self.ledger_version,
            profile_version=self.profile_version,
            slot_min=min(record.slot_min for record in records),
            slot_max=max(record.slot_max for record in records),
            body=merge(records),
        )
        self._sent[epoch] = last
        self._flowing.add(epoch)
        self._in_flight.append((epoch, last))
        return encode(envelope, self._key.sign, self._key.key_id)
