"""Pages in a real browser: light and dark, wide and narrow, on paper, by keyboard and by ear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from segmentation.pipeline import CustomerSegmentationPipeline

from .browser import Watched, chromium
from .conftest import HEADER
from .test_explain import Visits
from .test_report import Hostile
from .test_suggest import shop

pytestmark = [pytest.mark.browser, pytest.mark.with_report]
HOSTILE = "<img src=x onerror=alert(1)>,,2024-01-01,5,<script>alert(2)</script>\nx,y\n"
WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 400, "height": 800}
# A4 at 96 dots an inch, without the margins of a printer.
PAPER = {"width": 718, "height": 1047}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all pages."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module", params=["plain", "hostile"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report on two runs, the second with all that a page can hold."""
    folder = tmp_path_factory.mktemp("with a blank")
    segmenters = [Visits(), Hostile()] if request.param == "hostile" else None
    source = folder / "in.csv"
    for rows, as_of in ((shop(), "2024-03-31"), (shop() + HOSTILE, "2024-06-30")):
        source.write_text(HEADER + rows)
        config = {"output_dir": str(folder / "out"), "engine": "embedded", "as_of": as_of, "mode": "incremental"}
        result = CustomerSegmentationPipeline(config, segmenters).run("csv", source)
    return Path(result["report_file"]).as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_report_can_be_read(browser: Browser, report: str, scheme: str, window: dict[str, int]) -> None:
    seen = Watched(browser, report, viewport=window, color_scheme=scheme)
    assert seen.asked == [report]
    assert seen.violations() == []
    assert seen.too_wide() == []
    assert seen.complaints == []
    assert seen.page.locator("script").count() == 0
    assert seen.page.locator("figure svg").count() >= 6
    background = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 26, 34)"}[scheme]


def test_the_report_can_be_printed(browser: Browser, report: str) -> None:
    seen = Watched(browser, report, viewport=PAPER, color_scheme="dark")
    seen.page.emulate_media(media="print")
    assert seen.too_wide() == []
    cut = "[...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert seen.page.evaluate(cut) == 0
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.pdf(format="A4").startswith(b"%PDF")
    assert seen.complaints == []


def test_the_report_can_be_gone_through_by_keyboard(browser: Browser, report: str) -> None:
    seen = Watched(browser, report, viewport=PHONE)
    stops = seen.page.locator("a, [tabindex]").count()
    reached = []
    for _ in range(stops):
        seen.page.keyboard.press("Tab")
        reached.append(
            seen.page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.href")
        )
        outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached[-1]
    assert len({*reached}) == stops
    seen.page.locator("nav a").last.focus()
    seen.page.keyboard.press("Enter")
    expect(seen.page).to_have_url(re.compile("#rules$"))
    expect(seen.page.locator("#rules")).to_be_in_viewport()
