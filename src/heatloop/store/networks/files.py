"""Reading and writing network files by path: the kind of file is told from its name and content."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.network.model.state import State
from heatloop.store.networks.geojson import from_geojson, to_geojson
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.own_json import MARK, from_own_json, to_own_json
from heatloop.store.networks.pandapipes_json import from_pandapipes, is_pandapipes
from heatloop.store.networks.workbook import from_sheets, to_sheets
from heatloop.store.tables import CSV, MAX_BYTES, XLSX, Sheets, read_tables, write_tables

_TABLES = (".xlsx", ".csv", ".zip")


def read_network(
    path: Path,
    *,
    crs: str = "",
    mirror: bool | None = None,
    tolerance_m: float = 0.5,
    near_m: float = 5.0,
    defaults: Mapping[str, float] | None = None,
) -> NetworkFile:
    """Read a network from a file.

    Args:
        path: `.json` (heatloop's own or pandapipes'), `.geojson`, `.xlsx`, `.csv`, a `.zip` or a
            folder of CSV files; `.json.gz` and `.geojson.gz` as well.
        crs: Tables: what coordinates are, `EPSG:4326` for longitude and latitude.
        mirror: Tables and GeoJSON: whether to make a return side; None: when only one is drawn.
        tolerance_m: Drawn ends no farther apart than this are one node.
        near_m: Drawn ends that nearly meet, up to this distance, are reported.
        defaults: Tables and GeoJSON: values of pipes that name none, such as `diameter_m`.

    Raises:
        InputError: The file cannot be read or something in it is wrong.
    """
    try:
        if path.is_dir() or path.suffix.lower() in _TABLES:
            sheets: Sheets = read_tables(path)
            return from_sheets(
                sheets,
                path.name,
                crs=crs,
                mirror=mirror,
                tolerance_m=tolerance_m,
                near_m=near_m,
                defaults=defaults,
            )
        document = _parsed(path)
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror or error}",
            thing=str(path),
            place=path.name,
            fix="check the path",
        ) from error
    if is_pandapipes(document):
        return from_pandapipes(document, path.name)
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        return from_geojson(
            document,
            path.name,
            mirror=mirror,
            tolerance_m=tolerance_m,
            near_m=near_m,
            defaults=defaults,
        )
    if isinstance(document, dict) and MARK not in document:
        raise InputError(
            "no known kind of network file",
            thing=path.name,
            place=path.name,
            fix=f'begin it with "{MARK}": 1, or give GeoJSON or pandapipes JSON',
        )
    return from_own_json(document, path.name)


def _parsed(path: Path) -> Any:
    """Return the parsed JSON of a file."""
    data = path.read_bytes()
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError("file too large", thing=path.name, fix=f"at most {MAX_BYTES >> 20} MB")
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise InputError(
            "not UTF-8 text", thing=path.name, place=path.name, fix="save it as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"not JSON: {error.msg}",
            thing=path.name,
            place=f"{path.name} line {error.lineno} column {error.colno}",
            fix="correct it there",
        ) from error
    except RecursionError as error:
        raise InputError(
            "nested too deeply", thing=path.name, place=path.name, fix="flatten it"
        ) from error


def _constant(_: str) -> float | None:
    """Return what NaN and Infinity stand for: nothing; pandas writes them into JSON."""
    return None


def write_network(
    file: NetworkFile, path: Path, *, state: State | None = None, language: str = "en"
) -> None:
    """Write a network: `.json` (without loss), `.geojson` (with results), `.xlsx` or `.zip`.

    Args:
        file: The network.
        path: Where to.
        state: Results for GeoJSON.
        language: Language of sheets and headings, `zh` or `en`.

    Raises:
        InputError: No such kind of file, or it cannot be written.
    """
    match path.suffix.lower():
        case ".json":
            data = to_own_json(file).encode()
        case ".geojson":
            data = to_geojson(file, state).encode()
        case ".xlsx":
            data = write_tables(to_sheets(file, language=language), XLSX)
        case ".zip":
            data = write_tables(to_sheets(file, language=language), CSV)
        case other:
            fix = "use .json, .geojson, .xlsx or .zip"
            raise InputError("no such kind of file", thing=other, place=path.name, fix=fix)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"the file cannot be written: {error.strerror}",
            thing=str(path),
            place=path.name,
            fix="choose another place",
        ) from error
