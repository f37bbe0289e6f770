"""Hostile input to every route of the running application: refused, nothing told, nothing lost.

What is sent where is taken from the interface's own description, so a new route is attacked too.
"""

from __future__ import annotations

import asyncio
import json
import re
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx
import openpyxl
import pytest
import pytest_asyncio
from sqlalchemy import inspect, text

from heatloop.report.audit_trail import audit_trail_pdf
from heatloop.security.access import ADMINISTRATORS, Role
from heatloop.store.tables import read_tables, write_tables
from tests.unit.app_town import Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"
_STREAMS = ("/stream", "/subscribe", "/events")
SQL = (
    "' OR '1'='1",
    "x'; DROP TABLE audit_entry; --",
    "%' UNION SELECT password_hash FROM user_account --",
)
PATHS = (
    "../../../../etc/passwd",
    "..%2f..%2fkeys%2fplatform.ed25519",
    "/etc/passwd",
    "....//....//etc/passwd",
)
HEADERS = ("x\r\nSet-Cookie: taken=1\r\nX-Evil: 1", "x\nLocation: https://evil.example")
FORMULAE = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("attacked")
    limits = {"watch": {"limits": False}, "server": {"max_upload_mb": 1}}
    async with town(folder, **limits) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def boss(made: Town) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may nearly everything: what he cannot do by tricks nobody can."""
    async with made.client("boss", *(set(Role) - ADMINISTRATORS), Role.AUDIT_ADMIN) as client:
        yield client


def _reads(made: Town) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return every reading route with its parameters of text."""
    found = []
    for path, ways in made.app.openapi()["paths"].items():
        if "get" in ways and not any(word in path for word in _STREAMS):
            asked = [p for p in ways["get"].get("parameters", ()) if p["in"] in ("path", "query")]
            found.append((path, asked))
    return found


def _is_text(parameter: dict[str, Any]) -> bool:
    kinds = [parameter["schema"], *parameter["schema"].get("anyOf", ())]
    return any(k.get("type") == "string" and "format" not in k and "enum" not in k for k in kinds)


def _request(
    path: str, asked: list[dict[str, Any]], evil: str, at: str
) -> tuple[str, dict[str, str]]:
    """Return address and query with the payload in one place and something harmless elsewhere."""
    query = {}
    for parameter in asked:
        name, schema = parameter["name"], parameter["schema"]
        plain = "2026-11-01T00:00:00Z" if schema.get("format") == "date-time" else "1"
        value = evil if name == at else plain
        if parameter["in"] == "path":
            path = path.replace("{" + name + "}", quote(value, safe=""))
        elif name == at or parameter.get("required"):
            query[name] = value
    return path, query


async def _all(
    made: Town, client: httpx.AsyncClient, payloads: tuple[str, ...]
) -> list[httpx.Response]:
    """Send every payload to every parameter of text of every reading route."""
    replies = []
    for path, asked in _reads(made):
        for parameter in filter(_is_text, asked):
            for evil in payloads:
                address, query = _request(path, asked, evil, parameter["name"])
                async with asyncio.timeout(30):
                    replies.append(await client.get(address, params=query))
    return replies


def _rows(made: Town) -> dict[str, int]:
    with made.platform.records.database.read() as connection:
        names = inspect(connection).get_table_names()
        return {
            name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())
            for name in names
        }


async def test_8_2_c_sql_in_any_text_is_only_text(made: Town, boss: httpx.AsyncClient) -> None:
    before = _rows(made)
    replies = await _all(made, boss, SQL)
    assert len(replies) > 150
    for reply in replies:
        assert reply.status_code < 500, (reply.request.url, reply.text)
        assert b"$argon2" not in reply.content
    after = _rows(made)
    assert set(after) == set(before)
    assert all(after[name] >= count for name, count in before.items())
    assert made.platform.records.audit.examine().broken is None
    # A condition that is always true would have found everybody's entries.
    found = await boss.get(f"{API}/audit", params={"user": SQL[0]})
    assert found.json()["total"] == 0


async def test_8_2_c_no_path_leads_out_of_its_folder(made: Town, boss: httpx.AsyncClient) -> None:
    secret = (made.folder / "keys").iterdir()
    secrets = [path.read_bytes() for path in secret if path.is_file()]
    replies = await _all(made, boss, PATHS)
    for way in (*PATHS, "%2e%2e/%2e%2e/etc/passwd", "..\\..\\windows\\win.ini", "a/../../../keys"):
        for begin in ("/", "/assets/", f"{API}/"):
            replies.append(await boss.get(begin + way))
    for reply in replies:
        assert reply.status_code < 500, (reply.request.url, reply.text)
        assert b"root:" not in reply.content
        assert not any(secret in reply.content for secret in secrets)


async def test_8_2_c_no_header_and_no_redirect_can_be_smuggled_in(
    made: Town, boss: httpx.AsyncClient
) -> None:
    replies = await _all(made, boss, (*HEADERS, "https://evil.example/", "//evil.example"))
    for way in ("//evil.example", "/%0d%0aLocation:%20https://evil.example", "/\\evil.example"):
        replies.append(await boss.get(way))
    for reply in replies:
        assert "taken" not in reply.headers.get("set-cookie", "")
        assert "x-evil" not in reply.headers
        assert "evil.example" not in reply.headers.get("location", "")
        assert not 300 <= reply.status_code < 400 or reply.headers["location"].startswith("/")


