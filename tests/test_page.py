"""The pages that a server shows, in a real browser: segments at `/`, the documentation of the API at `/docs`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Route, expect
from pyspark.sql import functions as F

from segmentation.commands.history import flows
from segmentation.core.rules import Rule
from segmentation.core.segmenters import Segmenter
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.state.output import Output

from .browser import Watched, chromium
from .conftest import HEADER
from .processes import ROOT
from .serving import Server, serving

pytestmark = pytest.mark.browser
WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 400, "height": 800}
PAPER = {"width": 718, "height": 1047}
# Of the sample: who moved most often, and who bought most.
MOVED, RICH = "CUST0000311", "CUST0000000"
VIEWS = {
    "segments": "#/",
    "crossed": "#/?rows=category&columns=purchase_frequency&show=row",
    "customer": f"#/customer/{MOVED}",
    "customers": "#/customers?spending=High+Value&category=Kids",
    "movements": "#/movements",
    "unknown": "#/customer/%20nobody",
}
STRANGE = [
    "<img src=x onerror=alert(1)>",
    'a/b?c#d %2F "x"',
    "../../segments",
    "..",
    "stats",
    "x/explain",
    "üñ🙂 न​न",
    "L" * 2000,
    "🙂" * 2000,
]
SCRIPT, TAG = "</svg><script>alert(1)</script>", '"><img src=x onerror=alert(2)>|`*'
NO_ANSWER = "Failed to load resource"


class Hostile(Segmenter):
    """Labels that are somebody's attempt."""

    dimension = "hostile"

    def rules(self) -> list[Rule]:
        return [Rule(SCRIPT, F.col("customer_id").startswith("x"))]

    @property
    def fallback(self) -> str:
        return TAG


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all pages."""
    with chromium() as opened:
        yield opened


def pipeline(folder: Path, segmenters: Any = None) -> CustomerSegmentationPipeline:
    """What publishes into a folder, as incremental runs do, which keep purchases."""
    settings = {"output_dir": str(folder / "out"), "engine": "embedded", "mode": "incremental", "report": False}
    return CustomerSegmentationPipeline({**settings, "max_rejected_ratio": 1}, segmenters)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample in two runs: what was known in November, and the rest."""
    folder = tmp_path_factory.mktemp("sample")
    header, *rows = (ROOT / "data" / "purchase_records.csv").read_text().splitlines(keepends=True)
    late = [row for row in rows if ",2025-12-" in row]
    for kept in ([row for row in rows if row not in late], rows):
        (folder / "in.csv").write_text(header + "".join(kept))
        pipeline(folder).run("csv", folder / "in.csv")
    return folder


@pytest.fixture(scope="module")
def server(sample: Path) -> Iterator[Server]:
    """On the sample, without keys."""
    with serving(sample) as started:
        yield started


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers, categories and labels that are somebody's attempt."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [f'"{one.replace(chr(34), chr(34) * 2)}",P{n},2024-01-0{n + 1},5,Kids\n' for n, one in enumerate(STRANGE)]
    rows.append(f"{STRANGE[0]},,2024-01-01,5,{SCRIPT}\n")
    (folder / "in.csv").write_text(HEADER + "".join(rows))
    pipeline(folder, [Hostile()]).run("csv", folder / "in.csv")
    return folder


@pytest.fixture(scope="module")
def hostile_server(hostile: Path) -> Iterator[Server]:
    with serving(hostile) as started:
        yield started


class Shown(Watched):
    """A page of a server, when it has shown all that it asked for."""

    def __init__(self, browser: Browser, server: Server, view: str = "", **context: Any) -> None:
        told = context.pop("reasons", None)
        self.server = server
        super().__init__(browser, "about:blank", **context)
        self.dialogs: list[str] = []
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        if told is not None:
            self.page.route("**/explain", lambda route: route.fulfill(json=told))
        self.page.goto(f"{server.address}/{view}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is waited for."""
        expect(self.page.locator("main")).to_have_attribute("aria-busy", "false", timeout=20_000)
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)

    def go(self, view: str) -> None:
        """As somebody who follows a link."""
        self.page.evaluate("view => { document.querySelector('main').ariaBusy = 'true'; location.hash = view }", view)
        self.settle()

    @property
    def heading(self) -> Locator:
        return self.page.locator("h1")

    def foreign(self) -> list[str]:
        """What was asked of others."""
        ours = (self.server.address, "about:blank", "data:")
        return [one for one in self.asked if not one.startswith(ours)]

    def see_all_is_well(self, *expected: str) -> None:
        """Nothing ran, nothing was asked of others, nothing complained but what is expected."""
        assert self.foreign() == []
        assert self.dialogs == []
        assert [one for one in self.complaints if not one.startswith(expected or ("\0",))] == []
        assert self.violations() == []
        assert self.too_wide() == []
        assert "[object" not in self.page.locator("body").inner_text()
        assert self.page.locator("main img, main script, main style").count() == 0


