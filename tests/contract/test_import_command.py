"""`heatloop import` as a command: its own historian, kill -9 and resume, exactly once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from heatloop.app.ledger_admin import install_ledger, load_ledger
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.cli import main
from heatloop.cli.import_historian import open_historian
from heatloop.kernel.errors import InputError
from heatloop.store.bulk_journal import Journal, load_run
from tests.unit.app_town import assets, devices, gateways

ROWS = 240_000
START = 1_704_412_800
CODES = [f"UN000{n}.{kind}" for n in (1, 2)
         for kind in ("secondary_supply_temperature", "secondary_return_temperature",
                      "secondary_flow")]  # fmt: skip
MAP = (
    '[time]\ncolumn = "time"\n[long]\ntag = "tag"\nvalue = "value"\n'
    '[[pattern]]\nmatch = "{u}.{k}"\ncode = "{u}.{k}"\n'
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("im")
    records, _ = open_records(load_settings(folder / "data"))
    install_ledger(records, assets(), devices(), gateways())
    records.close()
    lines = []
    for n in range(ROWS // len(CODES)):
        for at, code in enumerate(CODES):
            value = "bad" if n % 1000 == 999 else f"{20 + at + n % 50 / 10:.1f}"
            lines.append(f"{START + 30 * n},{code},{value}\n")
    (folder / "long.csv").write_text("time,tag,value\n" + "".join(lines))
    (folder / "map.toml").write_text(MAP)
    return folder


def command(folder: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "heatloop",
        "import",
        "history",
        str(folder / "long.csv"),
        "--map",
        str(folder / "map.toml"),
        "--data",
        str(folder / "data"),
        "--json",
        *more,
    ]


def journalled(folder: Path) -> int:
    found = list((folder / "data" / "imports").glob("*/journal.jsonl"))
    return found[0].read_text().count('"done"') if found else 0


def test_killed_and_resumed_every_reading_is_stored_exactly_once(made: Path) -> None:
    # Small pieces, so that there is something to kill in between.
    small = (
        "import sys, heatloop.store.bulk_sources as s; s._BLOCK = 1 << 20;"
        "from heatloop.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = [sys.executable, "-c", small, *command(made)[3:]]
    settings = load_settings(made / "data")
    with open_historian(settings) as store:
        for kill in range(2):
            before = journalled(made)
            extra = ["--resume"] if kill else []
            run = subprocess.Popen([*arguments, *extra], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)  # fmt: skip
            end = time.monotonic() + 60
            while journalled(made) < before + 2 and run.poll() is None:
                assert time.monotonic() < end
                time.sleep(0.002)
            run.send_signal(signal.SIGKILL)
            _, log = run.communicate()
            assert run.returncode == -signal.SIGKILL, log.decode()
        broken = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
        assert broken.returncode == 2
        assert "--resume" in broken.stderr
        refused = made / "refused.xlsx"
        done = subprocess.run([*arguments, "--resume", "--refused", str(refused)],
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode == 1, done.stderr
        told = json.loads(done.stdout)
        bad = 6 * (ROWS // len(CODES) // 1000)
        assert (told["rows_in"], told["refused"], told["repeated"]) == (ROWS, bad, 0)
        assert told["stored"] == ROWS - bad
        end_s = START + 30 * ROWS
        assert store.count(START, end_s) == ROWS - bad
        assert store.duplicates(START, end_s) == 0
        book = openpyxl.load_workbook(refused)
        assert book["refused"].max_row == bad + 1
    assert not (made / "data" / "run" / "historian.sock").exists()
    run_facts = load_run(next((made / "data" / "imports").iterdir()))
    assert run_facts is not None
    assert run_facts["state"] == "done"


def test_the_values_stored_are_those_of_the_file(made: Path) -> None:
    settings = load_settings(made / "data")
    records, _ = open_records(settings)
    keys = [load_ledger(records).points[code].key for code in CODES]
    records.close()
    with open_historian(settings) as store:
        for at, key in enumerate(keys):
            rows = store.raw([key], START, START + 30 * 2000)
            want = [(START + 30 * n, float(f"{20 + at + n % 50 / 10:.1f}")) for n in range(2000)
                    if n % 1000 != 999]  # fmt: skip
            assert list(zip(rows.slots.tolist(), rows.values.tolist(), strict=True)) == want
        day = store.rollup([keys[0]], START, START + 3600, 3600)
        assert day.count.tolist() == [120]


def test_one_import_runs_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run")
    with pytest.raises(InputError, match="running"):
        Journal(tmp_path / "run")
    journal.close()
    Journal(tmp_path / "run").close()


def test_guess_and_gis_from_the_command_line(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def heatloop(*arguments: str) -> dict[str, Any]:
        code = main(arguments)
        out = capsys.readouterr()
        assert code == 0, out.err
        return dict(json.loads(out.out))

    draft = tmp_path / "draft.toml"
    guess = heatloop("import", "guess", str(made / "long.csv"), "--out", str(draft), "--json")
    assert guess["shape"] == "long"
    assert 'tag = ["tag"]' in draft.read_text()

    def feature(geometry: str, at: list[object], **own: object) -> dict[str, object]:
        return {"type": "Feature", "geometry": {"type": geometry, "coordinates": at},
                "properties": own}  # fmt: skip

    streets = {
        "type": "FeatureCollection",
        "features": [
            feature("LineString", [[125.30, 43.9], [125.31, 43.9]], name="a", dn=300),
            feature("LineString", [[125.31, 43.9], [125.31, 43.91]], name="b", dn=150),
            feature("Point", [125.30, 43.9], kind="plant", name="HS0001", lift_kpa=200,
                    outlet_c=90),
            feature("Point", [125.31, 43.91], kind="consumer", name="名SS0001", demand_kw=900,
                    outlet_c=45),
        ],
    }  # fmt: skip
    (tmp_path / "streets.geojson").write_text(json.dumps(streets))
    book = tmp_path / "ledger.xlsx"
    facts = heatloop("import", "gis", str(tmp_path / "streets.geojson"), "--parent", "HS0001",
                     "--out", str(book), "--data", str(made / "data"), "--json")  # fmt: skip
    assert (facts["pipes"], facts["nodes"], facts["unknown"]) == (2, 1, [])
    assert heatloop("ledger", "check", str(book), "--json")["ok"] is True
