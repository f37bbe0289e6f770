"""The order of Sparkplug messages: births, deaths and numbers, seen from the edge and the host.

An edge node announces everything in NBIRTH (seq 0) and its devices in DBIRTH; every message
then counts seq from 0 to 255 and round again. Its last will is NDEATH, which carries the same
bdSeq as its NBIRTH. A host that misses a number, or hears of an unknown alias, asks for a
rebirth with NCMD `Node Control/Rebirth`.

Reference: Sparkplug 3.0.0, 5 (operational behaviour) and 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from heatloop.kernel.errors import InputError
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.encode import encode_payload
from heatloop.protocols.sparkplug.model import Metric, Payload

NAMESPACE = "spBv1.0"
BD_SEQ, REBIRTH = "bdSeq", "Node Control/Rebirth"
KINDS = ("NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD")
_INT64, _BOOLEAN = 4, 11
_NUMBERS = 256
MAX_METRICS_KNOWN = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """Where a message belongs."""

    group: str
    """Company or branch."""
    kind: str
    """One of `KINDS`."""
    node: str
    """Edge node."""
    device: str = ""
    """Device, empty for the node itself."""

    def __str__(self) -> str:
        parts = [NAMESPACE, self.group, self.kind, self.node]
        return "/".join([*parts, self.device] if self.device else parts)


def read_topic(text: str) -> Topic:
    """Return a topic.

    Raises:
        InputError: It is no Sparkplug B topic of a node or device.
    """
    parts = text.split("/")
    fits = len(parts) in {4, 5} and parts[0] == NAMESPACE and parts[2] in KINDS and all(parts)
    if not fits or (len(parts) == 5) != (parts[2][0] == "D"):
        raise InputError(
            "no Sparkplug B topic", thing=text[:80], fix="spBv1.0/group/NDATA/node[/device]"
        )
    return Topic(group=parts[1], kind=parts[2], node=parts[3], device="".join(parts[4:]))


class EdgeNode:
    """The edge's side: numbers its messages.

    Args:
        bd_seq: Number of the next birth, kept over restarts if possible.
    """

    def __init__(self, bd_seq: int = 0) -> None:
        if not 0 <= bd_seq < _NUMBERS:
            raise InputError("bdSeq is 0 to 255", thing=str(bd_seq))
        self._next_birth = bd_seq
        self.bd_seq = bd_seq
        self._seq = 0
        self.born = False

    def will(self, at_ms: int) -> bytes:
        """Return the NDEATH payload, to be set as last will before each connection."""
        self.bd_seq, self.born = self._next_birth, False
        self._next_birth = (self._next_birth + 1) % _NUMBERS
        return encode_payload(Payload(timestamp_ms=at_ms, metrics=(self._bd_metric(at_ms),)))

    def _bd_metric(self, at_ms: int) -> Metric:
        return Metric(name=BD_SEQ, timestamp_ms=at_ms, datatype=_INT64, value=self.bd_seq)

    def birth(self, at_ms: int, metrics: Iterable[Metric]) -> bytes:
        """Return the NBIRTH payload; the node's own metrics need name, type and value.

        Raises:
            InputError: A metric lacks its name or type.
        """
        control = Metric(name=REBIRTH, timestamp_ms=at_ms, datatype=_BOOLEAN, value=False)
        everything = (self._bd_metric(at_ms), control, *_complete(metrics))
        self.born, self._seq = True, 0
        return encode_payload(Payload(timestamp_ms=at_ms, seq=self._take(), metrics=everything))

    def device_birth(self, at_ms: int, metrics: Iterable[Metric]) -> bytes:
        """Return a DBIRTH payload.

        Raises:
            InputError: A metric lacks its name or type, or the node is not born.
        """
        return self._message(at_ms, _complete(metrics))

    def device_death(self, at_ms: int) -> bytes:
        """Return a DDEATH payload.

        Raises:
            InputError: The node is not born.
        """
        return self._message(at_ms, ())

    def data(self, at_ms: int, metrics: Iterable[Metric], *, with_types: bool = False) -> bytes:
        """Return an NDATA or DDATA payload; metrics with an alias leave out their name.

        Args:
            at_ms: When it is sent, milliseconds since 1970 UTC.
            metrics: What to tell.
            with_types: Whether to repeat the types of the birth: some hosts do not remember them.

        Raises:
            InputError: A value does not fit its type, or the node is not born.
        """
        short = [m if m.alias is None else replace(m, name=None) for m in metrics]
        return self._message(at_ms, short, with_types=with_types)

    def _message(self, at_ms: int, metrics: Iterable[Metric], *, with_types: bool = True) -> bytes:
        if not self.born:
            raise InputError("a node is born before it tells anything", thing="Sparkplug node")
        payload = Payload(timestamp_ms=at_ms, seq=self._seq, metrics=tuple(metrics))
        data = encode_payload(payload, with_types=with_types)
        self._take()
        return data

    def _take(self) -> int:
        seq, self._seq = self._seq, (self._seq + 1) % _NUMBERS
        return seq


def _complete(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    found = tuple(metrics)
    for metric in found:
        if not metric.name or metric.datatype is None:
            raise InputError("a birth names every metric and its type", thing=metric.name or "?")
    return found


def rebirth_command(at_ms: int) -> bytes:
    """Return the NCMD payload that asks a node for its births."""
    metric = Metric(name=REBIRTH, timestamp_ms=at_ms, datatype=_BOOLEAN, value=True)
    return encode_payload(Payload(timestamp_ms=at_ms, metrics=(metric,)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What follows from one message of a node."""

    payload: Payload
    """The message, with names and types filled in; historical metrics are marked."""
    rebirth: bool = False
    """Whether to ask for a rebirth: a number is missing, or an alias or device is unknown."""
    stale: bool = False
    """Whether the message is an old death, to be left aside."""


