"""Drawing digits by touch, mouse and keys; the classifier that is shipped."""

import numpy as np
import pytest

from lstmlib import widgets
from lstmlib.data import digits, rows
from lstmlib.lab import load
from lstmlib.lab.browser_digits import right_by_row, rounded, train
from lstmlib.numpy import LSTM, Dense, softmax
from lstmlib.widgets.digit_rows import DRAWN, EXAMPLES, LETTERS, drawn
from lstmlib.widgets.weights import stored

from .test_figures import assert_same, element, said


@pytest.fixture
def figure():
    return widgets.DigitRows()


def pixel(page, figure, y, x):
    """Return where the centre of a pixel is on the screen."""
    # in one go, since drawing again replaces the pad
    box = element(page, figure).evaluate(
        "figure => figure.drawing.querySelector('.pad rect').getBoundingClientRect().toJSON()"
    )
    size = box["width"] / 28
    return box["x"] + (x + 0.5) * size, box["y"] + (y + 0.5) * size


def image(page, figure):
    """Return what is drawn as Python reads it, having the browser agree on all of it."""
    state = element(page, figure).evaluate("figure => figure.state")
    got = element(page, figure).evaluate("figure => figure.compute(figure.state)")
    assert_same(figure.compute(state), got)
    assert state["digit"] == DRAWN
    return drawn(state["drawing"])


def assert_stem(ink):
    """Check that a stroke goes down column 14 from row 5 to row 22, and nothing else is there."""
    assert (ink[5:23, 14] == 255).all()
    assert (ink[5:23, [13, 15]] > 0).all()
    ink[4:24, 13:16] = 0
    assert not ink.any()


def test_a_one_drawn_with_the_mouse(figure, shown):
    page = shown(figure)
    element(page, figure).get_by_role("button", name="Clear").click()
    assert not image(page, figure).any()
    assert said(page, figure).startswith("Nothing is drawn yet.")
    page.mouse.move(*pixel(page, figure, 5, 14))
    page.mouse.down()
    page.mouse.move(*pixel(page, figure, 22, 14))  # one move: what lies between is inked, too
    page.mouse.up()
    page.mouse.move(*pixel(page, figure, 22, 24))  # the button is up: no ink
    assert_stem(image(page, figure))
    assert "at the end 1 with over 99 %" in said(page, figure)


def test_a_finger_draws_and_does_not_scroll(figure, shown):
    page = shown(figure)
    page.set_viewport_size({"width": 360, "height": 500})
    element(page, figure).get_by_role("button", name="Clear").tap()
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *point):
        points = [dict(zip("xy", point, strict=True))] if point else []
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    element(page, figure).locator(".pad").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    touch("touchStart", *pixel(page, figure, 22, 14))
    for y in (17, 11, 5):
        touch("touchMove", *pixel(page, figure, y, 14))
    touch("touchEnd")
    assert page.evaluate("scrollY") == before
    assert_stem(image(page, figure))


def test_keys_draw(figure, shown):
    page = shown(figure)
    page.set_viewport_size({"width": 360, "height": 400})
    pad = element(page, figure).get_by_role("application")
    pad.focus()
    before = page.evaluate("scrollY")
    page.keyboard.press("Delete")
    assert not image(page, figure).any()
    page.keyboard.press("Space")
    assert (np.argwhere(image(page, figure) == 255) == [14, 14]).all()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    assert (image(page, figure) == 255).sum() == 1  # the pen was up
    for _ in range(17):
        page.keyboard.press("Shift+ArrowDown")
    assert_stem(image(page, figure))
    for _ in range(30):
        page.keyboard.press("ArrowRight")  # the pen stays on the paper
    page.keyboard.press("Space")
    assert image(page, figure)[22, 27] == 255
    assert pad.evaluate("pad => pad === pad.getRootNode().activeElement")
    assert page.evaluate("scrollY") == before
    page.keyboard.press("Tab")  # and one gets away from it
    assert not pad.evaluate("pad => pad === pad.getRootNode().activeElement")


