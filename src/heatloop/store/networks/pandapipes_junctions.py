"""The junctions of a pandapipes file, and what reading its links has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.store.networks.draft import Draft, ImportFinding
from heatloop.store.networks.pandapipes_forms import (
    KELVIN,
    KPA_BAR,
    is_frame,
    joined_by,
    junction_places,
    unique,
)
from heatloop.store.networks.pandapipes_tables import (
    Record,
    frame,
    has,
    number,
)

_AMBIENT_C = 20.0
_LINKS = ("pipe", "valve", "pump", "flow_control", "press_control", "heat_consumer",
          "heat_exchanger", "circ_pump_pressure", "circ_pump_mass")  # fmt: skip
_NODES = ("junction", "sink", "source", "ext_grid")
_PASSED = ("junction_geodata", "pipe_geodata", "controller")


class Junctions:
    """The tables of a file, its junctions as nodes, and what every link of it asks."""

    def __init__(self, content: Mapping[str, Any], source: str) -> None:
        self.content = content
        self.source = source
        self.draft = Draft(source=source, ambient_c=_AMBIENT_C)
        self.tables = {name: frame(content, name, source) for name in (*_LINKS, *_NODES)}
        self.names: dict[str, dict[int, str]] = {}
        taken: set[str] = set()
        for table in _LINKS:
            self.names[table] = unique(self.tables[table], table, taken)
        self.junctions = unique(self.tables["junction"], "J", set())
        self.nodes: dict[int, dict[str, Any]] = {}
        self._near: dict[Any, list[Any]] = {}

    def place(self, table: str, index: int) -> str:
        """Return the place of a row, for errors."""
        return f"{self.source} {table} {index}"

    def node(self, row: Record, column: str, place: str) -> str:
        """Return the node of the junction a column names.

        Raises:
            InputError: There is none.
        """
        index = row.get(column)
        if not isinstance(index, int) or index not in self.junctions:
            raise InputError(
                "unknown junction", thing=str(index), place=place, fix="add the junction"
            )
        return self.junctions[index]

    def find(self, kind: str, thing: str, place: str, zh: str, en: str) -> None:
        """Note a finding."""
        self.draft.findings.append(ImportFinding(kind=kind, thing=thing, place=place, zh=zh, en=en))

    def refuse_the_rest(self) -> None:
        """Refuse tables of components that have no counterpart.

        Raises:
            InputError: There is one with rows.
        """
        for table, value in self.content.items():
            known = (*_LINKS, *_NODES, *_PASSED)
            if table in known or table.startswith(("res_", "_")) or not is_frame(value):
                continue
            rows = frame(self.content, table, self.source)
            if rows:
                raise InputError(
                    f"{table} has no counterpart here",
                    thing=table,
                    place=self.place(table, min(rows)),
                    fix="replace it before the export",
                )
        if frame(self.content, "controller", self.source):
            place = f"{self.source} controller"
            en = "controllers are left out"
            self.find("ignored", "controller", place, "控制器已忽略", en)

    def read_nodes(self) -> None:
        """Make nodes of junctions, with what is drawn off, fed in and held there."""
        places = junction_places(self.content, self.tables["junction"], self.source)
        for index, row in self.tables["junction"].items():
            x, y = places.get(index, (None, None))
            place = self.place("junction", index)
            self.nodes[index] = {
                "name": self.junctions[index],
                "height_m": number(row, "height_m", 0.0, place),
                "x_m": x,
                "y_m": y,
            }
        for table, sign in (("sink", 1.0), ("source", -1.0)):
            for index, row in self.tables[table].items():
                if row.get("in_service", True):
                    place = self.place(table, index)
                    self.node(row, "junction", place)
                    flow = number(row, "mdot_kg_per_s", None, place)
                    node = self.nodes[int(row["junction"])]
                    drawn = sign * flow * number(row, "scaling", 1.0, place)
                    node["outflow_kgs"] = node.get("outflow_kgs", 0.0) + drawn
        for index, row in self.tables["ext_grid"].items():
            if row.get("in_service", True):
                place = self.place("ext_grid", index)
                self.node(row, "junction", place)
                node = self.nodes[int(row["junction"])]
                self.hold(int(row["junction"]), number(row, "p_bar", None, place), place)
                if has(row, "t_k"):
                    node["source_c"] = float(row["t_k"]) - KELVIN

    def hold(self, junction: int, bar: float, place: str) -> None:
        """Hold a pressure at a junction.

        Raises:
            InputError: Another one is held there.
        """
        node = self.nodes[junction]
        held = node.setdefault("held_kpa", bar * KPA_BAR)
        if abs(held - bar * KPA_BAR) > 1e-9:
            raise InputError(
                "two pressures held at one junction",
                thing=node["name"],
                place=place,
                fix="drop one",
            )

    def shut(self, row: Record, *junctions: Any) -> bool | None:
        """Return True for a link out of service, None otherwise."""
        ends_on = all(self.tables["junction"].get(j, {}).get("in_service", True) for j in junctions)
        on = bool(row.get("in_service", True)) and bool(row.get("opened", True)) and ends_on
        return None if on else True

    def ends(self, row: Record, place: str, first: str = "from", second: str = "to") -> Record:
        """Return a link's nodes and whether it is shut."""
        a, b = f"{first}_junction", f"{second}_junction"
        return {
            "from": self.node(row, a, place),
            "to": self.node(row, b, place),
            "shut": self.shut(row, row[a], row[b]),
        }

    def part(self, start: Any) -> set[Any]:
        """Return the junctions that any link joins to one."""
        if not self._near:
            for table in _LINKS:
                for row in self.tables[table].values():
                    ends = joined_by(row)
                    for here, there in (ends, ends[::-1]):
                        self._near.setdefault(here, []).append(there)
        seen, waiting = {start}, [start]
        while waiting:
            fresh = [there for there in self._near.get(waiting.pop(), ()) if there not in seen]
            seen.update(fresh)
            waiting += fresh
        return seen
