"""Emergency orders as people read them."""

from __future__ import annotations

from typing import Any

from heatloop.app.emergency import PROPOSED, WAITING, Emergency, Proposed
from heatloop.app.emergency_orders import AssetOrder, Order
from heatloop.app.links import Links
from heatloop.app.views.emergency import (
    EmergencyView,
    StopAssetView,
    StopOrderView,
    StopStepView,
)
from heatloop.app.world import World
from heatloop.control.stop_plans import stop_rows
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope

_MOST = 50
_NOTHING: list[dict[str, Any]] = []


class EmergencyBook:
    """Reads emergency orders back."""

    def __init__(self, world: World, links: Links, emergency: Emergency) -> None:
        self._world, self._links, self._emergency = world, links, emergency

    def all(self, scope: Scope, user: str) -> EmergencyView:
        """Return what is held, what waits for a user, and the newest orders, inside a scope."""
        emergency = self._emergency
        sees = self._world.sees
        waiting = [
            self.proposal(made)
            for made in emergency.proposed.values()
            if made.state == WAITING
            and made.order.ordered_by != user
            and sees(scope, made.order.subject)
        ]
        orders = [o for o in reversed(emergency.orders.values()) if sees(scope, o.subject)]
        return EmergencyView(
            held=sorted(code for code in emergency.held if sees(scope, code)),
            waiting=waiting,
            orders=[self.order(each) for each in orders[:_MOST]],
        )

    def proposal(self, made: Proposed, token: str = "") -> StopOrderView:
        """Return an order that waits, with its plan; or what it has become."""
        shown = made.state if made.state in (PROPOSED, WAITING, "withdrawn") else ""
        return self.order(made.order, made=made, state=shown, token=token)

    def order(
        self, order: Order, *, made: Proposed | None = None, state: str = "", token: str = ""
    ) -> StopOrderView:
        """Return an order as people read it."""
        subject = self._world.ledger.assets.get(order.subject)
        plans = made.plans if made is not None and state else {}
        assets = [
            self._asset(code, own, plans.get(code, _NOTHING)) for code, own in order.assets.items()
        ]
        gateways = {own.gateway for own in order.assets.values()}
        second = made.second_until_s if made is not None else None
        return StopOrderView(
            id=order.id,
            action=order.action,
            subject=order.subject,
            subject_zh=subject.zh if subject is not None else order.subject,
            subject_en=subject.en if subject is not None else order.subject,
            cause=order.cause,
            reason=order.reason,
            network=order.network,
            state=state or order.state,
            ordered_by=order.ordered_by,
            second_by=order.second_by,
            break_glass=order.break_glass,
            at=utc(order.at),
            ordered=utc(order.ordered_at),
            ended=None if order.ended_at is None else utc(order.ended_at),
            token=token,
            token_until=None if made is None else utc(made.until_s),
            second_until=None if second is None else utc(second),
            gateways=len(gateways),
            connected=sum(self._links.line(code) is not None for code in gateways),
            assets=assets,
        )

    def _asset(self, code: str, own: AssetOrder, plan: list[dict[str, Any]]) -> StopAssetView:
        asset = self._world.ledger.assets.get(code)
        steps = [self._step(each) for each in own.steps or plan]
        return StopAssetView(
            asset=code,
            zh=asset.zh if asset is not None else code,
            en=asset.en if asset is not None else code,
            gateway=own.gateway,
            connected=self._links.line(own.gateway) is not None,
            state="planned" if plan and not own.steps else own.state,
            steps=steps,
        )

    def _step(self, each: dict[str, Any]) -> StopStepView:
        point = self._world.ledger.points.get(str(each["point"]))
        kind = point.kind if point is not None else ""
        words = next(((r.zh, r.en) for r in stop_rows() if r.point_kind == kind), ("", ""))
        before = each.get("before")
        if before is None and point is not None and "state" not in each:
            before = self._world.latest.value(point.key)
        return StopStepView(
            point=str(each["point"]),
            value=float(each["value"]),
            before=before,
            read=each.get("read"),
            state=str(each.get("state", "planned")),
            reason=str(each.get("reason", ""))[:120],
            zh=str(each.get("zh", words[0])),
            en=str(each.get("en", words[1])),
        )
