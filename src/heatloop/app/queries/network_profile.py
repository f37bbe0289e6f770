"""Pressure profiles: pressures along the way of the water from a source to a place (6.2 g)."""

from __future__ import annotations

import numpy as np

from heatloop.app.queries.network_now import Reader
from heatloop.app.queries.network_shape import ledger_network
from heatloop.app.refusals import Refused
from heatloop.app.twin_job import Twin
from heatloop.app.views.network import PressureProfile, ProfilePoint
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.network.topology.from_ledger import LedgerNetwork
from heatloop.network.topology.graph import adjacency, reached
from heatloop.network.topology.paths import supply_path
from heatloop.plant.kinds import point_kind

_MH2O_KPA = 9.80665
_ATMOSPHERE_KPA = 101.325


def boil_kpa(warm_c: float) -> float:
    """Return the gauge pressure at which water of a temperature boils, 0 below 100 degC.

    Reference: Antoine's equation with Stull's constants for 99 to 374 degC.
    """
    if warm_c <= 100.0:
        return 0.0
    steam_kpa = 10.0 ** (8.14019 - 1810.94 / (244.485 + warm_c)) * 0.1333224
    return float(max(steam_kpa - _ATMOSPHERE_KPA, 0.0))


def profile(world: World, scope: Scope, twin: Twin, to: str) -> PressureProfile:
    """Return the pressures along the supply way to a station, unit or pipe node.

    Raises:
        Refused: There is no such place inside the scope, or no way leads there.
    """
    asset = world.asset(scope, to)
    place = world.ledger.assets[asset.parent] if asset.kind == "unit" else asset
    try:
        made = ledger_network(world.ledger)
        name = made.supply_node.get(place.code, "")
        if not name:
            raise Refused("not_found", thing=to)
        path = supply_path(made.network, made.operation, name)
    except Refused:
        raise
    except InputError as error:
        raise Refused("not_found", thing=to, detail=error.message) from error
    known, index = twin.last, made.network.link_index()
    reader = Reader(known)
    limit = point_kind("primary_supply_pressure").alarm_high or 1600.0
    far = 0.0
    points: list[ProfilePoint] = []
    for at, name in enumerate(path.nodes):
        if at:
            far += float(made.network.length_m[index[path.links[at - 1]]])
        code = made.asset_of[name]
        if points and points[-1].code == code:
            # The far side of a valve or pump stands where the near one stands.
            points.pop()
        points.append(_on_the_way(world, made, reader, name, far, limit))
    return PressureProfile(
        to=to,
        source=made.asset_of[path.plant],
        at=None if known is None else utc(known.run.t_s),
        length_m=path.length_m,
        limit_kpa=limit,
        static_head_m=_static(made, reader, path.nodes[0]),
        points=points,
    )


def _on_the_way(
    world: World, made: LedgerNetwork, reader: Reader, name: str, far: float, limit: float
) -> ProfilePoint:
    asset = world.ledger.assets[made.asset_of[name]]
    level = float(made.network.height_m[made.network.node_index()[name]])
    supply, back = reader.kpa(name), reader.kpa(f"{name[:-2]}.r")
    warm = reader.warm(name)
    return ProfilePoint(
        code=asset.code,
        zh=asset.zh,
        en=asset.en,
        distance_m=far,
        elevation_m=level,
        supply_kpa=supply,
        return_kpa=back,
        supply_head_m=None if supply is None else level + supply / _MH2O_KPA,
        return_head_m=None if back is None else level + back / _MH2O_KPA,
        limit_head_m=level + limit / _MH2O_KPA,
        boil_head_m=None if warm is None else level + boil_kpa(warm) / _MH2O_KPA,
    )


def _static(made: LedgerNetwork, reader: Reader, start: str) -> float | None:
    """Return the head of the node that holds the pressure of a place's zone."""
    network = made.network
    near = adjacency(network, np.ones(network.n_link, np.bool_))
    inside = reached(near, [network.node_index()[start]])
    for node in np.flatnonzero(inside & network.pressure_held).tolist():
        held = reader.kpa(network.node_names[node])
        if held is not None:
            return float(network.height_m[node]) + held / _MH2O_KPA
    return None
