"""The twin house N2: a model learned from the first half of the experiment, left alone in the rest.

Heat, weather, supply air, attic and cellar are measured; of the room temperatures nothing of the
second half is shown to the model. Time is CET, without summer time, from 21 August 2013.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from heatloop.network.arrays import Floats
from heatloop.network.identify import Identified, free_rmse_k, identify_room
from heatloop.network.room_model import RoomInputs
from heatloop.network.rooms_together import JoinedRoom, simulate_together
from heatloop.network.sun import EAST, NORTH, SOUTH, WEST, facade_kw_m2, sun_position

FOLDER = "twin_house_n2"
LATITUDE, LONGITUDE = 47.874, 11.728
# Room: (volume in m3, column of its heater). From the published specification of the experiment.
ROOMS = {
    "living_AT_h125cm": (86.4, "living_room"),
    "corridor_AT": (12.1, ""),
    "bath_AT": (15.4, "bath_room"),
    "child_AT": (27.6, "children_room"),
    "kitchen_AT": (18.6, "kitchen"),
    "doorway_AT": (14.7, "doorway"),
    "bedroom_AT": (26.8, "bedroom"),
}
# Zone: (its rooms, their doors being open; facades as columns of the sun; zones it borders on).
ZONES = {
    "day": (("living_AT_h125cm", "corridor_AT", "bath_AT", "child_AT"), (0, 1, 3), (1, 2, 3)),
    "kitchen": (("kitchen_AT",), (1,), (0, 2)),
    "doorway": (("doorway_AT",), (2,), (0, 1, 3)),
    "bedroom": (("bedroom_AT",), (2, 3), (0, 2)),
}
_START_IN_YEAR_S = 232.0 * 86400.0
_CET_S = 3600.0
_AIR_KJ_M3K = 1.21


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class House:
    """The house as one zone."""

    inputs: RoomInputs
    """What acted on it."""
    room_c: Floats
    """Mean room temperature by volume, shape (n,)."""
    zone_c: Floats
    """The same of each of `ZONES`, shape (n, 4)."""
    zone_kw: Floats
    """Heat given off in each, shape (n, 4)."""
    day_air_c: Floats
    """Supply air where it enters the day zone, having passed the kitchen's duct, shape (n,)."""


def twin_house(data: Path) -> House:
    """Return the whole experiment.

    Args:
        data: Folder of the public data sets.
    """
    table = pq.read_table(data / FOLDER / "twinhouse_N2_exp1_10min.parquet")
    weather = pq.read_table(data / FOLDER / "weather_exp1.parquet")

    def column(name: str) -> Floats:
        return np.asarray(table[name].to_numpy(), dtype=np.float64)

    year_s = column("Time") + _START_IN_YEAR_S

    def sky(name: str) -> Floats:
        known_s, values = (weather[x].to_numpy().astype(np.float64) for x in ("c0", name))
        return np.asarray(np.interp(year_s, known_s, values))

    volume = {name: size for name, (size, _) in ROOMS.items()}

    def mean_c(names: tuple[str, ...]) -> Floats:
        heat = [volume[name] * column(f"N2_{name}") for name in names]
        return np.asarray(np.sum(heat, axis=0) / sum(volume[name] for name in names))

    def given_kw(names: tuple[str, ...]) -> Floats:
        heaters = [ROOMS[name][1] for name in names if ROOMS[name][1]]
        return np.asarray(np.sum([column(f"N2_heat_elP_{x}") for x in heaters], axis=0) / 1000.0)

    zone_kw = np.column_stack([given_kw(rooms) for rooms, _, _ in ZONES.values()])
    # The duct of the supply air takes heat out of the kitchen.
    zone_kw[:, 1] += column("N2-Heat-Input-Kitchen") / 1000.0
    time_s = datetime(2013, 1, 1, tzinfo=UTC).timestamp() + year_s - _CET_S
    sun = facade_kw_m2(
        sky("c8") / 1000.0,
        sun_position(time_s, LATITUDE, LONGITUDE),
        np.array([SOUTH, WEST, NORTH, EAST]),
        diffuse=sky("c10") / 1000.0,
    )
    attic = 0.5 * (column("N2_attic_east_AT") + column("N2_attic_west_AT"))
    inputs = RoomInputs(
        dt_s=600.0,
        heat_kw=given_kw(tuple(ROOMS)),
        outdoor_c=sky("c1"),
        sun_kw_m2=sun,
        boundary_c=np.column_stack([attic, column("N2_cellar_AT")]),
        supply_air_c=column("N2_vent_SUA_AT"),
        supply_air_kw_k=float(column("N2_vent_SUA_VFR").mean()) / 3600.0 * _AIR_KJ_M3K,
    )
    return House(
        inputs=inputs,
        room_c=mean_c(tuple(ROOMS)),
        zone_c=np.column_stack([mean_c(rooms) for rooms, _, _ in ZONES.values()]),
        zone_kw=zone_kw,
        day_air_c=column("N2_vent_SUA_corr_AT"),
    )


