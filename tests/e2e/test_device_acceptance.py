"""A station controller's whole life on a live city: bought, papers, installed, tested, signed."""

from __future__ import annotations

import asyncio
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from heatloop.app.supervisor import Supervisor
from heatloop.cli.api import Api
from heatloop.cli.prepare import first_login, local_gateways, prepare
from heatloop.cli.stack import StackOptions, start_all
from heatloop.security.keys import KeyRing, open_document
from heatloop.store.tables import write_tables
from tests.e2e.city_runs import stack_for

SPEED = 60.0
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PDF = b"%PDF-1.7\n" + bytes(64)
SERIAL, PURCHASE, MODEL = "DDC-2026-001", "PO-2026-7", "DDC-8U"
# What the technician does at the cabinet, the demo's control API does here.
DEMO_FAULTS = {
    "sensor_open": "sensor_open",
    "sensor_short": "sensor_short",
    "over_limit_high": "sensor_high",
    "comms_loss": "device_silent",
    "power_loss": "power_loss",
}
INSTALLED = {
    "location": "一层设备间 控制柜",
    "signed_by": "李工",
    "ticks": dict.fromkeys(("damp", "corrosion", "drainage", "ventilation", "access"), True),
}


async def upload(api: Api, path: str, data: bytes, method: str = "POST") -> Any:
    reply = await api.http.request(method, path, files={"file": ("f", io.BytesIO(data))})
    assert reply.is_success, reply.text
    return reply.json()


async def plan_and_install(api: Api, asset: str, device: str) -> None:
    lines = [{"model": MODEL, "count": 1, "parameters": "", "accessories": "天线|螺丝"}]
    await upload(api, f"/devices/purchases/{PURCHASE}", write_tables({"purchase": lines}), "PUT")
    new = {"serial": SERIAL, "model": MODEL, "asset": asset, "device": device}
    await api.send("POST", "/devices", new | {"purchase": PURCHASE})
    scanned = [{"serial": SERIAL, "model": MODEL}]
    path = f"/devices/purchases/{PURCHASE}/receipts"
    receipt = await api.send("POST", path, {"scanned": scanned})
    assert receipt["mismatches"] == []
    photo = (await upload(api, "/devices/files", PNG))["sha256"]
    paper = (await upload(api, "/devices/files", PDF))["sha256"]
    item = f"/devices/items/{SERIAL}"
    form = {"photo": photo, "undamaged": True, "accessories": {"天线": True, "螺丝": True}}
    await api.send("POST", f"{item}/arrival", form)
    for name in ("certificate", "test_report", "manual"):
        await api.send("POST", f"{item}/documents", {"document": name, "file": paper})
    evidence = {"item": "parameter_control", "file": paper}
    await api.send("POST", f"/devices/models/{MODEL}/evidence", evidence)
    await api.send("POST", f"{item}/state", {"to": "accepted"})
    await api.send("POST", f"{item}/installation", INSTALLED | {"photos": [photo]})
    await api.send("POST", f"{item}/state", {"to": "installed"})


async def follow(api: Api, run: str) -> dict[str, Any]:
    """Do what the platform tells the technician until the test has ended."""
    done: tuple[str, bool] | None = None
    while True:
        view: dict[str, Any] = await api.send("GET", f"/device-tests/{run}")
        if view["ended"] is not None:
            return view
        told = view["instruction"]
        wanted = None if told is None else (told["fault"], told["repair"])
        if told is not None and wanted != done:
            fault = f"{DEMO_FAULTS[told['fault']]}@{told['subject']}"
            await api.send("PUT", f"/demo/faults/{fault}", {"active": not told["repair"]})
            await api.send("POST", f"/device-tests/{run}/confirm")
        done = wanted
        await asyncio.sleep(0.2)


async def until_heard(api: Api, point: str) -> None:
    async with asyncio.timeout(30):
        while (await api.send("GET", f"/points/latest?codes={point}"))[0]["quality"] != "good":
            await asyncio.sleep(0.2)


async def life(stack: StackOptions, login: tuple[str, str], ledger: Any) -> None:
    device = next(d for d in ledger.devices.values() if d.profile == "substation_controller")
    unit = next(a.code for a in ledger.children(device.asset) if a.kind == "unit")
    mode = f"{unit}.station_mode"
    api = await Api.sign_in(stack.url, *login)
    await plan_and_install(api, unit, device.code)
    await until_heard(api, mode)
    before = (await api.send("GET", f"/points/latest?codes={mode}"))[0]["value"]
    ask = {"serial": SERIAL, "confirm_heating": True, "window_s": 90}
    run = await api.send("POST", "/device-tests", ask)
    view = await follow(api, run["id"])
    told = [(s["name"], s["state"], s["said_en"], s["measured"][:6]) for s in view["steps"]]
    assert view["state"] == "passed", (told, view["problems"])
    assert len(view["steps"]) == 11
    async with asyncio.timeout(20):
        while not view["signed"]:
            await asyncio.sleep(0.1)
            view = await api.send("GET", f"/device-tests/{run['id']}")
    pdf = (await api.http.get(f"/device-tests/{run['id']}/report.pdf")).content
    assert pdf.startswith(b"%PDF-")
    assert hashlib.sha256(pdf).hexdigest() == view["pdf_sha256"]
    proof = await api.send("GET", f"/device-tests/{run['id']}/signature")
    assert proof["ok"]
    ring = KeyRing([bytes.fromhex(proof["public_key"])])
    ring.verify(proof["key_id"], pdf, bytes.fromhex(proof["pdf_signature"]))
    assert open_document(ring, proof["document"])["state"] == "passed"
    (stack.data / "report.pdf").write_bytes(pdf)
    # Put back: the mode is what it was, and the strategy may write again.
    await until_heard(api, mode)
    assert (await api.send("GET", f"/points/latest?codes={mode}"))[0]["value"] == before
    for state in ("tested", "in_service"):
        detail = await api.send("POST", f"/devices/items/{SERIAL}/state", {"to": state})
    assert detail["device"]["state"] == "in_service"
    assert detail["device"]["auto_ready"]
    await api.close()


@pytest.mark.needs("chinese-font")
@pytest.mark.timeout(180)
async def test_controller_is_accepted_on_a_live_city(tmp_path: Path) -> None:
    stack = stack_for(tmp_path, speed=SPEED)
    ledger = prepare(stack)
    login = first_login(stack)
    assert login is not None
    supervisor = Supervisor(stack.run_dir, tmp_path / "logs")
    try:
        await start_all(supervisor, stack, local_gateways(stack))
        await life(stack, login, ledger)
    finally:
        await supervisor.stop()
