"""The unrolled network: its gradients are the loss's slopes, its paths those that chunks leave."""

import numpy as np
import pytest

from lstmlib import widgets
from lstmlib.numpy import RNN

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike

figure = EXAMPLES["unrolled"].figure
LOSSES = ["the last step", "every step"]


def loss(weight: float, steps: int, losses: str) -> float:
    h, errors = 1.0, []
    for x, target in zip(figure.x[:steps], figure.targets[:steps], strict=True):
        h = np.tanh(weight * h + x)
        errors.append((h - target) ** 2 / 2)
    return errors[-1] if losses == "the last step" else sum(errors)


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("weight", [-1.5, 0, 0.9])
@pytest.mark.parametrize("steps", [1, 5, 8])
def test_the_full_gradient_is_the_slope_of_the_loss(losses, weight, steps):
    numbers = figure.compute(figure.state(steps=steps, weight=weight, loss=losses))
    slope = (loss(weight + 1e-6, steps, losses) - loss(weight - 1e-6, steps, losses)) / 2e-6
    assert np.isclose(numbers["full"]["dw"], slope, atol=1e-8)


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("steps", range(1, 9))
@pytest.mark.parametrize("chunk", range(1, 9))
def test_paths_are_those_that_truncation_leaves(losses, steps, chunk):
    numbers = figure.compute(figure.state(steps=steps, chunk=chunk, loss=losses))
    layer = RNN(1, 1, rng=np.random.default_rng(0))
    layer.forward(np.zeros((steps, 1, 1)))
    of_each = []
    for t in range(steps):
        only_t = np.zeros((steps, 1, 1))
        only_t[t] = 1
        of_each.append(np.count_nonzero(layer.backward(only_t, truncate=chunk)[0]))
    assert numbers["kept"] == (of_each[-1] if losses == "the last step" else sum(of_each))
    assert numbers["paths"] == (steps if losses == "the last step" else steps * (steps + 1) / 2)
    assert (numbers["chunks"] == numbers["full"]) == (chunk >= steps)
    for gradients in (numbers["chunks"], numbers["full"]):
        assert np.isclose(sum(gradients["copies"]), gradients["dw"])
    reached = np.flatnonzero(numbers["chunks"]["dh"])
    if losses == "the last step":
        assert len(reached) == numbers["kept"]


@pytest.mark.parametrize(
    ("changes", "cuts"),
    [
        ({}, 2),
        ({"chunk": 8}, 0),
        ({"chunk": 1}, 7),
        ({"loss": "the last step"}, 1),
        ({"loss": "the last step", "chunk": 4, "steps": 3}, 0),
    ],
)
def test_a_cut_is_drawn_where_a_gradient_ends(changes, cuts):
    state = figure.state(**changes)
    assert figure.draw(state, figure.compute(state)).count("l6 -16m-2 16l6 -16") == cuts


@pytest.mark.parametrize("changes", [{}, *EXAMPLES["unrolled"].states])
def test_the_browser_draws_the_same(changes, shown):
    assert_drawn_alike(figure, changes, shown)


def test_what_is_rounded_to_0_has_no_minus():
    state = figure.state(chunk=1, weight=0.4)
    drawn = figure.draw(state, figure.compute(state))
    assert "−0.00<" not in drawn
    state = figure.state()
    assert -0.005 < figure.compute(state)["chunks"]["copies"][6] < 0
    assert ">+0.00<" in figure.draw(state, figure.compute(state))


def test_what_cannot_be_shown_is_refused():
    eight = np.zeros(8)
    with pytest.raises(ValueError, match="expected 8 inputs and targets, got 7"):
        widgets.Unrolled(eight[:7], eight[:7])
    with pytest.raises(ValueError, match=r"expected weight from -1\.5 to 1\.5, got 2"):
        widgets.Unrolled(eight, eight, weight=2.0)
    with pytest.raises(ValueError, match=r"expected weight from -1\.5 to 1\.5 in steps of 0\.1"):
        widgets.Unrolled(eight, eight, weight=0.25)
    with pytest.raises(ValueError, match="expected finite numbers in targets, got"):
        widgets.Unrolled(eight, np.full(8, np.nan))
    with pytest.raises(ValueError, match="expected chunk from 1 to 8, got 9"):
        widgets.Unrolled(eight, eight, chunk=9)
