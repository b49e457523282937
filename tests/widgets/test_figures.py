"""What every interactive figure has to do in a browser: its numbers, words, state and links."""

import math
from typing import Any

from lstmlib.widgets.controls import Number


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


def test_the_browser_computes_what_the_library_computes(example, shown):
    figure = example.figure
    page = shown(figure)
    for changes in [{}, *example.states]:
        state = figure.state(**changes)
        got = element(page, figure).evaluate("(figure, state) => figure.compute(state)", state)
        assert_same(figure.compute(state), got)


def test_the_browser_says_what_the_still_drawing_says(example, shown):
    figure = example.figure
    page = shown(figure)
    for changes in [{}, *example.states]:
        element(page, figure).evaluate(
            "(figure, state) => figure.set(state)", figure.state(**changes)
        )
        state = figure.state(**changes)
        assert said(page, figure) == figure.describe(state, figure.compute(state))


def test_reset_and_the_link_hold_the_state(example, shown):
    figure = example.figure
    page = shown(figure)
    first = drawn(page, figure)
    for changes in example.states:
        page.evaluate("() => { const at = setTimeout; setTimeout = (f) => at(f, 0); }")  # no pause
        element(page, figure).evaluate("(figure, state) => figure.set(state)", changes)
        link = element(page, figure).locator(".actions a").get_attribute("href")
        after = drawn(page, figure)
        page.wait_for_function("link => location.hash === link", arg=link, timeout=5000)
        again = shown(figure, address=link)
        assert drawn(again, figure) == after
        element(page, figure).locator(".actions button").tap()
        assert drawn(page, figure) == first


SENSELESS = ["NaN", "Infinity", "-1e99", "1e99", "2.5", "0.1234", "-0", "0x10", "", "%20", "null"]
SENSELESS += ["%E0%A4%A", "a%0Ab", "%3Cb%3E%22%27", "%F0%9F%98%80" * 80, "__proto__"]


def test_an_address_that_makes_no_sense_does_no_harm(example, shown):
    """The state is always one that Python takes, too, and the control shows it."""
    figure = example.figure
    page = shown(figure, address=f"#{figure.name}&no=1&=&%E0%A4%A&lag")
    assert element(page, figure).evaluate("figure => figure.state") == figure.state()
    tried = [(control, value) for control in figure.controls for value in SENSELESS]
    found = element(page, figure).evaluate(
        """(figure, tried) => tried.map(([name, value]) => {
            history.replaceState(null, "", `#${figure.id}&${name}=${value}`);
            window.dispatchEvent(new HashChangeEvent("hashchange"));
            const input = figure.shadowRoot.querySelector(`[data-set=${name}]`);
            const said = figure.shadowRoot.querySelector(".said").textContent;
            return [{ ...figure.state }, input?.value, said];
        })""",
        [[control.name, value] for control, value in tried],
    )
    sentences = {}
    for (control, value), (state, shows, sentence) in zip(tried, found, strict=True):
        got = figure.state(**state)[control.name]
        if isinstance(control, Number):
            assert float(shows) == got, (control, value)
        elif control.label:
            assert shows == got.replace("\n", ""), (control, value)
        key = tuple(state.values())
        if key not in sentences:
            sentences[key] = figure.describe(state, figure.compute(state))
        assert sentence == sentences[key], (control, value)


def test_a_link_on_the_page_leads_to_a_state_and_to_the_figure(example, shown):
    figure = example.figure
    page = shown(figure)
    page.set_viewport_size({"width": 1000, "height": 300})
    page.evaluate(
        """figure => {
        const link = document.createElement("a");
        [link.href, link.textContent] = [figure, "there"];
        link.style = "display: block; margin-top: 2000px";
        document.body.append(link);
    }""",
        f"#{figure.name}&{figure.controls[-1].name}=1",
    )
    page.get_by_text("there").click()
    page.wait_for_function(
        "name => document.getElementById(name).getBoundingClientRect().bottom > 9",
        arg=figure.name,
        timeout=5000,
    )


def test_a_figure_taken_out_of_the_page_does_nothing_until_it_is_put_back(example, shown):
    figure = example.figure
    page = shown(figure)
    redrawn = element(page, figure).evaluate("""figure => {
        let count = 0;
        const main = figure.parentNode;
        const redraw = figure.redraw;
        figure.redraw = () => { count += 1; redraw.call(figure); };
        const follow = () => window.dispatchEvent(new HashChangeEvent("hashchange"));
        history.replaceState(null, "", `#${figure.id}`);
        figure.remove();
        follow();
        const whileOut = count;
        main.append(figure);
        follow();
        return [whileOut, count];
    }""")
    assert redrawn == [0, 1]
