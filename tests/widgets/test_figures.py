"""What every interactive figure has to do, tried in a browser."""

import json
import math
import sys
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from lstmlib import widgets

from .conftest import EXAMPLES


def element(page, figure):
    return page.locator(f"#{figure.name}")


def said(page, figure) -> str:
    return element(page, figure).locator(".live .said").inner_text()


def drawn(page, figure) -> str:
    return element(page, figure).locator(".live .drawing").inner_html()


def assert_same(expected: Any, got: Any, where: str = "numbers") -> None:
    """Compare what Python and the browser computed: numbers to 1e-12, all else exactly."""
    if isinstance(expected, dict):
        assert expected.keys() == got.keys(), where
        for key in expected:
            assert_same(expected[key], got[key], f"{where}.{key}")
    elif isinstance(expected, (list, tuple)):
        assert len(expected) == len(got), where
        for k, (a, b) in enumerate(zip(expected, got, strict=True)):
            assert_same(a, b, f"{where}[{k}]")
    elif isinstance(expected, float):
        assert math.isclose(expected, got, rel_tol=1e-12, abs_tol=1e-12), (where, expected, got)
    else:
        assert expected == got, where


def test_every_figure_is_tried():
    made = {type(example.make()).__name__ for example in EXAMPLES.values()}
    assert made == set(widgets.__all__)


def test_the_browser_computes_what_the_library_computes(example, shown):
    figure = example.make()
    page = shown(figure)
    for changes in [{}, *example.states]:
        state = figure.state(**changes)
        got = element(page, figure).evaluate("(figure, state) => figure.compute(state)", state)
        assert_same(figure.compute(state), got)


def test_the_browser_says_what_the_still_drawing_says(example, shown):
    figure = example.make()
    page = shown(figure)
    for changes in [{}, *example.states]:
        element(page, figure).evaluate(
            "(figure, state) => figure.set(state)", figure.state(**changes)
        )
        state = figure.state(**changes)
        assert said(page, figure) == figure.describe(state, figure.compute(state))


def test_every_control_works_by_keyboard_alone(example, shown):
    figure = example.make()
    page = shown(figure)
    seen = set()
    page.keyboard.press("Tab")
    for _ in range(60):
        name = page.evaluate("""() => {
            let at = document.activeElement;
            while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
            return at?.closest('.controls') ? at.dataset.set : null;
        }""")
        if name and name not in seen:
            seen.add(name)
            control = next(c for c in figure.controls if c.name == name)
            before = drawn(page, figure) + said(page, figure)
            kind = type(control).__name__
            if kind == "Text":
                page.keyboard.press("End")
                page.keyboard.press("Backspace")
            elif kind == "Choice":
                last = control.value == control.options[-1]
                page.keyboard.press("ArrowUp" if last else "ArrowDown")
            else:
                page.keyboard.press("ArrowDown" if control.value == control.high else "ArrowUp")
            assert drawn(page, figure) + said(page, figure) != before, name
        page.keyboard.press("Tab")
    assert seen == {control.name for control in figure.controls if control.label}


def test_reset_and_the_link_hold_the_state(example, shown):
    figure = example.make()
    page = shown(figure)
    first = drawn(page, figure)
    for changes in example.states:
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
        link = element(page, figure).locator(".actions a").get_attribute("href")
        after = drawn(page, figure)
        page.wait_for_function("link => location.hash === link", arg=link, timeout=5000)
        again = shown(figure, address=link)
        assert drawn(again, figure) == after
        element(page, figure).locator(".actions button").tap()
        assert drawn(page, figure) == first


@pytest.mark.parametrize("rest", ["&no=1", "&%E0%A4%A", "&=", "&lag", "&window=many", "&lag=1e99"])
def test_an_address_that_makes_no_sense_does_no_harm(example, rest, shown):
    figure = example.make()
    page = shown(figure, address=f"#{figure.name}{rest}")
    assert said(page, figure)


