"""A person at the links page: a real browser on a platform whose links have a known past.

No city runs: what gateways would have told is put into the records, so every figure is known.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from heatloop.kernel.ids import alarm_id
from heatloop.kernel.messages import Alarm
from heatloop.kernel.series import Columns
from heatloop.protocols.link_counts import LinkTotals, rtt_bucket
from heatloop.security.access import Role
from heatloop.store.records.links import LinkReport
from tests.e2e.test_browser import FLAGS
from tests.unit.app_town import PASSWORD, START_S, Town, town

HOUR = int(START_S) // 3600 * 3600
HEADERS = {"X-Heatloop": "1", "Content-Type": "application/json"}
HOURS = 20
SLOTS = 600


def _device(asked: int, answered: int, **failed: int) -> LinkTotals:
    return LinkTotals(
        asked=asked,
        answered=answered,
        failed=Counter(failed),
        rtt=Counter({rtt_bucket(0.02): answered}),
        hours=1,
    )


def _past(made: Town) -> None:
    """Twenty hours of links, a fail-over that lasts, five hours of one device's samples."""
    platform = made.platform
    ledger = platform.world.ledger
    object.__setattr__(ledger.gateways["GW0001"], "capacity_kbps", 100.0)
    full = dict.fromkeys((1340,), 60)  # about 83 kbit/s every minute
    for n in range(1, HOURS + 1):
        radio = LinkTotals(asked=2, answered=1, hours=1, rssi_dbm=-121.0, snr_db=-5.0)
        subjects = {
            "GW0001": {
                "DV0001": _device(100, 96, timeout=3, checksum=1),
                "DV0003": _device(100, 100),
                "DV0004": radio,
                "main": LinkTotals(
                    asked=30, answered=30, up=9000, minutes=Counter(full), hours=1, medium="fibre"
                ),
            },
            "GW0002": {"DV0002": _device(1000, 1000)},
        }
        for gateway, each in subjects.items():
            platform.records.links.put(
                LinkReport(gateway=gateway, hour=HOUR - 3600 * n, run=1, number=1, subjects=each)
            )
    onset = HOUR - 1800.0
    platform.records.alarms.upsert(
        Alarm(
            id=alarm_id("GW0001", "channel.main", int(onset)),
            subject="GW0001",
            rule="channel.main",
            priority=3,
            onset=onset,
        ),
        at=onset,
    )
    bindings = [b for b in ledger.bindings_of_device("DV0001") if b.period_s == 30]
    slots = np.arange(HOUR - 30 * SLOTS, HOUR, 30)
    count = len(bindings) * len(slots)
    platform.historian.engine.append(  # type: ignore[attr-defined]
        Columns(
            np.repeat([b.key for b in bindings], len(slots)).astype("u4"),
            np.tile(slots, len(bindings)).astype("u4"),
            np.ones(count),
            np.zeros(count, "u1"),
        )
    )
    platform.records.gaps.put(
        gateway="GW0002",
        device="DV0002",
        slots_from=HOUR - 86400,
        slots_to=None,
        cause="device_unreachable",
    )


class Served(threading.Thread):
    """A town behind a port the system chose, on an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self.port = 0
        self.ready = threading.Event()
        self._over: asyncio.Event
        self._loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        """Serve until stopped."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with town(self._folder) as made:
            _past(made)
            made.add_user("wang", Role.DISPATCHER)
            gateways = [await made.enrol(code) for code in ("GW0001", "GW0002")]
            for gateway in gateways:
                await gateway.connect()
            gateways[0].lines["GW0001"].channel = "spare"
            server = uvicorn.Server(
                uvicorn.Config(made.app, port=0, log_level="error", lifespan="off")
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
def page(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], Path]
) -> Iterator[Page]:
    """Serve a town, sign in and open the links page."""
    chromium = program("chromium")
    served = Served(tmp_path_factory.mktemp("links-site"))
    served.start()
    assert served.ready.wait(60)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{served.port}",
            locale="en-US",
            viewport={"width": 1400, "height": 900},
        )
        shown = context.new_page()
        body = json.dumps({"user": "wang", "password": PASSWORD})
        assert shown.request.post("/api/v1/session", data=body, headers=HEADERS).ok
        shown.goto("/links")
        yield shown
        browser.close()
    served.stop()
    assert not served.is_alive()


@pytest.mark.needs("chromium")
def test_the_head_of_the_page_holds_the_company_against_its_rules(page: Page) -> None:
    # 20 h * (96 + 100 + 1 + 1000 of 100 + 100 + 2 + 1000)
    success = page.get_by_test_id("links-success")
    expect(success).to_contain_text("99.58")
    expect(success).to_have_attribute("data-verdict", "kept")
    below = page.get_by_test_id("links-below")
    expect(below).to_contain_text("1 / 2")
    expect(below).to_contain_text("devices: 2 of 4")
    expect(below).to_have_attribute("data-verdict", "missed")
    spare = page.get_by_test_id("links-spare")
    expect(spare).to_contain_text("1 fail-overs")
    expect(spare).to_have_attribute("data-verdict", "missed")
    margin = page.get_by_test_id("links-margin")
    expect(margin).to_have_attribute("data-verdict", "missed")
    rows = page.request.get(
        "/api/v1/links/report?by=channel&from=2027-01-14T08:00:00Z&to=2027-01-15T08:00:00Z"
    ).json()["items"]
    assert 0 < rows[0]["margin_pct"] < 20
    expect(margin).to_contain_text(f"{int(rows[0]['margin_pct'] * 10) / 10:.1f}")
    expect(page.get_by_test_id("links-complete")).to_have_attribute("data-verdict", "missed")
    expect(page.get_by_test_id("links-chart").locator("canvas")).to_be_visible()


