"""Secondary balance as a workbook that technicians take along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.secondary_balance import SecondaryBalance
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.views.balance import BalanceView
from heatloop.security.access import Principal
from heatloop.store.tables import XLSX, write_tables

_STATES = {
    "fine": ("合适", "fine"),
    "open_more": ("开大", "open more"),
    "throttle": ("关小", "throttle"),
    "at_stop": ("已全开仍不足", "fully open and short"),
    "unknown": ("未知", "unknown"),
}
_METHODS = {"flow": ("流量", "flow"), "return": ("回水温度", "return temperature"), "": ("", "")}
_REASONS = {
    "": ("", ""),
    "no_buildings": ("台账中无楼栋", "no buildings in the ledger"),
    "few_known": ("有读数的楼栋不足两栋", "fewer than two buildings have readings"),
    "not_heating": ("机组未供热", "the unit is not heating"),
    "valves_moved": ("阀门刚调整过，等待三小时", "valves were just moved: wait three hours"),
}


class BalanceExport:
    """Exports.

    Args:
        balance: What is proposed.
        audit: Trail of exports.
        company: Time zone.
    """

    def __init__(self, balance: SecondaryBalance, audit: Audit, company: CompanySettings) -> None:
        self._balance, self._audit, self._company = balance, audit, company

    async def make(self, by: Principal, unit: str, language: str) -> tuple[bytes, str]:
        """Return the workbook and its name.

        Args:
            by: Who asks; only what is inside the scope is in it.
            unit: One unit; empty: all, the worst first.
            language: `zh` or `en`.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        balance = self._balance
        views = [await balance.one(by.scope, unit)] if unit else await balance.all(by.scope)
        zone = ZoneInfo(self._company.time_zone)
        data = await in_thread(workbook, views, zone=zone, zh=language == "zh")
        rows = sum(len(view.items) for view in views)
        await self._audit.add(by.user, "balance.export", unit or "all", rows=rows)
        return data, f"secondary-balance{'-' if unit else ''}{unit}.xlsx"


def workbook(views: Sequence[BalanceView], *, zone: ZoneInfo, zh: bool) -> bytes:
    """Return a workbook of two sheets: valves by building, and units.

    Args:
        views: Units in the order wanted.
        zone: Time zone times are written in.
        zh: Chinese headings and words, else English.
    """

    def word(first: str, second: str) -> str:
        return first if zh else second

    def name(row: Any) -> str:
        return str(row.zh if zh else row.en)

    at = 0 if zh else 1
    valves = [
        {
            word("热力站", "station"): word(view.card.station_zh, view.card.station_en),
            word("机组", "unit"): view.card.unit,
            word("楼栋", "building"): row.building,
            word("名称", "name"): name(row),
            word("供热面积 m²", "area m2"): row.area_m2,
            word("应占流量 %", "share %"): row.share_pct,
            word("流量 m³/h", "flow m3/h"): row.flow_m3h,
            word("供水 °C", "supply °C"): row.supply_c,
            word("回水 °C", "return °C"): row.return_c,
            word("室温 °C", "rooms °C"): row.room_c,
            word("应调流量比", "wanted over present flow"): row.factor,
            word("当前开度 %", "present opening %"): row.opening_pct,
            word("建议开度 %", "proposed opening %"): row.proposed_pct,
            word("建议", "what to do"): _STATES[row.state][at],
            word("实调开度 %", "set to %"): "",
            word("调节人、时间", "by whom, when"): "",
        }
        for view in views
        for row in view.items
    ]
    units = [
        {
            word("机组", "unit"): view.card.unit,
            word("名称", "name"): name(view.card),
            word("热力站", "station"): word(view.card.station_zh, view.card.station_en),
            word("平衡离散度 %", "spread %"): view.card.spread_pct,
            word("依据", "told by"): _METHODS[view.card.method][at],
            word("楼栋数", "buildings"): view.card.buildings,
            word("有读数", "with readings"): view.card.known,
            word("需调节", "to move"): view.card.to_move,
            word("已全开仍不足", "fully open and short"): view.card.at_stop,
            word("无建议原因", "why none"): _REASONS[view.card.reason][at],
            word("数据至", "data until"): view.data_until.astimezone(zone).strftime(
                "%Y-%m-%d %H:%M"
            ),
        }
        for view in views
    ]
    sheets: dict[str, Sequence[Mapping[str, Any]]] = {
        word("楼栋阀门", "valves"): valves,
        word("机组", "units"): units,
    }
    return write_tables(sheets, XLSX)
