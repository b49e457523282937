"""Sampling, against the model's own probabilities."""

import numpy as np
import pytest
import torch

from lstmlib.data import Vocabulary
from lstmlib.torch import CharModel, sample

VOCABULARY = Vocabulary("abcdefgh")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def model():
    """A model whose choices differ but are not certain, and that does not reach END."""
    torch.manual_seed(4)
    model = CharModel(len(VOCABULARY), 12)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(6)
        model.output.bias[VOCABULARY.END] = -100
    return model


def next_logits(model, text):
    symbols = np.append(VOCABULARY.START, VOCABULARY.encode(text))
    logits, _ = model.eval()(torch.tensor(symbols)[:, None])
    return logits[-1, 0].detach()


def greedy(model, text, length):
    """Always the most probable, the whole text read anew for each character."""
    for _ in range(length):
        logits = next_logits(model, text)
        logits[VOCABULARY.START] = -torch.inf
        text += VOCABULARY.decode(np.array([int(logits.argmax())]))
    return text


@pytest.mark.parametrize("seed_text", ["", "a", "hgfedcba"])
def test_temperature_to_0_and_top_1_are_the_most_probable(model, seed_text):
    expected = greedy(model, seed_text, 30)
    options = [
        {"temperature": 0},
        {"temperature": 1e-9},
        {"top_k": 1},
        {"temperature": 0, "top_k": 5},
    ]
    for option in options:
        assert sample(model, VOCABULARY, seed_text, length=30, **option) == expected
    assert sample(model, VOCABULARY, seed_text, length=30, temperature=1e-300) == expected


def test_seeds_reproduce(model):
    a, b, c = (
        sample(model, VOCABULARY, "ab", length=50, generator=generator(seed)) for seed in (1, 1, 2)
    )
    assert a == b != c
    torch.manual_seed(3)
    d = sample(model, VOCABULARY, "ab", length=50)
    torch.manual_seed(3)
    assert sample(model, VOCABULARY, "ab", length=50) == d


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, 3)])
def test_frequencies_are_the_probabilities(model, temperature, top_k):
    """1,500 next characters; each count within 5 standard deviations, zeros exactly."""
    n = 1500
    rng = generator(5)
    drawn = [
        sample(
            model, VOCABULARY, "abc", length=1, temperature=temperature, top_k=top_k, generator=rng
        )[-1]
        for _ in range(n)
    ]
    logits = next_logits(model, "abc").double()
    logits[VOCABULARY.START] = -torch.inf
    if top_k is not None:
        for k in logits.argsort(descending=True)[top_k:]:
            logits[k] = -torch.inf
    p = (logits / temperature).softmax(dim=0)
    assert 0.05 < p.max() < 0.95
    for k, character in enumerate(VOCABULARY.alphabet, start=1):
        mean, deviation = n * p[k], (n * p[k] * (1 - p[k])) ** 0.5
        assert abs(drawn.count(character) - mean) <= 5 * deviation


def test_length(model):
    for length in (0, 1, 17):
        text = sample(model, VOCABULARY, "abc", length=length)
        assert text.startswith("abc")
        assert len(text) == 3 + length


def test_end_ends_the_text():
    model = CharModel(len(VOCABULARY), 4)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.zero_()
        model.output.bias[VOCABULARY.START] = 50  # never drawn, however probable
        model.output.bias[VOCABULARY.END] = 1.0
    texts = [sample(model, VOCABULARY, "ab", length=40, generator=generator(s)) for s in range(20)]
    lengths = [len(text) - 2 for text in texts]
    assert len(set(lengths)) > 3
    # END has probability e / (e + 8): a text gets 2.9 characters on average, not 40 · 0.75.
    assert np.mean(lengths) < 10


def test_dropout_is_off_and_the_mode_is_kept(model):
    dropping = CharModel(len(VOCABULARY), 12, dropout=0.9)
    dropping.load_state_dict(model.state_dict())
    dropping.train()
    got = sample(dropping, VOCABULARY, "a", length=30, temperature=0)
    assert got == greedy(model, "a", 30)
    assert dropping.training


def test_an_unknown_character_is_named(model):
    model.train()
    with pytest.raises(ValueError, match=r"'x' at index 2 .*'abcdefgh'"):
        sample(model, VOCABULARY, "abxc")
    assert model.training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature: expected a number from 0 up, got -1.0"),
        ({"temperature": float("nan")}, "temperature: expected a number from 0 up, got nan"),
        ({"temperature": float("inf")}, "temperature: expected a number from 0 up, got inf"),
        ({"top_k": 0}, "top_k: expected 1 or more, got 0"),
        ({"length": -1}, "length: expected 0 or more, got -1"),
        ({"vocabulary": Vocabulary("abc")}, "the model knows 10 symbols, the vocabulary has 5"),
    ],
)
def test_bad_input(model, options, message):
    with pytest.raises(ValueError, match=message):
        sample(model, **{"vocabulary": VOCABULARY} | options)