@pytest.fixture(scope="module")
def reasons(sample: Path) -> dict[str, dict[str, Any]]:
    """What the route that explains answers, as the pipeline tells it."""
    return {one: plainly(pipeline(sample).explain(one)) for one in (MOVED, RICH)}


def plainly(told: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON tells it."""
    found: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_read(
    browser: Browser, server: Server, reasons: dict[str, Any], view: str, scheme: str, window: dict[str, int]
) -> None:
    seen = Shown(browser, server, VIEWS[view], viewport=window, color_scheme=scheme, reasons=reasons[MOVED])
    seen.see_all_is_well(*([NO_ANSWER] if view == "unknown" else []))
    background = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 26, 34)"}[scheme]
    expect(seen.page.locator("#published")).to_contain_text("As of 29 Dec 2025")
    assert seen.page.title().startswith(seen.heading.inner_text()[:20])


def test_a_customer_is_told_in_words(browser: Browser, server: Server, reasons: dict[str, Any]) -> None:
    seen = Shown(browser, server, f"#/customer/{MOVED}", reasons=reasons[MOVED], timezone_id="UTC")
    text = seen.page.locator("main").inner_text()
    for sentence in (
        "purchases in the last 6 months: at least 5\n1; 4 more needed by 13 Jun 2026",
        "5; 4 needed",
        "12,369.66; 137,630.34 more needed",
        "No rule holds, so Medium Value.",
        "14 Mar 2026 in 75 days\nHow often they buy: Seasonal → Lapsed",
        "What they spend: Low Value → Medium Value, purchases",
        "Invalid purchase date",
    ):
        assert sentence in text, sentence
    tiles = seen.page.locator(".tiles div").all_inner_texts()
    assert tiles[:2] == ["Lifetime spend, rupees\n12,369.66", "Total purchases\n5"]
    assert seen.page.locator(".rules .yes").count() == 2
    assert seen.page.locator(".monthly rect").count() == 21
    assert f"Customer {MOVED}" in seen.page.locator("[role=status]").inner_text()


def test_rules_after_the_one_that_decides_are_not_looked_at(
    browser: Browser, server: Server, reasons: dict[str, Any]
) -> None:
    seen = Shown(browser, server, f"#/customer/{RICH}", reasons=reasons[RICH])
    assert seen.page.locator(".rules .beyond p").all_inner_texts() == [
        "Lapsed\nnot looked at",
        "Seasonal\nnot looked at",
        "Low Value\nnot looked at",
    ]
    assert seen.page.locator("section", has_text="339 purchases").locator("tbody tr").count() == 10
    seen.page.get_by_role("button", name="Show all 339").click()
    assert seen.page.locator("section", has_text="339 purchases").locator("tbody tr").count() == 339


def test_what_the_server_explains_is_shown(browser: Browser, server: Server, reasons: dict[str, Any]) -> None:
    """Needs the route of its own."""
    real = Shown(browser, server, f"#/customer/{MOVED}")
    told = Shown(browser, server, f"#/customer/{MOVED}", reasons=reasons[MOVED])
    expect(real.page.get_by_role("heading", name="Labels, and why")).to_be_visible()
    assert real.page.locator("main").inner_text() == told.page.locator("main").inner_text()


@pytest.mark.parametrize("status", [404, 503])
def test_without_reasons_there_are_labels_and_metrics(browser: Browser, server: Server, status: int) -> None:
    seen = Shown(browser, server)
    refusal = {"error": "There is no such address. See /docs."}
    seen.page.route("**/explain", lambda route: route.fulfill(status=status, json=refusal))
    seen.go(f"#/customer/{MOVED}")
    assert seen.page.locator(".card .label").all_inner_texts() == ["Seasonal", "Medium Value", "Family"]
    expect(seen.page.locator(".tiles")).to_contain_text("12,369.66")
    expect(seen.page.locator("main")).to_contain_text("Low Value → Medium Value")
    assert seen.page.get_by_role("button", name="Try again").count() == (1 if status == 503 else 0)
    seen.see_all_is_well(NO_ANSWER)


@pytest.mark.parametrize("customer", STRANGE, ids=[one[:16] for one in STRANGE])
def test_any_id_is_found_and_is_text(
    browser: Browser, hostile: Path, hostile_server: Server, reasons_of_hostile: dict[str, Any], customer: str
) -> None:
    seen = Shown(browser, hostile_server, viewport=PHONE, reasons={**reasons_of_hostile, "customer_id": customer})
    seen.page.get_by_label("Customer id").fill(customer)
    seen.page.get_by_role("button", name="Find").click()
    expect(seen.heading).to_have_text(customer)
    seen.settle()
    expect(seen.page.locator(".card .label")).to_have_text(SCRIPT if customer.startswith("x") else TAG)
    seen.see_all_is_well()
    shared = Shown(browser, hostile_server, seen.page.url.split("/", 3)[3], reasons=reasons_of_hostile)
    expect(shared.heading).to_have_text(customer)


@pytest.fixture(scope="module")
def reasons_of_hostile(hostile: Path) -> dict[str, Any]:
    return plainly(pipeline(hostile, [Hostile()]).explain(STRANGE[0]))


@pytest.mark.parametrize("view", ["#/", "#/customers", "#/movements?since=2020-01-01"])
def test_hostile_labels_run_nothing(browser: Browser, hostile_server: Server, view: str) -> None:
    seen = Shown(browser, hostile_server, view, viewport=PHONE)
    seen.see_all_is_well()
    if view == "#/":
        seen.page.get_by_role("link", name=TAG).click()
        expect(seen.heading).to_have_text(f"Customers: {TAG}")


def test_numbers_are_those_of_the_api(browser: Browser, server: Server) -> None:
    stats = httpx.get(f"{server.address}/segments/stats?by=category,spending").json()
    seen = Shown(browser, server, "#/?rows=category&columns=spending")
    for name, labels in stats["dimensions"].items():
        rows = seen.page.locator(".card").nth([*stats["dimensions"]].index(name)).locator("tbody tr")
        told = [row.split() for row in rows.all_inner_texts()]
        assert [" ".join(row[:-2]) for row in told] == [*labels]
        assert [row[-2:] for row in told] == [[str(n["customers"]), f"{n['share']:.1%}"] for n in labels.values()]
    crossed = {(row["category"], row["spending"]): row["customers"] for row in stats["crossed"]["rows"]}
    cells = seen.page.locator(".heatmap tbody td").all_inner_texts()
    rows, columns = [*stats["dimensions"]["category"]], [*stats["dimensions"]["spending"]]
    assert cells == [str(crossed.get((row, column), 0)) for row in rows for column in columns]


def test_a_cell_leads_to_its_customers(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server, "#/?rows=category&columns=spending")
    cell = seen.page.get_by_role("link", name=": Kids, Low Value")
    count = int(cell.inner_text())
    cell.click()
    expect(seen.heading).to_have_text("Customers: Low Value, Kids")
    seen.settle()
    assert count > 50
    while seen.page.get_by_role("button", name="Show more").count():
        shown = seen.page.locator("tbody tr").count()
        seen.page.get_by_role("button", name="Show more").click()
        expect(seen.page.locator("tbody tr").nth(shown).locator("a")).to_be_focused()
    assert seen.page.locator("tbody tr").count() == count
    seen.page.get_by_label("For whom they buy").select_option("any")
    expect(seen.heading).to_have_text("Customers: Low Value")


def test_what_is_crossed_stands_in_the_address(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server)
    seen.page.get_by_label("Columns").select_option("For whom they buy")
    seen.page.get_by_label("Numbers").select_option("Share of the row")
    expect(seen.page.locator(".heatmap caption")).to_have_text("How often they buy, and for whom they buy")
    cells = [
        one.removesuffix("%") for one in seen.page.locator(".heatmap tbody tr").first.locator("td").all_inner_texts()
    ]
    assert sum(map(float, cells)) == pytest.approx(100, abs=0.3)
    seen.page.get_by_label("Rows").select_option("For whom they buy")
    expect(seen.page.locator("main")).to_contain_text("Choose two that differ.")
    seen.page.reload()
    seen.settle()
    assert seen.page.get_by_label("Numbers").input_value() == "row"


def test_movements_are_those_of_the_history(browser: Browser, server: Server, sample: Path) -> None:
    told = httpx.get(f"{server.address}/segments/movements", params={"since": "2020-01-01"}).json()["movements"]
    known = flows(Output.of(pipeline(sample).segmentation.config), datetime(2020, 1, 1, tzinfo=UTC))
    assert sorted(told, key=str) == sorted(known, key=str)
    assert [one["customers"] for one in told if one["dimension"] == "spending"] == [
        one["customers"] for one in known if one["dimension"] == "spending"
    ]
    moved = [one for one in told if one["from_label"] and one["dimension"] == "spending"]
    seen = Shown(browser, server, "#/movements?since=2020-01-01")
    part = seen.page.locator("section", has=seen.page.get_by_role("heading", name="What they spend"))
    numbers = [row.split()[-1] for row in part.locator(".bars tbody tr").all_inner_texts()]
    assert numbers == [str(one["customers"]) for one in moved]
    cells = part.locator(".heatmap tbody td").all_inner_texts()
    assert sum(int(one) for one in cells if one != "·") == sum(one["customers"] for one in moved)
    seen.page.get_by_label("Since").fill("2999-01-01")
    seen.page.get_by_role("button", name="Show", exact=True).click()
    expect(seen.heading).to_have_text("Who moved since 1 Jan 2999")
    expect(seen.page.locator("main")).to_contain_text("Nobody who was there before got another label.")


@pytest.mark.parametrize("query", ["", "?since=yesterday", "?since=2024-01-01&until=2024-02-01"])
def test_movements_refuse_what_they_do_not_know(server: Server, query: str) -> None:
    answer = httpx.get(f"{server.address}/segments/movements{query}")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_a_link_can_be_shared_and_back_goes_back(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server, f"#/customer/{MOVED}", permissions=["clipboard-read", "clipboard-write"])
    seen.page.get_by_role("button", name="Copy link").click()
    expect(seen.page.get_by_role("button", name="Link copied")).to_be_visible()
    link = seen.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.address}/#/customer/{MOVED}"
    seen.page.get_by_role("link", name="Movements").click()
    expect(seen.heading).to_contain_text("Who moved")
    seen.page.go_back()
    expect(seen.heading).to_have_text(MOVED)
    assert seen.page.get_by_label("Customer id").input_value() == MOVED
    assert seen.page.title() == f"{MOVED} · Customer segments"


def test_an_id_with_blanks_around_it_finds_the_other(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server, f"#/customer/{quote(f' {MOVED} ')}")
    expect(seen.heading).to_have_text("Customer not found")
    expect(seen.page.locator("[role=status]")).to_have_text("Customer not found.")
    seen.page.get_by_role("link", name=MOVED).click()
    expect(seen.heading).to_have_text(MOVED)


def test_the_page_can_be_gone_through_by_keyboard(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server, viewport=PHONE)
    keys = seen.page.keyboard
    keys.press("Tab")
    expect(seen.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(seen.page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    keys.press("Enter")
    expect(seen.page.locator("main")).to_be_focused()
    seen.page.reload()
    seen.settle()
    stops = seen.page.locator(
        "a:visible, button:visible, input:visible, select:visible, [tabindex='0']:visible"
    ).count()
    reached = set()
    for _ in range(stops):
        keys.press("Tab")
        reached.add(seen.page.evaluate("() => [...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert len(reached) == stops
    seen.page.get_by_label("Customer id").focus()
    keys.type(MOVED)
    keys.press("Enter")
    expect(seen.heading).to_have_text(MOVED)
    expect(seen.heading).to_be_focused()


@pytest.mark.parametrize("view", ["segments", "customer", "movements"])
def test_every_view_can_be_printed(browser: Browser, server: Server, reasons: dict[str, Any], view: str) -> None:
    seen = Shown(browser, server, VIEWS[view], viewport=PAPER, color_scheme="dark", reasons=reasons[MOVED])
    seen.page.emulate_media(media="print")
    assert seen.too_wide() == []
    cut = "[...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert seen.page.evaluate(cut) == 0
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(seen.page.locator("nav")).to_be_hidden()
    assert seen.page.pdf(format="A4").startswith(b"%PDF")


def test_a_key_is_asked_for_and_kept_in_this_tab_only(browser: Browser, sample: Path) -> None:
    hashed = hashlib.sha256(b"right").hexdigest()
    with serving(sample, config=f"api: {{keys: [{{name: shop, sha256: {hashed}}}]}}\n") as server:
        seen = Shown(browser, server, f"#/customer/{MOVED}", viewport=PHONE)
        expect(seen.heading).to_have_text("A key is needed")
        seen.see_all_is_well(NO_ANSWER)
        assert "right" not in seen.page.url
        for wrong in ("wrong", "ключ"):
            seen.page.get_by_label("API key").fill(wrong)
            seen.page.get_by_role("button", name="Use this key").click()
            expect(seen.page.get_by_role("alert")).to_contain_text("does not know this key")
            expect(seen.page.get_by_label("API key")).to_be_focused()
        seen.page.get_by_label("API key").fill("right")
        seen.page.get_by_role("button", name="Use this key").click()
        expect(seen.heading).to_have_text(MOVED)
        kept = "[Object.values(sessionStorage), Object.values(localStorage), document.cookie]"
        assert seen.page.evaluate(kept) == [["right"], [], ""]
        seen.page.reload()
        expect(seen.heading).to_have_text(MOVED)
        seen.settle()
        seen.page.get_by_role("button", name="Forget the key").click()
        expect(seen.heading).to_have_text("A key is needed")
        assert seen.page.evaluate(kept) == [[], [], ""]
        assert "right" not in server.log.read_text() + server.requests.read_text()


def test_a_server_that_is_gone_can_be_asked_again(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server)
    seen.page.context.set_offline(True)
    seen.go("#/movements")
    expect(seen.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(seen.page.locator("#published")).to_have_text("The server cannot be reached.")
    seen.see_all_is_well(NO_ANSWER)
    seen.page.context.set_offline(False)
    seen.page.get_by_role("button", name="Try again").click()
    expect(seen.heading).to_contain_text("Who moved")


def test_a_busy_server_is_asked_again_by_who_wants(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server)
    answers = iter([503, 503])

    def busy(route: Route) -> None:
        status = next(answers, None)
        refused = {"error": "Too much is asked at once. Try again in a moment."}
        route.fulfill(status=status, json=refused) if status else route.continue_()

    seen.page.route("**/segments/movements*", busy)
    seen.go("#/movements")
    expect(seen.page.get_by_role("alert")).to_contain_text("The server is busy")
    seen.see_all_is_well(NO_ANSWER)
    seen.page.get_by_role("button", name="Try again").click()
    expect(seen.page.get_by_role("alert")).to_contain_text("The server is busy")
    seen.page.get_by_role("button", name="Try again").click()
    expect(seen.heading).to_contain_text("Who moved")


def test_what_is_asked_for_last_is_shown(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server)
    held: list[Route] = []
    seen.page.route(f"**/segments/{RICH}", lambda route: held.append(route))
    seen.page.evaluate("hash => { location.hash = hash }", f"#/customer/{RICH}")
    expect(seen.page.locator("main .loading")).to_be_visible()
    seen.go(f"#/customer/{MOVED}")
    expect(seen.heading).to_have_text(MOVED)
    assert held
    seen.see_all_is_well(NO_ANSWER)


def test_data_that_is_too_old_is_told(browser: Browser, server: Server) -> None:
    seen = Shown(browser, server)
    told = httpx.get(f"{server.address}/readyz").json()
    old = {**told, "ready": False, "age_seconds": 3 * 86400, "error_after_seconds": 86400}
    seen.page.route("**/readyz", lambda route: route.fulfill(status=503, json=old))
    seen.page.reload()
    seen.settle()
    expect(seen.page.locator("#published.warning")).to_contain_text("3 days old, older than the 24 hours allowed")
    seen.see_all_is_well(NO_ANSWER)


def test_what_is_published_meanwhile_is_offered(browser: Browser, tmp_path: Path) -> None:
    source, first = tmp_path / "in.csv", HEADER + "a,P1,2024-01-01,5,Kids\n"
    source.write_text(first)
    pipeline(tmp_path).run("csv", source)
    with serving(tmp_path) as server:
        seen = Shown(browser, server)
        expect(seen.heading).to_contain_text("1 customer")
        source.write_text(first + "b,P2,2024-01-02,5,Kids\n")
        pipeline(tmp_path).run("csv", source)
        offer = seen.page.get_by_role("button", name="Newer data was published")
        expect(offer).to_be_hidden()
        seen.page.wait_for_timeout(1000)
        seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        offer.click()
        expect(seen.heading).to_contain_text("2 customers")
        expect(offer).to_be_hidden()
        expect(seen.page.locator("#published")).to_contain_text("2 Jan 2024")


@pytest.mark.parametrize("window", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_api_is_documented_without_a_network(browser: Browser, server: Server, window: dict[str, int]) -> None:
    seen = Watched(browser, f"{server.address}/docs", viewport=window)
    expect(seen.page.locator(".opblock")).not_to_have_count(0)
    assert seen.page.locator(".opblock").count() >= 9
    expect(seen.page).to_have_title("API · Customer segments")
    assert all(one.startswith((server.address, "data:")) for one in seen.asked)
    seen.page.get_by_text("/segments/movements").click()
    expect(seen.page.get_by_text("Changes of labels, counted").first).to_be_visible()
    assert seen.complaints == []
    seen.page.get_by_role("link", name="Customer segments", exact=True).click()
    expect(seen.page.locator("h1")).to_contain_text("860 customers")
