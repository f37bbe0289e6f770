"""Building a network by name, with every mistake named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

_NAN = math.nan
_LINK_COLUMNS = (
    "length_m",
    "diameter_m",
    "roughness_mm",
    "minor",
    "loss_w_mk",
    "wall_kj_mk",
    "kvs_m3h",
    "rangeability",
    "resistance_kpa_kgs2",
    "shutoff_kpa",
    "fall_kpa_kgs",
    "fall_kpa_kgs2",
    "efficiency",
)
_SET_COLUMNS = ("opening_pct", "speed", "lift_kpa", "flow_kgs", "demand_kw")
DEFAULT_GROUND_C = 5.0


class NetworkBuilder:
    """Collects nodes and links by name; `build` returns the network and its first operation.

    Args:
        ambient_c: Surroundings of pipes that name none.
    """

    def __init__(self, *, ambient_c: float = DEFAULT_GROUND_C) -> None:
        self._ambient_c = ambient_c
        self._nodes: dict[str, dict[str, float]] = {}
        self._links: dict[str, dict[str, Any]] = {}
        self._exchangers: list[tuple[str, str, str, float, float, float, float]] = []

    def node(
        self,
        name: str,
        *,
        height_m: float = 0.0,
        x_m: float = _NAN,
        y_m: float = _NAN,
        held_kpa: float = _NAN,
        outflow_kgs: float = 0.0,
        source_c: float = _NAN,
    ) -> None:
        """Add a node.

        Args:
            name: Unique name.
            height_m: Ground level.
            x_m: Place to the east.
            y_m: Place to the north.
            held_kpa: Pressure held here; nan: none.
            outflow_kgs: Water drawn off here; negative: fed in.
            source_c: Temperature of water that enters from outside.

        Raises:
            InputError: The name is taken, or a number is no number.
        """
        if not name or name in self._nodes:
            raise InputError("node name empty or taken", thing=name, fix="give it its own name")
        if not math.isfinite(height_m) or not math.isfinite(outflow_kgs):
            raise InputError("height and outflow must be numbers", thing=name)
        self._nodes[name] = {
            "height_m": height_m,
            "x_m": x_m,
            "y_m": y_m,
            "held_kpa": held_kpa,
            "outflow_kgs": outflow_kgs,
            "source_c": source_c,
        }

    def pipe(
        self,
        name: str,
        start: str,
        end: str,
        *,
        length_m: float,
        diameter_m: float,
        roughness_mm: float = 0.5,
        minor: float = 0.0,
        loss_w_mk: float = 0.0,
        wall_kj_mk: float = 0.0,
        ambient_c: float = _NAN,
    ) -> None:
        """Add a pipe; see `Network` for its numbers.

        Raises:
            InputError: A name is taken or unknown, or a number is out of range.
        """
        self._positive(name, length_m=length_m, diameter_m=diameter_m)
        self._not_negative(
            name,
            roughness_mm=roughness_mm,
            minor=minor,
            loss_w_mk=loss_w_mk,
            wall_kj_mk=wall_kj_mk,
        )
        self._link(
            name,
            LinkKind.PIPE,
            start,
            end,
            length_m=length_m,
            diameter_m=diameter_m,
            roughness_mm=roughness_mm,
            minor=minor,
            loss_w_mk=loss_w_mk,
            wall_kj_mk=wall_kj_mk,
            ambient_c=ambient_c,
        )

    def valve(
        self,
        name: str,
        start: str,
        end: str,
        *,
        kvs_m3h: float,
        opening_pct: float = 100.0,
        rangeability: float = 50.0,
        demand_kw: float = 0.0,
    ) -> None:
        """Add a control or shut-off valve; rangeability 0 means a linear characteristic."""
        self._positive(name, kvs_m3h=kvs_m3h)
        self._not_negative(name, opening_pct=opening_pct, rangeability=rangeability)
        self._link(
            name,
            LinkKind.VALVE,
            start,
            end,
            kvs_m3h=kvs_m3h,
            opening_pct=opening_pct,
            rangeability=rangeability,
            demand_kw=demand_kw,
        )

    def check_valve(self, name: str, start: str, end: str, *, kvs_m3h: float) -> None:
        """Add a check valve that lets water through from start to end."""
        self._positive(name, kvs_m3h=kvs_m3h)
        self._link(name, LinkKind.CHECK_VALVE, start, end, kvs_m3h=kvs_m3h)

    def pump(
        self,
        name: str,
        start: str,
        end: str,
        *,
        shutoff_kpa: float,
        fall_kpa_kgs2: float,
        fall_kpa_kgs: float = 0.0,
        speed: float = 1.0,
        efficiency: float = 0.7,
        outlet_c: float = _NAN,
    ) -> None:
        """Add a pump: head = shut-off * s^2 - fall1 * s * m - fall2 * m^2."""
        self._positive(name, shutoff_kpa=shutoff_kpa, efficiency=efficiency)
        self._not_negative(
            name, fall_kpa_kgs=fall_kpa_kgs, fall_kpa_kgs2=fall_kpa_kgs2, speed=speed
        )
        self._link(
            name,
            LinkKind.PUMP,
            start,
            end,
            shutoff_kpa=shutoff_kpa,
            fall_kpa_kgs=fall_kpa_kgs,
            fall_kpa_kgs2=fall_kpa_kgs2,
            speed=speed,
            efficiency=efficiency,
            outlet_c=outlet_c,
        )

    def lift(
        self,
        name: str,
        start: str,
        end: str,
        *,
        lift_kpa: float,
        resistance_kpa_kgs2: float = 0.0,
        outlet_c: float = _NAN,
    ) -> None:
        """Add a fixed pressure rise from start to end: a plant whose pumps hold it."""
        self._not_negative(name, resistance_kpa_kgs2=resistance_kpa_kgs2)
        self._link(
            name,
            LinkKind.LIFT,
            start,
            end,
            lift_kpa=lift_kpa,
            resistance_kpa_kgs2=resistance_kpa_kgs2,
            outlet_c=outlet_c,
        )

    def resistance(
        self,
        name: str,
        start: str,
        end: str,
        *,
        resistance_kpa_kgs2: float,
        demand_kw: float = 0.0,
        outlet_c: float = _NAN,
    ) -> None:
        """Add a fixed resistance."""
        self._positive(name, resistance_kpa_kgs2=resistance_kpa_kgs2)
        self._link(
            name,
            LinkKind.RESISTANCE,
            start,
            end,
            resistance_kpa_kgs2=resistance_kpa_kgs2,
            demand_kw=demand_kw,
            outlet_c=outlet_c,
        )

    def flow(
        self,
        name: str,
        start: str,
        end: str,
        *,
        flow_kgs: float,
        demand_kw: float = 0.0,
        outlet_c: float = _NAN,
    ) -> None:
        """Add a link of prescribed flow: a pressure-independent consumer or a dosing pump."""
        self._link(
            name,
            LinkKind.FLOW,
            start,
            end,
            flow_kgs=flow_kgs,
            demand_kw=demand_kw,
            outlet_c=outlet_c,
        )

    def heat(self, name: str, start: str, end: str, *, demand_kw: float, outlet_c: float) -> None:
        """Add a consumer that takes a heat and gives water back at a temperature."""
        self._not_negative(name, demand_kw=demand_kw)
        if not math.isfinite(outlet_c):
            raise InputError("a heat consumer needs its return temperature", thing=name)
        self._link(name, LinkKind.HEAT, start, end, demand_kw=demand_kw, outlet_c=outlet_c)

    def dp_control(
        self, name: str, start: str, end: str, *, kvs_m3h: float, sensed: str, lift_kpa: float
    ) -> None:
        """Add a self-acting controller that holds p(end) - p(sensed) at `lift_kpa`."""
        self._positive(name, kvs_m3h=kvs_m3h, lift_kpa=lift_kpa)
        self._link(
            name,
            LinkKind.DP_CONTROL,
            start,
            end,
            kvs_m3h=kvs_m3h,
            lift_kpa=lift_kpa,
            sensed=sensed,
        )

    def exchanger(
        self,
        name: str,
        *,
        hot: str,
        cold: str,
        kw_k: float,
        hot_design_kgs: float,
        cold_design_kgs: float,
        fouling: float = 0.0,
    ) -> None:
        """Couple two links as the sides of a plate exchanger (counter-flow).

        Raises:
            InputError: A number is out of range.
        """
        self._positive(
            name, kw_k=kw_k, hot_design_kgs=hot_design_kgs, cold_design_kgs=cold_design_kgs
        )
        self._not_negative(name, fouling=fouling)
        self._exchangers.append((name, hot, cold, kw_k, hot_design_kgs, cold_design_kgs, fouling))

    def build(self) -> tuple[Network, Operation]:
        """Return the network and the operation it was described with.

        Raises:
            InputError: There is nothing in it, or a link names an unknown node.
        """
        if not self._nodes or not self._links:
            raise InputError("a network needs nodes and links", thing="network", fix="add some")
        nodes, links = self._nodes, self._links
        number = {name: index for index, name in enumerate(nodes)}
        ends = {"start": np.zeros(len(links), np.int64), "end": np.zeros(len(links), np.int64)}
        sensed = np.full(len(links), -1, np.int64)
        for index, (name, link) in enumerate(links.items()):
            for side, column in ends.items():
                column[index] = self._number(number, link[side], name)
            if link["start"] == link["end"]:
                raise InputError("a link needs two different ends", thing=name, place=link["end"])
            if link.get("sensed"):
                sensed[index] = self._number(number, link["sensed"], name)

        def of_links(column: str, default: float = 0.0) -> Floats:
            return np.array([link.get(column, default) for link in links.values()], np.float64)

        def of_nodes(column: str) -> Floats:
            return np.array([node[column] for node in nodes.values()], np.float64)

        held = of_nodes("held_kpa")
        link_number = {name: index for index, name in enumerate(links)}
        sides = [
            [self._number(link_number, x[1], x[0], "link") for x in self._exchangers],
            [self._number(link_number, x[2], x[0], "link") for x in self._exchangers],
        ]
        plates = np.array([x[3:] for x in self._exchangers], np.float64).reshape(-1, 4)
        network = Network(
            node_names=tuple(nodes),
            height_m=of_nodes("height_m"),
            x_m=of_nodes("x_m"),
            y_m=of_nodes("y_m"),
            pressure_held=np.isfinite(held),
            link_names=tuple(links),
            from_node=ends["start"],
            to_node=ends["end"],
            kind=np.array([int(link["kind"]) for link in links.values()], np.int64),
            sensed_node=sensed,
            hot_link=np.array(sides[0], np.int64),
            cold_link=np.array(sides[1], np.int64),
            exchanger_kw_k=plates[:, 0].copy(),
            hot_design_kgs=plates[:, 1].copy(),
            cold_design_kgs=plates[:, 2].copy(),
            **{column: of_links(column) for column in _LINK_COLUMNS},
        )
        ambient = of_links("ambient_c", _NAN)
        operation = Operation(
            held_kpa=held,
            outflow_kgs=of_nodes("outflow_kgs"),
            leak_kgs_kpa05=np.zeros(len(nodes)),
            source_c=of_nodes("source_c"),
            shut=np.zeros(len(links), dtype=np.bool_),
            outlet_c=of_links("outlet_c", _NAN),
            ambient_c=np.where(np.isnan(ambient), self._ambient_c, ambient),
            fouling=plates[:, 3].copy(),
            **{column: of_links(column) for column in _SET_COLUMNS},
        )
        return network, operation

    def _link(self, name: str, kind: LinkKind, start: str, end: str, **values: Any) -> None:
        if not name or name in self._links:
            raise InputError("link name empty or taken", thing=name, fix="give it its own name")
        for column in ("flow_kgs", "demand_kw", "lift_kpa"):
            if not math.isfinite(values.get(column, 0.0)):
                raise InputError("must be a number", thing=name, place=column)
        self._links[name] = {"kind": kind, "start": start, "end": end, **values}

    @staticmethod
    def _number(numbers: dict[str, int], wanted: str, owner: str, what: str = "node") -> int:
        if wanted not in numbers:
            raise InputError(f"unknown {what}", thing=wanted, place=owner, fix=f"add the {what}")
        return numbers[wanted]

    @staticmethod
    def _positive(name: str, **values: float) -> None:
        for column, value in values.items():
            if not (math.isfinite(value) and value > 0.0):
                raise InputError("must be above 0", thing=name, place=f"{column} = {value:g}")

    @staticmethod
    def _not_negative(name: str, **values: float) -> None:
        for column, value in values.items():
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError("must not be negative", thing=name, place=f"{column} = {value:g}")
