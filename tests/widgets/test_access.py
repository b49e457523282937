"""Every interactive figure for everybody: keyboard, screen reader, telephone, paper, no scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from .test_figures import drawn, element, said

AXE = Axe()


def test_every_control_works_by_keyboard_alone(example, shown):
    figure = example.figure
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


def test_what_has_the_focus_in_a_drawing_keeps_it(example, shown):
    figure = example.figure
    page = shown(figure)
    lost = element(page, figure).evaluate("""figure => {
        const inside = "button, input, select, a, [tabindex]";
        const find = () => figure.drawing.querySelectorAll(inside);
        return Array.from(find(), (_, k) => {
            find()[k].focus();
            figure.set({});
            return figure.shadowRoot.activeElement === find()[k] ? null : find()[k].outerHTML;
        }).filter((lost) => lost);
    }""")
    assert lost == []


def test_a_screen_reader_hears_the_sentence_once_a_change_has_settled(example, shown):
    figure = example.figure
    page = shown(figure)
    status = element(page, figure).get_by_role("status")  # one alone; <output> would be another
    first = status.text_content()
    assert first == said(page, figure)
    heard = element(page, figure).evaluate(
        """async (figure, states) => {
            const heard = [];
            const listener = new MutationObserver((changes) => heard.push(...changes));
            const status = figure.shadowRoot.querySelector("[role=status]");
            listener.observe(status, { childList: true });
            for (let k = 0; k < 5; k++) {
                states.forEach((state) => figure.set(state));
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
            await new Promise((resolve) => setTimeout(resolve, 400));
            return heard.length;
        }""",
        example.states,
    )
    assert heard == 1
    assert status.text_content() == said(page, figure) != first


def test_without_scripts_the_still_drawing_is_there(example, browser, tmp_path):
    figure = example.figure
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
    figure = example.figure
    page = shown(figure)
    live, still = (
        element(page, figure).locator(f".lstmlib-figure{s}") for s in (".live", ":not(.live)")
    )
    assert live.is_visible()
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not live.is_visible()


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_phone_shows_all_of_it(example, width, shown):
    figure = example.figure
    page = shown(figure)
    page.set_viewport_size({"width": width, "height": 700})
    for changes in [{}, *example.states]:
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = element(page, figure).evaluate("""figure =>
            [...figure.shadowRoot.querySelectorAll('svg text')]
                .filter(text => text.textContent.trim() && text.getBoundingClientRect().height < 9)
                .map(text => text.textContent)""")
        assert width < 360 or small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(example, scheme, shown):
    figure = example.figure
    page = shown(figure, scheme=scheme)
    options = {} if scheme == "light" else {"runOnly": ["color-contrast"]}  # all that differs
    for changes in [{}, *example.states]:
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
        found = AXE.run(page, options=options).response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], changes


def test_two_of_a_kind_keep_apart(example, shown):
    figure, other = example.figure, example.make()
    other.name = "other"
    page = shown(figure, other)
    before = drawn(page, other)
    for changes in example.states:
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
    assert drawn(page, other) == before
    link = element(page, figure).locator(".actions a").get_attribute("href")
    page = shown(figure, other, address=link)
    assert drawn(page, other) == before != drawn(page, figure)
