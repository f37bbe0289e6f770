"""A person at the network page: a real browser, a running city, the twin behind it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.city_runs import free_block, free_port
from tests.e2e.test_browser import FLAGS, PASSWORD

pytestmark = pytest.mark.alone

HEADERS = {"X-Heatloop": "1", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], Path]
) -> Iterator[Page]:
    """Start a small demo, sign in and open the network page."""
    chromium = program("chromium")
    data = tmp_path_factory.mktemp("network-site")
    port, base = free_port(), free_block(40, 32_100)
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
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            context = browser.new_context(
                base_url=f"http://127.0.0.1:{port}",
                locale="en-US",
                viewport={"width": 1400, "height": 900},
            )
            shown = context.new_page()
            _post(shown, "/session", {"user": found[1], "password": found[2]})
            _post(shown, "/session/password", {"old": found[2], "new": PASSWORD})
            shown.goto("/network")
            yield shown
            browser.close()
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0


def _post(page: Page, path: str, body: dict[str, object]) -> None:
    reply = page.request.post(f"/api/v1{path}", data=json.dumps(body), headers=HEADERS)
    assert reply.ok, reply.text()


def _number(text: str) -> float:
    found = re.search(r"[-−]?[\d\s\u2009]*\d\.?\d*", text)
    assert found, text
    return float(re.sub(r"[\s\u2009]", "", found[0]).replace("−", "-"))


@pytest.mark.needs("chromium")
@pytest.mark.timeout(180)
def test_a_pipe_on_the_map_shows_the_flow_of_the_api(page: Page) -> None:
    expect(page.get_by_test_id("network-map")).to_be_visible()
    # The first estimate comes when the meters have reported and the loops are compiled.
    expect(page.get_by_test_id("twin-state")).not_to_have_text("No data", timeout=90_000)
    page.locator('[data-testid="pipe-PS00001"] .net-hit').dispatch_event("click")
    shown = page.get_by_test_id("pipe-flow")
    expect(shown).to_be_visible()
    for _ in range(40):
        before = shown.inner_text()
        pipes = page.request.get("/api/v1/network").json()["segments"]
        flow = next(pipe["flow_m3h"] for pipe in pipes if pipe["code"] == "PS00001")
        # A new estimate may come between the two readings: only an unchanged page counts.
        if before == shown.inner_text() and abs(_number(before) - abs(flow)) < 0.051:
            assert flow > 1.0
            return
        page.wait_for_timeout(400)
    raise AssertionError(f"page {before}, API {flow}")


@pytest.mark.needs("chromium")
def test_closing_that_pipe_is_thought_through(page: Page) -> None:
    expect(page.get_by_test_id("valves")).to_be_visible()
    page.get_by_test_id("try-closing").click()
    answer = page.get_by_test_id("what-if-answer")
    expect(answer).to_be_visible(timeout=15_000)
    expect(answer).to_contain_text("No supply")
    page.get_by_test_id("what-if-clear").click()
    expect(answer).to_be_hidden()


@pytest.mark.needs("chromium")
def test_a_station_shows_its_pressure_profile(page: Page) -> None:
    page.locator('[data-testid="node-SS0001"] .net-target').click()
    expect(page.get_by_test_id("profile-chart").locator("canvas")).to_be_visible()
    end = page.get_by_test_id("profile-end")
    for _ in range(40):
        before = end.inner_text()
        profile = page.request.get("/api/v1/network/profile?to=SS0001").json()
        supply = re.search(r"supply ([\d\s\u2009]+)", before)
        assert supply
        known = profile["points"][-1]["supply_kpa"]
        if before == end.inner_text() and abs(_number(supply[1]) - known) < 0.51:
            assert known > profile["points"][-1]["return_kpa"]
            return
        page.wait_for_timeout(400)
    raise AssertionError(f"page {before}, API {known}")


@pytest.mark.needs("chromium")
def test_keys_move_and_enlarge_the_map_and_the_table_says_the_same(page: Page) -> None:
    drawn = page.locator("[data-testid=network-map] svg > g").first
    still = drawn.get_attribute("transform")
    page.get_by_test_id("network-map").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert drawn.get_attribute("transform") != still
    page.keyboard.press("0")
    assert drawn.get_attribute("transform") == still
    page.get_by_test_id("network-tab-table").click()
    expect(page.get_by_test_id("segment-PS00001")).to_be_visible()
    page.get_by_test_id("network-tab-sizing").click()
    expect(page.get_by_test_id("sizing")).to_be_visible()
    with page.expect_download() as got:
        page.get_by_test_id("sizing-excel").click()
    assert got.value.suggested_filename == "sizing.xlsx"
