"""Compares a drawing made in Python with the browser's."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from lstmlib.widgets.figure import Figure

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PARTS = """html => {
    const page = new DOMParser().parseFromString(html, 'text/html');
    const short = text => text.trim().replace(/\\s+/g, ' ');
    return [...page.body.querySelectorAll('*')].map(element => [
        element.tagName,
        ...[...element.childNodes].filter(n => n.nodeType === Node.TEXT_NODE)
            .map(node => short(node.textContent)).filter(text => text),
        ...[...element.attributes]
            .map(({ name, value }) => `${name}=${short(value).replaceAll('; ', ';')}`).sort(),
    ].join(' | '));
}"""


def assert_drawn_alike(
    figure: Figure,
    changes: dict[str, Any],
    shown: Callable[..., Page],
    but: tuple[str, ...] = (),
) -> None:
    """Draw a state in both languages: the same elements, words and attributes, in order.

    Numbers may differ by a tenth, to which drawings are rounded. Elements of the tags ``but`` have
    other attributes where they react to a reader.
    """
    page = shown(figure)
    state = figure.state(**changes)
    element = page.locator(f"#{figure.name}")
    element.evaluate("(figure, state) => figure.set(state)", state)
    drawings = (
        element.locator(".live .drawing").inner_html(),
        figure.draw(state, figure.compute(state)),
    )
    browsers, ours = (
        [part for part in page.evaluate(PARTS, html) if not part.startswith(but)]
        for html in drawings
    )
    assert [NUMBER.sub("0", part) for part in browsers] == [NUMBER.sub("0", part) for part in ours]
    for browsers_part, our_part in zip(browsers, ours, strict=True):
        numbers = [float(number) for number in NUMBER.findall(browsers_part)]
        assert [float(number) for number in NUMBER.findall(our_part)] == pytest.approx(
            numbers, abs=0.11
        )
