"""Link reports as sheets of rows, for Excel."""

from __future__ import annotations

from typing import Any

from heatloop.app.views.links import LinkReportView

_HEADINGS = (
    ("code", "编码 code"),
    ("zh", "名称"),
    ("en", "name"),
    ("gateway", "网关 gateway"),
    ("channel", "信道 channel"),
    ("medium", "通讯方式 medium"),
    ("asked", "应收 expected"),
    ("answered", "实收 received"),
    ("success_pct", "成功率% success %"),
    ("rtt_median_ms", "往返中位数ms round trip median ms"),
    ("rtt_p95_ms", "往返P95 ms round trip p95 ms"),
    ("bytes_up", "上行字节 bytes up"),
    ("bytes_down", "下行字节 bytes down"),
    ("capacity_kbps", "带宽kbps capacity kbps"),
    ("used_p95_kbps", "占用P95 kbps used p95 kbps"),
    ("margin_pct", "裕量% margin %"),
    ("rssi_dbm", "信号dBm signal dBm"),
    ("snr_db", "信噪比dB SNR dB"),
    ("blind", "盲点 blind spot"),
)
_FAILURES = "失败 failures: "


def report_sheets(report: LinkReportView) -> dict[str, list[dict[str, Any]]]:
    """Return a report as two sheets: the links, and cost by channel type."""
    kinds = sorted({kind for item in report.items for kind in item.failed})
    links = [
        {heading: getattr(item, name) for name, heading in _HEADINGS}
        | {_FAILURES + kind: item.failed.get(kind, 0) for kind in kinds}
        for item in report.items
    ]
    costs = [
        {
            "通讯方式 medium": cost.medium,
            "网关数 gateways": cost.gateways,
            "测点数 points": cost.points,
            "月费用元 monthly cost yuan": cost.monthly_cost_yuan,
            "每点月费用元 cost per point yuan": cost.cost_per_point_yuan,
            "成功率% success %": cost.success_pct,
        }
        for cost in report.costs
    ]
    return {"链路 links": links, "费用 cost": costs}