def test_one_draws_on_a_test_digit(figure, shown):
    page = shown(figure)
    element(page, figure).get_by_role("application").focus()
    page.keyboard.press("Space")
    before = digits().test_images[EXAMPLES[0]].astype(int)
    after = image(page, figure).astype(int)
    near = np.zeros((28, 28), dtype=bool)
    near[13:16, 13:16] = True
    assert (abs(after - before)[~near] <= 43).all()  # to the nearest of four levels
    assert after[14, 14] == 255


def test_a_text_is_an_image_of_four_levels():
    rng = np.random.default_rng(0)
    levels = rng.integers(4, size=(262, 3))
    text = "".join(LETTERS[16 * a + 4 * b + c] for a, b, c in levels)
    np.testing.assert_array_equal(drawn(text).ravel(), 85 * levels.ravel()[:784])
    assert not drawn("").any()
    assert not drawn("A?ü").any()
    assert (drawn("_") > 0).sum() == 3
    np.testing.assert_array_equal(drawn(text + "_" * 99), drawn(text))


def test_beliefs_are_those_of_the_layers():
    figure = widgets.DigitRows([3, 999])
    weights = stored("digits")
    H, D = len(weights["b"]) // 4, 28
    lstm, readout = (
        kind(*sizes, rng=np.random.default_rng(0))
        for kind, sizes in ((LSTM, (D, H)), (Dense, (H, 10)))
    )
    lstm.params.update({name: weights[name] for name in ("W_x", "W_h", "b")})
    readout.params.update(W=weights["W"], b=weights["b_out"])
    for n in (3, 999):
        x = rows(digits().test_images[[n]]).astype(np.float64)
        p = softmax(readout.forward(lstm.forward(x)[0]))[:, 0]
        state = figure.state(digit=f"{digits().test_labels[n]}, test digit {n}")
        np.testing.assert_allclose(figure.compute(state)["p"], p, rtol=1e-12)


def test_the_shipped_weights_are_those_of_the_record():
    record = load("browser_digits")
    by_row = record.values("rounded right by row", seed=0)[0]
    weights = stored("digits")
    assert right_by_row(weights, digits().test_images) == by_row
    assert sum(a.size for a in weights.values()) == record.values("weights", seed=0)[0]
    assert by_row[-1] >= 950
    assert abs(by_row[-1] - record.values("right", seed=0)[0]) <= 3  # what rounding changed


def test_the_shipped_weights_are_exact_in_half_precision():
    for array in stored("digits").values():
        np.testing.assert_array_equal(array.astype(np.float16), array)


def test_the_experiment_on_a_small_scale():
    arrays = rounded(train(0, hidden_size=8, epochs=1))
    right = right_by_row(arrays, digits().test_images)
    assert len(right) == 28
    assert right[0] <= 150 < right[-1]  # nothing to see in the first row


def test_the_figure_fits_a_page(figure):
    assert len(figure.html().encode()) < 140_000


@pytest.mark.parametrize("examples", [[], [5, 5], [1000], [-1]])
def test_digits_that_are_not_there(examples):
    with pytest.raises(ValueError, match="expected different test digits from 0 to 999"):
        widgets.DigitRows(examples)
    with pytest.raises(ValueError, match="expected row from 1 to 28"):
        widgets.DigitRows(row=0)


def test_the_browser_draws_the_same_pixels_and_beliefs(figure, shown):
    page = shown(figure)
    cells = """svgs => svgs.map(svg => [...svg.querySelectorAll("g rect")].map(rect =>
        ["x", "y", "width", "height", "fill-opacity"].map(name => rect.getAttribute(name))))"""
    live, still = (
        element(page, figure).locator(f".lstmlib-figure{s} svg").evaluate_all(cells)
        for s in (".live", ":not(.live)")
    )
    assert live == still
    assert all(len(drawing) > 30 for drawing in live)
