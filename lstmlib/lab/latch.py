"""How far back a recurrent layer learns to look: the latching task (chapters 4 and 6)."""

from typing import Any

import numpy as np

from lstmlib._shapes import checked
from lstmlib.data import latch
from lstmlib.numpy import Adam, Dense, Network, softmax_cross_entropy, train


@checked
def latch_accuracy(layer: Any, T: int, *, rng: np.random.Generator, updates: int = 300) -> float:
    """Train a layer on ``latch`` with T steps, and return its accuracy on 1,000 new sequences.

    The layer gets a linear read-out of its last state. Every update is a step of Adam with rate
    0.01 on 32 new sequences, the norm of the gradient clipped to 1: the same for every layer, so
    that only the layer and its first weights make a difference. Guessing has accuracy 1/2.

    Parameters
    ----------
    layer
        ``RNN``, ``LSTM`` or ``GRU`` with 1 input. It is trained in place.
    T
        Steps of a sequence: the class has to be kept for T − 1 of them.
    rng
        Draws the read-out's weights and all sequences.
    updates
        How many there are.

    Raises
    ------
    ValueError
        The layer does not take 1 input, or T or updates is below 1.
    """
    if updates < 1:
        raise ValueError(f"updates is {updates}: it must be at least 1")
    readout = Dense(layer.output_size, 2, rng=rng)
    network = Network(layer, readout, softmax_cross_entropy, last=True)
    batches = (latch(T, 32, rng=rng) for _ in range(updates))
    train(network, batches, Adam(network.params, lr=0.01), clip=1.0)
    x, y = latch(T, 1000, rng=rng)
    logits, _ = network.forward(x)
    return float(np.mean(logits.argmax(axis=-1) == y))
