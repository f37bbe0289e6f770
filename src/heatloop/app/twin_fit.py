"""A model fitted to the last estimate, which gives it back when solved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.app.twin_ledger import with_return_pumps
from heatloop.app.twin_state import TwinRun
from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.steady import solve_steady
from heatloop.network.topology.from_ledger import LedgerNetwork, network_of
from heatloop.network.topology.ledger_stations import VALVE
from heatloop.network.water import density_kg_m3
from heatloop.plant.ledger import Ledger

_LEAST_KGS = 0.02
_LEAST_KPA = 0.5
_VALVE_SHARE = 0.6
_USUAL_PCT = 50.0
_VALVE_KINDS = (LinkKind.VALVE, LinkKind.CHECK_VALVE)


def _kvs(flow_kgs: float, fall_kpa: float, warm_c: float) -> float:
    """Return the kv that takes a pressure at a flow of water of a temperature."""
    density = float(density_kg_m3(warm_c))
    volume = flow_kgs * 3600.0 / density
    return float(volume / np.sqrt(fall_kpa / 100.0 * 1000.0 / density))


def _ends(network: Network, link: int) -> tuple[str, str]:
    names = network.node_names
    return names[int(network.from_node[link])], names[int(network.to_node[link])]


class Fitted:
    """The network with valves, pumps and resistances that give the last estimate.

    Stations' valves stay where they are: this is what happens before anybody regulates.

    Args:
        ledger: The assets.
        run: The estimate.
        openings: Opening of control valves by asset code, where it is measured, %.
        return_pumps: Booster stations that pump in the return pipe.
    """

    def __init__(
        self, ledger: Ledger, run: TwinRun, openings: dict[str, float], return_pumps: frozenset[str]
    ) -> None:
        self.ledger = ledger
        plain = network_of(ledger, consumers=VALVE)
        self.made: LedgerNetwork = with_return_pumps(plain, return_pumps)
        network = self.made.network
        self.operation: Operation = self.made.operation
        self.links = network.link_index()
        self.nodes = network.node_index()
        self._kvs = network.kvs_m3h.copy()
        self._resistance = network.resistance_kpa_kgs2.copy()
        self._shutoff, self._fall = network.shutoff_kpa.copy(), network.fall_kpa_kgs2.copy()
        at_node = {name: at for at, name in enumerate(run.names.nodes)}
        at_link = {name: at for at, name in enumerate(run.names.links)}
        self._p = {name: float(run.pressure_kpa[at]) for name, at in at_node.items()}
        self._c = {name: float(run.node_c[at]) for name, at in at_node.items()}
        self._m = {name: float(run.flow_kgs[at]) for name, at in at_link.items()}
        self._openings = openings
        self.units: dict[str, str] = {}
        """Station of each unit."""
        self._sources()
        self._units()
        self._isolations()
        self._boosters()
        self._minor = self._pipes(network)
        fitted = replace(
            network,
            kvs_m3h=self._kvs,
            resistance_kpa_kgs2=self._resistance,
            shutoff_kpa=self._shutoff,
            fall_kpa_kgs2=self._fall,
            minor=self._minor,
        )
        self.mean_c = self._warm(fitted)
        self.solver = Solver(fitted)
        self.before = solve_steady(self.solver, self.operation, fixed_c=self.mean_c)

    def _sources(self) -> None:
        network, operation = self.made.network, self.operation
        for source in self.ledger.of_kind("heat_source"):
            code = source.code
            if code not in self.links:
                continue
            link = self.links[code]
            operation.lift_kpa[link] = max(self._p[f"{code}.s"] - self._p[f"{code}.r"], 0.0)
            operation.outlet_c[link] = self._c[f"{code}.s"]
            operation.shut[link] = self._m[code] < _LEAST_KGS
        for node in np.flatnonzero(network.pressure_held).tolist():
            operation.held_kpa[node] = self._p.get(network.node_names[node], np.nan)

    def _units(self) -> None:
        for station in self.ledger.of_kind("substation"):
            code = station.code
            units = [a.code for a in self.ledger.children(code) if a.kind == "unit"]
            placed = [unit for unit in units or [code] if unit in self.links]
            fall = self._p.get(f"{code}.s", np.nan) - self._p.get(f"{code}.r", np.nan)
            shares = self._shares(placed)
            for unit, share in zip(placed, shares, strict=True):
                self.units[unit] = code
                flow = self._m[code] * share
                self._consumer(unit, flow, fall, self._c[f"{code}.s"])
                link = self.links[unit]
                self.operation.outlet_c[link] = self._c[f"{code}.r"]
                self.operation.demand_kw[link] = 0.0

    def _shares(self, units: list[str]) -> list[float]:
        """Return how a station's flow divides between its units: by size and valve opening."""
        size = [self._resistance[self.links[unit]] ** -0.5 for unit in units]
        if all(unit in self._openings for unit in units):
            size = [s * (self._openings[u] + 1.0) for s, u in zip(size, units, strict=True)]
        return [s / sum(size) for s in size]

    def _consumer(self, code: str, flow: float, fall: float, warm_c: float) -> None:
        """Fit a control valve and the exchanger side behind it."""
        link, valve = self.links[code], self.links[f"{code}.valve"]
        opening = min(max(self._openings.get(code, _USUAL_PCT), 2.0), 100.0)
        self.operation.opening_pct[valve] = opening
        if not (flow > _LEAST_KGS and fall > _LEAST_KPA):
            self.operation.shut[valve] = not flow > _LEAST_KGS
            return
        at_exchanger = min(self._resistance[link] * flow**2, (1.0 - _VALVE_SHARE) * fall)
        self._resistance[link] = at_exchanger / flow**2
        needed = _kvs(flow, fall - at_exchanger, warm_c)
        rangeability = float(self.made.network.rangeability[valve])
        share = opening / 100.0
        if rangeability > 0.0:
            share = rangeability ** (share - 1.0)
        self._kvs[valve] = needed / share

    def _isolations(self) -> None:
        for station in self.ledger.of_kind("isolation_station"):
            code = station.code
            if f"{code}.cold" not in self.links:
                continue
            fall = self._p[f"{code}.s"] - self._p[f"{code}.r"]
            self._consumer(code, self._m[code], fall, self._c[f"{code}.s"])
            self.operation.outlet_c[self.links[code]] = self._c[f"{code}.r"]
            cold = self.links[f"{code}.cold"]
            self.operation.outlet_c[cold] = self._c[f"{code}.out.s"]
            flow = self._m[f"{code}.cold"]
            rise = self._p[f"{code}.out.s"] - self._p[f"{code}.out.r"]
            self._pump(f"{code}.pump", flow, rise + float(self._resistance[cold]) * flow**2)

    def _boosters(self) -> None:
        network = self.made.network
        for station in self.ledger.of_kind("booster_station"):
            code = station.code
            if f"{code}.back" not in self.links:
                continue
            pump, back = self.links[code], self.links[f"{code}.back"]
            start, end = _ends(network, pump)
            self._pump(code, self._m[code], self._p[end] - self._p[start])
            self.operation.shut[self.links[f"{code}.bypass"]] = not self.operation.shut[pump]
            start, end = _ends(network, back)
            flow, fall = self._m[f"{code}.back"], self._p[start] - self._p[end]
            if flow > _LEAST_KGS and fall > 0.0:
                self._kvs[back] = min(_kvs(flow, max(fall, 0.05), self._c[start]), 1e6)

    def _pump(self, name: str, flow: float, head: float) -> None:
        """Fit a pump's curve so that at rated speed it gives a head at a flow."""
        link = self.links[name]
        there = float(self._shutoff[link] - self._fall[link] * flow**2)
        if flow < _LEAST_KGS or head <= 0.0:
            self.operation.shut[link] = True
            return
        if there < 0.2 * self._shutoff[link]:
            # Far off its guessed curve: as steep as a curve at its best point.
            self._shutoff[link], self._fall[link] = 1.2 * head, 0.2 * head / flow**2
        else:
            self._shutoff[link] *= head / there
            self._fall[link] *= head / there
        self.operation.speed[link] = 1.0

    def _pipes(self, network: Network) -> Floats:
        """Return loss coefficients that bring pipes' pressure losses near the estimate."""
        minor = network.minor.copy()
        pipes = np.flatnonzero(network.kind == LinkKind.PIPE)
        for link in pipes.tolist():
            name = network.link_names[link]
            flow = self._m.get(name, 0.0)
            start, end = int(network.from_node[link]), int(network.to_node[link])
            names = network.node_names[start], network.node_names[end]
            if names[0] not in self._p or names[1] not in self._p or abs(flow) < _LEAST_KGS:
                continue
            bore = float(network.diameter_m[link])
            density = float(density_kg_m3(self._c[names[0]]))
            rise = float(network.height_m[end] - network.height_m[start]) * 9.81 * density / 1e3
            fall = (self._p[names[0]] - self._p[names[1]] - rise) * np.sign(flow)
            speed = abs(flow) / density / (np.pi / 4.0 * bore**2)
            push = density * speed**2 / 2000.0
            rough = max(float(network.roughness_mm[link]), 0.01)
            friction = (1.14 + 2.0 * np.log10(bore * 1000.0 / rough)) ** -2
            straight = friction * float(network.length_m[link]) / bore
            if push > 1e-4:
                minor[link] = min(max(fall / push - straight, 0.0), 3.0 * straight + minor[link])
        return minor

    def _warm(self, network: Network) -> Floats:
        """Return the mean temperature of each link by the estimate."""
        usual = float(np.mean(list(self._c.values())))
        warm = np.array([self._c.get(name, usual) for name in network.node_names])
        mean = 0.5 * (warm[network.from_node] + warm[network.to_node])
        return np.asarray(np.clip(mean, 1.0, 175.0))
