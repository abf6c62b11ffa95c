"""A real browser on pages of ours: what it complains of, what it asks of a network, and what axe finds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

# `make test-browser` fetches it from npm.
AXE = Path(__file__).parents[1] / "build/npm/node_modules/axe-core/axe.min.js"
SILENT = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def program() -> str:
    """Where Chromium is.

    Raises:
        FileNotFoundError: nowhere.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError("No Chromium is here. On Debian/Ubuntu: apt-get install chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; Chromium's sandbox refuses to run as root."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=[*root, *SILENT])
        yield browser
        browser.close()


class Watched:
    """A page, and what happened on it."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.page: Page = browser.new_context(**context).new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def violations(self) -> list[str]:
        """What axe finds, a line each: how bad, which rule, where."""
        # A page may forbid scripts; the developer's tools may still run one.
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{one['impact']}: {one['id']} ({one['help']}) at {node['target']}: {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]

    def too_wide(self) -> list[str]:
        """What reaches beyond the window, so that a reader would have to scroll sideways."""
        return self.page.evaluate(
            """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
               [...document.querySelectorAll('body *')]
                 .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1)
                 .map(one => one.tagName + ' ' + one.textContent.slice(0, 40))"""
        )
