"""The site in a browser: every page, light and dark, wide and narrow, served and from a folder."""

import gzip
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.timeout(1800)  # looking at every page takes minutes on a busy machine

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}
DRAWN = "Promise.resolve(window.MathJax?.startup?.promise).then(() => 0)"
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Rules whose verdict depends on the colours: of the dark page the others say the same again.
COLOURS = ["color-contrast", "link-in-text-block"]

BROKEN_IMAGES = """() => [...document.images]
  .filter(image => !image.complete || image.naturalWidth === 0).map(image => image.src)"""
MISSING_ICONS = """() => [...document.querySelectorAll(
    "i[class*=fa-], svg[data-icon]:not(:has(> path[d]))"
  )].map(icon => icon.getAttribute("class"))"""
STUCK = """() => [...document.querySelectorAll(".bd-article *")].filter(part => {
  const { overflowX, overflowY } = getComputedStyle(part);
  return (/auto|scroll/.test(overflowX) && part.scrollWidth > part.clientWidth
    || /auto|scroll/.test(overflowY) && part.scrollHeight > part.clientHeight) && part.tabIndex < 0;
}).map(part => part.outerHTML.slice(0, 160))"""
# What makes axe slow says the same over and over: how MathJax draws a formula, and the colour of
# each token of code. It looks at one page with all formulas, and at one token of each kind.
WITHOUT_FORMULAS = """() => document.querySelectorAll("mjx-container")
  .forEach(formula => formula.replaceWith("formula"))"""
