import numpy as np
import pytest

from lstmlib.lab.latch import latch_accuracy
from lstmlib.numpy import LSTM, RNN, orthogonal


def test_two_steps_are_learnt_by_every_layer():
    for make in (RNN, LSTM):
        rng = np.random.default_rng(0)
        layer = make(1, 8, rng=rng)
        assert latch_accuracy(layer, 2, rng=rng, updates=100) == 1


def test_an_untrained_layer_guesses():
    rng = np.random.default_rng(0)
    layer = RNN(1, 8, rng=rng)
    assert abs(latch_accuracy(layer, 60, rng=rng, updates=1) - 0.5) < 0.1


def test_the_layer_is_trained_in_place_and_the_generator_decides():
    results = []
    for seed in (0, 0, 1):
        rng = np.random.default_rng(seed)
        layer = RNN(1, 4, rng=rng)
        layer.params["W_h"][...] = orthogonal((4, 4), rng=rng)
        before = layer.params["W_h"].copy()
        latch_accuracy(layer, 5, rng=rng, updates=3)
        assert not np.array_equal(layer.params["W_h"], before)
        results.append(layer.params["W_h"])
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="updates is 0"):
        latch_accuracy(RNN(1, 4, rng=rng), 5, rng=rng, updates=0)
    with pytest.raises(ValueError, match="T = 0"):
        latch_accuracy(RNN(1, 4, rng=rng), 0, rng=rng)
    with pytest.raises(ValueError, match="input_size is 2"):
        latch_accuracy(RNN(2, 4, rng=rng), 5, rng=rng)
