"""`heatloop decode`: JSON for good bytes, a clear refusal and exit code 2 for others."""

import json

import pytest

from heatloop import cli
from heatloop.cli import decode
from heatloop.protocols.sparkplug.encode import encode_payload
from heatloop.protocols.sparkplug.model import DataSet, Metric, Payload, Property, Template

MBUS = (
    "68 1F 1F 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 "
    "DA 02 3B 13 01 8B 60 04 37 18 02 18 16"
)
OMS = (
    "2E4493157856341233033363 7A2A0020255923C95AAA26D1B2E7493BC2AD"
    "013EC4A6F6D3529B520EDFF0EA6DEFC955B29D6D69EBF3EC8A"
)
KEY = "0102030405060708090A0B0C0D0E0F11"
CJT188 = (
    "68 20 32 41 31 40 00 00 00 81 2E 90 1F 01 0802000000 0802000000 1700000000 3500000000"
    "2C34100000 352500 662500 000000 53001210071520 0000 31 16"
)
DLT645 = "FE FE 68 78 56 34 12 00 00 68 11 04 33 33 34 33 C6 16"
IEC104 = "68 04 01 00 02 00 68 0E 00 00 02 00 64 01 07 00 0D 91 00 00 00 14"


@pytest.fixture(name="run")
def run_(monkeypatch, capsys):
    """Return a function that runs the command line: exit code, JSON or None, standard error."""
    if " decode " not in cli.build_parser().format_help():
        monkeypatch.setattr(cli, "ledger", decode)

    def run(*words):
        code = cli.main(["decode", *words])
        out, error = capsys.readouterr()
        return code, json.loads(out) if out else None, error

    return run


def frames(run, *words):
    code, found, error = run(*words)
    assert (code, error) == (0, "")
    assert found["protocol"] == words[0]
    return found["frames"]


def test_mbus(run):
    (frame,) = frames(run, "mbus", MBUS)
    assert frame["meter"]["manufacturer"] == "PAD"
    assert frame["meter"]["medium"] == {"code": "07", "name": "water", "zh": "水", "en": "water"}
    volume, flow, energy = frame["records"]
    assert (volume["value"], volume["unit"], volume["zh"]) == (12.565, "m3", "体积")
    assert (flow["function"], flow["storage"], flow["value"]) == ("maximum", 5, 0.113)
    assert (energy["value"], energy["tariff"], energy["subunit"]) == (218370, 2, 1)


def test_mbus_requests_and_selections(run):
    select = "68 0B 0B 68 53 FD 52 FF FF 34 12 FF FF FF FF E2 16"
    found = frames(run, "mbus", "E5 10 5B FE 59 16 " + select)
    assert [each["frame"] for each in found] == ["ack", "short", "long"]
    assert found[2]["select"]["number"] == "1234FFFF"


def test_wmbus(run):
    (frame,) = frames(run, "wmbus", OMS, "--key", KEY)
    assert frame["encrypted"] is True
    assert frame["records"][0]["value"] == 28504.27
    code, found, error = run("wmbus", OMS)
    assert (code, found) == (2, None)
    assert "encrypted" in error
    assert "give the meter's key" in error


def test_cjt188(run):
    (frame,) = frames(run, "cjt188", CJT188)
    assert frame["profile"] == "heat_2004_unit_first"
    assert frame["function"]["zh"] == "读数据"
    values = {each["field"]: each for each in frame["values"]}
    assert (values["volume"]["value"], values["volume"]["unit"]) == (10.34, "m3")
    assert values["status"]["flags"] == ["valve_open"]
    code, _, error = run("cjt188", CJT188, "--profile", "heat_2018")
    assert (code, "40 bytes, 43 came" in error) == (2, True)
    assert run("cjt188", "68 20 01 00 00 00 00 00 00 C1 03 01 01 00 4F 16")[1]["frames"][0][
        "abnormal"
    ] == {"raw": "0100", "flags": ["valve_closed"]}


def test_dlt645(run):
    reply = "68 78 56 34 12 00 00 68 91 08 33 33 34 33 89 67 45 33 B2 16"
    asked, told = frames(run, "dlt645", DLT645, reply)
    assert asked["identifier"] == "00010000"
    assert (told["values"], told["unit"]) == ([{"value": 1234.56}], "kWh")
    assert told["zh"] == "正向有功电能"
    (no,) = frames(run, "dlt645", "68 78 56 34 12 00 00 68 D1 01 35 EB 16")
    assert [each["name"] for each in no["errors"]] == ["no_data"]


