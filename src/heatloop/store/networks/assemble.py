"""From a draft's rows to a network: every row is checked, then given to the builder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.store.networks.draft import Draft, Row, check_row
from heatloop.store.networks.mirror import mirror_return, place_at_nodes
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.sections import LINK_SECTIONS

Values = dict[str, Any]
_AFTERWARDS = ("shut", "ambient_c")
_BUILDERS: dict[str, str] = {
    "pipes": "pipe",
    "valves": "valve",
    "check_valves": "check_valve",
    "pumps": "pump",
    "plants": "lift",
    "resistances": "resistance",
    "dp_controls": "dp_control",
}


def assemble(draft: Draft, *, mirror: bool = False) -> NetworkFile:
    """Return the network a draft describes.

    Args:
        draft: Rows; changed when a return side is mirrored.
        mirror: Whether to make a return side.

    Raises:
        InputError: A row is wrong; it names thing, place and fix.
    """
    if mirror:
        mirror_return(draft)
    place_at_nodes(draft, mirrored=mirror)
    builder = NetworkBuilder(ambient_c=draft.ambient_c)
    nodes = {}
    for row in draft.rows("nodes"):
        values = check_row("nodes", row)
        if values["name"] in nodes:
            raise InputError("node stands twice", thing=values["name"], place=row.place, fix="drop")
        nodes[values["name"]] = (values, row)
    links = [(section, check_row(section, row), row) for section, row in _links(draft)]
    _hold(links, nodes)
    for values, row in nodes.values():
        given = {key: value for key, value in values.items() if key != "leak_kgs_kpa05"}
        _call(builder.node, row, given)
    for section, values, row in links:
        _check_ends(values, nodes, row)
        _add_link(builder, section, values, row)
    known = {values["name"] for _, values, _ in links}
    for row in draft.rows("exchangers"):
        values = check_row("exchangers", row)
        for side in ("hot", "cold"):
            if values[side] not in known:
                raise InputError(
                    "unknown link",
                    thing=values[side],
                    place=f"{row.place} {side}",
                    fix="name a link of this file",
                )
        _call(builder.exchanger, row, values)
    if not nodes or not links:
        raise InputError(
            "a network needs nodes and links",
            thing=draft.name or "network",
            place=draft.source,
            fix="give nodes and pipes",
        )
    network, operation = builder.build()
    _set_rest(network, operation, links, {name: values for name, (values, _) in nodes.items()})
    shapes = {values["name"]: values["points"] for _, values, _ in links if "points" in values}
    return NetworkFile(
        network=network,
        operation=operation,
        name=draft.name,
        note=draft.note,
        crs=draft.crs,
        shapes=shapes,
        findings=tuple(draft.findings),
    )


def _links(draft: Draft) -> list[tuple[str, Row]]:
    """Return all rows of links, in the file's own order if it gives one."""
    rows = [(section, row) for section in LINK_SECTIONS for row in draft.rows(section)]
    if not draft.link_order:
        return rows
    by_name = {str(row.values.get("name")): (section, row) for section, row in rows}
    if len(by_name) != len(rows) or set(draft.link_order) != set(by_name):
        strange = sorted(set(draft.link_order) ^ set(by_name))
        raise InputError(
            "link_order does not name every link once",
            thing=strange[0] if strange else "link_order",
            place=f"{draft.source} link_order",
            fix="leave link_order out",
        )
    return [by_name[name] for name in draft.link_order]


def _hold(links: list[tuple[str, Values, Row]], nodes: dict[str, tuple[Values, Row]]) -> None:
    """Give the nodes of plants the pressures their rows hold."""
    for section, values, row in links:
        if section != "plants":
            continue
        for key, end in (("return_kpa", "from"), ("supply_kpa", "to")):
            held = values.pop(key, None)
            if held is None:
                continue
            if values[end] not in nodes:
                raise _unknown_node(values[end], row, end)
            node = nodes[values[end]][0]
            if node.setdefault("held_kpa", held) != held:
                raise InputError(
                    "the node holds another pressure already",
                    thing=values[end],
                    place=f"{row.place} {key}",
                    fix="give it once",
                )


