"""Receivers and data sets as people read them."""

from __future__ import annotations

from heatloop.app.views.personal import GivenView, ReceiverView
from heatloop.kernel.clock import utc
from heatloop.store.records.personal_receivers import JobRow, ReceiverRow


def receiver_view(row: ReceiverRow, now_s: float) -> ReceiverView:
    """Return a receiver at a machine time."""
    return ReceiverView(
        code=row.code,
        name=row.name,
        contract=row.contract,
        purposes=sorted(row.purposes),
        fields=sorted(row.fields),
        public_key=row.public_key,
        valid_from=utc(row.valid_from),
        valid_until=utc(row.valid_until),
        active=row.active,
        in_force=row.active and row.valid_from <= now_s < row.valid_until,
        by=row.user,
        at=utc(row.at),
    )


def given_view(row: JobRow, *, kept: bool) -> GivenView:
    """Return a data set; `kept` says whether its file is still there."""
    return GivenView(
        id=row.id,
        receiver=row.receiver,
        purpose=row.purpose,
        reason=row.reason,
        fields=sorted(row.fields),
        start=utc(row.start_s),
        end=utc(row.end_s),
        k=row.k,
        state=row.state,
        permit=row.permit,
        by=row.user,
        at=utc(row.at),
        rows=row.rows,
        suppressed=row.suppressed,
        left_out=row.left_out,
        k_reached=row.k_reached,
        loss_pct=row.loss_pct,
        steps=dict(row.steps),
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        kept=kept,
    )
