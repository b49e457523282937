"""What is particular to the figure of temperature and top-k."""

import numpy as np
import pytest
import torch

from lstmlib.torch import sample
from lstmlib.widgets import Temperature
from lstmlib.widgets.temperature import CONTEXTS
from lstmlib.widgets.text_model import text_model

from .conftest import EXAMPLES
from .drawings import assert_drawn_alike


class Says(torch.nn.Module):
    """A model that has the same logits after any text."""

    def __init__(self, logits):
        super().__init__()
        self.config = {"vocab_size": len(logits)}
        self.logits = torch.nn.Parameter(torch.tensor(logits), requires_grad=False)

    def forward(self, symbols, state):
        return self.logits.expand(*symbols.shape, -1), state


@pytest.fixture
def sampled(monkeypatch):
    """The probabilities that ``lstmlib.torch.sample`` draws from, the highest first."""

    def probabilities(logits, temperature, top_k):
        seen = []

        def draw(p, *arguments, **keywords):
            seen.append(p.numpy())
            return torch.zeros(1, dtype=torch.int64)

        monkeypatch.setattr(torch, "multinomial", draw)
        sample(
            Says(logits), text_model().vocabulary, length=1, temperature=temperature, top_k=top_k
        )
        return seen[0]

    return probabilities


@pytest.mark.parametrize("tau", [0.1, 0.5, 1, 3])
@pytest.mark.parametrize("k", [0, 1, 7, 20, 64])
def test_the_library_samples_from_the_same_probabilities(sampled, tau, k):
    figure = Temperature()
    for context, option in zip(CONTEXTS, figure.data["options"], strict=True):
        _, logits = text_model().read("\n" + context)
        expected = np.append(sampled(logits[-1], tau, k or None), np.zeros(64))[:64]
        after = figure.compute(figure.state(context=option, tau=tau, k=k))["after"]
        assert np.abs(np.append(expected[:20], expected[20:].sum()) - after).max() < 1e-12


@pytest.mark.parametrize("k", [0, 10])
def test_entropy_rises_with_the_temperature_to_that_of_an_even_choice(k):
    figure = Temperature()
    for option in figure.data["options"]:
        states = [figure.state(context=option, tau=tau, k=k) for tau in np.arange(1, 31) / 10]
        entropies = [figure.compute(state)["entropies"][1] for state in states]
        assert (np.diff(entropies) > 0).all()
        assert entropies[-1] < np.log2(k or 64)


def test_draws_follow_the_probabilities():
    """No symbol is drawn four standard deviations more or less often than is expected."""
    figure = Temperature()
    for option in figure.data["options"]:
        for tau in (0.5, 1, 2):
            numbers = figure.compute(figure.state(context=option, tau=tau, draws=400))
            p, counts = np.array(numbers["after"]), np.array(numbers["counts"])
            assert counts.sum() == 400
            assert (np.abs(counts - 400 * p) <= 4 * np.sqrt(400 * p * (1 - p)) + 1).all()


def test_more_draws_go_on_from_those_before():
    figure = Temperature()
    counts = [figure.compute(figure.state(draws=n))["counts"] for n in range(0, 401, 20)]
    assert (np.diff(np.array(counts), axis=0) >= 0).all()
    assert np.diff(np.sum(counts, axis=1)).tolist() == [20] * 20


def test_what_is_not_among_the_k_likeliest_is_never_drawn():
    figure = Temperature()
    numbers = figure.compute(figure.state(k=3, tau=3.0, draws=400))
    assert numbers["after"][3:] == numbers["counts"][3:] == [0] * 18
    assert sum(numbers["after"]) == pytest.approx(1, abs=1e-12)


def test_wrong_arguments_are_refused():
    for contexts in ([], "To be"):
        with pytest.raises(ValueError, match="expected a list of at least one context, got"):
            Temperature(contexts)
    with pytest.raises(ValueError, match=r"expected tau from 0.1 to 3, got 0.0"):
        Temperature(temperature=0.0)
    with pytest.raises(ValueError, match="expected k from 0 to 64, got 65"):
        Temperature(top_k=65)
    with pytest.raises(ValueError, match="not in the alphabet"):
        Temperature(["Café"])


@pytest.mark.parametrize("changes", [{}, *EXAMPLES["temperature"].states])
def test_the_browser_draws_the_same(changes, shown):
    assert_drawn_alike(EXAMPLES["temperature"].figure, changes, shown)