def learn_first_half(house: House, order: int | None = None) -> Identified:
    """Return the model of the first half; `order` as in `identify_room`."""
    half = len(house.room_c) // 2
    return identify_room(house.inputs.part(0, half), house.room_c[:half], order=order)


def twin_house_rmse_k(data: Path, order: int | None = None) -> float:
    """Return the error of the room temperature over the second half, simulated freely.

    Args:
        data: Folder of the public data sets.
        order: As in `identify_room`; None: chosen from the first half.
    """
    house = twin_house(data)
    return free_rmse_k(learn_first_half(house, order), house.inputs, house.room_c)


def zones_rmse_k(house: House, order: int = 3) -> dict[str, float]:
    """Return the error of each zone over the second half, all zones simulated freely together.

    Each is learned from the first half with its neighbours measured; in the second half it sees
    them only as simulated. Under "mean" stands the error of the mean room temperature.

    Args:
        house: The experiment.
        order: Heat nodes a zone.
    """
    half = len(house.room_c) // 2
    learned = [_learn_zone(house, k, order) for k in range(len(ZONES))]
    joined = []
    for k, (found, (_, facades, next_to)) in enumerate(zip(learned, ZONES.values(), strict=True)):
        inputs = _zone_inputs(house, k, facades).part(half - 1, len(house.room_c))
        joined.append(
            JoinedRoom(model=found.model, inputs=inputs, start_c=found.end_c, next_to=next_to)
        )
    error = simulate_together(joined)[1:] - house.zone_c[half:]
    rmse = {name: float(np.sqrt(np.mean(error[:, k] ** 2))) for k, name in enumerate(ZONES)}
    volume = np.array([sum(ROOMS[r][0] for r in rooms) for rooms, _, _ in ZONES.values()])
    return rmse | {"mean": float(np.sqrt(np.mean((error @ volume / volume.sum()) ** 2)))}


def _zone_inputs(house: House, zone: int, facades: tuple[int, ...]) -> RoomInputs:
    """Air is supplied to the day zone only, through the kitchen's duct."""
    whole = house.inputs
    return replace(
        whole,
        heat_kw=house.zone_kw[:, zone],
        sun_kw_m2=whole.sun_kw_m2[:, list(facades)],
        supply_air_c=house.day_air_c,
        supply_air_kw_k=whole.supply_air_kw_k if zone == 0 else 0.0,
    )


def _learn_zone(house: House, zone: int, order: int) -> Identified:
    _, facades, next_to = list(ZONES.values())[zone]
    inputs = _zone_inputs(house, zone, facades)
    seen = np.column_stack([inputs.boundary_c, house.zone_c[:, list(next_to)]])
    half = len(house.room_c) // 2
    return identify_room(
        replace(inputs, boundary_c=seen).part(0, half), house.zone_c[:half, zone], order=order
    )
