"""From readings of a moment to meters and settings of the network's model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from heatloop.app.twin_ledger import stations_as_one, with_return_pumps
from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.operation import Operation
from heatloop.network.topology.from_ledger import network_of
from heatloop.network.topology.ledger_stations import FLOW
from heatloop.network.twin.meters import MeterKind, Meters, meters_of
from heatloop.network.water import CP_KJ_KGK, density_kg_m3
from heatloop.plant.ledger import Ledger

_FLOW_SHARE, _FLOW_LEAST_KGS = 0.01, 0.05
_PRESSURE_KPA = 5.0
_TEMPERATURE_K = 0.7
_USUAL_RETURN_C = 50.0
_STOPPED_KGS = 0.3
_TURNING_HZ, _RATED_HZ = 1.0, 50.0
Row = tuple[str, MeterKind, str, float, float]


@dataclass(kw_only=True, slots=True)
class Moment:
    """What is read at a moment, made ready for the estimator."""

    operation: Operation
    """What is set."""
    rows: list[Row] = field(default_factory=list)
    """Meters; each is named after the number of its reading."""
    per_unit: dict[int, float] = field(default_factory=dict)
    """Unit of a flow reading over kg/s, by its number."""

    def count(self, kind: MeterKind) -> int:
        """Return how many meters of a kind have a reading."""
        return sum(row[1] == kind and math.isfinite(row[3]) for row in self.rows)


class MeterSheet:
    """Turns values into meters and settings; one for each ledger and arrangement of pumps.

    Args:
        ledger: The assets.
        readings: Asset and point kind of each value.
        return_pumps: Booster stations that pump in the return pipe.
    """

    def __init__(
        self, ledger: Ledger, readings: tuple[tuple[str, str], ...], return_pumps: frozenset[str]
    ) -> None:
        plain = network_of(stations_as_one(ledger), consumers=FLOW)
        self.made = with_return_pumps(plain, return_pumps)
        self.number = {reading: at for at, reading in enumerate(readings)}
        """Number of each reading."""
        self.links = self.made.network.link_index()
        self._nodes = self.made.network.node_index()
        self.sources = [a.code for a in ledger.of_kind("heat_source") if a.code in self.links]
        self.isolations = [
            a.code for a in ledger.of_kind("isolation_station") if f"{a.code}.cold" in self.links
        ]
        self.boosters = [
            a.code for a in ledger.of_kind("booster_station") if f"{a.code}.back" in self.links
        ]
        self.stations = [a.code for a in ledger.of_kind("substation") if a.code in self.links]

    def read(self, values: Floats) -> Moment:
        """Return what the model needs of the values of a moment.

        Args:
            values: In the order of the readings, nan: missing, shape (n_reading,).
        """
        moment = Moment(operation=self.made.operation.copy())
        for code in self.sources:
            self._source(moment, values, code)
        for code in self.isolations:
            self._isolation(moment, values, code)
        for code in self.boosters:
            self._booster(moment, values, code)
        unmetered, known, design = [], 0.0, 0.0
        for code in self.stations:
            flow = self._station(moment, values, code)
            if flow is None:
                unmetered.append(self.links[code])
            else:
                known += flow
                design += float(self.made.operation.flow_kgs[self.links[code]])
        # Who is not metered is taken to be loaded like the others.
        if design > 0.0:
            moment.operation.flow_kgs[unmetered] *= known / design
            moment.operation.demand_kw[unmetered] *= known / design
        return moment

    def meters(self, moment: Moment) -> Meters:
        """Return the meters of a moment."""
        return meters_of(self.made.network, moment.rows)

    def _value(self, values: Floats, code: str, kind: str) -> float:
        at = self.number.get((code, kind))
        return math.nan if at is None else float(values[at])

    def _at_node(self, moment: Moment, values: Floats, code: str, kind: str, node: str) -> None:
        at = self.number.get((code, kind))
        if at is None or node not in self._nodes:
            return
        if kind.endswith("_pressure"):
            what, sigma = MeterKind.PRESSURE, _PRESSURE_KPA
        else:
            what, sigma = MeterKind.TEMPERATURE, _TEMPERATURE_K
        moment.rows.append((str(at), what, node, float(values[at]), sigma))

    def _flow(
        self, moment: Moment, values: Floats, code: str, kinds: tuple[str, str], link: str
    ) -> float:
        """Note a flow meter (read with its water's temperature) on a link; return kg/s."""
        kind, back = kinds
        at = self.number.get((code, kind))
        if at is None:
            return math.nan
        back_c = self._value(values, code, back)
        back_c = back_c if math.isfinite(back_c) else _USUAL_RETURN_C
        per_unit = 3600.0 / float(density_kg_m3(back_c))
        flow = float(values[at]) / per_unit
        moment.per_unit[at] = per_unit
        sigma = _FLOW_SHARE * abs(flow) + _FLOW_LEAST_KGS if math.isfinite(flow) else 1.0
        moment.rows.append((str(at), MeterKind.FLOW, link, flow, sigma))
        return flow

    def _source(self, moment: Moment, values: Floats, code: str) -> None:
        operation, link = moment.operation, self.links[code]
        for kind, node in (
            ("source_supply_pressure", f"{code}.s"),
            ("source_return_pressure", f"{code}.r"),
            ("source_supply_temperature", f"{code}.s"),
            ("source_return_temperature", f"{code}.r"),
        ):
            self._at_node(moment, values, code, kind, node)
        kinds = ("source_flow", "source_return_temperature")
        flow = self._flow(moment, values, code, kinds, code)
        ahead = self._value(values, code, "source_supply_pressure")
        behind = self._value(values, code, "source_return_pressure")
        if math.isfinite(ahead - behind):
            operation.lift_kpa[link] = max(ahead - behind, 0.0)
        holder = self._nodes[f"{code}.r"]
        if math.isfinite(behind) and self.made.network.pressure_held[holder]:
            operation.held_kpa[holder] = behind
        supply = self._value(values, code, "source_supply_temperature")
        if math.isfinite(supply):
            operation.outlet_c[link] = supply
        if flow < _STOPPED_KGS:
            operation.shut[link] = True

    def _station(self, moment: Moment, values: Floats, code: str) -> float | None:
        for kind, node in (
            ("primary_supply_pressure", f"{code}.s"),
            ("primary_return_pressure", f"{code}.r"),
            ("primary_supply_temperature", f"{code}.s"),
            ("primary_return_temperature", f"{code}.r"),
        ):
            self._at_node(moment, values, code, kind, node)
        kinds = ("primary_flow", "primary_return_temperature")
        flow = self._flow(moment, values, code, kinds, code)
        if not math.isfinite(flow):
            return None
        drop_k = self._value(values, code, "primary_supply_temperature")
        drop_k -= self._value(values, code, "primary_return_temperature")
        heat = self._value(values, code, "primary_heat_power")
        heat = CP_KJ_KGK * flow * drop_k if math.isfinite(drop_k) else heat
        link = self.links[code]
        moment.operation.flow_kgs[link] = flow
        if math.isfinite(heat):
            moment.operation.demand_kw[link] = max(heat, 0.0)
        return flow

    def _isolation(self, moment: Moment, values: Floats, code: str) -> None:
        for kind, node in (
            ("primary_supply_pressure", f"{code}.s"),
            ("primary_return_pressure", f"{code}.r"),
            ("primary_supply_temperature", f"{code}.s"),
            ("primary_return_temperature", f"{code}.r"),
            ("secondary_supply_pressure", f"{code}.out.s"),
            ("secondary_return_pressure", f"{code}.out.r"),
            ("secondary_supply_temperature", f"{code}.out.s"),
            ("secondary_return_temperature", f"{code}.out.r"),
        ):
            self._at_node(moment, values, code, kind, node)
        operation = moment.operation
        kinds = ("primary_flow", "primary_return_temperature")
        flow = self._flow(moment, values, code, kinds, code)
        kinds = ("secondary_flow", "secondary_return_temperature")
        self._flow(moment, values, code, kinds, f"{code}.cold")
        hot = self._value(values, code, "primary_return_temperature")
        cold = self._value(values, code, "secondary_supply_temperature")
        # Both sides are measured, so each is told what its water leaves with.
        if math.isfinite(hot):
            operation.outlet_c[self.links[code]] = hot
        if math.isfinite(cold):
            operation.outlet_c[self.links[f"{code}.cold"]] = cold
        held = self._value(values, code, "secondary_return_pressure")
        if math.isfinite(held):
            operation.held_kpa[self._nodes[f"{code}.out.r"]] = held
        opening = self._value(values, code, "valve_opening")
        if math.isfinite(opening) and not flow < _STOPPED_KGS:
            operation.opening_pct[self.links[f"{code}.valve"]] = max(opening, 2.0)

    def _booster(self, moment: Moment, values: Floats, code: str) -> None:
        pump = self.links[code]
        network = self.made.network
        assert network.kind[pump] == LinkKind.PUMP
        inlet = network.node_names[int(network.from_node[pump])]
        outlet = network.node_names[int(network.to_node[pump])]
        # On the side with the pump only the pump's own readings say where they were taken.
        other = "primary_return_pressure" if outlet.endswith(".s") else "primary_supply_pressure"
        for kind, node in (
            ("booster_inlet_pressure", inlet),
            ("booster_outlet_pressure", outlet),
            (other, f"{code}.r" if outlet.endswith(".s") else f"{code}.s"),
            ("primary_supply_temperature", f"{code}.s"),
        ):
            self._at_node(moment, values, code, kind, node)
        kinds = ("primary_flow", "primary_return_temperature")
        self._flow(moment, values, code, kinds, f"{code}.back")
        hz = self._value(values, code, "circulation_pump_frequency")
        bypass = self.links.get(f"{code}.bypass")
        stopped = hz < _TURNING_HZ
        if math.isfinite(hz):
            moment.operation.shut[pump] = stopped
            moment.operation.speed[pump] = max(hz / _RATED_HZ, 0.02)
        if bypass is not None and math.isfinite(hz):
            moment.operation.shut[bypass] = not stopped