def _unknown_node(name: str, row: Row, key: str) -> InputError:
    return InputError(
        "unknown node", thing=name, place=f"{row.place} {key}", fix="add it to nodes, or correct it"
    )


def _check_ends(values: Values, nodes: dict[str, tuple[Values, Row]], row: Row) -> None:
    for key in ("from", "to", "sensed"):
        if key in values and values[key] not in nodes:
            raise _unknown_node(values[key], row, key)
    if values["from"] == values["to"]:
        raise InputError(
            "a link needs two different ends", thing=values["name"], place=row.place, fix="correct"
        )


def _add_link(builder: NetworkBuilder, section: str, values: Values, row: Row) -> None:
    drop = (*_AFTERWARDS, "points", "from", "to", "name")
    given = {key: value for key, value in values.items() if key not in drop}
    ends = (values["name"], values["from"], values["to"])
    if section == "consumers":
        _add_consumer(builder, ends, given, row)
        return
    if section == "pipes":
        given.pop("demand_kw", None)
    _call(getattr(builder, _BUILDERS[section]), row, given, *ends)


def _add_consumer(
    builder: NetworkBuilder, ends: tuple[str, str, str], given: Values, row: Row
) -> None:
    """Add a consumer: of given flow, of given heat, or a valve before a resistance."""
    if "kvs_m3h" in given:
        name, start, end = ends
        if "flow_kgs" in given:
            fix = "give flow_kgs, or kvs_m3h with resistance_kpa_kgs2"
            raise InputError("a consumer has one form", thing=name, place=row.place, fix=fix)
        valve: Values = {
            key: given.pop(key)
            for key in ("kvs_m3h", "opening_pct", "rangeability")
            if key in given
        }
        if "resistance_kpa_kgs2" not in given:
            fix = "give resistance_kpa_kgs2 of the exchanger side"
            raise InputError("resistance is missing", thing=name, place=row.place, fix=fix)
        _call(builder.node, row, {}, f"{name}.between")
        _call(builder.valve, row, valve, f"{name}.valve", start, f"{name}.between")
        _call(builder.resistance, row, given, name, f"{name}.between", end)
    elif "flow_kgs" in given:
        _call(builder.flow, row, given, *ends)
    elif "demand_kw" in given and "outlet_c" in given:
        _call(builder.heat, row, given, *ends)
    else:
        raise InputError(
            "a consumer needs its flow, its heat and return temperature, or its valve",
            thing=ends[0],
            place=row.place,
            fix="give flow_kgs, or demand_kw with outlet_c, or kvs_m3h with resistance_kpa_kgs2",
        )


def _call(method: Callable[..., None], row: Row, given: Values, *ends: str) -> None:
    """Call the builder; its complaint is given the row's place."""
    try:
        method(*ends, **given)
    except InputError as error:
        raise InputError(
            error.message,
            thing=error.thing or (ends[0] if ends else ""),
            place=f"{row.place} {error.place}".strip(),
            fix=error.fix or "correct the row",
        ) from error
    except TypeError as error:
        # A key that this form of the row has no use for.
        raise InputError(
            f"has keys of another form: {', '.join(sorted(given))}",
            thing=ends[0] if ends else "",
            place=row.place,
            fix="keep the keys of one form",
        ) from error


def _set_rest(
    network: Network,
    operation: Operation,
    links: list[tuple[str, Values, Row]],
    nodes: dict[str, Values],
) -> None:
    """Set what the builder has no word for."""
    number = network.link_index()
    for section, values, _ in links:
        at = number[values["name"]]
        operation.shut[at] = values.get("shut", False)
        ambient = values.get("ambient_c", math.nan)
        if not math.isnan(ambient):
            operation.ambient_c[at] = ambient
        if section == "pipes":
            operation.demand_kw[at] = values.get("demand_kw", 0.0)
    leaks = [nodes.get(name, {}).get("leak_kgs_kpa05", 0.0) for name in network.node_names]
    if min(leaks) < 0.0:
        thing = network.node_names[int(np.argmin(leaks))]
        raise InputError("a leak must not be negative", thing=thing, place="nodes", fix="give 0")
    operation.leak_kgs_kpa05[:] = leaks
