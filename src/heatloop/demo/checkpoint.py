"""Keeping the city's state in a file, so that it goes on after a restart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from heatloop.demo.city import City
from heatloop.demo.weather import WeatherSettings
from heatloop.kernel.clock import ClockState
from heatloop.kernel.errors import InputError

_WORKS = (
    "valve_pct",
    "pump_hz",
    "standby",
    "makeup_on",
    "return_kpa",
    "tank_m",
    "refilling",
    "primary_kgs",
    "flow_kgs",
    "exchanger_kw",
    "emitter_kj",
    "room_seen_c",
)
_PLANTS = ("heater_c", "heater_kw", "pump_hz", "kgs", "dp_kpa", "outlet_c", "back_c")
_ZONES = ("valve_pct", "pump_hz", "booster_hz", "heat_kw", "error_k")
_PRIMARY = ("flow_kgs", "pressure_kpa", "node_c", "inlet_c", "held_kpa", "makeup_kgs")


def _parts(city: City) -> Iterator[tuple[str, Any, str]]:
    """Yield (key, owner, attribute) of every array of the city's state."""
    works = city.works
    named: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("", works, _WORKS),
        ("plants_", works.plants, _PLANTS),
        ("zones_", works.zones, _ZONES),
        ("primary_", works.primary, _PRIMARY),
    )
    for prefix, owner, names in named:
        for name in names:
            yield prefix + name, owner, name
    for part in ("secondary", "rooms"):
        owner = getattr(city.works, part)
        for field in fields(owner):
            yield f"{part}_{field.name}", owner, field.name
    for field in fields(city.totals):
        yield f"totals_{field.name}", city.totals, field.name


def save_city(
    city: City, path: Path, clock: ClockState | None = None, extra: dict[str, Any] | None = None
) -> None:
    """Write the city's state to a file, whole or not at all.

    Args:
        city: The city.
        path: File to write.
        clock: Its published clock, if it has one.
        extra: Further arrays, for example the collectors' counters.
    """
    about = {
        "seed": city.seed,
        "size": city.size,
        "now_s": city.now_s,
        "weather": asdict(city.weather_settings),
        "faults": city.faults.active,
        "written_s": city.controllers.written_s,
        "energy": city.works.energy,
        "clock": clock.to_dict() if clock else None,
    }
    arrays = {key: np.asarray(getattr(owner, name)) for key, owner, name in _parts(city)}
    arrays["words"] = city.memory.words
    water = city.works.primary.water.to_arrays()
    arrays |= {f"water_{key}": np.asarray(value) for key, value in water.items()}
    arrays |= {f"extra_{key}": np.asarray(value) for key, value in (extra or {}).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        arrays["about"] = np.array(json.dumps(about))
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load_city(
    path: Path, *, seed: int, size: str, base_port: int
) -> tuple[City, ClockState | None, dict[str, Any]]:
    """Return the city kept in a file, its clock, and the further arrays.

    Raises:
        InputError: The file is of another city or damaged.
    """
    try:
        # Opened here, not by numpy, which leaves a damaged file open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            arrays = {key: file[key] for key in file.files if key != "about"}
        if (about["seed"], about["size"]) != (seed, size):
            raise InputError(
                "the kept state is of another city",
                thing=str(path),
                place=f"seed {about['seed']}, size {about['size']}",
                fix="start with the same seed and size, or reset the demo",
            )
        city = City(seed, size, about["now_s"], base_port=base_port, settled=False)
        _restore(city, about, arrays)
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        fix = "reset the demo to start anew"
        raise InputError(f"the kept state is damaged: {error}", thing=str(path), fix=fix) from error
    clock = ClockState(**about["clock"]) if about["clock"] else None
    extra = {key[6:]: value for key, value in arrays.items() if key.startswith("extra_")}
    return city, clock, extra


def _restore(city: City, about: dict[str, Any], arrays: dict[str, Any]) -> None:
    for key, owner, name in _parts(city):
        value = arrays[key]
        setattr(owner, name, value)
    water = {key[6:]: value for key, value in arrays.items() if key.startswith("water_")}
    city.works.primary.water.load_arrays(water)
    city.works.energy = about["energy"]
    city.memory.words[:] = arrays["words"]
    city.weather_settings = WeatherSettings(**about["weather"])
    city.controllers.written_s = about["written_s"]
    city.weather = city.winter.at(city.now_s, city.weather_settings)
    words = city.memory.words.copy()
    city.show()
    for fault_id, since_s in about["faults"].items():
        city.faults.switch(fault_id, True, since_s, city.shown)
    # What the devices showed last they go on showing until the next step.
    city.memory.words[:] = words
