"""Every layer and combination against central differences: x, all weights, the first state."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lstmlib.numpy import (
    GRU,
    LSTM,
    MLP,
    RNN,
    Bidirectional,
    Dense,
    Stacked,
    gradcheck,
    gru_step,
    gru_step_backward,
    lstm_step,
    lstm_step_backward,
    mean_squared_error,
    rnn_step,
    rnn_step_backward,
    softmax_cross_entropy,
)

TOLERANCE = 1e-6
size = st.integers(1, 3)


def relu_rnn(D, H, *, rng):
    return RNN(D, H, rng=rng, activation="relu")


def bidirectional_lstm(D, H, *, rng):
    return Bidirectional(LSTM(D, H, rng=rng), LSTM(D, H, rng=rng))


def bidirectional_mixed(D, H, *, rng):
    return Bidirectional(GRU(D, H, rng=rng), RNN(D, 2, rng=rng))


def stacked_lstm(D, H, *, rng):
    return Stacked([LSTM(D, H, rng=rng), LSTM(H, 2, rng=rng)])


def stacked_dropout(D, H, *, rng):
    layers = [GRU(D, H, rng=rng), RNN(H, 3, rng=rng), LSTM(3, H, rng=rng)]
    return Stacked(layers, dropout=0.4, rng=rng)


def stacked_bidirectional(D, H, *, rng):
    below = Bidirectional(LSTM(D, H, rng=rng), LSTM(D, H, rng=rng))
    above = Bidirectional(LSTM(2 * H, 2, rng=rng), LSTM(2 * H, 2, rng=rng))
    return Stacked([below, above], dropout=0.3, rng=rng)


LAYERS = [
    RNN,
    relu_rnn,
    LSTM,
    GRU,
    bidirectional_lstm,
    bidirectional_mixed,
    stacked_lstm,
    stacked_dropout,
    stacked_bidirectional,
]


def random_state(layer, B, rng):
    """Return a random state of the layer's form."""
    if isinstance(layer, LSTM):
        return tuple(rng.standard_normal((2, B, layer.hidden_size)))
    if isinstance(layer, Bidirectional):
        parts = (layer.forward_layer, layer.backward_layer)
        return tuple(random_state(part, B, rng) for part in parts)
    if isinstance(layer, Stacked):
        return tuple(random_state(part, B, rng) for part in layer.layers)
    return rng.standard_normal((B, layer.hidden_size))


@pytest.mark.parametrize("make", LAYERS)
@settings(max_examples=6)
@given(T=st.integers(1, 4), B=size, D=size, H=size, padded=st.booleans(), seed=st.integers(0, 99))
@example(T=1, B=1, D=1, H=1, padded=False, seed=0)
@example(T=4, B=3, D=2, H=3, padded=True, seed=1)
def test_layers(make, T, B, D, H, padded, seed):
    rng = np.random.default_rng(seed)
    layer = make(D, H, rng=rng)
    x = rng.standard_normal((T, B, D))
    state = random_state(layer, B, rng)
    lengths = rng.integers(1, T + 1, B) if padded else None
    worst = gradcheck(layer, x, state, lengths)
    assert worst <= TOLERANCE, worst
    assert set(worst.entries) > {"x", *layer.params}
    assert sum(name.startswith("state") for name in worst.entries) >= 1


