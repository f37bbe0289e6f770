"""The built screens: one page for all paths of its router, hashed files for ever, compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from heatloop.web.screens import Screens


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>heatloop</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("let heat = 1;\n" * 200)
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    app = FastAPI()
    app.add_route("/{path:path}", Screens(tmp_path).serve, methods=["GET", "HEAD"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x")


@pytest.mark.parametrize("path", ["/", "/index.html", "/substations/SS0001", "/no/such/page"])
async def test_every_path_of_the_router_is_the_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "<title>heatloop" in answer.text


async def test_hashed_files_stay_for_ever_and_come_compressed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/app-1a2b.js")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 200
    plain = await client.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    assert gzip.decompress(gzip.compress(plain.content)) == plain.content
    assert "content-encoding" not in (await client.get("/logo.png")).headers


@pytest.mark.parametrize("path", ["/assets/gone.js", "/api/v1/nothing", "/../../etc/passwd"])
async def test_what_is_not_there_is_not_made_up(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    if path.startswith("/api/"):
        assert answer.json()["error"]["code"] == "not_found"
    if path.startswith(("/assets/", "/api/")):
        assert answer.status_code == 404
    assert "root:" not in answer.text


async def test_unbuilt_screens_say_so(tmp_path: Path) -> None:
    app = FastAPI()
    app.add_route("/{path:path}", Screens(tmp_path / "none").serve)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://x"
    ) as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.text) == (404, "screens are not built: run make screens")
