"""Networks of every kind with random weights, and Keras on torch."""

import os

import numpy as np
import pytest

from lstmlib.numpy import GRU, LSTM, RNN, Bidirectional, Stacked

os.environ["KERAS_BACKEND"] = "torch"  # read when keras is imported, which test_keras.py does

LAYERS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}


@pytest.fixture(scope="session")
def network():
    """Return a function that builds a NumPy network with all weights drawn anew, no bias 0."""

    def build(kind, D, H, layers, bidirectional, seed):
        rng = np.random.default_rng(seed)
        stack = []
        for _ in range(layers):
            cells = [LAYERS[kind](D, H, rng=rng) for _ in range(1 + bidirectional)]
            stack.append(Bidirectional(*cells) if bidirectional else cells[0])
            D = stack[-1].output_size
        network = stack[0] if layers == 1 else Stacked(stack)
        for a in network.params.values():
            a[...] = rng.normal(size=a.shape)
        return network

    return build
