"""What was sent and not stored, with the reason, so that nothing disappears silently."""

from __future__ import annotations

from collections.abc import Callable

from heatloop.app.history import in_thread
from heatloop.app.patience import until_done
from heatloop.kernel.clock import machine_s
from heatloop.store.records import Records

_MOST_DETAIL = 1000


class Quarantine:
    """Writes entries; a flood of the same one is counted, not repeated."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.heard: Callable[[str, str, str, int], None] | None = None
        """Told of every entry; set by whoever watches for attacks."""

    async def add(self, gateway: str, reason: str, detail: str, rows: int) -> None:
        """Write one entry.

        Args:
            gateway: Gateway that sent it.
            reason: Reason code.
            detail: What exactly.
            rows: Rows concerned.
        """
        if self.heard is not None:
            self.heard(gateway, reason, detail, rows)
        await until_done(
            "records",
            lambda: in_thread(
                self._records.quarantine.add,
                gateway=gateway,
                at=machine_s(),
                reason=reason,
                detail=detail[:_MOST_DETAIL],
                rows=rows,
            ),
        )