def test_iec104(run):
    acknowledged, told = frames(run, "iec104", IEC104)
    assert acknowledged == {"frame": "S", "receive": 1}
    assert told["type"]["zh"] == "总召唤"
    assert told["cause"]["name"] == "activation_confirmed"
    assert told["points"] == [{"address": 0, "qualifier": 20}]


def test_sparkplug(run):
    table = DataSet(columns=("a",), types=(9,), rows=((float("inf"),),))
    metrics = (
        Metric(name="t", datatype=9, value=21.5, properties={"u": Property(type=12, value="K")}),
        Metric(name="s", datatype=16, value=table),
        Metric(name="x", datatype=19, value=Template(metrics=(Metric(name="y", datatype=3),))),
        Metric(name="b", datatype=17, value=b"\x01"),
    )
    (frame,) = frames(run, "sparkplug", encode_payload(Payload(seq=1, metrics=metrics)).hex())
    values = {each["name"]: each["value"] for each in frame["metrics"]}
    assert values["t"] == 21.5
    assert values["s"] == {"columns": ["a"], "types": ["Float"], "rows": [["inf"]]}
    assert values["b"] == "01"
    assert frame["metrics"][0]["properties"] == {"u": {"type": "String", "value": "K"}}


@pytest.mark.parametrize(
    "text",
    [
        DLT645.replace(" ", ""),
        DLT645.lower().replace(" ", "\n"),
        " ".join("0x" + word for word in DLT645.split()),
        DLT645.replace(" ", ":"),
        DLT645.replace(" ", ", "),
    ],
)
def test_hexadecimal_in_any_dress(run, text):
    assert frames(run, "dlt645", text)[0]["identifier"] == "00010000"
    assert frames(run, "dlt645", *text.split())[0]["identifier"] == "00010000"


def test_files_hexadecimal_or_raw(run, tmp_path):
    for name, content in (("hex", DLT645.encode() + b"\r\n"), ("raw", bytes.fromhex(DLT645))):
        path = tmp_path / name
        path.write_bytes(content)
        assert frames(run, "dlt645", "--file", str(path))[0]["identifier"] == "00010000"


def test_json_is_one_line(capsys, run):
    assert run("iec104", IEC104, "--json")[0] == 0
    parser_words = ["decode", "iec104", IEC104, "--json"]
    cli.main(parser_words)
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize(
    "words, message",
    [
        (("mbus", "68 0"), "odd number of hex digits"),
        (("mbus", "68 0G"), "'G' is no hex digit"),
        (("mbus", "  "), "there are no bytes"),
        (("mbus",), "give the bytes or --file"),
        (("mbus", "E5", "--file", "x"), "give the bytes or --file"),
        (("mbus", "--file", "/nowhere/at/all"), "cannot be read"),
        (("mbus", "E5 10 40 01 42 16"), "place: byte 4"),
        (("mbus", MBUS[:-3]), "cut short"),
        (("dlt645", DLT645.replace("C6", "C7")), "checksum"),
        (("iec104", "68 04 0F 00 00 00"), "unknown U frame"),
        (("sparkplug", "12 05 0A"), "needs 5 bytes"),
        (("cjt188", CJT188, "--profile", "mine"), "unknown profile"),
        (("wmbus", OMS, "--key", "00"), "16 bytes"),
    ],
)
def test_refusals_go_to_standard_error(run, words, message):
    code, found, error = run(*words)
    assert (code, found) == (2, None)
    assert error.startswith("heatloop: ")
    assert message in error


def test_the_place_counts_from_the_first_frame(run):
    _, _, error = run("dlt645", DLT645, DLT645.replace("C6", "C7"))
    assert "place: byte 34" in error


@pytest.mark.parametrize("size, message", [(decode.MAX_BYTES + 1, "bytes"), (1 << 20, "frames")])
def test_too_much_is_refused_at_once(run, tmp_path, size, message):
    path = tmp_path / "big"
    path.write_bytes(b"\xe5" * size)
    assert (
        f"more than {decode.MAX_BYTES if message == 'bytes' else 10000} {message}"
        in run("mbus", "--file", str(path))[2]
    )
