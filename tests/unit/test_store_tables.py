"""Tables in files: Excel, CSV zip and CSV folder."""

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from heatloop.kernel.errors import InputError
from heatloop.store import tables
from heatloop.store.tables import read_tables, write_tables

SHEETS = {
    "substation": [
        {
            "code": "SS0001",
            "zh": "东城一站",
            "heated_area_m2": 81234.5,
            "note": "=cmd|' /C calc'!A0",
        },
        {"code": "SS0002", "zh": "+86 10", "heated_area_m2": -1, "note": None},
        {"code": "'SS", "zh": 'a "quoted", b', "heated_area_m2": 1e-9, "note": "two\nlines"},
    ],
    "gateway": [{"code": "GW0001", "metered": True}, {"code": "GW0002", "metered": False}],
    "empty": [],
}


def test_a_workbook_comes_back_with_its_types() -> None:
    found = read_tables(write_tables(SHEETS))
    assert found == SHEETS
    assert found == read_tables(write_tables(SHEETS), "xlsx")


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_tables(SHEETS)))
    cells = [cell for row in book["substation"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert book["substation"]["D2"].value == SHEETS["substation"][0]["note"]


def test_csv_comes_back_as_text_and_guards_formulas() -> None:
    packed = write_tables(SHEETS, "csv")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        plain = archive.read("substation.csv").decode("utf-8-sig")
    assert "'=cmd" in plain
    assert "'+86 10" in plain
    assert ",-1," in plain
    found = read_tables(packed)
    assert found["substation"][0] == SHEETS["substation"][0] | {"heated_area_m2": "81234.5"}
    assert [row["code"] for row in found["substation"]] == ["SS0001", "SS0002", "'SS"]
    assert found["substation"][2]["note"] == "two\nlines"
    assert found["gateway"] == [
        {"code": "GW0001", "metered": "true"},
        {"code": "GW0002", "metered": "false"},
    ]
    assert float(found["substation"][2]["heated_area_m2"]) == 1e-9


def test_equal_tables_make_equal_files() -> None:
    assert write_tables(SHEETS, "csv") == write_tables(SHEETS, "csv")


def test_a_folder_and_a_file_of_csv(tmp_path: Path) -> None:
    (tmp_path / "gateway.csv").write_bytes("code,zh\nGW0001,网关\n,\n\n".encode("gb18030"))
    wanted = {"gateway": [{"code": "GW0001", "zh": "网关"}]}
    assert read_tables(tmp_path) == wanted
    assert read_tables(tmp_path / "gateway.csv") == wanted
    (tmp_path / "book.xlsx").write_bytes(write_tables(wanted))
    assert read_tables(tmp_path / "book.xlsx") == wanted


def _zip(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/") + ".csv", data)
    return out.getvalue()


@pytest.mark.parametrize(
    "data, kind, reason",
    [
        (b"plain text", "", "neither a workbook nor a zip"),
        (b"", "xlsx", "neither a workbook nor a zip"),
        (_zip(), "csv", "no tables in the file"),
        (_zip(a__x=b"", b__x=b""), "csv", "two of one name"),
        (_zip(x=b"code,code\n1,2\n"), "", "heading stands twice"),
        (_zip(x=b'code\n"open\n'), "", "not CSV"),
        (_zip(x=b"code\n\xff\xff"), "", "neither UTF-8 nor GB 18030"),
        (_zip(x=b"code\n1"), "xlsx", "workbook cannot be read"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_what_cannot_be_read_is_named(data: bytes, kind: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_tables(data, kind)


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_BYTES", 1000)
    assert read_tables(_zip(x=b"1" * 1000)) == {"x": []}
    for kind in ("csv", "xlsx", ""):
        with pytest.raises(InputError, match="unpacks to too much"):
            read_tables(_zip(x=b"1" * 1001), kind)


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(InputError, match="no such kind"):
        write_tables(SHEETS, "ods")
    for kind in ("xlsx", "csv"):
        with pytest.raises(InputError, match="cannot have this name"):
            write_tables({"a/b": []}, kind)
