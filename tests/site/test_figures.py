"""The interactive figures on the pages where they stand: played with by keyboard, and linked to."""

import pytest
from bs4 import BeautifulSoup

from lstmlib import widgets


@pytest.fixture(scope="module")
def page(browser):
    """A page whose errors fail the module's tests."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert errors == []


@pytest.fixture(scope="module")
def standing(site) -> dict[str, list[tuple[str, str]]]:
    """The id and the tag of each figure of each page that has any."""
    found = {}
    for path in site.rglob("*.html"):
        figures = BeautifulSoup(path.read_text("utf-8"), "html.parser").select("[data-figure]")
        if figures:
            address = path.relative_to(site).as_posix()
            found[address] = [(figure["id"], figure.name) for figure in figures]
    return found


def test_every_kind_stands_somewhere_and_one_on_the_landing_page(standing):
    scripts = {getattr(widgets, name).scripts[-1] for name in widgets.__all__}
    tags = {tag for figures in standing.values() for _, tag in figures}
    assert tags == {f"lstm-{script.replace('_', '-')}" for script in scripts}
    assert "intro.html" in standing


def test_each_has_a_name_of_its_own_on_its_page(standing, site):
    for address, figures in standing.items():
        soup = BeautifulSoup((site / address).read_text("utf-8"), "html.parser")
        assert all(len(soup.find_all(id=name)) == 1 for name, _ in figures), address


def test_each_answers_to_the_keyboard_and_its_link_leads_back(standing, site, page):
    for address, figures in standing.items():
        for name, _ in figures:
            page.goto("about:blank")
            page.goto((site / address).as_uri())
            figure = page.locator(f"#{name}")
            said = figure.locator(".live .said")
            before = said.inner_text()
            figure.locator("input[type=range]").first.focus()
            page.keyboard.press("ArrowLeft")
            if said.inner_text() == before:
                page.keyboard.press("ArrowRight")
            after = said.inner_text()
            assert after != before, (address, name)
            link = figure.locator(".actions a").get_attribute("href")
            page.goto("about:blank")
            page.goto((site / address).as_uri() + link)
            assert page.locator(f"#{name} .live .said").inner_text() == after, (address, link)
            page.evaluate("window.MathJax?.startup?.promise.then(() => 0)")
            page.wait_for_function(
                "name => document.getElementById(name).getBoundingClientRect().y < innerHeight",
                arg=name,
            )
