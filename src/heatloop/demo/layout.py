"""The demo's primary network as the engine's flat structure, and where everything stands in it."""

from __future__ import annotations

import numpy as np

from heatloop.demo.node_places import Places
from heatloop.demo.plans import Streets
from heatloop.demo.plant_orders import RETURN_HOLD_KPA, RINGS_HOLD_KPA, ZONE_HOLD_KPA
from heatloop.demo.truth import Truth
from heatloop.demo.truth_primary import plates_r
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

GROUND_C = 2.0
MAKEUP_C = 10.0
TANK_LAYERS = (0.1, 0.4, 0.4, 0.1)
"""Share of a tank's water in each layer, from the top; sensors sit in the first and the last."""
_TANK_HEIGHT_M = 20.0
_TANK_LOSS_W_M2K = 0.25
_TANK_MINOR = 1e6
"""Diffusers; without them a tank would be a pipe without any resistance."""
_BYPASS_KVS = 1600.0


class _Layer:
    """Collects the network by name."""

    def __init__(self, streets: Streets, truth: Truth) -> None:
        self._streets, self._truth = streets, truth
        self.builder = NetworkBuilder(ambient_c=GROUND_C)
        self.nodes: dict[str, list[str]] = {}
        self.links: dict[str, list[str]] = {}

    def note(self, where: dict[str, list[str]], **named: str) -> None:
        """Remember the names of nodes or links by field of `Places`."""
        for kind, name in named.items():
            where.setdefault(kind, []).append(name)

    def junctions(self) -> None:
        for index in range(len(self._streets.substations)):
            for side in "sr":
                self.builder.node(f"PN{index + 1:05d}.{side}")

    def sources(self) -> None:
        real, add = self._truth.primary, self.builder
        pump = real.source_pump
        for index in range(len(self._streets.sources)):
            code = f"HS{index + 1:04d}"
            add.node(f"{code}.s")
            hold = RINGS_HOLD_KPA if self._streets.boosters else RETURN_HOLD_KPA
            held = {"held_kpa": hold, "source_c": MAKEUP_C} if index == 0 else {}
            add.node(f"{code}.r", **held)
            add.node(f"{code}.m")
            add.pump(
                f"{code}.pump",
                f"{code}.r",
                f"{code}.m",
                shutoff_kpa=float(pump.shutoff_kpa[index]),
                fall_kpa_kgs2=float(pump.fall_kpa_kgs2[index]),
                efficiency=float(pump.efficiency[index]),
            )
            add.resistance(
                f"{code}.plant",
                f"{code}.m",
                f"{code}.s",
                resistance_kpa_kgs2=float(real.plant_r[index]),
                outlet_c=100.0,
            )
            self.note(self.nodes, source_supply=f"{code}.s", source_return=f"{code}.r")
            self.note(self.links, source_pump=f"{code}.pump", plant=f"{code}.plant")
        for source, volume in zip(real.tank_source.tolist(), real.tank_m3.tolist(), strict=True):
            self._tank(f"HS{source + 1:04d}", volume)

    def _tank(self, code: str, volume_m3: float) -> None:
        """Add a tank between the headers, and the pump that fills or empties it."""
        add = self.builder
        diameter = float(np.sqrt(volume_m3 / _TANK_HEIGHT_M * 4.0 / np.pi))
        ends = [f"{code}.s", *(f"{code}.t{k + 1}" for k in range(len(TANK_LAYERS)))]
        for name in ends[1:]:
            add.node(name)
        for layer, share in enumerate(TANK_LAYERS):
            name = f"{code}.tank{layer + 1}"
            add.pipe(
                name,
                ends[layer],
                ends[layer + 1],
                length_m=share * _TANK_HEIGHT_M,
                diameter_m=diameter,
                minor=_TANK_MINOR,
                loss_w_mk=_TANK_LOSS_W_M2K * np.pi * diameter,
            )
            self.note(self.links, tank=name)
        add.flow(f"{code}.charge", ends[-1], f"{code}.r", flow_kgs=0.0)
        self.note(self.links, charge=f"{code}.charge")

    def boosters(self) -> None:
        add, pump = self.builder, self._truth.primary.booster_pump
        for index in range(len(self._streets.boosters)):
            code = f"BS{index + 1:04d}"
            for side in ("s", "in", "out"):
                add.node(f"{code}.{side}")
            add.pump(
                f"{code}.pump",
                f"{code}.in",
                f"{code}.out",
                shutoff_kpa=float(pump.shutoff_kpa[index]),
                fall_kpa_kgs2=float(pump.fall_kpa_kgs2[index]),
                efficiency=float(pump.efficiency[index]),
            )
            add.check_valve(f"{code}.bypass", f"{code}.in", f"{code}.out", kvs_m3h=_BYPASS_KVS)
            self.note(
                self.nodes,
                booster_supply=f"{code}.s",
                booster_in=f"{code}.in",
                booster_out=f"{code}.out",
            )
            self.note(self.links, booster_pump=f"{code}.pump", booster_bypass=f"{code}.bypass")

    def isolations(self) -> None:
        add, real = self.builder, self._truth.primary
        pump = real.zone_pump
        hot_r, cold_r = plates_r(real.hot_kgs), plates_r(real.cold_kgs)
        for index in range(len(self._streets.isolations)):
            code = f"IS{index + 1:04d}"
            for side in ("s1", "m1", "r1", "s2", "m2"):
                add.node(f"{code}.{side}")
            add.node(f"{code}.r2", held_kpa=ZONE_HOLD_KPA, source_c=MAKEUP_C)
            add.valve(
                f"{code}.valve",
                f"{code}.s1",
                f"{code}.m1",
                kvs_m3h=float(real.zone_kvs_m3h[index]),
                rangeability=0.0,
            )
            add.resistance(
                f"{code}.hot",
                f"{code}.m1",
                f"{code}.r1",
                resistance_kpa_kgs2=float(hot_r[index]),
            )
            add.pump(
                f"{code}.pump",
                f"{code}.r2",
                f"{code}.m2",
                shutoff_kpa=float(pump.shutoff_kpa[index]),
                fall_kpa_kgs2=float(pump.fall_kpa_kgs2[index]),
                efficiency=float(pump.efficiency[index]),
            )
            add.resistance(
                f"{code}.cold",
                f"{code}.m2",
                f"{code}.s2",
                resistance_kpa_kgs2=float(cold_r[index]),
            )
            self.note(
                self.nodes,
                hot_supply=f"{code}.s1",
                hot_return=f"{code}.r1",
                cold_supply=f"{code}.s2",
                cold_return=f"{code}.r2",
            )
            self.note(
                self.links,
                hot_valve=f"{code}.valve",
                hot_plate=f"{code}.hot",
                cold_pump=f"{code}.pump",
                cold_plate=f"{code}.cold",
            )

    def substations(self) -> None:
        add, truth = self.builder, self._truth
        for index in range(len(self._streets.substations)):
            code = f"SS{index + 1:04d}"
            for side in "sr":
                add.node(f"{code}.{side}")
            self.note(self.nodes, station_supply=f"{code}.s", station_return=f"{code}.r")
        for index, unit in enumerate(self._streets.units):
            code, station = f"UN{index + 1:04d}", f"SS{unit.substation + 1:04d}"
            add.node(f"{code}.m")
            # Both linear: openings are given as shares of kv, whatever the valve's characteristic.
            add.valve(
                f"{code}.valve",
                f"{station}.s",
                f"{code}.m",
                kvs_m3h=float(truth.kvs_m3h[index]),
                rangeability=0.0,
            )
            add.valve(
                f"{code}.plate",
                f"{code}.m",
                f"{station}.r",
                kvs_m3h=float(36.0 / np.sqrt(truth.exchanger_r[index])),
                rangeability=0.0,
            )
            self.note(self.links, valve=f"{code}.valve", plate=f"{code}.plate")

    def pipes(self) -> None:
        real = self._truth.primary
        for index, trench in enumerate(self._streets.trenches):
            code = f"PS{index + 1:05d}"
            starts, ends = _sides(trench.start, leaving=True), _sides(trench.end, leaving=False)
            ways = ((starts[0], ends[0]), (ends[1], starts[1]))
            for way, (a, b) in enumerate(ways):
                name = f"{code}.{'sr'[way]}"
                self.builder.pipe(
                    name,
                    a,
                    b,
                    length_m=float(real.length_m[index]),
                    diameter_m=float(real.inner_m[index]),
                    roughness_mm=float(real.roughness_mm[way, index]),
                    minor=float(real.minor[index]),
                    loss_w_mk=float(real.loss_w_mk[way, index]),
                    wall_kj_mk=float(real.wall_kj_mk[index]),
                )
                self.note(self.links, **{("supply_pipe", "return_pipe")[way]: name})


