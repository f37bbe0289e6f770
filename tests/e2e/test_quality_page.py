"""A person at the data-quality page: a real browser on a platform with known abnormal data."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from heatloop.app.quality_watch import QualityWatch
from heatloop.ingest.flag_book import FlagSpan
from heatloop.ingest.reasons import Flag
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from tests.e2e.test_browser import FLAGS
from tests.unit.app_town import PASSWORD, START_S, Town, town
from tests.unit.test_app_quality import Revising, unit_day

HEADERS = {"X-Heatloop": "1", "Content-Type": "application/json"}
SUPPLY = "UN0001.secondary_supply_temperature"
BACK = "UN0001.secondary_return_temperature"


def _past(made: Town) -> None:
    """A day of one unit; a frozen reading and a jump, found two hours ago."""
    slots = unit_day(made, "UN0001", hours=24.0)
    frozen = slots[1500:1620]
    rows = Columns(
        np.full(120, made.key(SUPPLY), "u4"), frozen, np.full(120, 51.3), np.ones(120, "u1")
    )
    made.platform.historian.engine.append(rows)  # type: ignore[attr-defined]
    watch = QualityWatch(made.platform)
    found = START_S - 7200.0
    spans = [
        FlagSpan(made.key(SUPPLY), Flag.FROZEN, int(slots[1500]), int(slots[1619]), 120, 51.3),
        FlagSpan(made.key(BACK), Flag.SPIKE, int(slots[900]), int(slots[900]), 1, 71.0),
    ]
    made.platform.records.quality.put(
        [case for span in spans if (case := watch._case_of(span, found)) is not None]
    )


class Served(threading.Thread):
    """A town behind a port the system chose, on an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self.town: Town
        self.port = 0
        self.ready = threading.Event()
        self._over: asyncio.Event
        self._loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        """Serve until stopped."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with town(self._folder) as self.town:
            _past(self.town)
            self.town.add_user("eva", Role.OPERATION_ENGINEER)
            self.town.add_user("mona", Role.MANAGER)
            server = uvicorn.Server(
                uvicorn.Config(self.town.app, port=0, log_level="error", lifespan="off")
            )
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            self.port = server.servers[0].sockets[0].getsockname()[1]
            self.ready.set()
            await self._over.wait()
            server.should_exit = server.force_exit = True
            await serving

    def stop(self) -> None:
        """End it and wait."""
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(20)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a town."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.unit.app_town.ThreadedHistorian", Revising)
        made = Served(tmp_path_factory.mktemp("quality-site"))
        made.start()
        assert made.ready.wait(60)
        yield made
        made.stop()
        assert not made.is_alive()


@pytest.fixture(scope="module")
def page(served: Served, program: Callable[[str], Path]) -> Iterator[Page]:
    """Sign in as the engineer and open the page."""
    chromium = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{served.port}",
            locale="en-US",
            viewport={"width": 1400, "height": 900},
        )
        shown = context.new_page()
        body = json.dumps({"user": "eva", "password": PASSWORD})
        assert shown.request.post("/api/v1/session", data=body, headers=HEADERS).ok
        shown.goto("/quality")
        yield shown
        browser.close()


def _case(page: Page, rule: str) -> dict[str, object]:
    rows = page.request.get(f"/api/v1/quality/cases?state=all&rule={rule}").json()["items"]
    assert len(rows) == 1
    return rows[0]


@pytest.mark.needs("chromium")
def test_abnormal_data_are_listed_and_narrowed_by_rule(page: Page) -> None:
    expect(page.get_by_test_id("quality-open")).to_have_text("2")
    expect(page.get_by_test_id("quality-list")).to_contain_text("51.3")
    page.get_by_test_id("quality-rule-spike").click()
    listed = page.get_by_test_id("quality-list")
    expect(listed).not_to_contain_text("51.3")
    expect(listed).to_contain_text("71")
    page.get_by_test_id("quality-rule-spike").click()
    expect(listed).to_contain_text("51.3")


@pytest.mark.needs("chromium")
def test_a_case_is_closed_with_cause_and_estimates_and_the_raw_values_stay(
    page: Page, served: Served
) -> None:
    case = _case(page, "frozen")
    page.get_by_test_id(f"quality-handle-{case['id']}").click()
    sheet = page.get_by_test_id("quality-sheet")
    expect(sheet).to_be_visible()
    expect(page.get_by_test_id("quality-submit")).to_be_disabled()
    page.get_by_test_id("quality-cause").select_option("sensor")
    page.get_by_test_id("quality-correction-estimate").click()
    page.get_by_test_id("quality-note").fill("探头进水，已更换")
    page.get_by_test_id("quality-submit").click()
    expect(sheet).to_be_hidden()
    expect(page.get_by_test_id("quality-open")).to_have_text("1")
    expect(page.get_by_test_id("quality-median")).to_contain_text("2")
    done = _case(page, "frozen")
    assert (done["state"], done["cause"], done["reviewer"]) == ("handled", "sensor", "eva")
    assert (done["correction"], done["corrected"]) == ("estimate", 120)
    engine = served.town.platform.historian.engine  # type: ignore[attr-defined]
    key, start = served.town.key(SUPPLY), int(START_S) - 86400
    shown = engine.raw([key], start, int(START_S))
    assert int((shown.quality == Quality.ESTIMATED).sum()) == 120
    kept = engine._between(start, int(START_S), revised=False)
    assert not (kept.quality[kept.keys == key] == Quality.ESTIMATED).any()


@pytest.mark.needs("chromium")
def test_closed_cases_are_found_again_with_what_was_done(page: Page) -> None:
    page.get_by_test_id("quality-state-handled").click()
    listed = page.get_by_test_id("quality-list")
    expect(listed).to_contain_text("eva")
    expect(listed).to_contain_text("51.3")
    assert _case(page, "frozen")["note"] == "探头进水，已更换"
    # Below the estimates stands what was received, kept as it came.
    page.locator("[data-testid^=quality-below-]").first.click()
    sheet = page.get_by_test_id("quality-below")
    first = sheet.locator("tbody tr").first
    expect(first).to_contain_text("estimated")
    expect(first).to_contain_text("eva")
    expect(sheet.locator("tbody tr")).to_have_count(120)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.get_by_test_id("quality-state-open").click()
    expect(listed).not_to_contain_text("eva")


@pytest.mark.needs("chromium")
def test_completeness_of_a_day_stands_place_by_place(page: Page) -> None:
    page.get_by_test_id("quality-day").fill("2027-01-15")
    places = page.get_by_test_id("quality-places")
    expect(places).to_contain_text("SS0001")
    answer = page.request.get("/api/v1/quality/completeness?date=2027-01-15").json()
    share = 100.0 * answer["stored"] / answer["expected"]
    assert 0 < share < 98
    expect(page.get_by_test_id("quality-whole")).to_contain_text(f"{int(share * 10) / 10:.1f}")


@pytest.mark.needs("chromium")
def test_who_may_not_correct_is_offered_no_correction(page: Page, served: Served) -> None:
    case = _case(page, "spike")
    other = page.context.browser.new_context(  # type: ignore[union-attr]
        base_url=f"http://127.0.0.1:{served.port}", locale="zh-CN",
        viewport={"width": 390, "height": 844},
    )  # fmt: skip
    phone = other.new_page()
    body = json.dumps({"user": "mona", "password": PASSWORD})
    assert phone.request.post("/api/v1/session", data=body, headers=HEADERS).ok
    phone.goto("/quality")
    expect(phone.get_by_test_id("quality-list")).to_be_visible()
    expect(phone.get_by_test_id(f"quality-handle-{case['id']}")).to_have_count(0)
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    other.close()
