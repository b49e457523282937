"""The cell's steps: its numbers are the layer's, its slopes, and those that its formulas give."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from lstmlib import widgets
from lstmlib.numpy import LSTM

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike
from .test_figures import assert_same

figure = EXAMPLES["cell steps"].figure
INPUTS = [control.name for control in figure.controls[1:]]
END = len(figure.plan)
ZERO, HIGH, LOW = (dict.fromkeys(INPUTS, value) for value in (0.0, 10.0, -10.0))


def states(count: int) -> list[dict]:
    """Inputs and biases at their ends, and drawn ones from small to large."""
    rng = np.random.default_rng(0)
    drawn = [
        dict(zip(INPUTS, rng.uniform(-s, s, 7), strict=True)) for s in np.linspace(1, 10, count)
    ]
    mixed = [
        dict(zip(INPUTS, rng.choice([-10.0, 0.0, 10.0], 7), strict=True)) for _ in range(count)
    ]
    return [{}, ZERO, HIGH, LOW, *drawn, *mixed]


def test_at_the_start_nothing_is_computed_and_each_operation_adds_its_result():
    assert figure.compute(figure.state(operation=0)) == {}
    assert 'class="known back"' not in figure.draw(figure.state(operation=0), {})
    names = [f"{name}{t}" for name, t in figure.plan]
    for operation in range(END + 1):
        assert list(figure.compute(figure.state(operation=operation))) == names[:operation]


@pytest.mark.parametrize("changes", states(10))
def test_at_the_end_all_gradients_are_those_of_the_layer(changes):
    state = figure.state(operation=END, **changes)
    numbers = figure.compute(state)
    layer = LSTM(1, 1, rng=np.random.default_rng(0))
    b = np.array([state[f"b_{q}"] for q in "ifgo"])
    layer.params = {"W_x": figure.W_x, "W_h": figure.W_h, "b": b}
    x = np.array([state[f"x_{t}"] for t in (1, 2, 3)]).reshape(3, 1, 1)
    h, _ = layer.forward(x)
    error = h - figure.targets.reshape(3, 1, 1)
    dx, dstate = layer.backward(error)
    assert numbers["L3"] == pytest.approx(np.sum(error**2) / 2, abs=1e-14)
    for name, gradient in layer.grads.items():
        np.testing.assert_allclose(numbers[f"d{name}1"], gradient.ravel(), rtol=0, atol=1e-12)
    for t in (1, 2, 3):
        assert numbers[f"dx{t}"] == pytest.approx(dx[t - 1].item(), abs=1e-12)
    assert numbers["dh_prev1"] == pytest.approx(dstate.h.item(), abs=1e-12)
    assert numbers["dc_prev1"] == pytest.approx(dstate.c.item(), abs=1e-12)


def test_the_browser_agrees_at_every_operation_and_for_edited_inputs(shown):
    page = shown(figure)
    tried = [figure.state(operation=k) for k in range(END + 1)]
    tried += [figure.state(operation=END, **changes) for changes in states(40)]
    element = page.locator(f"#{figure.name}")
    got = element.evaluate("(figure, states) => states.map((s) => figure.compute(s))", tried)
    for state, numbers in zip(tried, got, strict=True):
        expected = figure.compute(state)
        assert list(numbers) == list(expected)
        assert_same(expected, numbers)


def test_the_browsers_gradients_are_the_slopes_of_its_loss(shown):
    page = shown(figure)
    for changes in states(3):
        state = figure.state(operation=END, **changes)
        numbers, slopes = page.locator(f"#{figure.name}").evaluate(
            """(figure, [state, names]) => [figure.compute(state), names.map((name) => {
                const loss = (by) => figure.compute({ ...state, [name]: state[name] + by }).L3;
                return (loss(1e-5) - loss(-1e-5)) / 2e-5;
            })]""",
            [state, INPUTS],
        )
        gradients = [*(numbers[f"dx{t}"] for t in (1, 2, 3)), *numbers["db1"]]
        np.testing.assert_allclose(gradients, slopes, rtol=0, atol=1e-9)


FUNCTIONS = {"σ": lambda z: 1 / (1 + math.exp(-z)), "tanh": math.tanh}


def evaluated(expression: str) -> float:
    for written, meant in {"½·": "0.5*", "·": "*", "−": "-", "²": "**2"}.items():
        expression = expression.replace(written, meant)
    return eval(expression, {"__builtins__": {}}, FUNCTIONS)


@pytest.mark.parametrize("changes", [{}, {"x_2": 3.0, "b_f": -10.0}, {"x_1": -2.5, "b_o": 1.5}])
def test_every_formula_gives_the_number_after_it(changes):
    for operation in range(1, END + 1):
        state = figure.state(operation=operation, **changes)
        drawn = figure.draw(state, figure.compute(state))
        lines = re.findall('<p class="(?:first|more)">(.*?)</p>', drawn)
        text = re.sub("<.*?>", "", "\n".join(lines)).replace("\n=", " =")  # a formula a line
        chains = [[part.strip() for part in line.split("=")] for line in text.split("\n")]
        with_numbers = 0
        for chain in chains:
            symbolic = re.compile("[a-zA-ZΣ]")
            numbers = [
                evaluated(part)
                for part in chain
                if not symbolic.search(re.sub(r"tanh(?=\((?:\d|−))|(?<=\d)e(?=−\d)", "", part))
            ]
            assert numbers == pytest.approx(numbers[-1:] * len(numbers), abs=2e-3), text
            with_numbers += len(numbers) > 1
        assert with_numbers == (4 if len(chains) == 5 else 1), text


@pytest.mark.parametrize("operation", [0, 1, 8, 20, 31, 32, 44, 48, 61, 62, 64])
def test_the_still_drawing_is_the_browsers(operation, shown):
    assert_drawn_alike(figure, {"operation": operation, "x_2": -0.25}, shown)


@pytest.mark.parametrize("T", [1, 2])
def test_fewer_steps(T, shown):
    x, y = np.arange(1.0, T + 1), np.zeros(T)
    small = widgets.CellSteps(figure.W_x, figure.W_h, np.zeros(4), x, y, operation=0)
    assert len(small.plan) == 20 * T + 4
    for operation in range(0, len(small.plan) + 1, 5):
        assert_drawn_alike(small, {"operation": operation}, shown)


def test_buttons_go_one_operation_on_and_back(shown):
    page = shown(figure)
    element = page.locator(f"#{figure.name}")
    back, on = (element.get_by_role("button", name=name) for name in ("Back", "Next"))

    def operation() -> int:
        return element.evaluate("(figure) => figure.state.operation")

    first = operation()
    on.tap()
    assert operation() == first + 1
    on.focus()
    page.keyboard.press("Enter")
    assert operation() == first + 2
    back.tap()
    assert operation() == first + 1
    for end, button in ((0, back), (END, on)):
        element.evaluate("(figure, operation) => figure.set({ operation })", end)
        button.tap()
        assert operation() == end


def test_a_link_leads_to_the_gradient_of_the_forget_gate_at_step_2(shown):
    operation = figure.plan.index(("df", 2)) + 1
    page = shown(figure, address=f"#{figure.name}&operation={operation}")
    assert page.get_by_text("Backward, step 2: forget gate").count() == 1


@pytest.mark.parametrize("changes", [{}, {"x_1": -0.7, "b_o": 3.0}, {"x_2": 2.5, "b_f": -4.0}])
def test_no_two_texts_touch(changes, shown):
    page = shown(figure)
    page.set_viewport_size({"width": 360, "height": 700})
    touching = page.locator(f"#{figure.name}").evaluate(
        """(figure, [state, last]) => {
            const found = [];
            for (let operation = 0; operation <= last; operation++) {
                figure.set({ ...state, operation });
                const svg = figure.drawing.querySelector("svg").getBoundingClientRect();
                const texts = [...figure.drawing.querySelectorAll("svg text")].map((text) => {
                    const { left, right, top, bottom } = text.getBoundingClientRect();
                    const out = left < svg.left || right > svg.right;
                    if (out) found.push([operation, text.innerHTML]);
                    return [text.innerHTML, left, right, top + 3, bottom - 3];
                });
                texts.forEach(([a, l, r, t, b], k) => texts.slice(k + 1).forEach(
                    ([other, l2, r2, t2, b2]) => {
                        if (l < r2 && l2 < r && t < b2 && t2 < b) found.push([operation, a, other]);
                    }));
            }
            return found;
        }""",
        [changes, END],
    )
    assert touching == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros(4), "targets": np.zeros(4)}, "expected 1 to 3 steps, got 4"),
        ({"x": np.zeros(0), "targets": np.zeros(0)}, "expected 1 to 3 steps, got 0"),
        ({"x": np.array([11.0])}, "expected x from -10 to 10"),
        ({"b": np.full(4, np.nan)}, "expected b from -10 to 10"),
        ({"W_h": np.full((4, 1), np.inf)}, "expected finite numbers in W_h"),
        ({"operation": 25}, "expected operation from 0 to 24"),
    ],
)
def test_what_it_cannot_show_is_refused(change, message):
    right = {
        "W_x": np.ones((4, 1)),
        "W_h": np.ones((4, 1)),
        "b": np.zeros(4),
        "x": np.zeros(1),
        "targets": np.zeros(1),
    }
    with pytest.raises(ValueError, match=message):
        widgets.CellSteps(**right | change)


def test_the_labels_are_those_of_the_book():
    chapters = Path(__file__).parents[2] / "chapters"
    book = "".join(path.read_text(encoding="utf-8") for path in chapters.glob("*.ipynb"))
    labels = {label for _, _, label, _, _ in figure.data["texts"].values()} - {""}
    assert len(labels) == 16
    assert {label for label in labels if f":label: {label}\\n" not in book} == set()
