"""What is particular to the figure of gates on text."""

import numpy as np
import pytest
import torch

from lstmlib.data import shakespeare
from lstmlib.lab import browser_text
from lstmlib.widgets import TextGates
from lstmlib.widgets.text_gates import CELL, LIVELIEST, QUANTITIES
from lstmlib.widgets.text_model import text_model

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike

SENTENCE = "If music be the food of love"


@pytest.fixture(scope="module")
def in_torch():
    """The same weights in PyTorch, in double precision."""
    return browser_text.restored(text_model().weights).double()


def test_pytorch_gives_the_same_states_and_probabilities(in_torch):
    figure = TextGates(SENTENCE)
    ids = text_model().vocabulary.encode("\n" + SENTENCE)
    with torch.no_grad():
        h, _ = in_torch.lstm(in_torch.embedding(torch.tensor(ids[:, None])))
        p = in_torch.output(h)[:, 0].softmax(dim=-1).numpy()
    numbers = figure.compute(figure.state(quantity="hidden state h", units="32–47"))
    assert np.abs(np.array(numbers["values"]) - h[:, 0, 32:48].numpy().T).max() < 1e-12
    assert np.abs(numbers["p"] - p[np.arange(len(SENTENCE)), ids[1:]]).max() < 1e-12
    assert np.abs([q for _, q in numbers["next"]] - np.sort(p[-1])[:-9:-1]).max() < 1e-12


def test_what_is_written_depends_on_all_before_it_and_reads_like_the_text():
    """Most of the words that it writes on to different sentences occur in the plays."""
    figure = TextGates()
    words = set(shakespeare().split())
    written = {}
    for text in ("", "KING LEAR", "What is the", "My lord, I", "Come, let us", "O,"):
        written[text] = figure.compute(figure.state(text=text, more=40))["written"]
        fewer = figure.compute(figure.state(text=text, more=25))["written"]
        assert written[text][:25] == fewer
    assert len(set(written.values())) == len(written)
    found = [word in words for text in written.values() for word in text.split()[1:-1]]
    assert np.mean(found) > 0.6


def test_the_quantities_are_those_of_one_cell():
    figure = TextGates(SENTENCE)
    i, f, o, g, c, h = (
        np.array(figure.compute(figure.state(quantity=name, units="0–15"))["values"])
        for name in QUANTITIES
    )
    before = np.column_stack([np.zeros(16), c[:, :-1]])
    assert np.abs(c - (f * before + i * g)).max() < 1e-12
    assert np.abs(h - o * np.tanh(c)).max() < 1e-12


def test_the_liveliest_units_vary_more_than_all_others():
    figure = TextGates(SENTENCE)

    def deviations(units):
        numbers = figure.compute(figure.state(quantity="hidden state h", units=units))
        return numbers["units"], np.std(numbers["values"], axis=1)

    chosen, liveliest = deviations(LIVELIEST)
    units = next(c for c in figure.controls if c.name == "units")
    parts = [deviations(option) for option in units.options if option != LIVELIEST]
    everyone = dict(pair for part in parts for pair in zip(*part, strict=True))
    assert len(everyone) == 112
    assert max(v for unit, v in everyone.items() if unit not in chosen) <= liveliest.min()
    assert (np.diff(liveliest) <= 0).all()


def test_unknown_characters_are_named_and_stay_in_the_sentence(shown):
    figure = TextGates()
    page = shown(figure)
    box = page.get_by_role("textbox", name="Sentence")
    box.fill("Zoë has 2 don’ts")
    said = page.locator(".live .said").inner_text()
    assert said.endswith("no such character: ë 2")
    assert box.input_value() == "Zoë has 2 don’ts"
    assert "don't" in figure.describe(*_state_and_numbers(figure, text="don’t"))


def _state_and_numbers(figure, **changes):
    state = figure.state(**changes)
    return state, figure.compute(state)


