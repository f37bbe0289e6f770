"""Making a return side for a network drawn as one line a pair of pipes."""

from __future__ import annotations

from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.store.networks.draft import Draft, Row

SUFFIX = ".return"
_PASSIVE = ("pipes", "valves", "check_valves")
_ACTIVE = ("pumps", "dp_controls", "resistances", "exchangers")


def mirror_return(draft: Draft) -> None:
    """Add a return node to every node and a return link to every pipe and valve, in place.

    Consumers and plants that name one `node` are put between it and its return node.

    Raises:
        InputError: Something stands in it that has no mirror image.
    """
    for section in _ACTIVE:
        for row in draft.rows(section):
            raise InputError(
                f"{section} cannot be mirrored",
                thing=str(row.values.get("name", "")),
                place=row.place,
                fix="give supply and return side both",
            )
    nodes = draft.rows("nodes")
    known = {str(row.values.get("name")) for row in nodes}
    for row in list(nodes):
        if f"{row.values.get('name')}{SUFFIX}" in known:
            raise InputError(
                "has a return node already",
                thing=str(row.values.get("name")),
                place=row.place,
                fix="do not ask for a mirrored return side",
            )
        nodes.append(_returning(row, ("height_m", "x_m", "y_m")))
    for section in _PASSIVE:
        rows = draft.rows(section)
        for row in list(rows):
            image = _returning(row, tuple(row.values))
            start, end = row.values.get("from"), row.values.get("to")
            image.values["from"], image.values["to"] = f"{end}{SUFFIX}", f"{start}{SUFFIX}"
            points = row.values.get("points")
            if isinstance(points, list | tuple):
                image.values["points"] = list(reversed(points))
            rows.append(image)
    if draft.link_order:
        draft.link_order = ()


def _returning(row: Row, copied: tuple[str, ...]) -> Row:
    values: dict[str, Any] = {key: row.values[key] for key in copied if key in row.values}
    return Row({**values, "name": f"{row.values.get('name')}{SUFFIX}"}, row.place)


def place_at_nodes(draft: Draft, *, mirrored: bool) -> None:
    """Turn the `node` of consumers and plants into their two ends, in place.

    Raises:
        InputError: A row names one node but there is no mirrored return side, or names too much.
    """
    for section in ("consumers", "plants"):
        for row in draft.rows(section):
            values = row.values
            node = values.pop("node", None)
            has_ends = "from" in values or "to" in values
            if node is not None and has_ends:
                raise _wrong("names a node and ends as well", row, "give either")
            if node is None:
                if not ("from" in values and "to" in values):
                    fix = "give from and to, or node together with mirror_return"
                    raise _wrong("has not two ends", row, fix)
                continue
            if not mirrored:
                raise _wrong("names one node only", row, "ask for mirror_return, or give two ends")
            ends = (node, f"{node}{SUFFIX}")
            values["from"], values["to"] = ends if section == "consumers" else ends[::-1]


def _wrong(message: str, row: Row, fix: str) -> InputError:
    return InputError(message, thing=str(row.values.get("name", "")), place=row.place, fix=fix)
