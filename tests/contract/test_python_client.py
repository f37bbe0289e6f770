"""The Python client against a true platform on a socket; generated files are up to date."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import uvicorn

from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.web.client_generator import files
from heatloop.web.factory import bare_app
from tests.unit.app_town import PASSWORD, START_S, town

PACKAGE = Path(__file__).resolve().parents[2] / "clients" / "python" / "src"
SUPPLY = "UN0001.secondary_supply_temperature"
SLOT = int(START_S) - 3600
START = datetime.fromtimestamp(SLOT, UTC)


@pytest.fixture(scope="module")
def package() -> Iterator[Any]:
    sys.path.insert(0, str(PACKAGE))
    import heatloop_client

    yield heatloop_client
    sys.path.remove(str(PACKAGE))


class Served:
    """A platform behind a socket, on an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready, self.stop = threading.Event(), threading.Event()
        self.url, self.town = "", None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        async with town(self.folder) as made:
            made.add_user("wang", Role.MANAGER, Role.DISPATCHER)
            key = made.key(SUPPLY)
            slots = np.arange(SLOT, SLOT + 3600, 30).astype("u4")
            await made.platform.historian.append(
                Columns(
                    np.full(120, key, "u4"), slots, 50 + np.arange(120) / 10, np.zeros(120, "u1")
                )
            )
            await made.platform.historian.refresh_rollups()
            with socket.socket() as bound:
                bound.bind(("127.0.0.1", 0))
                self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
                config = uvicorn.Config(made.app, lifespan="off", log_level="error",
                                        timeout_graceful_shutdown=2)  # fmt: skip
                server = uvicorn.Server(config)
                server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
                task = asyncio.create_task(server.serve(sockets=[bound]))
                while not server.started:
                    await asyncio.sleep(0.01)
                self.ready.set()
                await asyncio.to_thread(self.stop.wait)
                server.should_exit = True
                await task


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served"))
    made.thread.start()
    assert made.ready.wait(60)
    yield made
    made.stop.set()
    made.thread.join(30)


@pytest.fixture
def client(served: Served, package: Any) -> Iterator[Any]:
    with package.Client(served.url) as made:
        made.login("wang", PASSWORD)
        yield made


def test_generated_files_are_those_of_the_api_document() -> None:
    for name, text in files(bare_app().openapi()).items():
        kept = (PACKAGE / "heatloop_client" / name).read_text("utf-8")
        assert kept == text, f"{name}: run python -m heatloop.web.client_generator"


def test_every_operation_of_the_api_is_a_method(package: Any) -> None:
    document = bare_app().openapi()
    for path, ways in document["paths"].items():
        for operation in ways.values():
            name = operation["operationId"]
            assert callable(getattr(package.Client, name, None)), (path, name)


def test_reads_pages_and_refusals(client: Any, package: Any) -> None:
    assert client.get_overview()["totals"]["substations"] == 2
    codes = [point["code"] for point in client.pages(client.list_points, size=7)]
    assert len(codes) == len(set(codes)) == client.list_points(size=1)["total"] > 50
    found = client.query_points(q="secondary supply temperature of all substations")
    assert found["items"][0]["code"] == SUPPLY
    with pytest.raises(package.ApiError) as refused:
        client.get_asset("SS0099")
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    with pytest.raises(package.ApiError, match="temprature"):
        client.query_points(q="temprature")
    with pytest.raises(ValueError, match="no time zone"):
        client.get_trends(points=SUPPLY, start=datetime(2026, 1, 1), end=START)  # noqa: DTZ001


def test_times_are_sent_with_their_zone(client: Any) -> None:
    zone = START.astimezone().tzinfo
    line = client.get_trends(points=SUPPLY, start=START.astimezone(zone),
                             end=START + timedelta(hours=1), step="raw")["series"][0]  # fmt: skip
    assert len(line["value"]) == 120
    grid = client.get_grid(points=SUPPLY, start=START, end=START + timedelta(hours=1), step_s=600)
    assert [round(v, 2) for v in grid["series"][0]["value"]][:2] == [50.95, 52.95]


def test_bulk_to_arrow_pandas_and_files(client: Any, tmp_path: Path) -> None:
    span = {"start": START, "end": START + timedelta(hours=1)}
    table = client.samples_arrow(q="所有热力站二次供水温度", **span)
    assert table.num_rows == 120
    assert table.column("value").to_pylist() == [50 + n / 10 for n in range(120)]
    rollups = client.rollups_arrow(points=SUPPLY, step="1h", start=START - timedelta(hours=1),
                                   end=START + timedelta(hours=2))  # fmt: skip
    assert rollups.column("count").to_pylist() == [120]
    path = tmp_path / "a.parquet"
    size = client.download(path, points=SUPPLY, **span)
    assert path.stat().st_size == size
    assert pq.read_table(path).num_rows == 120
    kept = io.BytesIO()
    client.download(kept, points=SUPPLY, format="csv", **span)
    assert kept.getvalue().count(b"\n") == 121
    pandas = pytest.importorskip("pandas")
    frame = client.samples_pandas(points=SUPPLY, **span)
    assert isinstance(frame, pandas.DataFrame)
    assert frame["value"].mean() == pytest.approx(55.95)


def test_the_live_stream_gives_events(client: Any) -> None:
    with contextlib.closing(client.events(points=SUPPLY)) as events:
        first = next(events)
        assert first.name == "clock"
        assert first.data["plant_time"].endswith("Z")


def test_writes_uploads_and_the_end_of_a_session(client: Any, served: Served, package: Any) -> None:
    text = f"time,v\n{SLOT - 60},1\n"
    with pytest.raises(package.ApiError) as refused:
        client.guess_import(files={"file": package.Upload("a.csv", text.encode())})
    assert refused.value.status == 403  # a dispatcher imports nothing, but the upload arrived
    client.sign_out()
    with pytest.raises(package.ApiError) as out:
        client.get_overview()
    assert out.value.status == 401
    # A session without the header of writes is refused by the platform.
    with httpx.Client(base_url=served.url) as bare:
        body = {"user": "wang", "password": PASSWORD}
        assert bare.post("/api/v1/session", json=body).status_code == 403
