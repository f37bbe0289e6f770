"""Modules: versions, guard, detectors, strategies, bridges, and our own four switched off."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from heatloop.app.extensions_api import (
    ACCEPTED,
    EXTENSION_API,
    Bridge,
    Clear,
    Decoder,
    Detector,
    Manifest,
    Raise,
    Report,
    ReportFile,
    Strategy,
    Wanted,
    Watcher,
)
from heatloop.app.extensions_found import Found, find_plug_ins
from heatloop.app.extensions_own import JOBS_OF, OWN
from heatloop.app.refusals import Refused
from heatloop.kernel.scope import Scope
from heatloop.plant import kinds_added
from heatloop.security.access import Role
from tests.contract.open_room import SLOT, until
from tests.unit.app_town import town

API = "/api/v1"
FLOW = "SS0001.primary_flow"
SETPOINT = "UN0001.secondary_supply_temperature_setpoint"


def manifest(kind, name="x_try", **more):
    about = {"zh": "试", "en": "try", "version": "1", "author": "me", **more}
    return Manifest(name=name, kind=kind, **about)


def installed(monkeypatch, *made, **settings):
    """Make the platform find these modules."""
    rows = [Found(manifest=m.manifest, distribution="try 1", made=m) for m in made]
    monkeypatch.setattr("heatloop.app.extensions.find_plug_ins", lambda: rows)
    return {"extensions": settings} if settings else {}


class High(Detector):
    """Raises above ten, clears below."""

    manifest = manifest("detector", inputs=("primary_flow",), rules={"high": ("过大", "too much")})

    def __init__(self):
        self.seen = []

    def examine(self, readings, view):
        self.seen += [(r.point, r.value, r.quality) for r in readings]
        self.now_s = view.now_s
        for r in readings:
            yield (Raise(subject=r.point, rule="high", value=r.value) if r.value > 10 else
                   Clear(subject=r.point, rule="high"))  # fmt: skip


class Early(Detector):
    """Written for interface 1.0: no view."""

    manifest = manifest("detector", name="x_early", api="1.0", inputs=("primary_flow",))

    def __init__(self):
        self.seen = []

    def examine(self, readings):
        self.seen += readings


class Broken(Detector):
    manifest = manifest("detector", name="x_broken")

    def examine(self, readings, view):
        raise RuntimeError("boom")


class Exits(Detector):
    manifest = manifest("detector", name="x_exits")

    def examine(self, readings, view):
        raise SystemExit(3)


class Hangs(Detector):
    manifest = manifest("detector", name="x_hangs")

    def __init__(self):
        self.end = threading.Event()

    def examine(self, readings, view):
        self.end.wait(30)
        return ()


class Lies(Detector):
    manifest = manifest("detector", name="x_lies")

    def examine(self, readings, view):
        return [Raise(subject="SS9999.no", rule="x")]


@contextlib.asynccontextmanager
async def running(tmp_path, **settings):
    async with town(tmp_path / "town", **settings) as here:
        gateway = await here.enrol("GW0001")
        await gateway.connect()
        async with here.client("keeper", Role.SYSTEM_ADMIN) as client:
            await asyncio.sleep(0.1)
            yield here, gateway, client


async def module(client, name):
    items = (await client.get(f"{API}/extensions")).json()["items"]
    return next(item for item in items if item["name"] == name)


async def troubles(client):
    """Return the parts that do not work; how late a busy test machine is says nothing here."""
    parts = (await client.get(f"{API}/health")).json()["parts"]
    known = ("event loop",)
    return [p for p in parts if not p["ok"] and p["layer"] != "device" and p["name"] not in known]


async def open_rules(client):
    items = (await client.get(f"{API}/alarms")).json()["items"]
    return {(i["rule"], i["text_zh"]) for i in items if i["cleared"] is None}


async def test_a_detector_sees_values_raises_and_clears(tmp_path, monkeypatch):
    high, early = High(), Early()
    async with running(tmp_path, **installed(monkeypatch, high, early)) as (here, gw, client):
        await gw.samples((FLOW, SLOT - 60, 12.0), ("SS0001.primary_heat_power", SLOT - 60, 900.0))
        await until(lambda: high.seen and early.seen)
        assert high.seen == [(FLOW, 12.0, "good")]
        assert early.seen[0].point == FLOW
        assert high.now_s == here.platform.world.now_s()
        await until_rules(client, {("x_try.high", "名SS0001 一次网流量过大")}, names_only=True)
        await gw.samples((FLOW, SLOT - 30, 13.0))
        await until(lambda: len(high.seen) == 2)
        assert len(await open_rules(client)) == 1
        await gw.samples((FLOW, SLOT, 9.0))
        await until_rules(client, set())
        found = await module(client, "x_try")
        assert (found["state"], found["calls"], found["failures"]) == ("running", 3, 0)


async def until_rules(client, wanted, names_only=False):
    async with asyncio.timeout(5):
        while True:
            found = await open_rules(client)
            if {r for r, _ in found} == {r for r, _ in wanted}:
                break
            await asyncio.sleep(0.02)
    if names_only:
        assert all("过大" in text for _, text in found)


async def test_a_module_that_fails_is_counted_stopped_alarmed_and_can_begin_again(
    tmp_path, monkeypatch
):
    high = High()
    settings = installed(
        monkeypatch, Broken(), Exits(), Lies(), high, max_failures=3, timeout_s=5.0
    )
    async with running(tmp_path, **settings) as (here, gw, client):
        for n in range(4):
            await gw.samples((FLOW, SLOT - 120 + 30 * n, 5.0 + n))
            await until(lambda n=n: len(high.seen) == n + 1)
            await asyncio.sleep(0.05)
        for name, word in (("x_broken", "boom"), ("x_exits", "SystemExit"), ("x_lies", "SS9999")):
            async with asyncio.timeout(5):
                while (found := await module(client, name))["state"] != "failed":
                    await asyncio.sleep(0.02)
            assert found["failures"] == 3, found
            assert word in found["last_error"]
            assert word in found["reason_en"]
            assert "停用" in found["reason_zh"]
        wanted = {f"module_stopped.{name}" for name in ("x_broken", "x_exits", "x_lies")}
        async with asyncio.timeout(5):
            while {rule for rule, _ in await open_rules(client)} != wanted:
                await asyncio.sleep(0.02)
        assert all("扩展模块已停用" in text for _, text in await open_rules(client))
        assert (await module(client, "x_try"))["state"] == "running"
        assert await troubles(client) == []
        reply = await client.put(f"{API}/extensions/x_broken", json={"enabled": True})
        assert reply.status_code == 200
        assert (await module(client, "x_broken"))["state"] == "running"
        await client.put(f"{API}/extensions/x_lies", json={"enabled": False})
        assert {rule for rule, _ in await open_rules(client)} == {"module_stopped.x_exits"}
        actions = [r.action for r in here.platform.records.audit.list(limit=100)[1]]
        assert actions.count("extension.stopped") == 3
        assert "extension.switch" in actions


async def test_a_module_that_hangs_holds_up_nobody(tmp_path, monkeypatch):
    high, hangs = High(), Hangs()
    settings = installed(monkeypatch, hangs, high, timeout_s=0.2)
    async with running(tmp_path, **settings) as (here, gw, client):
        for n in range(3):
            await gw.samples((FLOW, SLOT - 90 + 30 * n, 5.0))
        await gw.acknowledged(3)
        await until(lambda: len(high.seen) == 3)
        await until(lambda: here.platform.outside.extensions.plugged["x_hangs"].guard.stopped)
        found = await module(client, "x_hangs")
        assert found["state"] == "failed"
        assert "0.2 s" in found["reason_en"]
        assert here.platform.outside.extensions.plugged["x_hangs"].guard._thread.is_alive()
        hangs.end.set()


async def test_disabled_by_setting_a_module_rests_and_people_can_switch_it(tmp_path, monkeypatch):
    high = High()
    settings = installed(monkeypatch, high, disabled="x_try, control")
    async with running(tmp_path, **settings) as (here, gw, client):
        assert (await module(client, "x_try"))["state"] == "disabled"
        assert (await module(client, "control"))["state"] == "disabled"
        await gw.acknowledged(await gw.samples((FLOW, SLOT - 60, 12.0)))
        await asyncio.sleep(0.2)
        assert high.seen == []
        await client.put(f"{API}/extensions/x_try", json={"enabled": True})
        await asyncio.sleep(1.1)  # it looks once a second whether it is wanted again
        await gw.samples((FLOW, SLOT, 12.0))
        await until(lambda: high.seen)
        assert high.seen == [(FLOW, 12.0, "good")]
        async with here.client("peer", Role.INTEGRATOR) as viewer:
            put = viewer.put(f"{API}/extensions/x_try", json={"enabled": False})
            assert (await put).status_code == 403
        assert (await client.put(f"{API}/extensions/no", json={"enabled": True})).status_code == 404
    # What people chose holds over a restart and comes before the settings file.
    async with town(tmp_path / "town", fresh=False) as again:
        await until(lambda: again.platform.outside.extensions._chosen)
        assert again.platform.outside.extensions.wanted("x_try")


async def test_4_2_3_1_each_module_has_a_manifest_and_disabling_one_leaves_the_others_green(
    tmp_path,
):
    async with running(tmp_path) as (here, gw, client):
        await gw.acknowledged(await gw.samples((FLOW, SLOT, 12.0)))
        items = (await client.get(f"{API}/extensions")).json()["items"]
        assert [item["name"] for item in items] == [m.name for m in OWN]
        assert len(items) == 4
        for item in items:
            assert item["inputs"]
            assert item["outputs"]
            assert item["version"]
            assert item["author"]
            assert item["zh"]
            assert item["en"]
            assert item["state"] == "running"
        schedule = here.platform.schedule
        jobs = {job.name: job for job in schedule._jobs}
        assert set().union(*JOBS_OF.values()) <= jobs.keys()
        done = []

        async def mark(due, name):
            done.append(name)

        for off in [m.name for m in OWN]:
            await client.put(f"{API}/extensions/{off}", json={"enabled": False})
            assert await troubles(client) == [], off
            states = {
                i["name"]: i["state"]
                for i in (await client.get(f"{API}/extensions")).json()["items"]
            }
            assert states == {m.name: "disabled" if m.name == off else "running" for m in OWN}
            # Every job still runs without failing; those of the module do nothing.
            for name in sorted(set().union(*JOBS_OF.values())):
                await jobs[name].run(here.platform.world.now_s())
            screens = (await client.get("/")).status_code
            stream = client.get(f"{API}/stream?points=none")
            assert (screens == 503) == (off == "visualisation")
            assert ((await stream).status_code == 503) == (off == "visualisation")
            assert (await client.get(f"{API}/overview")).status_code == 200
            await client.put(f"{API}/extensions/{off}", json={"enabled": True})


async def test_a_module_that_is_off_does_not_run_its_jobs():
    from heatloop.app.extensions_own import GatedSchedule
    from heatloop.app.schedule import Job
    from heatloop.kernel.clock import SimulatedClock

    on, done = {"control": False, "analysis": True}, []

    async def work(due):
        done.append(due)

    schedule = GatedSchedule(SimulatedClock(), None, lambda name: on.get(name, True))
    for name in ("curve", "twin", "rollups"):
        schedule.add(Job(name=name, period_s=1.0, run=work))
    for at, job in enumerate(schedule._jobs):
        await job.run(float(at))
    assert done == [1.0, 2.0]
    on["control"] = True
    await schedule._jobs[0].run(5.0)
    assert done[-1] == 5.0


# -- the other kinds


class Cooler(Strategy):
    manifest = manifest("strategy", name="x_cooler")

    def propose(self, view):
        assert view.latest(FLOW) is None or view.latest(FLOW).point == FLOW
        return [Wanted(point=SETPOINT, value=None, reason="cool", high=35.0)]


async def test_a_strategy_is_heard_by_the_arbiter_and_falls_silent_when_off(tmp_path, monkeypatch):
    settings = installed(monkeypatch, Cooler(), disabled="x_cooler")
    async with running(tmp_path, **settings) as (here, gw, client):
        rows = [("WS0001.outdoor_temperature", SLOT, -9.5), ("UN0001.station_mode", SLOT, 2.0),
                (SETPOINT, SLOT, 52.0), ("UN0001.secondary_supply_temperature", SLOT, 50.0),
                (FLOW, SLOT, 10.0)]  # fmt: skip
        await gw.acknowledged(await gw.samples(*rows))
        platform = here.platform
        await platform.curve.run(platform.world.now_s())
        free = platform.curve.plans[SETPOINT].values[0]
        await client.put(f"{API}/extensions/x_cooler", json={"enabled": True})
        await platform.outside.runner.propose(platform.world.now_s())
        await platform.curve.run(platform.world.now_s() + 600)
        assert platform.curve.plans[SETPOINT].values[0] <= 35.0 < free
        await client.put(f"{API}/extensions/x_cooler", json={"enabled": False})
        await platform.curve.run(platform.world.now_s() + 1200)
        assert platform.curve.plans[SETPOINT].values[0] > 35.0


class Pipe(Bridge):
    manifest = manifest("bridge", name="x_pipe", inputs=("primary_flow",))

    def __init__(self):
        self.got, self.events = [], []

    def send(self, readings, events):
        self.got += readings
        self.events += events


class Watch(Watcher):
    manifest = manifest("warning", name="x_watch", rules={"few": ("点数过少", "few points")})
    period_s = 60.0

    def check(self, view):
        if len(view.points(kind="primary_flow")) == 2:
            yield Raise(subject="SS0001", rule="few", priority=4)


class Bytes(Decoder):
    manifest = manifest("decoder", name="x_bytes")

    def decode(self, payload, port):
        if len(payload) != 2:
            raise ValueError("two bytes")
        return {"t": int.from_bytes(payload, "big") / 10, "port": port}


class Sheet(Report):
    manifest = manifest("report", name="x_sheet", api="1")

    def build(self, view, start_s, end_s):
        codes = ",".join(p.code for p in view.points(kind="primary_flow"))
        values = [r.value for r in view.history(FLOW, start_s, end_s)]
        return ReportFile(name="a.txt", media="text/plain", data=f"{codes} {values}".encode())


class Bad(Report):
    manifest = manifest("report", name="x_bad")

    def build(self, view, start_s, end_s, language):
        return ReportFile(name="../../etc/passwd", media="text/plain", data=b"")


async def test_bridges_warnings_decoders_and_reports(tmp_path, monkeypatch):
    pipe = Pipe()
    made = installed(monkeypatch, pipe, Watch(), Bytes(), Sheet(), Bad())
    async with running(tmp_path, **made) as (here, gw, client):
        await gw.acknowledged(await gw.samples((FLOW, SLOT, 7.0)))
        await until(lambda: pipe.got)
        assert (pipe.got[0].point, pipe.got[0].value) == (FLOW, 7.0)
        await until(lambda: any(e["event"] == "alarm" for e in pipe.events))
        assert "x_watch.few" in {rule for rule, _ in await open_rules(client)}
        states = {i["name"]: i for i in (await client.get(f"{API}/interfaces")).json()["items"]}
        assert states["x_pipe"]["sent"] >= 2
        assert states["x_pipe"]["connected"]
        found = here.platform.outside.extensions
        assert await found.decode("x_bytes", b"\x00\xeb", 5) == {"t": 23.5, "port": 5.0}
        with pytest.raises(Refused, match="two bytes"):
            await found.decode("x_bytes", b"", 0)
        assert found.plugged["x_bytes"].guard.failures == 0
        asked = {"payload": "00eb", "port": 5}
        told = await client.post(f"{API}/extensions/decoders/x_bytes", json=asked)
        assert told.json() == {"values": {"t": 23.5, "port": 5.0}}
        odd = await client.post(f"{API}/extensions/decoders/x_bytes", json={"payload": "0"})
        assert odd.status_code == 422
        asked = {"start": "2027-01-15T07:00:00Z", "end": "2027-01-15T09:00:00Z"}
        report = await client.get(f"{API}/extensions/reports/x_sheet", params=asked)
        assert report.text == f"{FLOW},SS0002.primary_flow [7.0]"
        async with here.client("low", Role.INTEGRATOR, scope="CO01/BR02") as low:
            theirs = await low.get(f"{API}/extensions/reports/x_sheet", params=asked)
            assert theirs.text == "SS0002.primary_flow []"
        bad = await client.get(f"{API}/extensions/reports/x_bad", params=asked)
        assert bad.status_code == 503
        assert "file name" in bad.text
        turned = {"start": asked["end"], "end": asked["start"]}
        assert (
            await client.get(f"{API}/extensions/reports/x_sheet", params=turned)
        ).status_code == 422
        assert (
            await client.get(f"{API}/extensions/reports/x_pipe", params=asked)
        ).status_code == 404


# -- who is let in


class _Entry:
    dist = None

    def __init__(self, name, thing):
        self.name, self._thing = name, thing

    def load(self):
        if isinstance(self._thing, BaseException):
            raise self._thing
        return self._thing


def found(monkeypatch, kind, *entries):
    group = {"detector": "heatloop.detectors", "driver": "heatloop.drivers"}[kind]
    monkeypatch.setattr(
        "heatloop.app.extensions_found.entry_points",
        lambda group, asked=group: list(entries) if group == asked else [],
    )
    return find_plug_ins()


def of(name="x_try", api=EXTENSION_API, kind="detector", **more):
    made = type("Made", (Detector,), {"examine": lambda *_: (), "manifest": manifest(
        kind, name=name, api=api, **more)})  # fmt: skip
    return _Entry("x_try", made)


@pytest.mark.parametrize("api", ACCEPTED)
def test_6_1_3_h_this_and_the_previous_minor_version_are_let_in(monkeypatch, api):
    (one,) = found(monkeypatch, "detector", of(api=api))
    assert (one.refused_en, one.manifest.api) == ("", api)
    assert one.made is not None


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (of(api="1.2"), "written for interface 1.2"),
        (of(api="2.0"), "written for interface 2.0"),
        (of(api="0.9"), "written for interface 0.9"),
        (of(api=""), "written for interface"),
        (of(name="try"), "name"),
        (of(name="x_other"), "name"),
        (of(kind="bridge"), "manifest says bridge"),
        (of(zh=""), "Chinese"),
        (of(rules={"A B": ("a", "b")}), "rule"),
        (_Entry("x_try", object()), "no manifest"),
        (_Entry("x_try", ImportError("no such module")), "no such module"),
        (_Entry("x_try", SystemExit(1)), "SystemExit"),
        (_Entry("x_try", type("N", (), {"manifest": manifest("detector")})), "no subclass"),
        (_Entry("x_try", type("C", (Detector,), {"manifest": manifest("detector")})), "made"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(monkeypatch, entry, why):
    (one,) = found(monkeypatch, "detector", entry)
    assert why in one.refused_en
    assert one.refused_zh
    assert one.made is None


def test_two_of_one_name_and_a_driver_that_says_nothing_of_itself(monkeypatch):
    first, second = found(monkeypatch, "detector", of(), of())
    assert not first.refused_en
    assert "twice" in second.refused_en
    (driver,) = found(monkeypatch, "driver", _Entry("x_line", object))
    assert (driver.manifest.name, driver.manifest.kind) == ("x_line", "driver")


ROW = {
    "kind": "x_a_b", "zh": "甲", "en": "a", "unit": "degC", "group": "unit", "class": "process",
    "low": 0, "high": 10, "period_s": 30, "decimals": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"kind": "a_b"}, {"kind": "x_A"}, {"kind": "x_a/b"}, {"unit": "furlong"}, {"class": "magic"},
     {"period_s": 7}, {"low": 10}, {"high": "nan"}, {"decimals": "x"}, {"access": "w"}, {"zh": ""},
     {"alarm_low": "x"}, {"kind": "x_" + "a" * 80}],
)  # fmt: skip
def test_point_kinds_that_do_not_fit_are_left_out(monkeypatch, change):
    def rows(*given):
        entry = _Entry("x_kinds", lambda: list(given))
        broken = _Entry("x_worse", RuntimeError("boom"))
        monkeypatch.setattr(kinds_added, "entry_points", lambda group: [entry, broken])
        return [row["kind"] for row in kinds_added.added_rows(())]

    assert rows(ROW) == ["x_a_b"]
    assert rows(ROW | change, "no row", None) == []
    assert rows(ROW, ROW) == ["x_a_b"]


async def test_a_view_shows_only_what_its_scope_holds(tmp_path):
    async with running(tmp_path) as (here, gw, _):
        await gw.acknowledged(await gw.samples((FLOW, SLOT, 7.0)))
        extensions = here.platform.outside.extensions
        low = extensions.look(Scope.of(["CO01/BR02"]))
        full = extensions.look(Scope.everything())
        assert {p.asset[-1] for p in low.points()} == {"2"}
        assert low.latest(FLOW) is None
        assert full.latest(FLOW).value == 7.0
        assert await asyncio.to_thread(low.history, FLOW, SLOT - 60, SLOT + 60) == []
        assert len(await asyncio.to_thread(full.history, FLOW, SLOT - 60, SLOT + 60)) == 1
