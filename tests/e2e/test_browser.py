"""A person at the screens: a real browser on a running demo city."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from heatloop.demo.logs import ANSWER
from heatloop.kernel.clock import machine_s
from tests.e2e.city_runs import free_block, free_port

pytestmark = pytest.mark.alone

PASSWORD = "Winter-Heat-2026!x"
SUPPLY = "UN0001.secondary_supply_temperature"
SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
FAULT = "pump_trip@UN0002"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@dataclass
class Site:
    """A running demo and its first login."""

    url: str
    data: Path
    user: str
    password: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start `heatloop run --demo` as a person would, and stop it with Ctrl-C."""
    data = tmp_path_factory.mktemp("site")
    port, base = free_port(), free_block(40, 31_500)
    argv = [
        *(sys.executable, "-m", "heatloop", "run", "--demo", "--data", str(data)),
        *("--size", "tiny", "--speed", "10", "--port", str(port)),
        *("--base-port", str(base), "--coap-port", str(base + 30)),
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        assert run.stdout is not None
        told = ""
        for line in run.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        found = re.search(r"user 用户 (\S+)\s+password 密码 (\S+)", told)
        assert found, told
        yield Site(f"http://127.0.0.1:{port}", data, found[1], found[2])
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0


@pytest.fixture(scope="module")
def browser(program: Callable[[str], Path]) -> Iterator[Browser]:
    """Debian's chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Page:
    """Sign in for the first time, which asks for a new password."""
    context = browser.new_context(
        base_url=site.url, locale="zh-CN", viewport={"width": 1400, "height": 900}
    )
    page = context.new_page()
    page.goto(site.url)
    page.get_by_test_id("sign-in-user").fill(site.user)
    page.get_by_test_id("sign-in-password").fill("not-the-password")
    page.get_by_test_id("sign-in-submit").click()
    expect(page.get_by_test_id("sign-in-error")).to_be_visible()
    page.get_by_test_id("sign-in-password").fill(site.password)
    page.get_by_test_id("sign-in-submit").click()
    page.get_by_test_id("password-old").fill(site.password)
    page.get_by_test_id("password-new").fill(PASSWORD)
    page.get_by_test_id("password-again").fill(PASSWORD)
    page.get_by_test_id("password-submit").click()
    expect(page.get_by_test_id("overview")).to_be_visible()
    return page


def _number(text: str) -> float:
    found = re.search(r"[-−]?\d[\d\s\u202f]*\.?\d*", text)
    assert found, text
    return float(re.sub(r"[\s\u202f]", "", found[0]).replace("−", "-"))


def _put(page: Page, path: str, body: dict[str, object]) -> None:
    reply = page.request.put(f"/api/v1{path}", data=json.dumps(body), headers=_HEADERS)
    assert reply.ok, reply.text()


_HEADERS = {"X-Heatloop": "1", "Content-Type": "application/json"}


@pytest.mark.needs("chromium")
def test_a_value_on_the_page_is_the_value_in_the_api(page: Page) -> None:
    page.get_by_test_id("substation-SS0001").first.click()
    shown = page.get_by_test_id(f"value-{SUPPLY}").first
    expect(shown).to_be_visible()
    for _ in range(20):
        before = shown.inner_text()
        latest = page.request.get(f"/api/v1/points/latest?codes={SUPPLY}").json()
        value = (latest["items"] if isinstance(latest, dict) else latest)[0]["value"]
        # Between the two readings a new sweep may arrive: only an unchanged page counts.
        if before == shown.inner_text() and abs(_number(before) - value) < 0.051:
            return
        page.wait_for_timeout(300)
    raise AssertionError(f"page {before}, API {value}")


@pytest.mark.needs("chromium")
def test_a_set_point_is_changed_and_seen_verified(page: Page) -> None:
    page.get_by_test_id("mode-remote_manual").click()
    page.get_by_test_id("control-confirm").click()
    # To open the temperature loop is dangerous: it is shown what it does, and confirmed.
    expect(page.get_by_test_id("consequences")).to_contain_text("温度环")
    page.get_by_test_id("proposal-confirm").click()
    expect(page.get_by_test_id("proposal")).to_have_attribute("data-state", "executed")
    page.get_by_test_id("proposal-close").click()
    page.get_by_test_id("setpoint-open-UN0001").click()
    now = _number(page.get_by_test_id(f"setpoint-value-{SETPOINT}").inner_text())
    wanted = round(now + 1.0, 1)
    page.get_by_test_id("setpoint-input").fill(f"{wanted:.1f}")
    page.get_by_test_id("setpoint-submit").click()
    page.get_by_test_id("setpoint-confirm").click()
    state = page.get_by_test_id("command-state").first
    expect(state).to_contain_text("回读", timeout=30_000)
    commands = page.request.get(f"/api/v1/commands?point={SETPOINT}").json()
    states = [event["state"] for event in commands["items"][0]["events"]]
    assert states == ["queued", "sent", "acknowledged", "verified"]
    assert commands["items"][0]["value"] == pytest.approx(wanted)
    page.get_by_test_id("setpoint-close").click()
    expect(page.get_by_test_id(f"value-{SETPOINT}").first).to_contain_text(f"{wanted:.1f}")


@pytest.mark.needs("chromium")
def test_an_alarm_is_acknowledged(page: Page) -> None:
    _put(page, f"/demo/faults/{FAULT}", {"active": True})
    page.get_by_test_id("nav-alarms").click()
    button = page.locator('[data-testid^="alarm-ack-"]:not([data-testid="alarm-ack-selected"])')
    button.first.wait_for(timeout=30_000)
    alarm = str(button.first.get_attribute("data-testid")).removeprefix("alarm-ack-")
    button.first.click()
    expect(page.get_by_test_id(f"alarm-state-{alarm}")).to_contain_text("已确认")
    listed = page.request.get("/api/v1/alarms?state=open").json()["items"]
    mine = next(item for item in listed if item["id"] == alarm)
    assert mine["acknowledged_by"] == "admin"
    _put(page, f"/demo/faults/{FAULT}", {"active": False})


@pytest.mark.needs("chromium")
def test_the_language_switches(page: Page) -> None:
    page.get_by_test_id("nav-overview").click()
    expect(page.get_by_test_id("nav-alarms")).to_contain_text("报警")
    page.get_by_test_id("language-switch").first.click()
    expect(page.get_by_test_id("nav-alarms")).to_contain_text("Alarms")
    page.reload()
    expect(page.get_by_test_id("nav-alarms")).to_contain_text("Alarms")
    page.get_by_test_id("language-switch").first.click()
    expect(page.get_by_test_id("nav-alarms")).to_contain_text("报警")


class Tail(threading.Thread):
    """Notes when the first device's unit registers were answered, by the devices' own log."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path, self.seen, self.stop = path, [], False  # type: ignore[var-annotated]

    def run(self) -> None:
        with self._path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            rest = b""
            while not self.stop:
                rest += log.read()
                while len(rest) >= ANSWER.size:
                    _, device, start, count = ANSWER.unpack_from(rest)
                    size = ANSWER.size + 2 * count
                    if len(rest) < size:
                        break
                    rest = rest[size:]
                    if device == 0 and start <= 0x100 < start + count:
                        self.seen.append(machine_s())
                time.sleep(0.005)


_WATCH = """() => {
  window.changes = [];
  const watch = new MutationObserver(
    (records) => records.forEach(() => window.changes.push(Date.now() / 1000)));
  const shown = '[data-testid^="value-UN0001."], [data-testid^="point-value-UN0001."]';
  for (const node of document.querySelectorAll(shown))
    watch.observe(node, {characterData: true, childList: true, subtree: true});
}"""


@pytest.mark.needs("chromium")
@pytest.mark.timeout(240)
def test_at_speed_1_a_change_is_on_the_page_within_a_second_of_its_poll(
    page: Page, site: Site
) -> None:
    page.get_by_test_id("substation-SS0001").first.click()
    expect(page.get_by_test_id(f"value-{SUPPLY}").first).to_be_visible()
    _put(page, "/demo/speed", {"speed": 1})
    page.wait_for_timeout(3000)
    tail = Tail(site.data / "city" / "answers.bin")
    tail.start()
    page.evaluate(_WATCH)
    # Two polls as a rule; a third or fourth where few values change.
    for _ in range(19):
        page.wait_for_timeout(5_000)
        changes = page.evaluate("window.changes")
        if len(changes) >= 20 and len(tail.seen) >= 2:
            break
    tail.stop = True
    polls = np.array(tail.seen)
    # A change belongs to the poll before it; the clock's own text is not among the values.
    lags = np.array([at - polls[polls <= at].max() for at in changes if (polls <= at).any()])
    assert len(lags) >= 10, (len(changes), len(polls))
    assert np.percentile(lags, 95) <= 1.0, np.sort(lags)
