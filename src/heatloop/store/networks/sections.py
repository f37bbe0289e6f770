"""What a network file may say: sections and columns, as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TEXT, NUMBER, FLAG, POINTS = "text", "number", "flag", "points"


@dataclass(frozen=True, slots=True)
class Column:
    """One key of a row."""

    name: str
    """Key, with the house unit at its end."""
    zh: str
    """Chinese heading, without the unit."""
    unit: str = ""
    """Unit of a number."""
    kind: str = NUMBER
    """text | number | flag | points."""
    required: bool = False
    """Whether every row must have it."""
    other: tuple[str, ...] = ()
    """More headings it is known by in tables and maps, lower case, without the unit."""


@dataclass(frozen=True, slots=True)
class Section:
    """One list of rows."""

    name: str
    """Key in the file and name of the sheet."""
    zh: str
    """Chinese name of the sheet."""
    columns: Mapping[str, Column]
    """Columns by name, in the order they are written."""
    other: tuple[str, ...] = ()
    """More names of the sheet, lower case."""


def _text(name: str, zh: str, *other: str, required: bool = False) -> Column:
    return Column(name, zh, kind=TEXT, required=required, other=other)


def _number(name: str, zh: str, unit: str, *other: str, required: bool = False) -> Column:
    return Column(name, zh, unit, required=required, other=other)


def _section(name: str, zh: str, *columns: Column, other: tuple[str, ...] = ()) -> Section:
    return Section(name, zh, MappingProxyType({c.name: c for c in columns}), other)


_NAME = _text("name", "名称", "编号", "编码", "id", "code", "名字", required=True)
_ENDS = (
    _text("from", "起点", "from_node", "from_junction", "start", "起始节点", "始点", required=True),
    _text("to", "终点", "to_node", "to_junction", "end", "终止节点", "末点", required=True),
)
_FREE_ENDS = (
    _text("node", "节点", "junction", "接入节点"),
    _text("from", "起点", "from_node", "from_junction", "供水节点", "起始节点"),
    _text("to", "终点", "to_node", "to_junction", "回水节点", "终止节点"),
)
_DEMAND = _number("demand_kw", "热负荷", "kW", "heat", "load", "负荷", "热量", "设计负荷")
_OUTLET = _number("outlet_c", "出口温度", "degC", "return", "回水温度", "return_temperature")
_HOT_OUTLET = _number("outlet_c", "供水温度", "degC", "supply", "出口温度", "supply_temperature")
_FLOW = _number("flow_kgs", "流量", "kg/s", "mass_flow", "设计流量")
_RESISTANCE = _number("resistance_kpa_kgs2", "阻力系数", "kPa/(kg/s)2", "resistance")
_KVS = _number("kvs_m3h", "流通能力", "m3/h", "kvs", "kv", required=True)
_OPENING = _number("opening_pct", "开度", "%", "opening")
_COMMON = (
    Column("shut", "关闭", kind=FLAG, other=("closed", "停用")),
    _number("ambient_c", "环境温度", "degC", "ambient", "地温", "ground"),
)
_ALL = (
    _section(
        "nodes",
        "节点",
        _NAME,
        _number("height_m", "标高", "m", "height", "elevation", "地面标高", "高程"),
        _number("x_m", "东坐标", "m", "x", "lon", "经度", "longitude"),
        _number("y_m", "北坐标", "m", "y", "lat", "纬度", "latitude"),
        _number("held_kpa", "定压", "kPa", "held", "定压压力"),
        _number("outflow_kgs", "放水流量", "kg/s", "outflow"),
        _number("source_c", "进水温度", "degC", "source"),
        _number("leak_kgs_kpa05", "泄漏系数", "kg/(s kPa^0.5)", "leak"),
        other=("node", "junctions", "junction", "管网节点"),
    ),
    _section(
        "pipes",
        "管道",
        _NAME,
        *_ENDS,
        _number("length_m", "长度", "m", "length", "管长", required=True),
        _number("diameter_m", "内径", "m", "diameter", "inner_diameter", "管径", required=True),
        _number("roughness_mm", "粗糙度", "mm", "roughness", "k", "当量粗糙度"),
        _number("minor", "局部阻力系数", "-", "loss_coefficient", "zeta", "局部阻力"),
        _number("loss_w_mk", "散热系数", "W/(m K)", "loss", "heat_loss", "线热损失系数"),
        _number("wall_kj_mk", "管壁热容", "kJ/(m K)", "wall"),
        _DEMAND,
        *_COMMON,
        Column("points", "折点", kind=POINTS),
        other=("pipe", "lines", "管段", "管线"),
    ),
    _section(
        "valves",
        "阀门",
        _NAME,
        *_ENDS,
        _KVS,
        _OPENING,
        _number("rangeability", "可调比", "-"),
        _DEMAND,
        *_COMMON,
        other=("valve",),
    ),
    _section("check_valves", "止回阀", _NAME, *_ENDS, _KVS, *_COMMON, other=("check_valve",)),
    _section(
        "pumps",
        "水泵",
        _NAME,
        *_ENDS,
        _number("shutoff_kpa", "零流量扬程", "kPa", "shutoff", required=True),
        _number("fall_kpa_kgs", "扬程下降一次项", "kPa/(kg/s)"),
        _number("fall_kpa_kgs2", "扬程下降二次项", "kPa/(kg/s)2", required=True),
        _number("speed", "转速比", "-"),
        _number("efficiency", "效率", "-"),
        _HOT_OUTLET,
        *_COMMON,
        other=("pump",),
    ),
    _section(
        "plants",
        "热源",
        _NAME,
        *_FREE_ENDS,
        _number("lift_kpa", "扬程", "kPa", "lift", "dp", "压差", "资用压差", required=True),
        _HOT_OUTLET,
        _RESISTANCE,
        _number("return_kpa", "回水定压", "kPa", "return_pressure", "回水压力"),
        _number("supply_kpa", "供水定压", "kPa", "supply_pressure", "供水压力"),
        *_COMMON,
        other=("plant", "source", "sources", "热源厂", "lifts"),
    ),
    _section(
        "resistances",
        "阻力件",
        _NAME,
        *_ENDS,
        Column("resistance_kpa_kgs2", "阻力系数", "kPa/(kg/s)2", required=True),
        _DEMAND,
        _OUTLET,
        *_COMMON,
        other=("resistance",),
    ),
    _section(
        "consumers",
        "用户",
        _NAME,
        *_FREE_ENDS,
        _FLOW,
        _DEMAND,
        _OUTLET,
        Column("kvs_m3h", "流通能力", "m3/h", other=("kvs", "kv")),
        _OPENING,
        _number("rangeability", "可调比", "-"),
        _RESISTANCE,
        *_COMMON,
        other=("consumer", "users", "热力站", "substations", "热用户", "heat_consumers"),
    ),
    _section(
        "dp_controls",
        "压差控制器",
        _NAME,
        *_ENDS,
        _KVS,
        _text("sensed", "感测节点", required=True),
        _number("lift_kpa", "压差设定", "kPa", required=True),
        *_COMMON,
        other=("dp_control",),
    ),
    _section(
        "exchangers",
        "换热器",
        _NAME,
        _text("hot", "热侧管件", required=True),
        _text("cold", "冷侧管件", required=True),
        _number("kw_k", "传热能力", "kW/K", required=True),
        _number("hot_design_kgs", "热侧设计流量", "kg/s", required=True),
        _number("cold_design_kgs", "冷侧设计流量", "kg/s", required=True),
        _number("fouling", "污垢比", "-"),
        other=("exchanger",),
    ),
)
SECTIONS: Mapping[str, Section] = MappingProxyType({section.name: section for section in _ALL})
"""Every section by name, in the order they are written."""
LINK_SECTIONS = tuple(name for name in SECTIONS if name not in ("nodes", "exchangers"))
"""Sections whose rows become links."""