@pytest.mark.needs("chromium")
def test_a_row_opens_by_key_to_devices_with_what_failed_and_how_they_are_heard(page: Page) -> None:
    first = page.locator("[data-testid=links-gateways] tbody tr").first
    expect(first).to_have_attribute("data-testid", "link-GW0001")
    expect(first.locator("[data-active]")).to_have_attribute("data-active", "spare")
    toggle = page.get_by_test_id("link-toggle-GW0001")
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    devices = page.get_by_test_id("link-devices-GW0001")
    expect(devices).to_contain_text("timeout 60")
    expect(devices).to_contain_text("checksum 20")
    expect(devices).to_contain_text("−121 dBm · SNR −5.0 dB")
    expect(devices).to_contain_text("weak signal")
    rows = devices.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("DV0004")
    expect(rows.nth(1)).to_contain_text("DV0001")
    expect(page.get_by_test_id("links-blind")).to_contain_text("DV0004")
    page.keyboard.press("Enter")
    expect(devices).to_be_hidden()


@pytest.mark.needs("chromium")
def test_the_period_stands_in_the_address_and_excel_is_that_of_the_page(page: Page) -> None:
    page.get_by_test_id("links-period-week").click()
    assert "period=week" in page.url
    expect(page.get_by_test_id("links-success")).to_contain_text("99.58")
    page.get_by_test_id("links-trend-gateway").select_option("GW0001")
    page.locator("[data-testid=links-trend] summary").click()
    expect(page.locator("[data-testid=links-trend] tbody tr").first).to_contain_text("97.52 %")
    with page.expect_download() as got:
        page.get_by_test_id("links-excel-device").click()
    assert got.value.suggested_filename == "links-device.xlsx"
    assert Path(got.value.path()).read_bytes()[:2] == b"PK"


@pytest.mark.needs("chromium")
def test_an_audit_is_run_verified_kept_and_a_forged_one_is_told(page: Page, tmp_path: Path) -> None:
    page.get_by_test_id("links-tab-audit").click()
    page.get_by_test_id("audit-run").click()
    expect(page.get_by_test_id("audit-result")).to_be_visible()
    expect(page.get_by_test_id("audit-causes")).to_contain_text("does not answer")
    page.get_by_test_id("audit-verify").click()
    expect(page.get_by_test_id("audit-verdict")).to_have_attribute("data-valid", "true")
    with page.expect_download() as got:
        page.get_by_test_id("audit-download").click()
    assert got.value.suggested_filename.startswith("gap-audit-2027-01-1")
    signed = json.loads(Path(got.value.path()).read_text("utf-8"))
    audit = json.loads(signed["body"])
    for name in ("expected", "stored", "unexplained"):
        grouped = f"{audit[name]:,}" if audit[name] > 9999 else str(audit[name])
        shown = page.get_by_test_id(f"audit-{name}")
        expect(shown).to_contain_text(grouped.replace(",", "\u2009"))
    assert audit["unexplained"] > 0
    expect(page.get_by_test_id("audit-unexplained-list")).to_contain_text("DV0001")
    signed["body"] = signed["body"].replace(
        f'"unexplained":{audit["unexplained"]}', '"unexplained":0'
    )
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(signed), "utf-8")
    page.get_by_test_id("audit-file").set_input_files(forged)
    expect(page.get_by_test_id("audit-verdict")).to_have_attribute("data-valid", "false")
    (tmp_path / "notes.json").write_text("[]", "utf-8")
    page.get_by_test_id("audit-file").set_input_files(tmp_path / "notes.json")
    expect(page.get_by_test_id("audit-signature")).to_contain_text("notes.json is no signed audit")


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("tab", ["links", "audit"])
def test_a_phone_shows_it_without_scrolling_sideways_in_chinese(page: Page, tab: str) -> None:
    phone = page.context.new_page()
    phone.set_viewport_size({"width": 390, "height": 844})
    phone.add_init_script("localStorage.setItem('heatloop.language', 'zh')")
    phone.goto(f"/links?tab={tab}")
    expect(phone.get_by_test_id("links-page")).to_be_visible()
    expect(phone.locator("h1")).to_have_text("链路")
    if tab == "links":
        phone.get_by_test_id("link-toggle-GW0001").click()
        expect(phone.get_by_test_id("link-devices-GW0001")).to_contain_text("超时")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.close()