def test_a_tap_on_a_column_chooses_its_character(shown):
    figure = TextGates("To be or not")
    page = shown(figure)
    page.locator(".live .map").tap(position={"x": 3.5 * CELL, "y": 100})
    assert page.locator("#text-gates").evaluate("figure => figure.state.at") == 3 - len(
        "To be or not"
    )
    assert "After “To ” the model" in page.locator(".live .said").inner_text()


def test_a_phone_shows_the_chosen_column_and_the_slider_ends_with_the_text(shown):
    figure = TextGates("Wherefore art thou " * 3)
    page = shown(figure)
    page.set_viewport_size({"width": 360, "height": 700})
    slider = page.get_by_label("Character (0 is the last)")
    for at in (0, -56, -20, 0):
        page.locator("#text-gates").evaluate("(figure, at) => figure.set({ at })", at)
        left, right = page.locator("#text-gates").evaluate("""figure => {
            const box = element => element.getBoundingClientRect();
            const chosen = box(figure.shadowRoot.querySelector('.map rect:last-child'));
            const view = box(figure.shadowRoot.querySelector('.scroll'));
            return [chosen.left - view.left, view.right - chosen.right];
        }""")
        assert min(left, right) >= -1, at
    assert slider.get_attribute("min") == "-57"
    page.get_by_role("textbox", name="Sentence").fill("O")
    assert slider.get_attribute("min") == "-1"


def test_the_slider_shows_the_character_after_the_text_has_grown(shown):
    page = shown(TextGates("O"))
    for text in ("Wherefore art thou", "O", "Wherefore art thou"):
        page.locator("#text-gates").evaluate("(f, text) => f.set({ text, at: -9 })", text)
        shows = page.get_by_label("Character (0 is the last)").input_value()
        assert int(shows) == max(-9, -len(text))


def test_half_a_character_is_left_out(shown):
    page = shown(TextGates())
    page.locator("#text-gates").evaluate("figure => figure.set({ text: 'a\\ud83db😀' })")
    assert page.get_by_role("textbox", name="Sentence").input_value() == "ab😀"
    assert page.locator(".live .said").inner_text().endswith("no such character: 😀")


def test_a_text_that_looks_like_html_is_shown_as_it_is(shown):
    text = "&lt;b&gt; &amp; &quot;"
    figure = TextGates(text)
    page = shown(figure)
    assert page.locator(".live").get_by_text("Expected after “…").inner_text() == (
        f"Expected after “…{text[-16:]}”:"
    )
    page.emulate_media(media="print")
    still = page.locator(".lstmlib-figure:not(.live)")
    sentence = figure.describe(*_state_and_numbers(figure))
    assert text[-16:] in sentence
    assert still.locator(".said").inner_text() == sentence
    assert still.get_by_role("img").get_attribute("aria-label") == sentence
    assert f"Expected after “…{text[-16:]}”:" in still.inner_text()


def test_no_label_leaves_its_drawing(shown):
    """Also where the next character is nearly certain, and its bar long."""
    figure = TextGates("To be, or not to be, that is the question")
    page = shown(figure)
    certain = 0.0
    for at in range(-41, 1):
        certain = max(certain, figure.compute(figure.state(at=at))["next"][0][1])
        outside = page.locator("#text-gates").evaluate(
            """(figure, at) => {
                figure.set({ at });
                const right = element => element.getBoundingClientRect().right;
                return [...figure.shadowRoot.querySelectorAll('svg text')]
                    .filter(text => right(text) > right(text.ownerSVGElement) + 1)
                    .map(text => text.textContent);
            }""",
            at,
        )
        assert outside == []
    assert certain > 0.98


def test_a_page_carries_at_most_300_kilobytes_of_it():
    assert len(TextGates().html().encode()) <= 300_000


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="expected text to be a text of at most 60 characters"):
        TextGates("a" * 61)
    with pytest.raises(ValueError, match="expected quantity to be one of"):
        TextGates(quantity="gate")


@pytest.mark.parametrize("changes", [{}, *EXAMPLES["text gates"].states])
def test_the_browser_draws_the_same(changes, shown):
    assert_drawn_alike(EXAMPLES["text gates"].figure, changes, shown, but=("DIV", "svg"))
