"""The small character model of ``lstmlib.widgets``: rounding, and what it is compared with."""

import numpy as np
import pytest
import torch

from lstmlib.lab import browser_text
from lstmlib.torch import CharModel


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return CharModel(len(browser_text.VOCABULARY), 8, embedding_size=4).eval()


def test_rounded_weights_make_nearly_the_same_model(model):
    arrays = browser_text.rounded(model)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float16)}
    symbols = torch.tensor(browser_text.VOCABULARY.encode("To be, or not to be")[:, None])
    with torch.no_grad():
        difference = (browser_text.restored(arrays)(symbols)[0] - model(symbols)[0]).abs().max()
    assert 0 < difference < 5e-3


def test_rounding_again_changes_nothing(model):
    once = browser_text.rounded(model)
    again = browser_text.rounded(browser_text.restored(once))
    assert once.keys() == again.keys()
    assert all(np.array_equal(once[name], again[name]) for name in once)


def test_counting_pairs_is_better_than_counting_letters_and_both_than_nothing():
    losses = browser_text.counted()
    even = np.log(len(browser_text.VOCABULARY))
    assert losses["pair counts"] + 0.5 < losses["letter counts"] < even - 0.5
