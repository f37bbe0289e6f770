"""Results as tables: nodes and links of a state, with Chinese or English headings."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.state import State
from heatloop.network.water import CP_KJ_KGK, density_kg_m3
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.tables import CSV, XLSX, Row, write_tables

Columns = dict[str, list[Any]]
_ZH = {
    "name": "名称",
    "kind": "类型",
    "from": "起点",
    "to": "终点",
    "height_m": "标高(m)",
    "x_m": "东坐标",
    "y_m": "北坐标",
    "length_m": "长度(m)",
    "diameter_m": "内径(m)",
    "pressure_kpa": "压力(kPa)",
    "temperature_c": "温度(℃)",
    "supplied": "有供热",
    "flow_kgs": "流量(kg/s)",
    "velocity_ms": "流速(m/s)",
    "loss_kpa": "压降(kPa)",
    "loss_pa_m": "比摩阻(Pa/m)",
    "inlet_c": "进口温度(℃)",
    "outlet_c": "出口温度(℃)",
    "heat_kw": "放热量(kW)",
}
_KINDS_ZH = {
    LinkKind.PIPE: "管道",
    LinkKind.VALVE: "阀门",
    LinkKind.CHECK_VALVE: "止回阀",
    LinkKind.PUMP: "水泵",
    LinkKind.LIFT: "热源",
    LinkKind.FLOW: "定流量用户",
    LinkKind.HEAT: "定热量用户",
    LinkKind.RESISTANCE: "阻力件",
    LinkKind.DP_CONTROL: "压差控制器",
}
_MIDDLE_C = 60.0


def node_columns(file: NetworkFile, state: State | None) -> Columns:
    """Return the nodes' columns by English heading; nan where a number is not known."""
    network = file.network
    columns: Columns = {
        "name": list(network.node_names),
        "height_m": network.height_m.tolist(),
        "x_m": network.x_m.tolist(),
        "y_m": network.y_m.tolist(),
    }
    if state is not None:
        columns["pressure_kpa"] = state.pressure_kpa.tolist()
        columns["temperature_c"] = state.node_c.tolist()
        columns["supplied"] = state.supplied.tolist()
    return columns


def link_columns(file: NetworkFile, state: State | None) -> Columns:
    """Return the links' columns by English heading; nan where a number is not known."""
    network = file.network
    names = network.node_names
    is_pipe = network.kind == LinkKind.PIPE
    columns: Columns = {
        "name": list(network.link_names),
        "from": [names[node] for node in network.from_node.tolist()],
        "to": [names[node] for node in network.to_node.tolist()],
        "length_m": np.where(is_pipe, network.length_m, math.nan).tolist(),
        "diameter_m": np.where(is_pipe, network.diameter_m, math.nan).tolist(),
    }
    if state is None:
        return columns
    fall = state.pressure_kpa[network.from_node] - state.pressure_kpa[network.to_node]
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.nan_to_num((state.inlet_c + state.outlet_c) / 2.0, nan=_MIDDLE_C)
        area = network.diameter_m**2 * (math.pi / 4.0)
        speed = np.where(is_pipe, state.flow_kgs / (density_kg_m3(middle) * area), math.nan)
        steep = np.where(is_pipe, fall * 1000.0 / network.length_m, math.nan)
    columns["flow_kgs"] = state.flow_kgs.tolist()
    columns["velocity_ms"] = speed.tolist()
    columns["loss_kpa"] = fall.tolist()
    columns["loss_pa_m"] = steep.tolist()
    columns["inlet_c"] = state.inlet_c.tolist()
    columns["outlet_c"] = state.outlet_c.tolist()
    heat = np.abs(state.flow_kgs) * CP_KJ_KGK * (state.inlet_c - state.outlet_c)
    columns["heat_kw"] = heat.tolist()
    return columns


def _rows(columns: Columns, zh: bool) -> list[Row]:
    rows: list[Row] = [{} for _ in columns["name"]]
    for heading, column in columns.items():
        shown = _ZH[heading] if zh else heading
        for row, value in zip(rows, column, strict=True):
            row[shown] = None if isinstance(value, float) and not math.isfinite(value) else value
    return rows


def result_tables(file: NetworkFile, state: State, *, language: str = "en") -> dict[str, list[Row]]:
    """Return the sheets of nodes and links of a state.

    Args:
        file: The network.
        state: What a solve found.
        language: `zh` or `en`.

    Raises:
        InputError: No such language.
    """
    if language not in ("zh", "en"):
        raise InputError("no such language", thing=language, fix="use zh or en")
    zh = language == "zh"
    kinds = [LinkKind(kind) for kind in file.network.kind.tolist()]
    links = link_columns(file, state)
    links = {
        "name": links.pop("name"),
        "kind": [_KINDS_ZH[kind] if zh else kind.name.lower() for kind in kinds],
        **links,
    }
    sheets: Mapping[str, Columns] = {
        "节点" if zh else "nodes": node_columns(file, state),
        "管件" if zh else "links": links,
    }
    return {name: _rows(columns, zh) for name, columns in sheets.items()}


def export_results(
    file: NetworkFile, state: State, *, kind: str = XLSX, language: str = "en"
) -> bytes:
    """Return a workbook, or a zip of CSV files, with the nodes and links of a state.

    Args:
        file: The network.
        state: What a solve found.
        kind: `xlsx` or `csv`.
        language: `zh` or `en`.

    Raises:
        InputError: No such kind or language.
    """
    return write_tables(result_tables(file, state, language=language), kind)


def write_results(file: NetworkFile, state: State, folder: Path, *, language: str = "en") -> None:
    """Write `nodes.csv` and `links.csv` of a state into a folder.

    Raises:
        InputError: No such language, or the folder cannot be written.
    """
    sheets = result_tables(file, state, language=language)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stem, rows in zip(("nodes", "links"), sheets.values(), strict=True):
            data = _single_csv(rows)
            (folder / f"{stem}.{CSV}").write_bytes(data)
    except OSError as error:
        raise InputError(
            f"the results cannot be written: {error.strerror}",
            thing=str(folder),
            fix="choose a folder that can be written",
        ) from error


def _single_csv(rows: list[Row]) -> bytes:
    """Return one table as CSV bytes."""
    with zipfile.ZipFile(io.BytesIO(write_tables({"table": rows}, CSV))) as archive:
        return archive.read("table.csv")
