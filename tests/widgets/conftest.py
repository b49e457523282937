"""A browser, and each interactive figure with states to try: a figure in EXAMPLES has all tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from lstmlib import widgets
from lstmlib.widgets.figure import Figure


@dataclass(frozen=True)
class Example:
    """A figure as a chapter makes it, and changes of its first state that reach all its parts."""

    make: Callable[[], Figure]
    states: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def figure(self) -> Figure:
        return self.make()


EXAMPLES = {
    "cell steps": Example(
        lambda: widgets.CellSteps(
            np.array([[0.5], [0.0], [1.0], [0.5]]),
            np.array([[1.0], [0.5], [-1.0], [0.5]]),
            np.array([0.0, 1.0, 0.0, 0.0]),
            np.array([1.0, -0.5, 0.5]),
            np.full(3, 0.5),
        ),
        [
            {"operation": 0},
            {"operation": 31, "x_2": 10.0, "b_f": -10.0},
            {"operation": 44, "b_i": 10.0, "b_o": -10.0},
            {"operation": 64, "x_1": 0.0, "x_2": 0.0, "x_3": 0.0},
        ],
    ),
    "text gates": Example(
        widgets.TextGates,
        [
            {"text": ""},
            {"text": "“Café” for 3 days’ pay <b>&", "quantity": "cell state c"},
            {"text": "O", "units": "96–111", "quantity": "hidden state h"},
            {"text": "Wherefore art thou " * 3 + "Rom", "at": -60, "quantity": "candidate g"},
            {"quantity": "input gate i", "units": "0–15", "at": -20},
            {"quantity": "output gate o", "at": -1, "more": 40},
        ],
    ),
    "temperature": Example(
        widgets.Temperature,
        [
            {"tau": 0.1, "k": 5, "draws": 400},
            {"tau": 3, "k": 64, "draws": 400},
            {"k": 1, "draws": 0},
            {"context": "“First Citizen:↵We are acc”", "k": 25, "tau": 1.3, "draws": 100},
            {"context": "“Friends, Romans, countrymen, lend me your ”", "tau": 0.7},
        ],
    ),
    "shapes": Example(
        widgets.Shapes,
        [
            {"cell": "RNN", "steps": 1, "features": 1, "units": 1, "batch": 1},
            {"cell": "GRU", "layers": 2, "steps": 4},
            {"cell": "GRU", "layers": 1, "directions": "both", "steps": 3},
            {
                "layers": 3,
                "directions": "both",
                "features": 64,
                "units": 64,
                "batch": 16,
                "steps": 20,
            },
        ],
    ),
    "unrolled": Example(
        lambda: widgets.Unrolled(
            np.array([0.8, 0, -0.4, 0.2, 0, 0.6, 0, -0.2]),
            np.array([0.0, 1, 0, 0, -1, 0, 0, 1]),
        ),
        [
            {"chunk": 8},
            {"chunk": 1, "weight": -1.5},
            {"loss": "the last step", "weight": 1.5},
            {"loss": "the last step", "chunk": 2, "steps": 5, "weight": 0},
            {"steps": 1, "chunk": 4},
        ],
    ),
    "windows": Example(
        lambda: widgets.Windows(np.sin(np.arange(20.0))),
        [{"lag": 1, "horizon": 1}, {"lag": 10, "horizon": 10, "window": 7}, {"window": 19}],
    ),
    "vanishing": Example(
        lambda: widgets.Vanishing(np.random.default_rng(0)),
        [
            {"lag": 40, "radius": 0.4, "activation": "linear"},
            {"lag": 1, "radius": 1.5},
            {"lag": 40, "radius": 1.5, "activation": "linear"},
        ],
    ),
    "vanishing with an LSTM": Example(
        lambda: widgets.Vanishing(np.random.default_rng(0), lstm=True),
        [
            {"radius": 0.5, "bias": -2.0, "lag": 40},
            {"radius": 1.5, "bias": 5.0, "lag": 40},
            {"radius": 1.5, "bias": -0.5, "activation": "linear"},
        ],
    ),
    "digit rows": Example(
        widgets.DigitRows,
        [
            {"row": 28, "digit": "2, test digit 261"},
            {"row": 1, "digit": "my drawing"},
            {"digit": "my drawing", "drawing": "no_-A_zz" * 30 + "ü!", "row": 20},
        ],
    ),
}


@pytest.fixture(params=EXAMPLES)
def example(request) -> Example:
    return EXAMPLES[request.param]


@pytest.fixture(scope="session")
def tab(browser) -> Iterator[Page]:
    """One page for all tests: to open another for each takes longer than most of them."""
    context = browser.new_context(has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab) -> Iterator[Page]:
    """A page whose errors fail the test."""
    errors: list[str] = []

    def listen(said) -> None:
        if said.type == "error":
            errors.append(said.text)

    def listen_to_error(error) -> None:
        errors.append(str(error))

    tab.on("console", listen)
    tab.on("pageerror", listen_to_error)
    tab.set_viewport_size({"width": 1000, "height": 800})
    yield tab
    tab.emulate_media(media="screen")
    tab.remove_listener("console", listen)
    tab.remove_listener("pageerror", listen_to_error)
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
