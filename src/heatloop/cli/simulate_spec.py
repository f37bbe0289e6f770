"""The pipe's file of `heatloop simulate pipe`: JSON in, every mistake named."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.network.heat.pipe_materials import PipeMaterials
from heatloop.network.heat.single_pipe import FlowUnit, PipeSpec

MATERIALS = {
    "steel": (7850.0, 0.46),
    "stainless_steel": (7900.0, 0.50),
    "cast_iron": (7200.0, 0.46),
    "copper": (8930.0, 0.385),
    "pex": (940.0, 2.3),
    "pp": (905.0, 1.9),
    "pvc": (1400.0, 0.9),
}
"""Density (kg/m3) and heat capacity (kJ/(kg K)) of walls, handbook values."""
_KEYS = {
    "": (
        "name",
        "length_m",
        "inner_diameter_mm",
        "outer_diameter_mm",
        "wall",
        "insulation",
        "outside",
        "loss_w_mk",
        "ambient_c",
        "start_c",
        "flow_meter",
    ),
    "wall": ("material", "density_kg_m3", "heat_capacity_j_kgk"),
    "insulation": ("thickness_mm", "conductivity_w_mk", "heat_capacity_kj_m3k"),
    "outside": ("heat_transfer_w_m2k", "depth_m", "soil_conductivity_w_mk"),
}
_USUAL_INSULATION_C = 50.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PipeFile:
    """What a pipe's file says."""

    name: str
    """For reports."""
    spec: PipeSpec
    """The pipe."""
    ambient_c: float
    """Surroundings if the inlet file has none, nan if not given."""
    start_c: float | tuple[float, float] | None
    """First temperature, or of both ends; None if not given."""
    meter: FlowUnit
    """Where a volume flow is measured."""