async def test_8_2_c_deep_json_and_wrong_kinds_are_refused(
    made: Town, boss: httpx.AsyncClient
) -> None:
    made.add_user("doc", Role.DISPATCHER)
    deep = [b"[" * n + b"]" * n for n in (60, 900, 100_000)]
    deep += [b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"\xff\xfe", b"nul", b"1e999", b'"\\ud800"']
    async with made.client("doc") as client:
        cookies = dict(client.cookies)
        for path, ways in made.app.openapi()["paths"].items():
            for method in ("post", "put", "patch"):
                body = ways.get(method, {}).get("requestBody", {}).get("content", {})
                if "application/json" not in body:
                    continue
                address = re.sub(r"\{\w+\}", "1", path)
                for data in deep:
                    client.cookies.update(cookies)
                    reply = await client.request(
                        method, address, content=data, headers={"content-type": "application/json"}
                    )
                    assert 400 <= reply.status_code < 500, (path, data[:20], reply.text)
    assert (await boss.get(f"{API}/overview")).status_code == 200


async def test_8_2_c_oversized_and_compressed_bodies_are_refused(
    made: Town, boss: httpx.AsyncClient
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    address = f"{API}/session/password"
    big = b"{" + b" " * (2 << 20) + b"}"
    told = await boss.post(address, content=big)
    untold = await boss.post(address, content=endless())
    assert (told.status_code, untold.status_code) == (413, 413)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    packed = await boss.post(address, content=b"\x1f\x8b" * 20, headers=headers)
    assert (packed.status_code, packed.json()["error"]["code"]) == (415, "body_encoded")
    total, refused = made.platform.records.audit.list(action="web.refused")
    assert total
    assert any(row.detail["status"] == 415 for row in refused)


async def test_formulae_in_exports_are_text_and_numbers_stay_numbers() -> None:
    rows = [{"name": evil, "value": -2.5, "count": -3} for evil in FORMULAE]
    book = openpyxl.load_workbook(BytesIO(write_tables({"a": rows})))
    cells = list(book["a"].iter_rows(min_row=2))
    for line, evil in zip(cells, FORMULAE, strict=True):
        assert line[0].data_type == "s"
        assert [cell.value for cell in line[1:]] == [-2.5, -3]
        assert str(line[0].value).replace("_x000D_", "").strip() == evil.strip()
    packed = write_tables({"a": rows}, "csv")
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        lines = archive.read("a.csv").decode("utf-8-sig")
    assert lines.count("'=") + lines.count("'+") + lines.count("'-2+3") >= 3
    for line in re.split(r"\r\n", lines)[1:]:
        assert not line.lstrip('"').startswith(("=", "+", "-", "@", "\t", "\r"))
    assert lines.count(",-2.5,-3") == len(rows)
    # What this platform wrote it reads back as it was.
    assert [row["name"] for row in read_tables(packed)["a"]] == list(FORMULAE)


async def test_formulae_in_names_do_not_run_where_the_ledger_is_exported(
    made: Town, boss: httpx.AsyncClient
) -> None:
    body = (await boss.get(f"{API}/ledger/export")).content
    sheets = read_tables(body)
    sheets["substation"][0]["zh"] = FORMULAE[0]
    files = {"file": ("ledger.xlsx", write_tables(sheets))}
    reply = await boss.post(f"{API}/ledger/import", files=files)
    assert reply.status_code == 200, reply.text
    book = openpyxl.load_workbook(BytesIO((await boss.get(f"{API}/ledger/export")).content))
    kinds = {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line}
    assert "f" not in kinds
    packed = (await boss.get(f"{API}/ledger/export", params={"format": "csv"})).content
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        for name in archive.namelist():
            for cell in re.split(r"[,\r\n]+", archive.read(name).decode("utf-8-sig")):
                assert not cell.strip('"').startswith(("=", "@"))


@pytest.mark.needs("chinese-font")
async def test_text_in_reports_is_data_and_never_markup() -> None:
    evil = '#read("/etc/passwd") #import "x.typ" $ #{panic("x")} \\ "quoted" <label> @ref'
    entry = {
        "seq": 1, "at": 1.8e9, "user": evil, "role": evil, "address": evil, "request": "",
        "action": evil, "subject": evil, "result": "done", "detail": {evil: [evil, None, 1]},
        "hash": "0" * 64,
    }  # fmt: skip
    signed = {"body": json.dumps({"a": evil}), "key_id": evil, "alg": evil, "signature": "00"}
    report = {
        "company": [evil, evil],
        "entries": [entry],
        "signed": signed,
        "asked": {"user": evil},
    }
    pdf = await asyncio.to_thread(audit_trail_pdf, report, "Asia/Shanghai")
    assert pdf.startswith(b"%PDF-")
    assert b"root:" not in pdf


async def test_every_attack_left_its_trace(made: Town) -> None:
    """Runs last: what was refused above stands in the trail, which is whole."""
    _, rows = made.platform.records.audit.list(limit=500)
    assert {row.result for row in rows} >= {"refused"}
    assert made.platform.records.audit.examine().broken is None
