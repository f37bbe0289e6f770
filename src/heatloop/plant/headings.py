"""Headings of the ledger's sheets, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.coding import DEVICE, GATEWAY

POINT = "point"
PROFILE, PROFILE_ROW = "profile", "profile_row"
_ASSET = (
    ("code", "编码"),
    ("zh", "名称"),
    ("en", "英文名称"),
    ("parent", "上级"),
    ("organisation", "所属组织"),
)
_OTHERS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        GATEWAY: (
            "网关",
            (
                ("code", "编码"),
                ("zh", "名称"),
                ("en", "英文名称"),
                ("kind", "网关类型"),
                ("channel", "通讯方式"),
                ("monthly_cost_yuan", "月通讯费"),
                ("capacity_kbps", "信道带宽"),
                ("spare_channel", "备用信道"),
                ("spare_monthly_cost_yuan", "备用信道月费"),
                ("spare_capacity_kbps", "备用信道带宽"),
                ("organisation", "所属组织"),
            ),
        ),
        DEVICE: (
            "设备",
            (
                ("code", "编码"),
                ("asset", "服务资产"),
                ("gateway", "采集网关"),
                ("profile", "设备类型"),
                ("protocol", "通讯协议"),
                ("host", "地址"),
                ("port", "端口"),
                ("unit_id", "站号"),
                ("regulates", "调节方"),
                ("word_order", "字节序"),
                ("address", "设备地址"),
                ("parameters", "通讯参数"),
            ),
        ),
        POINT: (
            "测点",
            (
                ("code", "编码"),
                ("zh", "名称"),
                ("en", "英文名称"),
                ("unit", "单位"),
                ("period_s", "采集周期"),
                ("alarm_low", "报警下限"),
                ("alarm_high", "报警上限"),
            ),
        ),
        PROFILE: (
            "自有设备类型",
            (
                ("code", "编码"),
                ("zh", "名称"),
                ("en", "英文名称"),
                ("assets", "服务资产类型"),
                ("protocols", "通讯协议"),
            ),
        ),
        PROFILE_ROW: (
            "自有设备类型明细",
            (
                ("code", "编码"),
                ("profile", "设备类型"),
                ("child", "下级"),
                ("stride", "下级间隔"),
                ("register", "寄存器"),
                ("kind", "测点类型"),
                ("n", "序号"),
                ("dtype", "数据类型"),
                ("factor", "系数"),
                ("offset", "偏移"),
                ("access", "读写"),
                ("source", "数据来源"),
            ),
        ),
    }
)


@cache
def sheet_names_zh() -> Mapping[str, str]:
    """Return the Chinese name of every sheet, in the order they are written."""
    kinds = {kind.kind: kind.zh for kind in asset_kinds().values()}
    return MappingProxyType(kinds | {sheet: zh for sheet, (zh, _) in _OTHERS.items()})


@cache
def headings_zh(sheet: str) -> Mapping[str, str]:
    """Return the columns of a sheet in order, each with its Chinese heading and unit."""
    if sheet in _OTHERS:
        return MappingProxyType(dict(_OTHERS[sheet][1]))
    columns = dict(_ASSET)
    for attribute in asset_kinds()[sheet].attributes.values():
        columns[attribute.attribute] = attribute.zh
    return MappingProxyType(columns)


@cache
def sheet_columns(sheet: str) -> Mapping[str, str]:
    """Return the column every accepted heading of a sheet stands for, in column order."""
    columns = {column: column for column in headings_zh(sheet)}
    # An English name wins over an equal Chinese one; of two equal Chinese ones the first wins.
    for column, zh in headings_zh(sheet).items():
        columns.setdefault(zh, column)
    return MappingProxyType(columns)
