"""A browser, and each interactive figure with states to try: a figure in EXAMPLES has all tests."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lstmlib import widgets
from lstmlib.widgets.figure import Figure

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Example:
    """A figure as a chapter makes it, and changes of its first state that reach all its parts."""

    make: Callable[[], Figure]
    states: list[dict[str, Any]] = field(default_factory=list)


EXAMPLES = {
    "windows": Example(
        lambda: widgets.Windows(np.sin(np.arange(20.0))),
        [{"lag": 1, "horizon": 1}, {"lag": 10, "horizon": 10, "window": 7}, {"window": 18}],
    ),
}


@pytest.fixture(params=EXAMPLES)
def example(request) -> Example:
    return EXAMPLES[request.param]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "the browser tests need Debian's chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page whose errors fail the test."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, has_touch=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def shown(page, tmp_path) -> Callable[..., Page]:
    """Open a page with these figures in the browser."""

    def open_page(*figures: Figure, address: str = "", scheme: str = "light") -> Page:
        body = "\n".join(figure.html() for figure in figures)
        path = tmp_path / "page.html"
        path.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>A figure</title>'
            '<meta name="viewport" content="width=device-width">'
            f"<style>:root {{ color-scheme: {scheme}; background: canvas; color: canvastext;"
            " --pst-color-text-base: canvastext }</style>"
            f"<main><h1>A figure</h1>{body}</main></html>",
            encoding="utf-8",
        )
        page.goto("about:blank")
        page.goto(path.as_uri() + address)
        return page

    return open_page
