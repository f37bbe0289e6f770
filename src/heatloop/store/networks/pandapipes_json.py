"""pandapipes networks: the JSON of `pandapipes.to_json` as a network, without pandapipes.

Pressures there are gauge pressures in bar, temperatures in kelvin. What has no counterpart here
(pressure-reducing valves that hold an absolute pressure, compressors, gas) is refused by name.
"""

from __future__ import annotations

import math
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.store.networks.assemble import assemble
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.pandapipes_forms import (
    DENSITY_KG_M3,
    KELVIN,
    KPA_BAR,
    consumer_form,
    diameter_mm,
    pipe_valves,
    pump_curve,
    shapes,
)
from heatloop.store.networks.pandapipes_junctions import Junctions
from heatloop.store.networks.pandapipes_tables import (
    Record,
    content_of,
    is_pandapipes,
    number,
)

__all__ = ["from_pandapipes", "is_pandapipes"]

_LEAST_ZETA = 1e-3


class _Reader(Junctions):
    """One conversion."""

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
        """Let a plant hold its flow pressure, unless another place of its zone does already."""
        part = self.part(row.get("flow_junction"))
        if any("held_kpa" in node for index, node in self.nodes.items() if index in part):
            en = "the pressure it holds is left out: one place of a zone holds it"
            self.find("simplified", name, place, "定压已忽略：每个分区只有一处定压", en)
            return
        self.hold(int(row["flow_junction"]), number(row, "p_flow_bar", None, place), place)

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
