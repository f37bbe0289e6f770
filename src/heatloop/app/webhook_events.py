"""The kinds of events integrators can ask for, and how the records' logs become them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.app.alarm_views import subject_asset
from heatloop.kernel.clock import utc
from heatloop.plant.ledger import Ledger
from heatloop.store.records.webhook_log import LoggedEvent

SCHEMA = "1"
TEST = "webhook.test"
EVENT_TYPES: Mapping[str, tuple[str, str]] = {
    "alarm.raised": ("报警产生", "alarm raised"),
    "alarm.cleared": ("报警恢复", "alarm cleared"),
    "alarm.acknowledged": ("报警已确认", "alarm acknowledged"),
    "command.failed": ("指令失败或过期", "command failed or expired"),
    "quality.case": ("发现异常数据", "abnormal data found"),
    "device.in_service": ("设备投入使用", "device put into service"),
    "device.retired": ("设备报废", "device retired"),
    "backup.done": ("备份完成", "backup done"),
    "backup.failed": ("备份失败", "backup failed"),
    "job.failed": ("后台任务失败", "background job failed"),
    "extension.failed": ("扩展模块停用", "extension module stopped"),
}
"""Kind -> (zh, en)."""

_ALARMS = {"raise": "alarm.raised", "clear": "alarm.cleared", "acknowledge": "alarm.acknowledged"}
_DEVICE_STATES = {"in_service": "device.in_service", "retired": "device.retired"}


def kind_of(event: LoggedEvent) -> str:
    """Return the kind of a logged event; empty when it is nothing to tell."""
    match event.source:
        case "alarm":
            return _ALARMS.get(event.what, "")
        case "command":
            return "command.failed"
        case "quality":
            return "quality.case"
        case "job":
            return "backup.failed" if event.what.startswith("backup") else "job.failed"
    if event.what == "device.state":
        return _DEVICE_STATES.get(str(event.data.get("to", "")), "")
    if event.what.startswith("backup."):
        bad = event.what.endswith("failed") or event.data.get("ok") is False
        return "backup.failed" if bad else "backup.done"
    return "extension.failed" if event.what == "extension.stopped" else ""


def body_of(kind: str, event: LoggedEvent, ledger: Ledger, company: str) -> dict[str, Any]:
    """Return what is told of an event: plain values, the same whoever gets it."""
    asset = subject_asset(ledger, event.subject)
    thing = ledger.assets.get(asset) or ledger.gateways.get(asset)
    return {
        "schema": SCHEMA,
        "event": kind,
        "event_id": f"{event.source}:{event.key}",
        "company": company,
        "subject": event.subject,
        "asset": asset,
        "asset_zh": thing.zh if thing is not None else "",
        "asset_en": thing.en if thing is not None else "",
        "at": utc(event.at).isoformat().replace("+00:00", "Z"),
        "data": dict(event.data),
    }
