"""Parts of pandapipes components: names, places, diameters, consumers' forms, pump curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.network.water import CP_KJ_KGK
from heatloop.store.networks.draft import as_mapping
from heatloop.store.networks.pandapipes_tables import Record, frame, has, number, unpacked

KELVIN = 273.15
DENSITY_KG_M3 = 983.2
"""Water at 60 degC, where volume and mass flow must be told apart."""
_NORM_DENSITY = 999.8
KPA_BAR = 100.0


def diameter_mm(content: Mapping[str, Any], row: Record, source: str, place: str) -> float:
    """Return a component's inner diameter, its own or that of its standard type.

    Raises:
        InputError: It has none.
    """
    for column, factor in (("inner_diameter_mm", 1.0), ("diameter_m", 1000.0)):
        if has(row, column):
            return float(row[column]) * factor
    kind = str(row.get("std_type") or "")
    types = as_mapping(unpacked(content.get("std_types") or {}), "std_types", source)
    known = as_mapping(unpacked(types.get("pipe") or {}), "std_types", source).get(kind)
    if kind and known is not None:
        body = dict(as_mapping(unpacked(known), kind, place))
        return number(body, "inner_diameter_mm", None, place)
    raise InputError(
        "no diameter",
        thing=kind or "inner_diameter_mm",
        place=place,
        fix="give inner_diameter_mm or a standard type of the file",
    )


def is_frame(value: Any) -> bool:
    """Return whether a value is a wrapped data frame."""
    return isinstance(value, dict) and value.get("_class") == "DataFrame"


def joined_by(row: Record) -> tuple[Any, Any]:
    """Return the junctions a component joins, (None, None) for a valve at a pipe's end."""
    for start, end in (
        ("from_junction", "to_junction"),
        ("return_junction", "flow_junction"),
        ("junction", "element"),
    ):
        if start in row and end in row and row.get("et") != "pi":
            return row[start], row[end]
    return None, None


def unique(rows: Mapping[int, Record], mark: str, taken: set[str]) -> dict[int, str]:
    """Return a name for each row: its own if it has one nobody else has."""
    found = {}
    for index, row in rows.items():
        own = row.get("name")
        name = str(own).strip() if own is not None and str(own).strip() else f"{mark} {index}"
        if name in taken:
            name = f"{name} ({mark} {index})"
        taken.add(name)
        found[index] = name
    return found


def junction_places(
    content: Mapping[str, Any], junctions: Mapping[int, Record], source: str
) -> dict[int, tuple[float, float]]:
    """Return where junctions lie, by index: a table of its own, or columns of theirs."""
    rows = frame(content, "junction_geodata", source) or junctions
    return {
        index: (float(row["x"]), float(row["y"]))
        for index, row in rows.items()
        if has(row, "x") and has(row, "y")
    }


def shapes(content: Mapping[str, Any], source: str) -> dict[int, Any]:
    """Return the points pipes are drawn through, by index."""
    rows = frame(content, "pipe_geodata", source)
    return {index: row["coords"] for index, row in rows.items() if row.get("coords")}


def pipe_valves(valves: Mapping[int, Record]) -> dict[tuple[Any, Any], int]:
    """Return the valves that stand at a pipe's end, by pipe and junction."""
    return {
        (row.get("element"), row.get("junction")): index
        for index, row in valves.items()
        if row.get("et") == "pi"
    }


def consumer_form(row: Record, place: str) -> dict[str, float]:
    """Return what a heat consumer prescribes: two of heat, flow, drop and return temperature.

    Raises:
        InputError: It prescribes less.
    """
    heat = number(row, "qext_w", 0.0, place) / 1000.0
    flow = number(row, "controlled_mdot_kg_per_s", 0.0, place)
    if has(row, "qext_w") and has(row, "controlled_mdot_kg_per_s"):
        return {"flow_kgs": flow, "demand_kw": heat}
    if has(row, "qext_w") and has(row, "treturn_k"):
        return {"demand_kw": heat, "outlet_c": float(row["treturn_k"]) - KELVIN}
    if has(row, "qext_w") and has(row, "deltat_k") and row["deltat_k"] > 0.0:
        return {"flow_kgs": heat / (CP_KJ_KGK * float(row["deltat_k"])), "demand_kw": heat}
    if has(row, "controlled_mdot_kg_per_s") and has(row, "treturn_k"):
        return {"flow_kgs": flow, "outlet_c": float(row["treturn_k"]) - KELVIN}
    if has(row, "controlled_mdot_kg_per_s") and has(row, "deltat_k"):
        return {"flow_kgs": flow, "demand_kw": flow * CP_KJ_KGK * float(row["deltat_k"])}
    raise InputError(
        "two of heat, flow, temperature drop and return temperature are needed",
        thing=str(row.get("name") or "heat_consumer"),
        place=place,
        fix="set two of them",
    )


def pump_curve(
    content: Mapping[str, Any], row: Record, source: str, place: str
) -> dict[str, float]:
    """Return a pump's head curve from its standard type: bar over m3/h to kPa over kg/s.

    Raises:
        InputError: The type is unknown, no parabola, or rises with the flow.
    """
    kind = str(row.get("std_type") or "")
    types = as_mapping(unpacked(content.get("std_types") or {}), "std_types", source)
    pumps = as_mapping(unpacked(types.get("pump") or {}), "std_types", source)
    if kind not in pumps:
        raise InputError("unknown pump type", thing=kind, place=place, fix="keep its std_type")
    body = as_mapping(unpacked(pumps[kind]), kind, place)
    raw = unpacked(body.get("reg_par"))
    factors = [float(unpacked(value)) for value in raw] if isinstance(raw, list) else []
    if not 1 <= len(factors) <= 3:
        raise InputError(
            "the pump's curve is no parabola", thing=kind, place=place, fix="use degree 2"
        )
    square, linear, head = [0.0] * (3 - len(factors)) + factors
    # Its curves are over normal volume: water of 0 degC.
    m3h_per_kgs = 3600.0 / _NORM_DENSITY
    fall2 = -square * m3h_per_kgs**2 * KPA_BAR
    fall1 = -linear * m3h_per_kgs * KPA_BAR
    if min(fall1, fall2) < -1e-6:
        raise InputError(
            "the pump's head rises with the flow", thing=kind, place=place, fix="correct its curve"
        )
    return {
        "shutoff_kpa": head * KPA_BAR,
        "fall_kpa_kgs": max(fall1, 0.0),
        "fall_kpa_kgs2": max(fall2, 0.0),
    }
