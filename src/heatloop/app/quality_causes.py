"""What may be given as the cause of abnormal data, and as its correction."""

from __future__ import annotations

from enum import StrEnum


class Correction(StrEnum):
    """What is done about abnormal data; what was measured is always kept."""

    NONE = "none"
    ESTIMATE = "estimate"
    MARK_BAD = "mark_bad"


CAUSES: dict[str, tuple[str, str]] = {
    "sensor": ("传感器故障", "sensor fault"),
    "meter": ("热量表或水表故障", "meter fault"),
    "communication": ("通信故障", "communication fault"),
    "power": ("断电", "power failure"),
    "unit": ("单位或量程设置错误", "wrong unit or scaling"),
    "clock": ("时钟错误", "wrong clock"),
    "wiring": ("接线或位置装错", "wired or placed wrongly"),
    "replaced": ("更换仪表", "instrument replaced"),
    "maintenance": ("检修或调试", "maintenance or commissioning"),
    "operation": ("运行工况，数据真实", "the plant did it: the data are true"),
    "other": ("其他", "other"),
}
"""Chinese and English name of every cause."""
