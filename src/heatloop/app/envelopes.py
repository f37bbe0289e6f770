"""Opening envelopes: whose they are, where they belong, what is inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.app.latest import KeyIndex
from heatloop.app.links import GatewayLine
from heatloop.app.sequence import Verdict
from heatloop.kernel.envelope import Envelope, EnvelopeKind
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.series import Columns, view
from heatloop.plant.ledger import Ledger

FOREIGN_POINT = "foreign_point"
FORGED, DAMAGED, HOLE, LOST = "forged", "damaged", "sequence_hole", "rows_lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """An envelope after opening."""

    line: GatewayLine
    """Line it came over."""
    envelope: Envelope
    """The envelope."""
    columns: Columns | None = None
    """Samples that are new."""
    notes: list[dict[str, Any]] | None = None
    """Notes that are new."""
    foreign: Columns | None = None
    """Samples of points another gateway is responsible for."""
    problem: str = ""
    """Reason code when something is wrong with the envelope."""
    detail: str = ""
    """What exactly."""
    missing: int = 0
    """Rows lost at the sender before it."""
    trusted: bool = True
    """Whether the signature is good, so its sequence numbers may be acknowledged."""


class Owners:
    """Which gateway is responsible for each point, as numbers for arrays."""

    def __init__(self, ledger: Ledger, index: KeyIndex) -> None:
        self._index = index
        self._numbers = {code: number for number, code in enumerate(ledger.gateways)}
        # One more entry at the end: unknown keys are nobody's and left to the checker.
        self._owner = np.full(len(index) + 1, -1, np.int32)
        for binding in ledger.bindings:
            gateway = ledger.devices[binding.device].gateway
            at = index.position(binding.key)
            if at >= 0:
                self._owner[at] = self._numbers.get(gateway, -1)

    def foreign(self, gateway: str, keys: NDArray[np.uint32]) -> NDArray[np.bool_] | None:
        """Return which keys another gateway is responsible for, None when there are none."""
        at = self._index.find(keys)
        mask = (self._owner[at] != self._numbers.get(gateway, -2)) & (at >= 0)
        return mask if mask.any() else None


def open_envelope(line: GatewayLine, envelope: Envelope, owners: Owners) -> Opened:
    """Verify, place and unpack one envelope; problems are in the result, not raised."""
    try:
        line.ring.verify(envelope.key_id, envelope.signed, envelope.signature)
    except UnsafeError as error:
        return Opened(
            line=line, envelope=envelope, problem=FORGED, detail=error.message, trusted=False
        )
    position = line.sequences.place(envelope)
    match position.verdict:
        case Verdict.HOLE:
            detail = f"{position.missing} rows before {envelope.first} are missing"
            return Opened(line=line, envelope=envelope, problem=HOLE, detail=detail, trusted=False)
        case Verdict.REPEAT:
            return Opened(line=line, envelope=envelope)
    try:
        if envelope.kind is EnvelopeKind.NOTES:
            notes = envelope.notes()[position.skip :]
            return Opened(line=line, envelope=envelope, notes=notes, missing=position.missing)
        columns = view(envelope.batch())
    except InputError as error:
        return Opened(line=line, envelope=envelope, problem=DAMAGED, detail=error.message)
    if position.skip:
        columns = columns.take(np.arange(position.skip, len(columns.keys)))
    mask = owners.foreign(envelope.gateway, columns.keys)
    return Opened(
        line=line,
        envelope=envelope,
        columns=columns if mask is None else columns.take(~mask),
        foreign=None if mask is None else columns.take(mask),
        missing=position.missing,
    )
