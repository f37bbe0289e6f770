"""Tables that old control systems drop: encodings, signs, times, half-written files, repeats."""

import asyncio
import csv
import datetime as dt
import io
import os
from dataclasses import replace

import pytest

from heatloop.demo.devices.collectors import Outcome
from heatloop.demo.devices.file_drop import FileDropReports
from heatloop.edge.drivers.file_drop import FileDropListener
from heatloop.edge.drivers.file_drop_columns import Columns, aliases
from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import point_kinds
from heatloop.protocols.reports.table_file import read_number, read_table, text_of
from heatloop.protocols.reports.times import read_time, zone_of
from heatloop.protocols.room_report import RoomReport
from tests.contract.edge_peers import until
from tests.contract.report_room import NOW, SLOT, ReportRoom, device, index_of

SHANGHAI = zone_of("Asia/Shanghai")
AT = 1_799_996_400  # 2027-01-15 15:00 in China
LOCAL = "2027-01-15 15:00:00"


@pytest.fixture
async def room(tmp_path):
    index = index_of(
        device("DV0001", "file_drop", "substation_export", asset="SS0001", address="HX-01"),
        device("DV0002", "file_drop", "room_reporter", asset="RC0002", parameters="decimal=,"),
        children=2,
    )
    made = ReportRoom(tmp_path, index)
    made.drop = tmp_path / "drop"
    await open_drop(made)
    yield made
    await made.close()


async def open_drop(room):
    listener = FileDropListener(room.tools, room.drop, scan_s=3600.0, quiet_s=0.3)
    await room.open(listener)
    await asyncio.sleep(0)
    for name in ("HX-01", "DV0002"):
        (room.drop / name).mkdir(exist_ok=True)


async def drop(room, name, data, *, looks=2):
    path = room.drop / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    for _ in range(looks):
        await room.listener.look()
    return path


def where(room, name):
    found = [folder for folder in ("done", "refused") if (room.drop / folder / name).exists()]
    return found[0] if found else ""


def reason(room, name):
    return (room.drop / where(room, name) / f"{name}.reason.txt").read_text()


async def test_pinyin_initials_units_and_numbered_machines(room):
    text = (
        "时间,ycgswd,ychswd(℃),ycgsyl[MPa],1#ecgswd,ecgswd2,ecljrl1(GJ),备注\r\n"
        f"{LOCAL},95.5,45.2,0.85,52.5,51,3.6,good\r\n"
        "2027/1/15 15:00:30,95.6,45.1,0.86,52.6,--,3.6,\r\n"
    )
    await drop(room, "HX-01/ye.csv", text.encode("gb18030"))
    assert where(room, "HX-01-ye.csv") == "done"
    assert room.values() == {
        "SS0001.primary_supply_temperature": 95.6,
        "SS0001.primary_return_temperature": 45.1,
        "SS0001.primary_supply_pressure": pytest.approx(860.0, rel=1e-12),
        "UN0001.secondary_supply_temperature": 52.6,
        "UN0002.secondary_supply_temperature": 51.0,
        "UN0001.secondary_heat_total": pytest.approx(1000.0, rel=1e-12),
    }
    assert {slot for _, slot, *_ in room.rows()} == {AT, AT + 30}
    assert room.hour()["DV0001"]["answered"] == 1


async def test_a_table_written_by_another_program(room):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(["Datum", "Zeit", "room temperature", "user cumulative heat [MWh]"])
    for n in range(10):
        moment = dt.datetime(2027, 1, 15, 8, 0, tzinfo=dt.UTC)
        moment += dt.timedelta(hours=n)
        local = moment.astimezone(SHANGHAI)
        writer.writerow([f"{local:%d.%m.%Y}", f"{local:%H:%M}", f"21,{n}", "1.234,5"])
    room.now_s = AT + 12 * 3600.0
    await drop(room, "DV0002/export.csv", out.getvalue().encode("utf-8-sig"))
    assert where(room, "DV0002-export.csv") == "done"
    rows = room.rows()
    assert len(rows) == 20
    found = {value for key, _, value, _ in rows if key == rows[0][0]}
    assert found == {round(21 + n / 10, 1) for n in range(10)}
    assert room.values()["RC0002.user_heat_total"] == 1_234_500.0


async def test_long_tables_and_several_devices_in_one_file(room):
    text = (
        "站名\t时间\t测点\t值\n"
        f"HX-01\t{LOCAL}\tycgswd\t95.5\n"
        f"SS0001\t{LOCAL}\tSS0001.primary_return_temperature\t45.25\n"
        f"rc0002\t{LOCAL}\t室内温度\t21,5\n"
        f"HX-01\t{LOCAL}\tunknown\t7\n"
    )
    await drop(room, "all.tsv", text)
    assert where(room, "all.tsv") == "refused"  # points and commas in one file
    await drop(room, "all2.tsv", text.replace("21,5", "21.5"))
    assert where(room, "all2.tsv") == "done"
    assert room.values() == {
        "SS0001.primary_supply_temperature": 95.5,
        "SS0001.primary_return_temperature": 45.25,
        "RC0002.room_temperature": 21.5,
    }


