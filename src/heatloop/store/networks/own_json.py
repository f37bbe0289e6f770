"""heatloop's own network file: JSON, one row a line, read and written without loss."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.store.networks.assemble import assemble
from heatloop.store.networks.draft import Draft, Row, as_list, as_mapping, check_number
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.sections import LINK_SECTIONS, SECTIONS

MARK = "heatloop_network"
VERSION = 1
_HEAD = (MARK, "name", "note", "crs", "ambient_c", "mirror_return", "link_order")
_SECTION_OF = {
    LinkKind.PIPE: "pipes",
    LinkKind.VALVE: "valves",
    LinkKind.CHECK_VALVE: "check_valves",
    LinkKind.PUMP: "pumps",
    LinkKind.LIFT: "plants",
    LinkKind.FLOW: "consumers",
    LinkKind.HEAT: "consumers",
    LinkKind.RESISTANCE: "resistances",
    LinkKind.DP_CONTROL: "dp_controls",
}
_DEFAULT = {"roughness_mm": 0.5, "opening_pct": 100.0, "rangeability": 50.0, "speed": 1.0,
            "efficiency": 0.7}  # fmt: skip


def from_own_json(document: Any, source: str = "net.json") -> NetworkFile:
    """Return the network of a parsed `net.json`.

    Args:
        document: The parsed JSON.
        source: Name of the file, for errors.

    Raises:
        InputError: Something is wrong; it names thing, place and fix.
    """
    content = as_mapping(document, source, source)
    version = content.get(MARK)
    if version != VERSION or isinstance(version, bool):
        raise InputError(
            f"no network file of version {VERSION}",
            thing=MARK,
            place=source,
            fix=f'begin the file with "{MARK}": {VERSION}',
        )
    for key in content:
        if key not in _HEAD and key not in SECTIONS:
            known = ", ".join((*_HEAD[1:], *SECTIONS))
            raise InputError("unknown key", thing=str(key)[:200], place=source, fix=f"use: {known}")
    draft = Draft(source=source)
    for key in ("name", "note", "crs"):
        value = content.get(key, "")
        if not isinstance(value, str):
            raise InputError("must be text", thing=key, place=f"{source} {key}", fix="quote it")
        setattr(draft, key, value)
    if "ambient_c" in content:
        draft.ambient_c = check_number(content["ambient_c"], "ambient_c", source, "degC")
    order = as_list(content.get("link_order", []), "link_order", source)
    draft.link_order = tuple(str(name) for name in order)
    mirror = content.get("mirror_return", False)
    if not isinstance(mirror, bool):
        raise InputError("must be true or false", thing="mirror_return", place=source, fix="true")
    for section in SECTIONS:
        rows = as_list(content.get(section, []), section, f"{source} {section}")
        for number, values in enumerate(rows, 1):
            place = f"{source} {section} row {number}"
            draft.sections.setdefault(section, []).append(
                Row(dict(as_mapping(values, section, place)), place)
            )
    return assemble(draft, mirror=mirror)


def to_own_json(file: NetworkFile) -> str:
    """Return the text of a `net.json`, one row a line; reading it gives the same arrays."""
    network, operation = file.network, file.operation
    head: dict[str, Any] = {MARK: VERSION}
    for key in ("name", "note", "crs"):
        if getattr(file, key):
            head[key] = getattr(file, key)
    ambient = _usual_ambient(operation)
    head["ambient_c"] = ambient
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
    sections["nodes"] = list(_node_rows(network, operation))
    for link, name in enumerate(network.link_names):
        section = _SECTION_OF[LinkKind(int(network.kind[link]))]
        row = _link_row(network, operation, link, section, ambient)
        if name in file.shapes:
            row["points"] = [list(point) for point in file.shapes[name]]
        sections[section].append(row)
    in_sections = [row["name"] for name in LINK_SECTIONS for row in sections[name]]
    if in_sections != list(network.link_names):
        head["link_order"] = list(network.link_names)
    for number, name in enumerate(_exchanger_names(network)):
        sections["exchangers"].append(
            {
                "name": name,
                "hot": network.link_names[int(network.hot_link[number])],
                "cold": network.link_names[int(network.cold_link[number])],
                "kw_k": float(network.exchanger_kw_k[number]),
                "hot_design_kgs": float(network.hot_design_kgs[number]),
                "cold_design_kgs": float(network.cold_design_kgs[number]),
                **_unless(0.0, fouling=float(operation.fouling[number])),
            }
        )
    return _text(head, sections)


def _text(head: dict[str, Any], sections: dict[str, list[dict[str, Any]]]) -> str:
    def dumped(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    parts = [f'  "{key}": {dumped(value)}' for key, value in head.items()]
    for name, rows in sections.items():
        if rows:
            lines = ",\n".join(f"    {dumped(row)}" for row in rows)
            parts.append(f'  "{name}": [\n{lines}\n  ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _usual_ambient(operation: Operation) -> float:
    values, counts = np.unique(operation.ambient_c, return_counts=True)
    return float(values[counts.argmax()])


def _exchanger_names(network: Network) -> Iterator[str]:
    """Yield names for the exchangers: a network does not keep theirs."""
    for hot in network.hot_link.tolist():
        yield f"{network.link_names[hot]}.exchanger"


def _unless(default: float, **values: float) -> dict[str, float]:
    """Return the values that are numbers and differ from what reading would put there anyway."""
    return {k: v for k, v in values.items() if not math.isnan(v) and v != default}


def _node_rows(network: Network, operation: Operation) -> Iterator[dict[str, Any]]:
    for node, name in enumerate(network.node_names):
        yield {
            "name": name,
            **_unless(0.0, height_m=float(network.height_m[node])),
            **_unless(math.nan, x_m=float(network.x_m[node]), y_m=float(network.y_m[node])),
            **_unless(math.nan, held_kpa=float(operation.held_kpa[node])),
            **_unless(0.0, outflow_kgs=float(operation.outflow_kgs[node])),
            **_unless(math.nan, source_c=float(operation.source_c[node])),
            **_unless(0.0, leak_kgs_kpa05=float(operation.leak_kgs_kpa05[node])),
        }


def _link_row(
    network: Network, operation: Operation, link: int, section: str, ambient: float
) -> dict[str, Any]:
    kind = LinkKind(int(network.kind[link]))
    row: dict[str, Any] = {
        "name": network.link_names[link],
        "from": network.node_names[int(network.from_node[link])],
        "to": network.node_names[int(network.to_node[link])],
    }
    for column in SECTIONS[section].columns.values():
        name = column.name
        if name in row or name in ("node", "points", "shut", "ambient_c"):
            continue
        if name == "sensed":
            row[name] = network.node_names[int(network.sensed_node[link])]
            continue
        array = getattr(network, name, None)
        if array is None:
            array = getattr(operation, name, None)
        if array is None or (kind == LinkKind.HEAT and name == "flow_kgs"):
            continue
        value = float(array[link])
        must = column.required or (section == "consumers" and name in _form(kind))
        if must and not math.isnan(value):
            row[name] = value
        else:
            row |= _unless(
                _DEFAULT.get(name, 0.0 if name != "outlet_c" else math.nan), **{name: value}
            )
    if section == "consumers":
        for name in ("kvs_m3h", "opening_pct", "rangeability", "resistance_kpa_kgs2"):
            row.pop(name, None)
    if operation.shut[link]:
        row["shut"] = True
    return row | _unless(ambient, ambient_c=float(operation.ambient_c[link]))


def _form(kind: LinkKind) -> tuple[str, ...]:
    return ("flow_kgs",) if kind == LinkKind.FLOW else ("demand_kw", "outlet_c")
