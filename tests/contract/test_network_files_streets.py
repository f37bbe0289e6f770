"""The streets of Schutterwald: a real network's geometry, with placeholder diameters and loads."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from heatloop.network.model.kinds import LinkKind
from heatloop.network.topology.findings import check_shape
from heatloop.network.topology.graph import adjacency, parts
from heatloop.network.topology.outage import affected
from heatloop.network.topology.weak import bridges
from heatloop.store.networks.files import read_network, write_network
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.workbook import from_sheets
from heatloop.store.tables import Sheets
from tests.unit.test_network_files import same


def table(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / "topologies" / f"schutterwald_{name}.csv.gz"
    if not path.exists():
        pytest.skip("lacks public data: schutterwald")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def sheets(folder: Path) -> Sheets:
    """Return its tables with the columns a network needs, headings as they came."""
    pipes = ("from_junction", "to_junction", "length_km", "inner_diameter_mm", "k_mm", "coords")
    users = ("from_junction", "to_junction")
    return {
        "junctions": [
            {"name": row[""], "x": row["x"], "y": row["y"], "height": row["height_m"]}
            for row in table(folder, "junctions")
        ],
        "pipes": [
            {"name": row[""], **{key: row[key] for key in pipes}} for row in table(folder, "pipes")
        ],
        "heat_consumers": [
            {"name": f"house {row['']}", **{key: row[key] for key in users},
             "mass_flow": row["controlled_mdot_kg_per_s"], "heat_w": row["qext_w"]}
            for row in table(folder, "heat_consumers")
        ],
    }  # fmt: skip


def sizes(file: NetworkFile) -> list[int]:
    network = file.network
    label = parts(adjacency(network, network.kind == LinkKind.PIPE))
    return sorted(Counter(label.tolist()).values())


def test_its_tables_become_a_network(heatloop_data: Path, tmp_path: Path) -> None:
    file = from_sheets(sheets(heatloop_data), "schutterwald", crs="EPSG:31467")
    network = file.network
    assert (network.n_node, network.n_link) == (488, 482 + 44)
    assert Counter(network.kind.tolist()) == {LinkKind.PIPE: 482, LinkKind.FLOW: 44}
    assert file.operation.demand_kw.sum() == pytest.approx(44 * 6.321705)
    # Two equal sides, supply and return; two pieces of each hang on no pipe.
    assert sizes(file) == [1, 1, 20, 20, 223, 223]
    assert network.length_m.sum() == pytest.approx(5252.2, abs=1.0)
    short = {f.thing for f in file.findings if f.kind == "simplified"}
    assert len(short) == 68
    assert short == {name for name, length in zip(network.link_names, network.length_m, strict=True)
                     if length == 0.01}  # fmt: skip
    kinds = Counter(finding.kind for finding in check_shape(network, file.operation))
    assert kinds["island"] == 4
    assert "crossing" not in kinds
    assert "too_short" not in kinds
    write_network(file, tmp_path / "own.json")
    same(file, read_network(tmp_path / "own.json"))


def test_the_same_from_its_drawing_alone(heatloop_data: Path) -> None:
    """One side drawn, joined by its coordinates and mirrored, is the network by its names."""
    named = sheets(heatloop_data)
    by_name = from_sheets(named, "schutterwald", crs="EPSG:31467")
    label = parts(adjacency(by_name.network, by_name.network.kind == LinkKind.PIPE))
    supply = {by_name.network.node_names[n] for n in np.flatnonzero(label < 3)}
    lines = []
    for row in named["pipes"]:
        points = json.loads(row["coords"])
        if row["from_junction"] in supply and points[0] != points[-1]:
            ends = ("from_junction", "to_junction", "length_km")
            lines.append({key: value for key, value in row.items() if key not in ends})
    file = from_sheets({"pipes": lines}, "schutterwald", crs="EPSG:31467", mirror=True,
                       tolerance_m=0.002)  # fmt: skip
    assert file.network.n_link == 2 * len(lines)
    corners = {tuple(json.loads(row["coords"])[end]) for row in lines for end in (0, -1)}
    assert file.network.n_node == 2 * len(corners)
    drawn, booked = file.network.length_m.sum(), by_name.network.length_m.sum()
    assert drawn == pytest.approx(booked, rel=2e-3)
    # The loose pieces begin where a pipe ends: drawn, each side hangs together.
    assert sizes(file) == [208, 208]


def test_questions_on_it(heatloop_data: Path) -> None:
    named = sheets(heatloop_data)
    # A plant where the record has its central station: at the junction of the first house.
    first = named["heat_consumers"][0]
    named["plants"] = [{"name": "central", "from": first["to_junction"],
                        "to": first["from_junction"], "lift_kpa": 300, "outlet_c": 80,
                        "return_kpa": 300}]  # fmt: skip
    file = from_sheets(named, "schutterwald", crs="EPSG:31467")
    found = {bridge.link: bridge.consumers for bridge in bridges(file.network, file.operation)}
    assert found
    worst = max(found, key=lambda link: len(found[link]))
    lost = affected(file.network, file.operation, [worst])
    assert set(lost.lost) == set(found[worst])
    assert len(lost.lost) + len(lost.unserved) <= 44