class HostNode:
    """The host's side of one node: checks the numbers and fills in names."""

    def __init__(self) -> None:
        self.online = False
        self.bd_seq: int | None = None
        self.devices: set[str] = set()
        self._seq: int | None = None
        self._known: dict[int, tuple[str, str, int]] = {}
        self._types: dict[tuple[str, str], int] = {}

    def heard(self, topic: Topic, data: bytes) -> Heard:
        """Take a message of this node.

        Raises:
            InputError: The payload is malformed, or a birth is incomplete.
        """
        types: dict[int | str, int] = {alias: row[2] for alias, row in self._known.items()}
        own = (
            (name, code) for (device, name), code in self._types.items() if device == topic.device
        )
        types.update(own)
        payload = decode_payload(data, {} if topic.kind.endswith("BIRTH") else types)
        match topic.kind:
            case "NBIRTH":
                return self._node_birth(payload)
            case "NDEATH":
                return self._node_death(payload)
            case "NCMD" | "DCMD":
                return Heard(payload=payload)
        missed = not self.online or not self._counts(payload.seq)
        if topic.kind == "DBIRTH":
            self._learn(topic.device, payload)
            self.devices.add(topic.device)
        elif topic.kind == "DDEATH":
            self.devices.discard(topic.device)
        elif topic.device and topic.device not in self.devices:
            missed = True
        metrics = tuple(self._named(metric) for metric in payload.metrics)
        unknown = any(metric.name is None for metric in metrics)
        return Heard(payload=replace(payload, metrics=metrics), rebirth=missed or unknown)

    def type_of(self, device: str, name: str) -> int | None:
        """Return the data type a birth gave a metric; None: it named none such.

        Args:
            device: Device, empty for the node itself.
            name: Name of the metric.
        """
        return self._types.get((device, name))

    def _counts(self, seq: int | None) -> bool:
        expected = None if self._seq is None else (self._seq + 1) % _NUMBERS
        self._seq = seq
        return seq is not None and seq == expected

    def _node_birth(self, payload: Payload) -> Heard:
        numbers = [m.value for m in payload.metrics if m.name == BD_SEQ]
        first = numbers[0] if numbers else None
        if payload.seq != 0 or not isinstance(first, int):
            raise InputError("NBIRTH needs seq 0 and bdSeq", thing="Sparkplug node")
        self._known.clear()
        self._types.clear()
        self.devices.clear()
        self._learn("", payload)
        self.online, self.bd_seq, self._seq = True, first, 0
        return Heard(payload=payload)

    def _node_death(self, payload: Payload) -> Heard:
        numbers = [m.value for m in payload.metrics if m.name == BD_SEQ]
        if self.bd_seq is not None and numbers != [self.bd_seq]:
            return Heard(payload=payload, stale=True)
        self.online, self._seq = False, None
        self.devices.clear()
        return Heard(payload=payload)

    def _learn(self, device: str, payload: Payload) -> None:
        for metric in _complete(payload.metrics):
            code = metric.datatype or 0
            self._types[device, metric.name or ""] = code
            if metric.alias is not None:
                taken = self._known.get(metric.alias)
                if taken is not None and taken[:2] != (device, metric.name):
                    raise InputError("two metrics share an alias", thing=metric.name or "?")
                self._known[metric.alias] = (device, metric.name or "", code)
            if len(self._types) > MAX_METRICS_KNOWN:
                raise InputError("too many metrics in one node", thing=metric.name or "?")

    def _named(self, metric: Metric) -> Metric:
        if metric.name is not None or metric.alias is None:
            return metric
        found = self._known.get(metric.alias)
        return metric if found is None else replace(metric, name=found[1])