async def test_a_file_is_read_when_it_has_stopped_growing(room):
    path = await drop(room, "HX-01/a.csv", "时间,ycgswd\n" + f"{LOCAL},9", looks=1)
    for _ in range(3):
        await room.listener.look()
        with path.open("ab") as file:
            file.write(b"5")
    assert path.exists()
    path.write_text(f"时间,ycgswd\n{LOCAL},95.5\n")
    await room.listener.look()
    await room.listener.look()
    assert room.values() == {"SS0001.primary_supply_temperature": 95.5}
    unfinished = await drop(room, "HX-01/b.csv", f"时间,ycgswd\n{LOCAL},95.75")
    assert unfinished.exists()
    await asyncio.sleep(0.35)
    await room.listener.look()
    assert where(room, "HX-01-b.csv") == "done"
    await drop(room, "HX-01/.hidden.csv", "x")
    await drop(room, "HX-01/c.csv.part", "x")
    assert sorted(each.name for each in (room.drop / "HX-01").iterdir()) == [
        ".hidden.csv", "c.csv.part",
    ]  # fmt: skip


async def test_the_same_content_is_taken_once_even_after_a_restart(room):
    text = f"时间,ycgswd\n{LOCAL},95.5\n"
    await drop(room, "HX-01/a.csv", text)
    await drop(room, "HX-01/a.csv", text)
    assert room.appends == 1
    assert "taken before" in reason(room, "HX-01-a.2.csv")
    await room.close()
    room.begin()
    await open_drop(room)
    await drop(room, "HX-01/b.csv", text)
    assert room.appends == 1


async def test_a_full_spool_leaves_the_file_where_it_is(room):
    room.full = True
    path = await drop(room, "HX-01/a.csv", f"时间,ycgswd\n{LOCAL},95.5\n")
    assert path.exists()
    room.full = False
    await room.listener.look()
    assert where(room, "HX-01-a.csv") == "done"
    assert len(room.rows()) == 1


