"""Payload decoders of third parties in the gateway's intake, added and removed (6.1.3 h)."""

from __future__ import annotations

import base64
import importlib
import json
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from heatloop.edge.drivers.decoders import MOST_FAILURES, Decoders
from heatloop.edge.index import ProfileIndex
from heatloop.kernel.errors import ConfigError, InputError
from tests.contract.report_room import NOW, ReportRoom, device, index_of, push

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "plug_in"
EUI = "A84041B931837A0A"
FRAME = bytes([0xA5, 87]) + (215).to_bytes(2, "big")
GROUP = "heatloop.decoders"


def put_on_path(folder: Path, name: str, entries: str) -> None:
    about = folder / f"{name}-1.0.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}\n")


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sample package, as pip puts it on the path."""
    about = tomllib.loads((SAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    entries = about["entry-points"][GROUP]
    site = tmp_path / "site"
    site.mkdir()
    put_on_path(site, "heatloop_acme", "\n".join(f"{k} = {v}" for k, v in entries.items()))
    monkeypatch.syspath_prepend(str(SAMPLE / "src"))
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    yield
    for name in [n for n in sys.modules if n.partition(".")[0] == "heatloop_acme"]:
        del sys.modules[name]


def named(index: ProfileIndex) -> ProfileIndex:
    """Return the index with the plug-in's own name as source of the room temperatures."""
    source = "x_acme_bearing_temperature"
    bindings = tuple(
        replace(b, factor=1.0, offset=0.0,
                source=source if b.kind == "room_temperature" else f"no_{b.kind}")
        for b in index.profile.bindings
    )  # fmt: skip
    return ProfileIndex(replace(index.profile, bindings=bindings))


def index() -> ProfileIndex:
    more = {"parameters": "decoder=x_acme_frame"}
    return named(
        index_of(
            device("DV0001", "lorawan", "room_sensor_lht65", address=EUI, **more),
            device("DV0002", "http", "room_collector", address="imei2", **more),
            device("DV0003", "coap", "room_collector", address="imei3", **more),
        )
    )


def uplink(payload: bytes, count: int = 1) -> str:
    return json.dumps({
        "time": "2027-01-15T08:14:37Z", "deviceInfo": {"devEui": EUI}, "devAddr": "00189440",
        "dr": 5, "fCnt": count, "fPort": 7, "data": base64.b64encode(payload).decode(),
    })  # fmt: skip


def report(payload: bytes, counter: int = 1) -> str:
    return json.dumps({
        "device": "imei2", "time": "2027-01-15T08:14:37Z", "counter": counter,
        "values": {"data": base64.b64encode(payload).decode(), "port": 7},
    })  # fmt: skip


async def test_6_1_3_h_a_plug_in_reads_payloads_of_every_listener(
    acme: None, tmp_path: Path
) -> None:
    from heatloop.edge.drivers.coap import CoapListener

    room = ReportRoom(tmp_path, index())
    await room.open()
    try:
        port = room.listener.port
        assert (await push(port, "/lorawan/city", uplink(FRAME)))[0] == 200
        assert (await push(port, "/report/city", report(FRAME)))[0] == 200
        assert room.values() == {
            "RC0001.room_temperature": 21.5, "RC0002.room_temperature": 21.5,
        }  # fmt: skip
        # Bytes that are none of its are refused and counted, and nothing is kept.
        status, words = await push(port, "/lorawan/city", uplink(b"\0\0\0\0", 2))
        assert (status, "not a message" in words) == (400, True)
        assert (await push(port, "/report/city", report(b"?", 2)))[0] == 400
        assert room.intake.refusals["DV0001", "malformed"] == 1
        assert len(room.rows()) == 2
        listener = CoapListener(room.tools, "127.0.0.1", 0)

        async def raw(words: dict[str, str], payload: bytes) -> str:
            return str((await listener.answer_raw(words, payload)).code)

        mine = {"device": "imei3", "counter": "1", "time": str(NOW - 23)}
        assert await raw(mine, FRAME) == "2.04 Changed"
        assert await raw(mine, FRAME) == "2.04 Changed"
        assert room.values()["RC0003.room_temperature"] == 21.5
        assert len(room.rows()) == 3
        assert await raw({**mine, "device": "imei9"}, FRAME) == "4.03 Forbidden"
        assert await raw({**mine, "counter": "x"}, FRAME) == "4.00 Bad Request"
        assert await raw({**mine, "counter": "2"}, b"no") == "4.00 Bad Request"
    finally:
        await room.close()
        room.tools.decoders.close()


async def test_without_the_package_its_devices_are_refused_by_name(tmp_path: Path) -> None:
    room = ReportRoom(tmp_path, index())
    await room.open()
    try:
        status, words = await push(room.listener.port, "/lorawan/city", uplink(FRAME))
        assert (status, "no such decoder" in words) == (400, True)
        assert room.intake.refusals["DV0001", "malformed"] == 1
        assert room.rows() == []
    finally:
        await room.close()


BAD = """
import threading
gate = threading.Event()

class Broken:
    def decode(self, payload, port):
        raise RuntimeError("always")

class Hanging:
    def decode(self, payload, port):
        gate.wait(30)

class Odd:
    def decode(self, payload, port):
        return {"a": float("nan"), "b": 2}

nothing = object()
"""


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    (tmp_path / "bad_acme.py").write_text(BAD)
    entries = [f"x_{n.lower()} = bad_acme:{n}" for n in ("Broken", "Hanging", "Odd", "nothing")]
    put_on_path(tmp_path, "bad_acme", "\n".join([*entries, "x_lost = bad_acme:Lost"]))
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("bad_acme").gate
    sys.modules.pop("bad_acme", None)


async def test_a_decoder_that_fails_or_hangs_is_stopped(bad: threading.Event) -> None:
    decoders = Decoders(timeout_s=0.05)
    for _ in range(MOST_FAILURES):
        with pytest.raises(InputError, match="decoder failed: always"):
            await decoders.decode("x_broken", b"", 0)
    with pytest.raises(InputError, match="is stopped: RuntimeError"):
        await decoders.decode("x_broken", b"", 0)
    with pytest.raises(InputError, match="hangs"):
        await decoders.decode("x_hanging", b"", 0)
    with pytest.raises(InputError, match="is stopped: it hangs"):
        await decoders.decode("x_hanging", b"", 0)
    bad.set()
    assert await decoders.decode("x_odd", b"", 0) == {"b": 2.0}
    with pytest.raises(InputError, match="too long"):
        await decoders.decode("x_odd", bytes(1 << 17), 0)
    for name, words in (("x_nothing", "is no decoder"), ("x_lost", "cannot be loaded"),
                        ("x_none", "no such decoder")):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            await decoders.decode(name, b"", 0)
    decoders.close()