def test_without_scripts_the_still_drawing_is_there(example, browser, tmp_path):
    figure = example.make()
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{figure.html()}", encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 700})
    page = context.new_page()
    page.goto(path.as_uri())
    state = figure.state()
    sentence = figure.describe(state, figure.compute(state))
    assert page.get_by_role("img", name=sentence).bounding_box()["height"] > 20
    assert page.locator(".said").inner_text() == sentence
    assert page.locator("input").count() == 0
    context.close()


def test_on_paper_the_still_drawing_is_there(example, shown):
    figure = example.make()
    page = shown(figure)
    live, still = (
        element(page, figure).locator(f".lstmlib-figure{s}") for s in (".live", ":not(.live)")
    )
    assert live.is_visible()
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not live.is_visible()


@pytest.mark.parametrize("width", [360, 768])
def test_a_phone_shows_all_of_it(example, width, shown):
    figure = example.make()
    page = shown(figure)
    page.set_viewport_size({"width": width, "height": 700})
    for changes in [{}, *example.states]:
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = element(page, figure).evaluate("""figure =>
            [...figure.shadowRoot.querySelectorAll('svg text')]
                .filter(text => text.textContent.trim() && text.getBoundingClientRect().height < 9)
                .map(text => text.textContent)""")
        assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(example, scheme, shown):
    figure = example.make()
    page = shown(figure, scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


def test_two_of_a_kind_keep_apart(example, shown):
    figure, other = example.make(), example.make()
    other.name = "other"
    page = shown(figure, other)
    before = drawn(page, other)
    for changes in example.states:
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
    assert drawn(page, other) == before


def test_in_a_kernel_every_change_is_computed_in_python(example):
    figure = example.make()
    box = figure.live()
    *inputs, drawing = box.children
    labelled = [control for control in figure.controls if control.label]
    assert [widget.description for widget in inputs] == [control.label for control in labelled]
    for changes in example.states:
        visible = {
            name: value for name, value in changes.items() if name in {c.name for c in labelled}
        }
        for control, widget in zip(labelled, inputs, strict=True):
            widget.value = visible.get(control.name, control.value)
        assert drawing.value == figure.still(figure.state(**visible))


def test_in_a_kernel_a_text_that_is_too_long_is_said_to_be():
    *inputs, drawing = widgets.TextGates().live().children
    text = next(widget for widget in inputs if hasattr(widget, "placeholder"))
    text.value = "a" * 1000
    assert "expected text to be a text of at most" in drawing.value
    text.value = "a"
    assert "svg" in drawing.value


def test_a_notebook_is_offered_both_kinds(example):
    bundle = example.make()._repr_mimebundle_()
    assert {"text/html", "text/plain", "application/vnd.jupyter.widget-view+json"} <= bundle.keys()


def test_without_ipywidgets_or_with_an_old_one_there_is_the_page_alone(monkeypatch):
    figure = next(iter(EXAMPLES.values())).make()
    monkeypatch.delattr("ipywidgets.Widget._repr_mimebundle_")
    assert figure._repr_mimebundle_().keys() == {"text/html", "text/plain"}
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert figure._repr_mimebundle_().keys() == {"text/html", "text/plain"}


def test_a_state_outside_its_range_is_refused(example):
    figure = example.make()
    with pytest.raises(ValueError, match="expected one of the controls"):
        figure.state(nothing=1)
    for control in figure.controls:
        if hasattr(control, "high"):
            with pytest.raises(ValueError, match=f"expected {control.name} from"):
                figure.state(**{control.name: control.high + 1})
        elif hasattr(control, "options"):
            with pytest.raises(ValueError, match=f"expected {control.name} to be one of"):
                figure.state(**{control.name: "nothing"})


def test_the_data_keeps_every_bit(example):
    figure = example.make()
    assert json.loads(json.dumps(figure.data)) == figure.data
