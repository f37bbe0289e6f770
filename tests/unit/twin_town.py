"""A town with a pipe network, and what its meters would read."""

from __future__ import annotations

from typing import Any

import numpy as np

from heatloop.app.twin_readings import READ, TwinPlant, needed_assets
from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady
from heatloop.network.topology.from_ledger import LedgerNetwork, network_of
from heatloop.network.water import density_kg_m3
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway

# A main of three nodes with a station at each; the second one's units stand on both sides of a
# branch valve, so that something can be shut.
PIPES = {
    "PS00001": ("HS0001", "PN00001", 900.0, 250.0),
    "PS00002": ("PN00001", "SS0001", 120.0, 125.0),
    "PS00003": ("PN00001", "PN00002", 700.0, 200.0),
    "PS00004": ("PN00002", "SS0002", 150.0, 125.0),
    "PS00005": ("PN00002", "PN00003", 600.0, 150.0),
    "PS00006": ("PN00003", "SS0003", 200.0, 125.0),
}


def _asset(code: str, kind: str, parent: str = "", organisation: str = "", **own: Any) -> Asset:
    return Asset(
        code=code,
        kind=kind,
        zh=f"名{code}",
        en=f"name {code}",
        parent=parent,
        organisation=organisation,
        attributes=own,
    )


def assets(valve: bool = True) -> list[Asset]:
    """Return the town's assets; node 2 is a valve in the line if asked for."""
    found = [
        _asset("CO01", "company"),
        _asset("BR01", "branch", "CO01"),
        _asset("BR02", "branch", "CO01"),
        _asset("HS0001", "heat_source", organisation="BR01", rated_load_kw=20000, lat=43.88,
               lon=125.32, elevation_m=20.0, design_supply_c=110.0),
        _asset("WS0001", "weather_station", "HS0001"),
    ]  # fmt: skip
    for n in (1, 2, 3):
        branch = "BR02" if n == 3 else "BR01"
        found += [
            _asset(f"PN0000{n}", "pipe_node", "HS0001", "BR01", network="primary",
                   lat=43.88, lon=125.32 + 0.01 * n, elevation_m=20.0 - 4.0 * n,
                   node_kind="junction"),
            _asset(f"SS000{n}", "substation", "HS0001", branch, heated_area_m2=60000,
                   lat=43.882, lon=125.32 + 0.01 * n, elevation_m=20.0 - 4.0 * n),
        ]  # fmt: skip
        for side in (2 * n - 1, 2 * n):
            found.append(
                _asset(f"UN000{side}", "unit", f"SS000{n}", branch, heated_area_m2=30000,
                       zone="low", emitter="radiator", design_load_kw=1500.0 + 100.0 * side)
            )  # fmt: skip
    if valve:
        found.append(
            _asset("PN00004", "pipe_node", "HS0001", "BR01", network="primary", lat=43.88,
                   lon=125.336, elevation_m=14.0, node_kind="valve")
        )  # fmt: skip
    for code, (start, end, length, dn) in PIPES.items():
        ends = [(code, start, end, length)]
        if valve and code == "PS00003":
            ends = [(code, start, "PN00004", 400.0), ("PS00007", "PN00004", end, 300.0)]
        for name, one, other, metres in ends:
            found.append(
                _asset(name, "pipe_segment", "HS0001", "BR01", network="primary", from_node=one,
                       to_node=other, length_m=metres, dn_mm=dn)
            )  # fmt: skip
    return found


def devices() -> list[Device]:
    """Return a controller at the source and at each station."""
    profiles = {"HS0001": "heat_source_controller", "WS0001": "weather_station"}
    profiles |= {f"SS000{n}": "substation_controller" for n in (1, 2, 3)}
    return [
        Device(
            code=f"DV{n:04d}",
            asset=asset,
            gateway="GW0001",
            profile=profile,
            protocol="modbus_tcp",
            port=15000 + n,
        )
        for n, (asset, profile) in enumerate(profiles.items(), 1)
    ]


def gateways() -> list[Gateway]:
    """Return the one gateway."""
    return [Gateway(code="GW0001", zh="网关", en="gateway", organisation="BR01")]


def ledger() -> Ledger:
    """Return the town's ledger."""
    return build_ledger(assets(), devices(), gateways(), version=1, keys={})


def steady(town: Ledger) -> tuple[LedgerNetwork, State]:
    """Return the network with every unit's own valve, and its steady state: the truth."""
    made = network_of(town)
    return made, solve_steady(Solver(made.network), made.operation)


def read(town: Ledger, made: LedgerNetwork, state: State) -> dict[tuple[str, str], float]:
    """Return what perfect meters read in a state, by asset and point kind."""
    nodes, links = made.network.node_index(), made.network.link_index()
    found: dict[tuple[str, str], float] = {}
    for kind in ("heat_source", "substation"):
        for asset in town.of_kind(kind):
            supply, back = nodes[f"{asset.code}.s"], nodes[f"{asset.code}.r"]
            head = "source" if kind == "heat_source" else "primary"
            units = [u.code for u in town.children(asset.code) if u.kind == "unit"]
            kgs = sum(float(state.flow_kgs[links[u]]) for u in units or [asset.code])
            back_c = float(state.node_c[back])
            found |= {
                (asset.code, f"{head}_supply_pressure"): float(state.pressure_kpa[supply]),
                (asset.code, f"{head}_return_pressure"): float(state.pressure_kpa[back]),
                (asset.code, f"{head}_supply_temperature"): float(state.node_c[supply]),
                (asset.code, f"{head}_return_temperature"): back_c,
                (asset.code, f"{head}_flow"): kgs * 3600.0 / float(density_kg_m3(back_c)),
            }
            found |= {(unit, "valve_opening"): 100.0 for unit in units}
    return found


def plant_and_values(
    town: Ledger, token: str = "t"
) -> tuple[TwinPlant, Floats, LedgerNetwork, State]:
    """Return what a worker is given, and the truth behind it."""
    made, state = steady(town)
    values = read(town, made, state)
    order = tuple(
        (asset.code, name)
        for kind, names in READ.items()
        for asset in town.of_kind(kind)
        for name in names
        if (asset.code, name) in values
    )
    plant = TwinPlant(token=token, assets=needed_assets(town), readings=order)
    return plant, np.array([values[each] for each in order]), made, state