def _sides(place: str, *, leaving: bool) -> tuple[str, str]:
    """Return the supply and return node of a place that a trench ends at or starts from."""
    match place[:2]:
        case "IS":
            side = "2" if leaving else "1"
            return f"{place}.s{side}", f"{place}.r{side}"
        case "BS":
            return f"{place}.s", f"{place}.{'in' if leaving else 'out'}"
        case _:
            return f"{place}.s", f"{place}.r"


def build_primary(streets: Streets, truth: Truth) -> tuple[Network, Operation, Places]:
    """Return the primary network as it really is, its first operation, and its places."""
    layer = _Layer(streets, truth)
    layer.junctions()
    layer.sources()
    layer.boosters()
    layer.isolations()
    layer.substations()
    layer.pipes()
    network, operation = layer.builder.build()
    nodes, links = network.node_index(), network.link_index()
    places = Places()
    for names, numbers in ((layer.nodes, nodes), (layer.links, links)):
        for kind, row in names.items():
            setattr(places, kind, np.array([numbers[name] for name in row], dtype=np.intp))
    places.held = np.concatenate([places.source_return[:1], places.cold_return])
    places.junction_zone = np.array(
        [int(s.fed_by[2:]) if s.fed_by.startswith("IS") else 0 for s in streets.substations],
        dtype=np.intp,
    )
    places.junction_supply = {
        name[:-2]: number
        for name, number in nodes.items()
        if name.startswith("PN") and name[-1] == "s"
    }
    return network, operation, places
