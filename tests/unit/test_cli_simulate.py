"""`heatloop simulate`: files in, files out, every mistake named."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatloop.cli import simulate
from heatloop.cli.simulate_series import read_series, renamed
from heatloop.cli.simulate_spec import read_pipe_file
from heatloop.kernel.errors import InputError

PIPE = {
    "name": "test pipe",
    "length_m": 50.0,
    "inner_diameter_mm": 50.0,
    "outer_diameter_mm": 60.0,
    "insulation": {"thickness_mm": 30, "conductivity_w_mk": 0.03},
    "ambient_c": 10.0,
}
NETWORK = {
    "heatloop_network": 1,
    "name": "two streets",
    "ambient_c": 8.0,
    "nodes": [
        {"name": "s0"}, {"name": "s1"}, {"name": "s2"}, {"name": "r0", "held_kpa": 200.0},
        {"name": "r1"}, {"name": "r2"},
    ],
    "pipes": [
        {"name": "sp1", "from": "s0", "to": "s1", "length_m": 200, "diameter_m": 0.1,
         "loss_w_mk": 0.25},
        {"name": "sp2", "from": "s1", "to": "s2", "length_m": 100, "diameter_m": 0.08,
         "loss_w_mk": 0.25},
        {"name": "rp1", "from": "r1", "to": "r0", "length_m": 200, "diameter_m": 0.1,
         "loss_w_mk": 0.25},
        {"name": "rp2", "from": "r2", "to": "r1", "length_m": 100, "diameter_m": 0.08,
         "loss_w_mk": 0.25},
    ],
    "plants": [{"name": "chp", "from": "r0", "to": "s0", "lift_kpa": 200.0, "outlet_c": 90.0}],
    "consumers": [
        {"name": "c1", "from": "s1", "to": "r1", "demand_kw": 300.0, "outlet_c": 50.0},
        {"name": "c2", "from": "s2", "to": "r2", "demand_kw": 150.0, "flow_kgs": 1.0},
    ],
}  # fmt: skip


def run(*arguments: object) -> int:
    """Run one command as the program would."""
    parser = argparse.ArgumentParser()
    simulate.add_to(parser.add_subparsers())
    options = parser.parse_args(["simulate", *map(str, arguments)])
    return int(options.action(options))


def written(path: Path, content: Any) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def inlet(folder: Path, rows: int = 60, *, heading: str = "flow_kgs", flow: float = 0.8) -> Path:
    lines = [f"t_s,inlet_c,{heading}"]
    lines += [f"{30 * i},{60 if i < 10 else 80},{flow}" for i in range(rows)]
    return written(folder / "inlet.csv", "\n".join(lines) + "\n")


def test_a_warm_front_comes_out_of_the_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, out = written(tmp_path / "pipe.json", PIPE), tmp_path / "out.csv"
    assert run("pipe", "--spec", spec, "--inlet", inlet(tmp_path), "--out", out, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    rows = table(out)
    assert [row["t_s"] for row in rows[:2]] == ["0", "30"]
    outlet = np.array([float(row["outlet_c"]) for row in rows])
    # 50 m at 0.415 m/s: two minutes after the ramp around 285 s, and later by the wall's heat.
    assert outlet[-1] == pytest.approx(80.0, abs=0.5)
    half_s = float(np.interp(70.0, outlet[10:], 30.0 * np.arange(10, 60)))
    water_s = 50.0 * np.pi / 4 * 0.05**2 * 978.0 / 0.8
    wall_share = np.pi / 4 * (0.06**2 - 0.05**2) * 7850 * 0.46 / (np.pi / 4 * 0.05**2 * 978 * 4.19)
    assert half_s - 285.0 == pytest.approx(water_s * (1 + wall_share), rel=0.05)
    assert summary["rows"] == 60
    assert summary["energy_closure"] < 1e-9
    assert "rmse_k" not in summary


def test_a_measured_outlet_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, out = written(tmp_path / "pipe.json", PIPE), tmp_path / "out.csv"
    run("pipe", "--spec", spec, "--inlet", inlet(tmp_path), "--out", out)
    first = table(out)
    lines = ["t_s;Tin;M;Tout"]
    for i, row in enumerate(first):
        measured = "" if i == 7 else f"{float(row['outlet_c']) + 0.2:.4f}".replace(".", ",")
        lines.append(f"{row['t_s']};{row['inlet_c']};{row['flow_kgs']};{measured}")
    other = written(tmp_path / "measured.csv", "\n".join(lines))
    capsys.readouterr()
    columns = ("inlet_c=Tin", "flow_kgs=M", "outlet_measured_c=Tout")
    named = [part for pair in columns for part in ("--column", pair)]
    start = written(tmp_path / "pipe2.json", {**PIPE, "start_c": 60.0})
    run("pipe", "--spec", start, "--inlet", other, "--out", out, "--json", *named)
    summary = json.loads(capsys.readouterr().out)
    assert summary["compared_rows"] == 59
    assert summary["rmse_k"] == pytest.approx(0.2, abs=2e-3)
    assert summary["bias_k"] == pytest.approx(-0.2, abs=2e-3)
    assert table(out)[7]["error_k"] == ""
    run("pipe", "--spec", start, "--inlet", other, "--out", out, *named)
    assert "RMSE 0.200 K" in capsys.readouterr().out


def test_volume_flows_count_at_the_meter(tmp_path: Path) -> None:
    outlets = {}
    for meter in ("start", "end"):
        spec = written(tmp_path / f"{meter}.json", {**PIPE, "flow_meter": meter, "start_c": 20.0})
        for heading, flow in (("flow_m3h", 2.9), ("flow_lh", 2900.0)):
            out = tmp_path / f"{meter}-{heading}.csv"
            source = inlet(tmp_path, heading=heading, flow=flow)
            run("pipe", "--spec", spec, "--inlet", source, "--out", out)
            outlets[meter, heading] = [float(row["outlet_c"]) for row in table(out)]
    assert outlets["start", "flow_m3h"] == outlets["start", "flow_lh"]
    # Cooler water at the meter is denser: more of it, and the front comes sooner.
    assert sum(outlets["end", "flow_lh"]) > sum(outlets["start", "flow_lh"])


def test_a_wrong_cell_is_named_with_its_row(tmp_path: Path) -> None:
    source = inlet(tmp_path, 5)
    lines = source.read_text().splitlines()
    lines[3] = "60,warm,0.8"
    written(source, "\n".join(lines))
    spec = written(tmp_path / "pipe.json", PIPE)
    with pytest.raises(InputError) as caught:
        run("pipe", "--spec", spec, "--inlet", source, "--out", tmp_path / "out.csv")
    assert caught.value.thing == "inlet.csv"
    assert caught.value.place == "row 4, column inlet_c"
    lines[3] = "60,,0.8"
    written(source, "\n".join(lines))
    with pytest.raises(InputError, match="no value"):
        run("pipe", "--spec", spec, "--inlet", source, "--out", tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"lenght_m": 3}, "lenght_m"),
        ({"inner_diameter_mm": "50"}, "inner_diameter_mm"),
        ({"outer_diameter_mm": 40}, "outer_m"),
        ({"wall": {"material": "gold"}}, "wall.material"),
        ({"insulation": {"thickness_mm": 30}}, "insulation.conductivity_w_mk"),
        ({"insulation": {"thickness_mm": 9, "conductivity_w_mk": [1, 2]}}, "insulation.cond"),
        ({"outside": 5}, "outside"),
        ({"flow_meter": "middle"}, "flow_meter"),
        ({"start_c": [1, 2, 3]}, "start_c"),
        ({"length_m": -1}, "length_m"),
    ],
)
def test_a_wrong_pipe_is_named(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    path = written(tmp_path / "pipe.json", {**PIPE, **change})
    with pytest.raises(InputError) as caught:
        read_pipe_file(path)
    assert caught.value.thing == "pipe.json"
    assert caught.value.place.startswith(place)


def test_a_pipe_known_by_its_loss_alone(tmp_path: Path) -> None:
    plain = {"length_m": 100, "inner_diameter_mm": 100, "loss_w_mk": 0.2}
    file = read_pipe_file(written(tmp_path / "pipe.json", plain))
    assert file.spec.loss_w_mk == 0.2
    assert file.spec.materials.outer_m == 0.1
    with pytest.raises(InputError, match="not JSON"):
        read_pipe_file(written(tmp_path / "pipe.json", "{"))


def test_times_need_a_zone_and_doubtful_hours_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "time,x\n2026-03-29T01:00,1\n2026-03-29T03:30,2\n")
    with pytest.raises(InputError, match="without a zone"):
        read_series(path)
    assert read_series(path, "Europe/Berlin").t_s.tolist() == [0.0, 5400.0]
    assert read_series(path, "Asia/Shanghai").t_s.tolist() == [0.0, 9000.0]
    written(path, "time,x\n2026-03-29T01:00,1\n2026-03-29T02:30,2\n")
    with pytest.raises(InputError, match="no such hour"):
        read_series(path, "Europe/Berlin")
    written(path, "time,x\n2026-10-25T01:00,1\n2026-10-25T02:30,2\n")
    with pytest.raises(InputError, match="twice"):
        read_series(path, "Europe/Berlin")
    written(path, "time,x\n2026-10-25T02:30+02:00,1\n2026-10-25T02:30+01:00,2\n")
    assert read_series(path).t_s.tolist() == [0.0, 3600.0]


def test_files_of_many_makes_are_read(tmp_path: Path) -> None:
    zipped = tmp_path / "a.csv.gz"
    zipped.write_bytes(gzip.compress(b"t_s\tinlet_c\n0\t1.5\n1\t2\n\n"))
    assert read_series(zipped).number("inlet_c").tolist() == [1.5, 2.0]
    chinese = tmp_path / "b.csv"
    chinese.write_bytes("t_s,进水温度\n0,1\n1,2\n".encode("gb18030"))
    series = read_series(chinese, named=renamed(["inlet_c=进水温度"]))
    assert series.number("inlet_c").tolist() == [1.0, 2.0]
    for text, message in (
        ("t_s,x\n0,1\n", "two rows"),
        ("x,y\n0,1\n1,2\n", "time column"),
        ("t_s,x\n0,1\n0,2\n", "does not rise"),
        ("t_s,t_s\n0,1\n0,2\n", "twice"),
        ("", "empty"),
    ):
        with pytest.raises(InputError, match=message):
            read_series(written(tmp_path / "c.csv", text))
    with pytest.raises(InputError, match="cannot be read"):
        read_series(tmp_path / "none.csv")
    with pytest.raises(InputError, match="OURS=YOURS"):
        renamed(["inlet_c"])


def test_a_steady_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("network", "--network", written(tmp_path / "net.json", NETWORK), "--out", out) == 0
    shown = capsys.readouterr().out
    assert "chp" in shown
    summary = json.loads((out / "summary.json").read_text())
    assert summary["heat_taken_kw"] == pytest.approx(450.0, abs=0.01)
    assert summary["heat_given_kw"] == pytest.approx(450.0 + summary["heat_lost_kw"], abs=0.01)
    assert summary["worst_consumer"] == "c2"
    links = {row["name"]: row for row in table(out / "links.csv")}
    assert float(links["c2"]["flow_kgs"]) == 1.0
    assert float(links["c1"]["outlet_c"]) == pytest.approx(50.0)
    assert len(table(out / "nodes.csv")) == 6


def test_a_network_over_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = written(tmp_path / "net.json", NETWORK)
    profile = written(
        tmp_path / "profile.csv",
        "t_s,demand,supply_c,demand:c2\n0,1,90,1\n1800,0.5,80,0.25\n12600,0.5,80,0.25\n",
    )
    out = tmp_path / "out"
    argv = ("network", "--network", net, "--profile", profile, "--out", out, "--json")
    assert run(*argv, "--step", 30, "--every", 600) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["steps"] == 420
    assert summary["energy_closure"] < 1e-9
    # 300 kW then 150 kW; 150 kW then a quarter of it.
    wanted = (300 + 150) * 0.5 + (150 + 37.5) * 3.0
    assert summary["taken_kwh"] == pytest.approx(wanted, rel=5e-3)
    flows = table(out / "series_flow_kgs.csv")
    assert [row["t_s"] for row in flows] == [f"{600 * i}" for i in range(22)]
    assert float(flows[0]["c2"]) == 1.0
    assert float(flows[-1]["c2"]) == 0.25
    warm = table(out / "series_node_c.csv")
    assert float(warm[0]["s0"]) == 90.0
    at_s1 = 80.0
    for _ in range(20):
        flow = 0.25 + 150.0 / (4.187 * (at_s1 - 50.0))
        at_s1 = 8.0 + 72.0 * np.exp(-0.25 * 200 / (flow * 4187.0))
    at_s2 = 8.0 + (at_s1 - 8.0) * np.exp(-0.25 * 100 / (0.25 * 4187.0))
    assert float(warm[-1]["s2"]) == pytest.approx(at_s2, abs=0.02)
    run(*argv, "--only", "s2", "--only", "chp")
    assert list(table(out / "series_node_c.csv")[0]) == ["t_s", "s2"]
    assert list(table(out / "series_flow_kgs.csv")[0]) == ["t_s", "chp"]


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("demand:c9", "not in the network"),
        ("warmth", "unknown column"),
        ("opening_pct:c1", "has no opening_pct"),
        ("held_kpa:s1", "holds no pressure"),
        ("demand", "out of range"),
    ],
)
def test_a_wrong_profile_is_named(tmp_path: Path, heading: str, message: str) -> None:
    net = written(tmp_path / "net.json", NETWORK)
    profile = written(tmp_path / "profile.csv", f"t_s,{heading}\n0,-1\n60,1\n")
    with pytest.raises(InputError, match=message) as caught:
        run("network", "--network", net, "--profile", profile, "--out", tmp_path / "out")
    assert caught.value.thing == "profile.csv"


def test_a_profile_may_shut_and_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = written(tmp_path / "net.json", NETWORK)
    profile = written(
        tmp_path / "profile.csv",
        "t_s,shut:sp2,shut:rp2,held_kpa:r0,ambient_c\n0,0,0,200,8\n60,1,1,250,-5\n600,1,1,250,-5\n",
    )
    out = tmp_path / "out"
    run("network", "--network", net, "--profile", profile, "--out", out, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert summary["islands"][0]["consumers"] == ["c2"]
    nodes = {row["name"]: row for row in table(out / "nodes.csv")}
    assert float(nodes["r0"]["pressure_kpa"]) == 250.0
    assert nodes["s2"]["pressure_kpa"] == ""
    with pytest.raises(InputError, match="does not fit"):
        run("network", "--network", net, "--profile", profile, "--out", out, "--step", 7200)
    with pytest.raises(InputError, match="not in the network"):
        run("network", "--network", net, "--profile", profile, "--out", out, "--only", "zzz")


def test_the_examples_of_the_document_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/simulate.md").read_text(encoding="utf-8")
    flags = re.DOTALL | re.MULTILINE
    files = dict(re.findall(r"^`([a-z]+\.(?:json|csv))`:\n\n```\w+\n(.*?)```", text, flags))
    assert set(files) == {"pipe.json", "inlet.csv", "net.json", "day.csv"}
    for name, content in files.items():
        written(tmp_path / name, content)
    pipe, series = tmp_path / "pipe.json", tmp_path / "inlet.csv"
    assert run("pipe", "--spec", pipe, "--inlet", series, "--out", tmp_path / "out.csv") == 0
    argv = ("network", "--network", tmp_path / "net.json", "--out")
    assert run(*argv, tmp_path / "steady") == 0
    assert run(*argv, tmp_path / "day", "--profile", tmp_path / "day.csv", "--step", "600") == 0
    for name in re.findall(r"`((?:series_)?[a-z_]+\.csv|summary\.json)`", text):
        if name not in ("inlet.csv", "day.csv", "out.csv"):
            assert (tmp_path / "day" / name).is_file(), name
    assert "chp" in capsys.readouterr().out