@pytest.mark.parametrize(
    "data, why",
    [
        (b"\x00\x01\x02\x03" * 50, "known encoding"),
        (b"\xff\xff\xff", "known encoding"),
        ("hello\nworld\n", "columns"),
        ("时间,ycgswd\n", "header and rows"),
        (f"when,ycgswd\n{LOCAL},95\n", "column of times"),
        (f"时间,foo\n{LOCAL},95\n", "0 values good"),
        ("时间,ycgswd\nyesterday,95\n", "not a time"),
        ("时间,ycgswd\n2027-01-16 15:00:00,95\n", "far ahead"),
        ("时间,ycgswd\n2020-01-16 15:00:00,95\n", "far too old"),
        (f"时间,ycgswd\n{LOCAL},955\n", "out of range"),
        (f"时间,ycgswd\n{LOCAL},warm\n", "no number"),
        (f"时间,ycgswd(MPa)\n{LOCAL},95\n", "no unit of"),
        (f"时间,ecgswd\n{LOCAL},50\n", "0 values good"),
        (f"时间,ycgswd,ycgswd\n{LOCAL},95,95\n", "one name"),
        (f"时间,ycgswd,ychswd\n{LOCAL},95,\n2027-01-15 15:00:30,95\n2027-01-15 15:01:00,9\n",
         "cut off"),
        (f"时间;ycssll\n{LOCAL};1,234\n", "two ways"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused_with_a_reason_and_never_stored(room, data, why):
    await drop(room, "HX-01/bad.csv", data)
    await asyncio.sleep(0.35 if why == "known encoding" else 0)
    await room.listener.look()
    assert where(room, "HX-01-bad.csv") == "refused"
    assert why in reason(room, "HX-01-bad.csv")
    assert room.rows() == []
    assert room.hour()["DV0001"]["failed"] == {"malformed": 1}


async def test_a_few_bad_rows_are_named_and_the_rest_is_kept(room):
    rows = [f"2027-01-15 15:{n:02d}:00,{90 + n / 10}" for n in range(20)]
    rows[3], rows[7] = "2027-01-15 15:03:00,999", "not a time,1"
    await drop(room, "HX-01/a.csv", "\n".join(["time,ycgswd", *rows, ""]))
    assert where(room, "HX-01-a.csv") == "done"
    assert len(room.rows()) == 18
    assert "line 5, ycgswd" in reason(room, "HX-01-a.csv")
    assert "line 9" in reason(room, "HX-01-a.csv")


async def test_strange_things_in_the_folder_are_left_alone(room):
    os.symlink("/etc/hostname", room.drop / "HX-01" / "link.csv")
    (room.drop / "HX-01" / "folder.csv").mkdir()
    (room.drop / "unknown").mkdir()
    await drop(room, "unknown/a.csv", f"时间,ycgswd\n{LOCAL},95.5\n")
    assert (room.drop / "unknown" / "a.csv").exists()
    assert room.rows() == []


async def test_collectors_of_the_city_drop_their_reports_as_files(tmp_path):
    own = [device(f"DV{n:04d}", "file_drop", "room_collector_json") for n in range(1, 31)]
    room = ReportRoom(tmp_path, index_of(*own))
    room.drop = tmp_path / "drop"
    await room.open(FileDropListener(room.tools, room.drop, scan_s=0.05))
    reports = FileDropReports([room.drop], room.index.by_device)
    outcomes = []
    fields = (213, 200, 1, 52311, None, 388)
    for n, each in enumerate(own):
        report = RoomReport(device_code=each.code, at_s=NOW - n, counter=1, fields=fields)
        reports.send(0, each, report, outcomes.append)
    await until(lambda: len(outcomes) == 30, 8)
    assert set(outcomes) == {Outcome.KEPT}
    assert len(room.rows()) == 150
    first = [(slot, value) for key, slot, value, _ in room.rows() if key <= 6]
    assert first == [(SLOT, value) for value in (21.3, 20.0, 1.0, 5231.1, 38.8)]
    bad = RoomReport(device_code="DV9999", at_s=NOW, counter=1, fields=fields)
    reports.send(0, replace(own[0], code="DV0001"), bad, outcomes.append)
    reports._rows[0][-1] = ("DV9999,2027-01-15 15:00:00,1,1,1,1,1,1", outcomes.append)
    await until(lambda: len(outcomes) == 31, 8)
    assert outcomes[-1] is Outcome.REFUSED
    await reports.close()
    await room.close()


@pytest.mark.parametrize(
    "text, decimal, value",
    [
        ("1,5", ",", 1.5), ("1.234,5", ",", 1234.5), ("12", ",", 12.0), ("1,234.5", ".", 1234.5),
        ("1,234", ".", 1234.0), ("1,234", ",", 1.234), ("-0.5", "", -0.5), ("1e3", "", 1000.0),
        ("−3.5", "", -3.5), ("--", "", None), ("开", "", 1.0), ("NULL", "", None),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_meant(text, decimal, value):
    assert read_number(text, decimal) == value


@pytest.mark.parametrize("text, decimal", [("1,234", ""), ("1.5", ","), ("1.2.3", ""), ("0x1", "")])
def test_numbers_that_are_none_are_refused(text, decimal):
    with pytest.raises(InputError):
        read_number(text, decimal)


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-15 15:00:00", "2027/1/15 15:00", "2027-01-15T07:00:00Z", "20270115150000",
        "2027-01-15T15:00:00.250+08:00", "2027年1月15日 15时0分0秒", "15.01.2027 15:00",
        "1799996400", "1799996400000", 1_799_996_400, 1_799_996_400_000, 1_799_996_400.9,
    ],
)  # fmt: skip
def test_times_are_read_in_the_zone_of_the_gateway(text):
    assert read_time(text, SHANGHAI) == AT


@pytest.mark.parametrize(
    "text", ["01/02/2027 15:00", "2027-13-01 15:00", "soon", "", None, True, -1, 1e300, "9" * 13]
)
def test_times_that_are_none_are_refused(text):
    with pytest.raises(InputError):
        read_time(text, SHANGHAI)


def test_an_hour_that_comes_twice_is_not_guessed():
    berlin = zone_of("Europe/Berlin")
    for text in ("2026-10-25 02:30", "2027-03-28 02:30"):
        with pytest.raises(InputError, match="twice or not at all"):
            read_time(text, berlin)
    assert read_time("2026-10-25 02:30+01:00", berlin) == 1_792_891_800


def test_utf_16_and_separators():
    text = "time\tycgswd\r\n2027-01-15 15:00\t95,5\r\n"
    assert text_of(text.encode("utf-16")) == text
    found = read_table(text.encode("utf-16"))
    assert (found.header, found.decimal) == (("time", "ycgswd"), ",")


def test_no_two_kinds_share_initials_and_every_kind_exists():
    seen = {}
    for kind, names in aliases().items():
        assert kind in point_kinds()
        for name in names:
            assert seen.setdefault(name, kind) == kind
    room = index_of(device("DV0001", "file_drop", "room_reporter"))
    assert Columns(room.by_device["DV0001"]).column("snwd").binding.kind == "room_temperature"
    assert NOW > AT
