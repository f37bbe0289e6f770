"""Where security events come from: the audit trail, the quarantine, links, and gateways' counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from heatloop.app.audit_origin import origin
from heatloop.app.security_events import SecurityEvents
from heatloop.plant.ledger import Ledger

_BY_ACTION = {
    "gateway.enrol_refused": "unknown_gateway",
    "data.export": "data_exported",
    "bulk.export": "data_exported",
    "ledger.export": "data_exported",
    "personal.reveal": "personal_revealed",
    "key.refused": "key_refused",
    "service_key.refused": "key_refused",
    "command.request": "command_given",
    "command.send": "command_given",
}
"""Audited action -> signal or event."""
_BY_REASON = {
    "forged": "forged_frame",
    "malformed": "frame_malformed",
    "damaged": "frame_malformed",
    "bad_note": "frame_malformed",
    "foreign_point": "foreign_points",
    "sequence_hole": "frame_malformed",
}
"""Reason of the quarantine -> signal or event."""
_REFUSED, _BAD = ("refused",), ("malformed", "length", "checksum")
_MOST_GATEWAYS = 10_000


class Sources:
    """Turns what others write down into signals."""

    def __init__(self, events: SecurityEvents, ledger: Callable[[], Ledger]) -> None:
        self._events, self._ledger = events, ledger
        self._counted: OrderedDict[str, tuple[tuple[int, int], dict[tuple[str, str], int]]] = (
            OrderedDict()
        )

    def audited(self, user: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Hear an entry of the audit trail."""
        kind = _BY_ACTION.get(action)
        if kind is None or (kind == "command_given" and detail.get("mode") == "automatic"):
            return
        who = subject if kind in ("unknown_gateway", "key_refused") else user
        address = str(detail.get("address") or "") or origin().address
        self._events.note(kind, who, address, action=action)

    def set_aside(self, gateway: str, reason: str, detail: str, rows: int) -> None:
        """Hear an entry of the quarantine."""
        kind = _BY_REASON.get(reason)
        if kind is not None:
            self._events.note(kind, gateway, reason=reason, detail=detail, rows=rows)

    def gateway_refused(self, gateway: str, address: str, reason: str) -> None:
        """Hear of somebody who said hello and is not who he says."""
        self._events.note("unknown_gateway", gateway, address, reason=reason)

    def reported(self, gateway: str, body: Mapping[str, Any]) -> None:
        """Hear what a gateway counted of its devices and listeners since the hour began.

        Raises:
            KeyError, TypeError, ValueError: The note is malformed.
        """
        hour = (int(body["hour"]), int(body["run"]))
        known_hour, before = self._counted.get(gateway, (hour, {}))
        if known_hour != hour:
            before = {}
        own = {device.code for device in self._ledger().devices_of_gateway(gateway)}
        now: dict[tuple[str, str], int] = {}
        for code, said in body["devices"].items():
            for kind, count in dict(said.get("failed", {})).items():
                name = str(code)
                now[name, kind] = int(count)
                new = int(count) - before.get((name, kind), 0)
                if new > 0:
                    self._refused(gateway, name, kind, new, own=name in own)
        while len(self._counted) >= _MOST_GATEWAYS:
            self._counted.popitem(last=False)
        self._counted[gateway] = (hour, now)

    def _refused(self, gateway: str, name: str, kind: str, new: int, *, own: bool) -> None:
        facts: dict[str, Any] = {"gateway": gateway, "why": kind, "times": new}
        if kind in _REFUSED:
            # A listener that knows no device of that name counts under its own name.
            signal = "sensor_refused" if own else "source_refused"
            self._events.note(signal, name if own else gateway, listener=name, **facts)
        elif kind in _BAD:
            self._events.note("frame_malformed", name if own else gateway, listener=name, **facts)
