"""A layer, its read-out and its loss as one function: its gradients, and what it refuses."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from lstmlib.numpy import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adam,
    Bidirectional,
    Dense,
    Network,
    Stacked,
    gradcheck,
    mean_squared_error,
    softmax_cross_entropy,
    train,
)

T, B, D, H, K = 5, 3, 4, 6, 2
LENGTHS = np.array([5, 1, 3])


def stacked(D, H, *, rng):
    return Stacked([LSTM(D, 3, rng=rng), GRU(3, H, rng=rng)])


def bidirectional(D, H, *, rng):
    return Bidirectional(RNN(D, 1, rng=rng), GRU(D, H - 1, rng=rng))


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture(params=[RNN, LSTM, GRU, stacked, bidirectional])
def layer(request, rng):
    return request.param(D, H, rng=rng)


@pytest.fixture
def x(rng):
    return rng.standard_normal((T, B, D))


def make_targets(rng, loss, last):
    shape = (B,) if last else (T, B)
    if loss is softmax_cross_entropy:
        return rng.integers(K, size=shape)
    return rng.standard_normal((*shape, K))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "padded"])
@pytest.mark.parametrize("last", [False, True], ids=["every", "last"])
@pytest.mark.parametrize("loss", [softmax_cross_entropy, mean_squared_error])
def test_gradients(layer, x, rng, loss, last, lengths):
    network = Network(layer, Dense(H, K, rng=rng), loss, last=last)
    targets = make_targets(rng, loss, last)

    def function(params):
        for name, p in params.items():
            network.params[name][...] = p
        value = network.loss_and_grads(x, targets, lengths=lengths)
        return value, dict(network.grads)

    assert gradcheck(function, dict(network.params)) < 1e-6


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_gradients_from_a_state(kind, x, rng):
    network = Network(kind(D, H, rng=rng), Dense(H, K, rng=rng), mean_squared_error)
    _, state = network.forward(rng.standard_normal((2, B, D)))
    targets = rng.standard_normal((T, B, K))

    def function(params):
        for name, p in params.items():
            network.params[name][...] = p
        return network.loss_and_grads(x, targets, state), dict(network.grads)

    assert gradcheck(function, dict(network.params)) < 1e-6
    y, _ = network.forward(x, state)
    assert network.loss_and_grads(x, targets, state) == np.mean((y - targets) ** 2)


def test_last_is_the_last_of_each_sequence(layer, x, rng):
    readout = Dense(H, K, rng=rng)
    every, _ = Network(layer, readout, mean_squared_error).forward(x, lengths=LENGTHS)
    last, _ = Network(layer, readout, mean_squared_error, last=True).forward(x, lengths=LENGTHS)
    for b, n in enumerate(LENGTHS):
        np.testing.assert_allclose(last[b], every[n - 1, b], rtol=1e-14)
    np.testing.assert_allclose(
        Network(layer, readout, mean_squared_error, last=True).forward(x)[0],
        Network(layer, readout, mean_squared_error).forward(x)[0][-1],
        rtol=1e-14,
    )


def test_padding_does_not_count(layer, x, rng):
    network = Network(layer, Dense(H, K, rng=rng), softmax_cross_entropy)
    targets = rng.integers(K, size=(T, B))
    changed, others = x.copy(), targets.copy()
    for b, n in enumerate(LENGTHS):
        changed[n:, b] = 7
        others[n:, b] = 1 - targets[n:, b]
    loss = network.loss_and_grads(x, targets, lengths=LENGTHS)
    grads = {name: g.copy() for name, g in network.grads.items()}
    assert network.loss_and_grads(changed, others, lengths=LENGTHS) == loss
    for name, g in network.grads.items():
        np.testing.assert_array_equal(g, grads[name])


def test_training_reaches_the_parts(layer, x, rng):
    readout = Dense(H, K, rng=rng)
    network = Network(layer, readout, softmax_cross_entropy)
    before = {name: p.copy() for name, p in network.params.items()}
    y = rng.integers(K, size=(T, B))
    losses = train(network, [(x, y)] * 150, Adam(network.params, lr=0.05))
    assert len(losses) == 150
    assert losses[-1] < 0.05 < losses[0]
    for name, p in network.params.items():
        assert not np.array_equal(p, before[name])
    assert network.params["readout.W"] is readout.params["W"]


def test_train_is_steps_of_the_optimiser(x, rng):
    """By hand: loss, gradients, norm over all of them, step; the loss is that before the step."""
    network, twin = (
        Network(
            RNN(D, H, rng=np.random.default_rng(3)),
            Dense(H, K, rng=np.random.default_rng(4)),
            mean_squared_error,
        )
        for _ in range(2)
    )
    batches = [(x, 10 * rng.standard_normal((T, B, K))) for _ in range(3)]
    losses = train(network, iter(batches), SGD(network.params, lr=0.1), clip=0.5)
    for batch, loss in zip(batches, losses, strict=True):
        assert twin.loss_and_grads(*batch) == loss
        norm = np.sqrt(sum((g**2).sum() for g in twin.grads.values()))
        assert norm > 0.5
        for name, p in twin.params.items():
            p -= 0.1 * twin.grads[name] * 0.5 / norm
    for name, p in network.params.items():
        np.testing.assert_allclose(p, twin.params[name], rtol=1e-12)


class TestBadInput:
    def network(self, rng, **options):
        return Network(RNN(D, H, rng=rng), Dense(H, K, rng=rng), softmax_cross_entropy, **options)

    def test_readout_of_another_size(self, rng):
        with pytest.raises(ValueError, match="output_size 6, but readout has input_size 5"):
            Network(RNN(D, H, rng=rng), Dense(5, K, rng=rng), mean_squared_error)

    def test_readout_of_another_type(self, rng):
        readout = Dense(H, K, rng=rng, dtype=np.float32)
        with pytest.raises(TypeError, match="layer is float64, readout is float32"):
            Network(RNN(D, H, rng=rng), readout, mean_squared_error)

    def test_input_of_another_size(self, rng):
        with pytest.raises(ValueError, match="last axis is 5, but the layer's input_size is 4"):
            self.network(rng).loss_and_grads(np.zeros((T, B, 5)), np.zeros((T, B), int))

    def test_targets_of_every_step_for_the_last(self, rng, x):
        with pytest.raises(TypeCheckError, match="targets"):
            self.network(rng, last=True).loss_and_grads(x, np.zeros((T, B), int))

    def test_targets_with_the_axes_swapped(self, rng, x):
        with pytest.raises(TypeCheckError, match="targets"):
            self.network(rng).loss_and_grads(x, np.zeros((B, T), int))

    def test_no_such_class(self, rng, x):
        with pytest.raises(ValueError, match="is 2: 2 logits, so 0 to 1"):
            self.network(rng).loss_and_grads(x, np.full((T, B), 2))

    def test_a_loss_that_is_not_finite(self, rng, x):
        network = Network(RNN(D, H, rng=rng), Dense(H, K, rng=rng), mean_squared_error)
        before = {name: p.copy() for name, p in network.params.items()}
        targets = np.full((T, B, K), np.nan)
        with pytest.raises(FloatingPointError, match="the loss of batch 0 is nan"):
            train(network, [(x, targets)], SGD(network.params, lr=0.1))
        for name, p in network.params.items():
            np.testing.assert_array_equal(p, before[name])

    def test_not_a_network(self, rng):
        with pytest.raises(TypeCheckError, match="network"):
            train(Dense(H, K, rng=rng), [], SGD({}, lr=0.1))
