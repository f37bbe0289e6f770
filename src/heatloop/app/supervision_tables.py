"""A dispatch period as sheets: subjects, their hours, deviations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.app.supervision_figures import Period, figures_of, hours_of
from heatloop.app.views.supervision import DeviationEvent
from heatloop.plant.model import Asset
from heatloop.store.tables import Sheets


def period_sheets(
    assets: Mapping[str, Asset], period: Period, events: list[DeviationEvent], zone: ZoneInfo
) -> Sheets:
    """Return the sheets of a period; times are local, with headings in both languages."""

    def local(at: datetime) -> str:
        return at.astimezone(zone).isoformat(sep=" ", timespec="minutes")

    subjects: list[dict[str, Any]] = []
    hours: list[dict[str, Any]] = []
    for each in period.subjects:
        row = figures_of(assets[each.code], each)
        subjects.append(
            {
                "编码 code": row.code,
                "名称 name": f"{row.zh} {row.en}",
                "量 quantity": row.quantity,
                "单位 unit": row.unit,
                "计划 plan": row.plan,
                "同时段实际 actual of planned hours": row.plan_actual,
                "偏差% deviation %": row.deviation_pct,
                "预测 forecast": row.forecast,
                "实际 actual": row.actual,
                "预测误差% forecast MAPE %": row.forecast_mape_pct,
                "比较小时 hours compared": row.hours,
                "超出带宽小时 hours outside": row.outside,
            }
        )
        hours += [
            {
                "编码 code": each.code,
                "量 quantity": each.quantity,
                "时间 time": local(hour.at),
                "计划下限 plan low": hour.plan_low,
                "计划 plan": hour.plan,
                "计划上限 plan high": hour.plan_high,
                "预测10% forecast low": hour.forecast_low,
                "预测50% forecast": hour.forecast,
                "预测90% forecast high": hour.forecast_high,
                "实际 actual": hour.actual,
            }
            for hour in hours_of(period, each)
        ]
    reported = [
        {
            "编码 code": event.code,
            "名称 name": f"{event.zh} {event.en}",
            "事件 event": f"{event.rule_zh} {event.rule_en}",
            "开始 begin": local(event.onset),
            "数值 value": event.value,
            "限值 limit": event.limit,
            "状态 state": event.state,
        }
        for event in events
    ]
    return {"subjects": subjects, "hours": hours, "deviations": reported}