def read_pipe_file(path: Path) -> PipeFile:
    """Return the pipe of a file.

    Raises:
        InputError: The file cannot be read, or says something no pipe can be.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"无法读取 cannot be read: {error}", thing=str(path), fix="check the path"
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"不是 JSON not JSON: {error.msg}",
            thing=path.name,
            place=f"line {error.lineno}, column {error.colno}",
        ) from error
    if not isinstance(found, dict):
        raise InputError("应为对象 must be an object { }", thing=path.name)
    return _PipeReader(path.name).pipe(found)


class _PipeReader:
    """Takes the values out of the parsed file, one by one."""

    def __init__(self, name: str) -> None:
        self._file = name

    def pipe(self, found: Mapping[str, Any]) -> PipeFile:
        self._keys("", found)
        inner_mm = self._number(found, "inner_diameter_mm")
        loss = self._number(found, "loss_w_mk", None)
        outer_mm = self._number(found, "outer_diameter_mm", inner_mm if loss is not None else None)
        if outer_mm is None:
            raise self._wrong("缺少 missing", "outer_diameter_mm", "give the bare pipe's diameter")
        start = found.get("start_c")
        # Flow sensors are fitted on the cooler side.
        meter = found.get("flow_meter", "end")
        if meter not in ("start", "end"):
            raise self._wrong(f"未知 unknown: {meter}", "flow_meter", 'give "start" or "end"')
        try:
            spec = PipeSpec(
                length_m=self._number(found, "length_m"),
                materials=self._materials(found, inner_mm, outer_mm),
                loss_w_mk=loss,
            )
        except InputError as error:
            raise InputError(
                error.message, thing=self._file, place=error.place, fix=error.fix
            ) from error
        return PipeFile(
            name=str(found.get("name", self._file)),
            spec=spec,
            ambient_c=self._number(found, "ambient_c", math.nan),
            start_c=None if start is None else self._ends(start),
            meter=FlowUnit.M3H_AT_START if meter == "start" else FlowUnit.M3H_AT_END,
        )

    def _materials(
        self, found: Mapping[str, Any], inner_mm: float, outer_mm: float
    ) -> PipeMaterials:
        density, capacity = self._wall(self._part(found, "wall"))
        insulation = self._part(found, "insulation")
        outside = self._part(found, "outside")
        given: dict[str, Any] = {
            "insulation_m": self._number(insulation, "insulation.thickness_mm", 0.0) / 1000.0
        }
        if "conductivity_w_mk" in insulation:
            given |= self._conductivity(insulation["conductivity_w_mk"])
        elif given["insulation_m"] > 0.0:
            raise self._wrong("缺少 missing", "insulation.conductivity_w_mk", "example: 0.027")
        for key, field in (
            ("insulation.heat_capacity_kj_m3k", "insulation_kj_m3k"),
            ("outside.heat_transfer_w_m2k", "outer_w_m2k"),
            ("outside.depth_m", "depth_m"),
            ("outside.soil_conductivity_w_mk", "soil_w_mk"),
        ):
            value = self._number(insulation if key[0] == "i" else outside, key, None)
            if value is not None:
                given[field] = value
        return PipeMaterials(
            inner_m=inner_mm / 1000.0,
            outer_m=outer_mm / 1000.0,
            wall_kg_m3=density,
            wall_kj_kgk=capacity,
            **given,
        )

    def _wall(self, wall: Mapping[str, Any]) -> tuple[float, float]:
        material = wall.get("material", "steel")
        if material not in MATERIALS:
            raise self._wrong(
                f"未知材料 unknown material {material}",
                "wall.material",
                f"one of {', '.join(MATERIALS)}, or density_kg_m3 and heat_capacity_j_kgk",
            )
        density, capacity = MATERIALS[material]
        return (
            self._number(wall, "wall.density_kg_m3", density),
            self._number(wall, "wall.heat_capacity_j_kgk", 1000.0 * capacity) / 1000.0,
        )

    def _conductivity(self, value: Any) -> dict[str, float]:
        """Return one conductivity, or two as [[at_c, w_mk], [at_c, w_mk]]."""
        place = "insulation.conductivity_w_mk"
        if not isinstance(value, list):
            one = self._number({"conductivity_w_mk": value}, place)
            return {"insulation_w_mk": one, "insulation_at_c": _USUAL_INSULATION_C}
        pairs = [pair for pair in value if isinstance(pair, list) and len(pair) == 2]
        numbers = [self._checked(x, place) for pair in pairs for x in pair]
        if len(numbers) != 4 or len(value) != 2:
            raise self._wrong("应为两对数 must be two pairs", place, "[[14, 0.0389], [54, 0.0442]]")
        return {
            "insulation_second_at_c": numbers[0],
            "insulation_second_w_mk": numbers[1],
            "insulation_at_c": numbers[2],
            "insulation_w_mk": numbers[3],
        }

    def _ends(self, value: Any) -> float | tuple[float, float]:
        if isinstance(value, list):
            if len(value) != 2:
                raise self._wrong("应为两个数 must be two numbers", "start_c", "[inlet, outlet]")
            return self._checked(value[0], "start_c"), self._checked(value[1], "start_c")
        return self._checked(value, "start_c")

    def _part(self, found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        part = found.get(key, {})
        if not isinstance(part, dict):
            raise self._wrong("应为对象 must be an object", key, f"keys: {', '.join(_KEYS[key])}")
        self._keys(key, part)
        return part

    def _keys(self, part: str, found: Mapping[str, Any]) -> None:
        for key in found:
            if key not in _KEYS[part]:
                near = difflib.get_close_matches(key, _KEYS[part], n=1)
                fix = f"did you mean {near[0]}?" if near else f"known: {', '.join(_KEYS[part])}"
                place = f"{part}.{key}" if part else key
                raise self._wrong("未知键 unknown key", place, fix)

    def _number(self, found: Mapping[str, Any], place: str, default: Any = ...) -> Any:
        key = place.rpartition(".")[2]
        if key not in found or found[key] is None:
            if default is ...:
                raise self._wrong("缺少 missing", place, "give a number")
            return default
        return self._checked(found[key], place)

    def _checked(self, value: Any, place: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(f"不是数字 {value!r} is no number", place, "give a number")
        if not math.isfinite(value):
            raise self._wrong(f"不是数字 {value!r} is no number", place, "give a number")
        return float(value)

    def _wrong(self, message: str, place: str, fix: str) -> InputError:
        return InputError(message, thing=self._file, place=place, fix=fix)
