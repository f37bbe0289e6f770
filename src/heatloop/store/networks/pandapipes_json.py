"""pandapipes networks: the JSON of `pandapipes.to_json` as a network, without pandapipes.

Pressures there are gauge pressures in bar, temperatures in kelvin. What has no counterpart here
(pressure-reducing valves that hold an absolute pressure, compressors, gas) is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.store.networks.assemble import assemble
from heatloop.store.networks.draft import Draft, ImportFinding
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.pandapipes_forms import (
    DENSITY_KG_M3,
    KELVIN,
    KPA_BAR,
    consumer_form,
    diameter_mm,
    is_frame,
    junction_places,
    pipe_valves,
    pump_curve,
    shapes,
    unique,
)
from heatloop.store.networks.pandapipes_tables import (
    Record,
    content_of,
    frame,
    has,
    is_pandapipes,
    number,
)

__all__ = ["from_pandapipes", "is_pandapipes"]

_AMBIENT_C = 20.0
_LEAST_ZETA = 1e-3
_LINKS = ("pipe", "valve", "pump", "flow_control", "press_control", "heat_consumer",
          "heat_exchanger", "circ_pump_pressure", "circ_pump_mass")  # fmt: skip
_NODES = ("junction", "sink", "source", "ext_grid")
_PASSED = ("junction_geodata", "pipe_geodata", "controller")


class _Reader:
    """One conversion."""

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

    def place(self, table: str, index: int) -> str:
        return f"{self.source} {table} {index}"

    def node(self, row: Record, column: str, place: str) -> str:
        index = row.get(column)
        if not isinstance(index, int) or index not in self.junctions:
            raise InputError(
                "unknown junction", thing=str(index), place=place, fix="add the junction"
            )
        return self.junctions[index]

    def find(self, kind: str, thing: str, place: str, zh: str, en: str) -> None:
        self.draft.findings.append(ImportFinding(kind=kind, thing=thing, place=place, zh=zh, en=en))

    def refuse_the_rest(self) -> None:
        """Refuse tables of components that have no counterpart."""
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
                self._hold(int(row["junction"]), number(row, "p_bar", None, place), place)
                if has(row, "t_k"):
                    node["source_c"] = float(row["t_k"]) - KELVIN

    def _hold(self, junction: int, bar: float, place: str) -> None:
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
        a, b = f"{first}_junction", f"{second}_junction"
        return {
            "from": self.node(row, a, place),
            "to": self.node(row, b, place),
            "shut": self.shut(row, row[a], row[b]),
        }

    def read_pipes(self) -> None:
        valves = pipe_valves(self.tables["valve"])
        drawn = shapes(self.content, self.source)
        for index, row in self.tables["pipe"].items():
            place = self.place("pipe", index)
            name = self.names["pipe"][index]
            inner = diameter_mm(self.content, row, self.source, place)
            outer = number(row, "outer_diameter_mm", inner, place)
            # Heat transfer is counted over the outer diameter where one is given.
            loss = number(row, "u_w_per_m2k", 0.0, place) * math.pi * outer / 1000.0
            ambient = number(row, "text_k", 0.0, place)
            ends = self.ends(row, place)
            for side, column in (("from", "from_junction"), ("to", "to_junction")):
                valve = valves.get((index, row.get(column)))
                if valve is not None:
                    ends[side] = self._pipe_valve(valve, ends[side], name)
            points = drawn.get(index)
            self.draft.add(
                "pipes",
                place,
                name=name,
                **ends,
                length_m=number(row, "length_km", None, place) * 1000.0,
                diameter_m=inner / 1000.0,
                roughness_mm=number(row, "k_mm", 0.0, place),
                minor=number(row, "loss_coefficient", 0.0, place),
                loss_w_mk=loss,
                demand_kw=number(row, "qext_w", 0.0, place) / 1000.0,
                ambient_c=ambient - KELVIN if ambient > 0.0 else None,
                points=points if points and len(points) > 2 else None,
            )

    def _pipe_valve(self, index: int, junction: str, pipe: str) -> str:
        """Add a valve between a junction and a pipe's end; return the node between them."""
        row = self.tables["valve"][index]
        place = self.place("valve", index)
        between = f"{junction}|{pipe}"
        self.draft.add("nodes", place, name=between)
        self._add_valve(index, row, junction, between, place)
        return between

    def read_valves(self) -> None:
        for index, row in self.tables["valve"].items():
            place = self.place("valve", index)
            if row.get("et") == "pi":
                continue
            if "junction" in row:
                start, end = self.node(row, "junction", place), self.node(row, "element", place)
            else:
                start = self.node(row, "from_junction", place)
                end = self.node(row, "to_junction", place)
            self._add_valve(index, row, start, end, place)

    def _add_valve(self, index: int, row: Record, start: str, end: str, place: str) -> None:
        zeta = max(number(row, "loss_coefficient", 0.0, place), _LEAST_ZETA)
        area = math.pi / 4.0 * (diameter_mm(self.content, row, self.source, place) / 1000.0) ** 2
        self.draft.add(
            "valves",
            place,
            name=self.names["valve"][index],
            **{"from": start, "to": end},
            # dp = zeta rho v^2 / 2, and kv is the flow of water of 1,000 kg/m3 at 1 bar.
            kvs_m3h=3600.0 * area * math.sqrt(2e5 / (zeta * 1000.0)),
            shut=self.shut(row),
        )

    def read_consumers(self) -> None:
        for index, row in self.tables["heat_consumer"].items():
            place = self.place("heat_consumer", index)
            self.draft.add(
                "consumers",
                place,
                name=self.names["heat_consumer"][index],
                **self.ends(row, place),
                **consumer_form(row, place),
            )
        for index, row in self.tables["flow_control"].items():
            place = self.place("flow_control", index)
            name = self.names["flow_control"][index]
            ends = self.ends(row, place)
            if row.get("control_active", True):
                flow = number(row, "controlled_mdot_kg_per_s", None, place)
                self.draft.add("consumers", place, name=name, **ends, flow_kgs=flow)
            else:
                self._free_passage(name, ends, place)
        for index, row in self.tables["press_control"].items():
            place = self.place("press_control", index)
            name = self.names["press_control"][index]
            if row.get("control_active", True) and row.get("in_service", True):
                raise InputError(
                    "holds an absolute pressure behind a valve, which has no counterpart here",
                    thing=name,
                    place=place,
                    fix="switch its control off, or use a differential-pressure controller",
                )
            self._free_passage(name, self.ends(row, place), place)
        for index, row in self.tables["heat_exchanger"].items():
            place = self.place("heat_exchanger", index)
            zeta = max(number(row, "loss_coefficient", 0.0, place), _LEAST_ZETA)
            area = (
                math.pi / 4.0 * (diameter_mm(self.content, row, self.source, place) / 1000.0) ** 2
            )
            self.draft.add(
                "resistances",
                place,
                name=self.names["heat_exchanger"][index],
                **self.ends(row, place),
                resistance_kpa_kgs2=zeta / (2.0 * DENSITY_KG_M3 * area**2) / 1000.0,
                demand_kw=number(row, "qext_w", 0.0, place) / 1000.0,
            )

    def _free_passage(self, name: str, ends: Record, place: str) -> None:
        self.draft.add("resistances", place, name=name, **ends, resistance_kpa_kgs2=1e-6)
        en = "its control is off: taken as a free passage"
        self.find("simplified", name, place, "控制未投入，按无阻力处理", en)

    def read_plants(self) -> None:
        for table in ("circ_pump_pressure", "circ_pump_mass"):
            for index, row in self.tables[table].items():
                place = self.place(table, index)
                name = self.names[table][index]
                ends = self.ends(row, place, "return", "flow")
                outlet = number(row, "t_flow_k", None, place) - KELVIN
                if row.get("in_service", True):
                    self._hold_plant(row, name, place)
                if table == "circ_pump_mass":
                    flow = number(row, "mdot_flow_kg_per_s", None, place)
                    self.draft.add(
                        "consumers", place, name=name, **ends, flow_kgs=flow, outlet_c=outlet
                    )
                else:
                    lift = number(row, "plift_bar", None, place) * KPA_BAR
                    self.draft.add(
                        "plants", place, name=name, **ends, lift_kpa=lift, outlet_c=outlet
                    )
        for index, row in self.tables["pump"].items():
            place = self.place("pump", index)
            curve = pump_curve(self.content, row, self.source, place)
            name = self.names["pump"][index]
            self.draft.add("pumps", place, name=name, **self.ends(row, place), **curve)

    def _hold_plant(self, row: Record, name: str, place: str) -> None:
        """Let a plant hold its flow pressure, unless another one does already."""
        if any("held_kpa" in node for node in self.nodes.values()):
            en = "the pressure it holds is left out: one place of a zone holds it"
            self.find("simplified", name, place, "定压已忽略：每个分区只有一处定压", en)
            return
        self._hold(int(row["flow_junction"]), number(row, "p_flow_bar", None, place), place)

    def run(self) -> NetworkFile:
        self.refuse_the_rest()
        self.read_nodes()
        self.read_plants()
        self.read_pipes()
        self.read_valves()
        self.read_consumers()
        for index, values in self.nodes.items():
            self.draft.add("nodes", self.place("junction", index), **values)
        self.draft.lengthen()
        return assemble(self.draft)


def from_pandapipes(document: Any, source: str = "network.json") -> NetworkFile:
    """Return the network of a parsed `pandapipes.to_json` file.

    Args:
        document: The parsed JSON.
        source: Name of the file, for errors.

    Raises:
        InputError: Something has no counterpart, or is wrong; it names thing, place and fix.
    """
    return _Reader(content_of(document, source), source).run()
