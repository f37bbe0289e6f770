"""The twin house N2: a model learned from the first half of the experiment, left alone in the rest.

Heat, weather, supply air, attic and cellar are measured; of the room temperatures nothing of the
second half is shown to the model. Time is CET, without summer time, from 21 August 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from heatloop.network.arrays import Floats
from heatloop.network.identify import Identified, free_rmse_k, identify_room
from heatloop.network.room_model import RoomInputs
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

    volume = np.array([size for size, _ in ROOMS.values()])
    rooms = np.column_stack([column(f"N2_{name}") for name in ROOMS])
    heat_w = sum(column(f"N2_heat_elP_{heater}") for _, heater in ROOMS.values() if heater)
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
        heat_kw=np.asarray(heat_w) / 1000.0,
        outdoor_c=sky("c1"),
        sun_kw_m2=sun,
        boundary_c=np.column_stack([attic, column("N2_cellar_AT")]),
        supply_air_c=column("N2_vent_SUA_AT"),
        supply_air_kw_k=float(column("N2_vent_SUA_VFR").mean()) / 3600.0 * _AIR_KJ_M3K,
    )
    return House(inputs=inputs, room_c=rooms @ volume / volume.sum())


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
