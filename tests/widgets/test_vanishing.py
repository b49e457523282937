"""What the figure of vanishing gradients says, where it can be known in another way."""

import numpy as np
import pytest

from lstmlib import widgets

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike
from .test_figures import assert_same, element


def figure(seed=0, **options):
    return widgets.Vanishing(np.random.default_rng(seed), **options)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("radius", [0.4, 1.0, 1.5])
def test_no_norm_is_above_its_bound(seed, radius):
    of = figure(seed, lstm=True)
    for activation in ("linear", "tanh"):
        numbers = of.compute(of.state(radius=radius, activation=activation, bias=5.0))
        assert (np.array(numbers["measured"]) <= np.array(numbers["bound"]) + 1e-9).all()
        assert (np.diff(numbers["direct"]) < 0).all()  # a gate is below 1
        assert numbers["measured"][0] == numbers["cell"][0] == numbers["direct"][0] == 0


def test_the_matrix_has_the_radius_that_is_chosen():
    of = figure()
    numbers = of.compute(of.state(radius=1.25, activation="linear"))
    W_h = 1.25 * of.rnn["W_h"]
    assert abs(np.linalg.eigvals(W_h)).max() == pytest.approx(1.25)
    power = np.linalg.matrix_power(W_h, 40)
    assert numbers["measured"][40] == pytest.approx(np.log10(np.linalg.norm(power, 2)))
    assert numbers["sigma"] == pytest.approx(np.linalg.norm(W_h, 2))
    for block in of.cell["W_h"].reshape(4, 8, 8):
        assert abs(np.linalg.eigvals(block)).max() == pytest.approx(1)


def test_the_forget_bias_decides_what_stays_on_the_cell():
    of = figure(lstm=True)
    at_40 = [of.compute(of.state(bias=bias))["direct"][40] for bias in (-2.0, 1.0, 3.0, 5.0)]
    assert at_40 == sorted(at_40)
    assert at_40[0] < -20
    assert at_40[-1] > -0.2


@pytest.mark.parametrize("seed", range(1, 6))
def test_other_weights_agree_as_well(seed, shown):
    of = figure(seed, lstm=True)
    page = shown(of)
    for changes in ({}, {"radius": 1.5, "bias": -2.0}, {"radius": 0.4, "activation": "linear"}):
        state = of.state(**changes)
        got = element(page, of).evaluate("(figure, state) => figure.compute(state)", state)
        assert_same(of.compute(state), got)


@pytest.mark.parametrize("options", [{"lag": 0}, {"lag": 41}, {"radius": 0.35}, {"radius": 1.6}])
def test_what_cannot_be_shown_is_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"expected {name} from"):
        figure(**options)


@pytest.mark.parametrize("changes", [{}, *EXAMPLES["vanishing with an LSTM"].states])
def test_the_browser_draws_the_same(changes, shown):
    assert_drawn_alike(EXAMPLES["vanishing with an LSTM"].figure, changes, shown)