ONE_TOKEN_OF_A_KIND = """() => {
  const seen = new Set();
  for (const token of document.querySelectorAll("pre span")) {
    const block = token.closest("div[class*=cell_], div.highlight, pre").className;
    const kind = `${token.className} in ${block}`;
    if (seen.has(kind)) token.replaceWith(...token.childNodes);
    seen.add(kind);
  }
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not tell what it serves."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server(site):
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as started:
        Thread(target=started.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{started.server_port}/"
        started.shutdown()


@dataclass
class Visit:
    """What was seen on a page."""

    requested: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    broken_images: list[str] = field(default_factory=list)
    width_on_a_telephone: int = 0
    stuck: list[str] = field(default_factory=list)
    violations: list[tuple[str, str, str]] = field(default_factory=list)


def watch(page, visit: Visit) -> None:
    """Note what a page asks for and says from now on."""
    page.on("request", lambda request: visit.requested.add(request.url))
    page.on("requestfailed", lambda request: visit.failed.append(request.url))
    page.on(
        "response", lambda reply: visit.failed.append(reply.url) if reply.status >= 400 else None
    )
    page.on("pageerror", lambda error: visit.console.append(str(error)))
    page.on(
        "console",
        lambda said: visit.console.append(said.text) if said.type in ("error", "warning") else None,
    )


def violations(page, scheme: str, **options) -> list[tuple[str, str, str]]:
    """List what axe finds, in our text and in what the theme adds: scheme, rule, element."""
    options = {"resultTypes": ["violations"], "preload": False, **options}
    found = Axe().run(page, options=options).response["violations"]
    return [(scheme, rule["id"], node["html"][:100]) for rule in found for node in rule["nodes"]]


def addresses(site: Path) -> list[str]:
    """List the pages; not index.html, which leads to the landing page at once."""
    paths = [path.relative_to(site) for path in sorted(site.rglob("*.html"))]
    return [
        str(path) for path in paths if "_static" not in path.parts and path.name != "index.html"
    ]


@pytest.fixture(scope="module")
def visits(site, server, browser) -> dict[str, Visit]:
    """Every page, looked at in light and dark and on a telephone."""
    seen = {}
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    for address in addresses(site):
        visit = seen[address] = Visit()
        page = context.new_page()
        watch(page, visit)
        page.goto(server + address)
        page.add_style_tag(content="* { transition: none !important }")  # nothing is still moving
        page.evaluate(DRAWN)
        visit.broken_images = page.evaluate(BROKEN_IMAGES)
        page.set_viewport_size(NARROW)
        page.evaluate(SETTLED)
        visit.width_on_a_telephone = page.evaluate("document.documentElement.scrollWidth")
        visit.stuck = page.evaluate(STUCK)
        page.set_viewport_size(WIDE)
        page.evaluate(SETTLED)
        if address != "intro.html":
            page.evaluate(WITHOUT_FORMULAS)
        page.evaluate(ONE_TOKEN_OF_A_KIND)
        visit.violations = violations(page, "light")
        page.emulate_media(color_scheme="dark")
        page.wait_for_selector("html[data-theme=dark]")
        visit.violations += violations(page, "dark", runOnly=COLOURS)
        page.close()
    context.close()
    return seen


def test_no_page_asks_another_host(visits, server):
    foreign = {
        address: [url for url in visit.requested if not url.startswith((server, "data:", "blob:"))]
        for address, visit in visits.items()
    }
    assert {address: urls for address, urls in foreign.items() if urls} == {}


@pytest.mark.parametrize("what", ["failed", "console", "broken_images", "stuck"])
def test_every_page_is_whole_says_nothing_amiss_and_scrolls_by_keyboard(visits, what):
    found = {address: getattr(visit, what) for address, visit in visits.items()}
    assert {address: things for address, things in found.items() if things} == {}


def test_every_page_is_accessible_in_light_and_dark(visits):
    found = {address: visit.violations for address, visit in visits.items()}
    assert {address: broken for address, broken in found.items() if broken} == {}


def test_no_page_scrolls_sideways_on_a_telephone(visits):
    wide = {address: visit.width_on_a_telephone for address, visit in visits.items()}
    assert {address: width for address, width in wide.items() if width > NARROW["width"]} == {}


@cache
def packed(path: Path) -> int:
    """Return the size of a file as a server sends it."""
    return len(gzip.compress(path.read_bytes()))


def test_a_chapter_with_all_its_files_is_light(visits, site):
    for address, visit in visits.items():
        if address.startswith("chapters/"):
            paths = {unquote(urlsplit(url).path).lstrip("/") for url in visit.requested}
            weight = sum(packed(site / path) for path in paths if "mathjax" not in path)
            assert 50e3 < weight <= 1.5e6, (address, weight)


@pytest.mark.timing
def test_the_first_words_are_there_within_a_second(site, server, browser):
    for address in addresses(site):
        if address.startswith(("intro", "chapters/")):
            context = browser.new_context(viewport=WIDE)  # nothing is cached
            page = context.new_page()
            page.goto(server + address)
            painted = page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
            context.close()
            assert painted <= 1000, address


@pytest.mark.parametrize("address", ["intro.html", "chapters/05_lstm.html"])
def test_a_page_opened_from_a_folder_is_whole(site, browser, address):
    visit = Visit()
    page = browser.new_page(viewport=WIDE)
    watch(page, visit)
    page.goto((site / address).as_uri())
    page.evaluate(DRAWN)
    assert page.locator("mjx-container").count() > 0
    assert page.evaluate(BROKEN_IMAGES) == visit.failed == visit.console == []
    assert page.locator("svg[data-icon]").count() > 5
    assert page.evaluate(MISSING_ICONS) == []  # tools/build_book.py leaves out those not shown
    page.close()


def test_the_search_finds_a_word_from_a_folder(site, browser):
    visit = Visit()
    page = browser.new_page(viewport=WIDE)
    watch(page, visit)
    page.goto((site / "search.html").as_uri() + "?q=peephole")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    assert any("07_variants" in link.get_attribute("href") for link in found.all())
    assert visit.failed == visit.console == []
    page.close()


def test_code_can_be_copied(server, browser):
    context = browser.new_context(viewport=WIDE, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(server + "intro.html")
    code = page.locator("div.highlight").first
    code.hover()
    code.locator("button.copybtn").click()
    page.locator("button.copybtn.success").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()
    assert copied.startswith("c = f * c_prev + i * g")


def test_the_choice_of_light_or_dark_lasts_from_page_to_page(server, browser):
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    page = context.new_page()
    page.goto(server + "intro.html")
    page.locator(".theme-switch-button").first.click()
    chosen = page.get_attribute("html", "data-theme")
    page.goto(server + "chapters/05_lstm.html")
    assert chosen == "dark"
    assert page.get_attribute("html", "data-theme") == chosen
    context.close()