@given(shape=st.lists(size, min_size=1, max_size=3), D=size, K=size, seed=st.integers(0, 99))
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_layers_without_memory(activation, shape, D, K, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((*shape, D))
    for layer in (Dense(D, K, rng=rng), MLP([D, 4, 3, K], rng=rng, activation=activation)):
        worst = gradcheck(layer, x)
        assert worst <= TOLERANCE, worst


def names_of(arrays):
    return {name: arrays[name] for name in arrays if name not in ("x", "h", "c")}


@given(B=size, D=size, H=size, seed=st.integers(0, 99))
@pytest.mark.parametrize("kind", ["rnn tanh", "rnn relu", "gru", "lstm"])
def test_steps(kind, B, D, H, seed):
    rng = np.random.default_rng(seed)
    make = {"rnn tanh": RNN, "rnn relu": RNN, "gru": GRU, "lstm": LSTM}[kind]
    arrays = make(D, H, rng=rng).params | {
        "x": rng.standard_normal((B, D)),
        "h": rng.standard_normal((B, H)),
    }
    if kind == "lstm":
        arrays["c"] = rng.standard_normal((B, H))
    wh, wc = rng.standard_normal((2, B, H))

    def one_step(a):
        if kind == "lstm":
            (h, c), cache = lstm_step(a["x"], (a["h"], a["c"]), **names_of(a))
            dx, (dh, dc), grads = lstm_step_backward((wh, wc), cache)
            return np.vdot(wh, h) + np.vdot(wc, c), grads | {"x": dx, "h": dh, "c": dc}
        if kind == "gru":
            h, cache = gru_step(a["x"], a["h"], **names_of(a))
            dx, dh, grads = gru_step_backward(wh, cache)
        else:
            h, cache = rnn_step(a["x"], a["h"], **names_of(a), activation=kind[4:])
            dx, dh, grads = rnn_step_backward(wh, cache)
        return np.vdot(wh, h), grads | {"x": dx, "h": dh}

    worst = gradcheck(one_step, arrays)
    assert worst <= TOLERANCE, worst
    assert set(worst.entries) == set(arrays)


@given(T=size, B=size, K=st.integers(1, 4), padded=st.booleans(), seed=st.integers(0, 99))
def test_losses(T, B, K, padded, seed):
    rng = np.random.default_rng(seed)
    z, y = rng.standard_normal((2, T, B, K))
    targets = rng.integers(0, K, (T, B))
    lengths = rng.integers(1, T + 1, B) if padded else None
    for loss in (
        lambda z: softmax_cross_entropy(z, targets, lengths),
        lambda z: mean_squared_error(z, y, lengths),
    ):
        worst = gradcheck(loss, z)
        assert worst <= TOLERANCE, worst
    assert gradcheck(lambda z: softmax_cross_entropy(z, targets[0]), z[0]) <= TOLERANCE
    assert gradcheck(lambda z: mean_squared_error(z, y[0]), z[0]) <= TOLERANCE


@pytest.mark.parametrize("at_the_end", [False, True])
def test_a_whole_model(at_the_end):
    """Layer, read-out and loss, per step or at the end, of sequences of different lengths."""
    rng = np.random.default_rng(0)
    lstm, dense = LSTM(3, 4, rng=rng), Dense(4, 5, rng=rng)
    x, lengths = rng.standard_normal((4, 3, 3)), np.array([4, 1, 2])
    targets = rng.integers(0, 5, (4, 3))

    def model(arrays):
        h, end = lstm.forward(arrays["x"], lengths=lengths)
        if at_the_end:
            loss, dlogits = softmax_cross_entropy(dense.forward(end.h), targets[0])
            dend = dense.backward(dlogits), np.zeros_like(end.c)
            dx, _ = lstm.backward(None, dend)
        else:
            loss, dlogits = softmax_cross_entropy(dense.forward(h), targets, lengths)
            dx, _ = lstm.backward(dense.backward(dlogits))
        return loss, {"x": dx, **lstm.grads, **{f"dense.{k}": g for k, g in dense.grads.items()}}

    arrays = {"x": x, **lstm.params, **{f"dense.{name}": p for name, p in dense.params.items()}}

    def from_arrays(arrays):
        for name, a in arrays.items():
            if name.startswith("dense."):
                dense.params[name.removeprefix("dense.")] = a
            elif name != "x":
                lstm.params[name] = a
        return model(arrays)

    worst = gradcheck(from_arrays, arrays)
    assert worst <= TOLERANCE, worst
